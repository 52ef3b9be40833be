// The viewer: NiiVue, loaded with the first scan. Radiological convention, millimetres, a heatmap over the scan.

import { applyAffine, writeNifti } from "@anymc3d/io";
import type { Volume } from "@anymc3d/sdk";
import type { Niivue, NVImage } from "@niivue/niivue";
import { type DisplayLimits, displaySteps, type Steps, thinned } from "./display-grid.js";

export const LAYOUTS = ["axial", "coronal", "sagittal", "all planes", "3D"] as const;
export type Layout = (typeof LAYOUTS)[number];

export interface Window {
  readonly name: string;
  readonly range: readonly [low: number, high: number];
}

/** Of Hounsfield units; width and level as radiologists set them. */
const CT_WINDOWS: readonly Window[] = [
  { name: "Lung", range: [-1350, 150] },
  { name: "Soft tissue", range: [-160, 240] },
  { name: "Bone", range: [-450, 1050] },
  { name: "Brain", range: [0, 80] },
];

/** Heat below this is not shown. */
const COOL = 0.2;

export class Viewer {
  readonly #nv: Niivue;
  #heat: NVImage | undefined;
  #volume: Volume | undefined;
  #steps: Steps = [1, 1, 1];
  #wantedHeat: Volume | undefined;
  #full: readonly [number, number] = [0, 1];

  private constructor(nv: Niivue) {
    this.#nv = nv;
  }

  /** @throws Error where there is no WebGL 2 */
  static async on(canvas: HTMLCanvasElement): Promise<Viewer> {
    const { Niivue: Nv, SHOW_RENDER } = await import("@niivue/niivue");
    const nv = new Nv({
      backColor: [0, 0, 0, 1],
      crosshairColor: [0.49, 0.71, 1, 0.9],
      crosshairWidth: 0.4,
      crosshairWidthUnit: "percent",
      isRadiologicalConvention: true,
      isOrientCube: false,
      dragAndDropEnabled: false,
      loadingText: "",
      show3Dcrosshair: true,
      logLevel: "silent",
    });
    await nv.attachToCanvas(canvas);
    // Beside the planes, the volume in 3D: a fourth picture, unless a program plays the graphics processor, which would take seconds for each.
    nv.opts.multiplanarShowRender = isSoftware(nv.gl) ? SHOW_RENDER.NEVER : SHOW_RENDER.ALWAYS;
    return new Viewer(nv);
  }

  /** Shows a scan. @returns false where another one was wanted meanwhile */
  async show(volume: Volume): Promise<boolean> {
    const nv = this.#nv;
    this.#volume = volume;
    this.#steps = displaySteps(volume, limitsOf(nv.gl));
    const scan = await imageOf(thinned(volume, this.#steps), "scan.nii");
    if (this.#volume !== volume) return false;
    for (const image of [...nv.volumes]) nv.removeVolume(image);
    this.#heat = undefined;
    nv.addVolume(scan);
    this.#full = [scan.global_min ?? 0, scan.global_max ?? 1];
    nv.setMultiplanarLayout(2);
    return true;
  }

  /** Whether fewer voxels are shown than there are. */
  get isThinned(): boolean {
    return this.#steps.some((step) => step > 1);
  }

  /** Windows that make sense for the scan; the first is the one to begin with. */
  windows(): readonly Window[] {
    const full: Window = { name: "Full range", range: this.#full };
    const [image] = this.#nv.volumes;
    const auto: Window = { name: "Automatic", range: [image?.robust_min ?? this.#full[0], image?.robust_max ?? this.#full[1]] };
    const isCt = this.#volume?.modality === "CT" || this.#full[0] <= -900;
    return isCt ? [...(this.#full[0] <= -700 ? CT_WINDOWS : [CT_WINDOWS[1], CT_WINDOWS[2], CT_WINDOWS[3]]), auto, full] : [auto, full];
  }

  setWindow([low, high]: Window["range"]): void {
    const [image] = this.#nv.volumes;
    if (!image) return;
    image.cal_min = low;
    image.cal_max = high;
    this.#nv.updateGLVolume();
  }

  setLayout(layout: Layout): void {
    const nv = this.#nv;
    const types = [nv.sliceTypeAxial, nv.sliceTypeCoronal, nv.sliceTypeSagittal, nv.sliceTypeMultiplanar, nv.sliceTypeRender];
    nv.setSliceType(types[LAYOUTS.indexOf(layout)]);
  }

  /** @param heat on the scan's grid, 0 … 1; undefined: none */
  async setHeat(heat: Volume | undefined, opacity: number): Promise<void> {
    const nv = this.#nv;
    this.#wantedHeat = heat;
    if (this.#heat) nv.removeVolume(this.#heat);
    this.#heat = undefined;
    if (!heat) return;
    const image = await imageOf(thinned(heat, this.#steps), "heat.nii", { colormap: "inferno", opacity, cal_min: COOL, cal_max: 1 });
    if (this.#wantedHeat !== heat) return;
    this.#heat = image;
    nv.addVolume(image);
  }

  setOpacity(opacity: number): void {
    if (this.#heat && this.#nv.volumes.length > 1) this.#nv.setOpacity(1, opacity);
  }

  /** Moves the crosshair to a slice: to the warmest place on it, or to its middle. */
  goTo(axis: 0 | 1 | 2, index: number, heat?: Volume): void {
    const volume = this.#volume;
    if (!volume) return;
    const voxel = heat ? warmest(heat, axis, index) : volume.shape.map((n) => (n - 1) / 2);
    voxel[axis] = index;
    const [x, y, z] = voxel;
    const nv = this.#nv;
    nv.scene.crosshairPos = volume.affine
      ? nv.mm2frac(applyAffine(volume.affine, [x, y, z]) as [number, number, number])
      : ([0, 1, 2].map((a) => (voxel[a] + 0.5) / volume.shape[a]) as [number, number, number]);
    nv.drawScene();
  }

  /** What is shown, as PNG. */
  picture(): Promise<Blob> {
    this.#nv.drawScene();
    return new Promise((resolve, reject) => {
      this.#nv.canvas?.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture could not be made"))), "image/png");
    });
  }
}

function isSoftware(gl: WebGL2RenderingContext): boolean {
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER)));
}

/** A voxel takes up to 12 bytes there: its value, its colour, and the heatmap's. */
function limitsOf(gl: WebGL2RenderingContext): DisplayLimits {
  const { deviceMemory = 8 } = navigator as { deviceMemory?: number };
  return { voxels: isSoftware(gl) ? 2 ** 24 : deviceMemory <= 4 ? 2 ** 25 : 2 ** 27, side: gl.getParameter(gl.MAX_3D_TEXTURE_SIZE) };
}

async function imageOf(
  volume: Volume,
  name: string,
  options: { colormap?: string; opacity?: number; cal_min?: number; cal_max?: number } = {},
): Promise<NVImage> {
  const { NVImage: Image } = await import("@niivue/niivue");
  return Image.loadFromFile({ file: new File([writeNifti(volume) as Uint8Array<ArrayBuffer>], name), name, ...options });
}

function warmest({ data, shape }: Volume, axis: 0 | 1 | 2, index: number): number[] {
  const [nx, ny] = shape;
  const stride = [1, nx, nx * ny];
  const [a, b] = [0, 1, 2].filter((each) => each !== axis);
  let best = -1;
  let at = [0, 0];
  for (let i = 0; i < shape[a]; i++) {
    for (let j = 0; j < shape[b]; j++) {
      const value = data[index * stride[axis] + i * stride[a] + j * stride[b]];
      if (value > best) [best, at] = [value, [i, j]];
    }
  }
  const voxel = [index, index, index];
  [voxel[a], voxel[b]] = at;
  return voxel;
}
