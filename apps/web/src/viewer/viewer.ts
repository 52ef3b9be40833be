// The viewer: NiiVue, loaded with the first scan. Radiological convention, millimetres, a heatmap over the scan.

import { volumeStatistics } from "@anymc3d/core";
import { applyAffine, invertAffine } from "@anymc3d/io";
import type { Volume } from "@anymc3d/sdk";
import type { Niivue, NVImage } from "@niivue/niivue";
import { type DisplayLimits, displaySteps, type Steps, thinned } from "./display-grid.js";
import { heatColormap, OPAQUE } from "./heat-colors.js";
import { leaveInputToPage } from "./niivue-input.js";
import { showLetters } from "./orientation-letters.js";
import { type Axis, LAYOUTS, type Layout, type Voxel } from "./planes.js";
import { imageOf } from "./voxel-image.js";
import { AIR, isCt, type Values, type Window, windowsFor } from "./windows.js";

/** Names of colours that NiiVue does not bring. */
const SCAN_COLORS = "scan";
const HEAT_COLORS = "heat";
/** NiiVue's kind of overlay whose opacity is the square of its value's share of `cal_min`. */
const TRANSLUCENT_BELOW_MIN = 1;

export class Viewer {
  readonly #nv: Niivue;
  #heat: NVImage | undefined;
  #volume: Volume | undefined;
  /** Whether `#volume` is on the screen already. */
  #isShown = false;
  #drawing = false;
  #steps: Steps = [1, 1, 1];
  #wantedHeat: Volume | undefined;
  /** Up to where, of 255, a scan's values are not drawn in 3D. */
  #clear = 0;
  #values: Values = { full: [0, 1], robust: [0, 1] };

  /** Called with the voxel that the crosshair came to, whatever moved it. */
  onMove: (voxel: Voxel) => void = () => {};

  private constructor(nv: Niivue) {
    this.#nv = nv;
    nv.onLocationChange = () => this.#moved();
  }

  /** @throws Error where there is no WebGL 2 */
  static async on(canvas: HTMLCanvasElement): Promise<Viewer> {
    const { DRAG_MODE, MULTIPLANAR_TYPE, Niivue: Nv, SHOW_RENDER } = await import("@niivue/niivue");
    const nv = new Nv({
      backColor: [0, 0, 0, 1],
      crosshairColor: [0.49, 0.71, 1, 0.9],
      crosshairWidth: 0.4,
      crosshairWidthUnit: "percent",
      multiplanarLayout: MULTIPLANAR_TYPE.GRID,
      isRadiologicalConvention: true,
      sagittalNoseLeft: true,
      isOrientCube: false,
      dragAndDropEnabled: false,
      dragMode: DRAG_MODE.none,
      isForceMouseClickToVoxelCenters: true,
      loadingText: "",
      show3Dcrosshair: true,
      renderOverlayBlend: 0.4,
      logLevel: "silent",
    });
    nv.addColormap(HEAT_COLORS, heatColormap());
    nv.addColormap(SCAN_COLORS, grey(0));
    leaveInputToPage(nv);
    await nv.attachToCanvas(canvas);
    // The page's slider is what a keyboard uses.
    canvas.tabIndex = -1;
    // Beside the planes, the volume in 3D: a fourth picture, unless a program plays the graphics processor, which would take seconds for each.
    nv.opts.multiplanarShowRender = isSoftware(nv.gl) ? SHOW_RENDER.NEVER : SHOW_RENDER.ALWAYS;
    return new Viewer(nv);
  }

  /** Shows a scan. @returns false where another one was wanted meanwhile */
  async show(volume: Volume): Promise<boolean> {
    const nv = this.#nv;
    this.#volume = volume;
    this.#isShown = false;
    this.#steps = displaySteps(volume, limitsOf(nv.gl));
    // What follows takes seconds for a large scan: the page says so first.
    await new Promise((resolve) => setTimeout(resolve, 30));
    if (this.#volume !== volume) return false;
    const scan = await imageOf(thinned(volume, this.#steps), { colormap: SCAN_COLORS });
    if (this.#volume !== volume) return false;
    this.#empty();
    showLetters(nv, volume.affine !== undefined);
    const full = rangeOf(volume);
    this.#values = { full, robust: [scan.robust_min ?? full[0], scan.robust_max ?? full[1]] };
    // Before it is added, which colours every voxel: a second time would take as long.
    this.#look(scan, windowsFor(volume, this.#values)[0].range, volume);
    nv.addVolume(scan);
    this.#isShown = true;
    this.#go(volume.shape.map((n) => Math.floor(n / 2)));
    return true;
  }

  /** Lets go of the scan and what it takes in graphics memory. */
  clear(): void {
    this.#volume = undefined;
    this.#wantedHeat = undefined;
    this.#isShown = false;
    this.#empty();
  }

  #empty(): void {
    for (const image of [...this.#nv.volumes]) this.#nv.removeVolume(image);
    this.#heat = undefined;
  }

  /** Whether these voxels are on the screen: then only what is known of them has changed. */
  shows({ data }: Volume): boolean {
    return this.#isShown && this.#volume?.data === data;
  }

  /** Whether fewer voxels are shown than there are. */
  get isThinned(): boolean {
    return this.#steps.some((step) => step > 1);
  }

  /** Windows that make sense for what is known of the scan; the first is the one to begin with. */
  windows(volume: Volume): readonly Window[] {
    return windowsFor(volume, this.#values);
  }

  /** The scan's values from black to white; in 3D, air around and in a CT is not drawn. */
  setWindow(range: Window["range"], volume: Volume): void {
    const [image] = this.#nv.volumes;
    if (image && this.#look(image, range, volume)) this.#nv.updateGLVolume();
  }

  /** @returns whether that changes anything */
  #look(image: NVImage, [low, high]: Window["range"], volume: Volume): boolean {
    const clear = isCt(volume, this.#values) ? Math.min(254, Math.max(0, Math.round((255 * (AIR - low)) / (high - low)))) : 0;
    if (image.cal_min === low && image.cal_max === high && this.#clear === clear) return false;
    [image.cal_min, image.cal_max, this.#clear] = [low, high, clear];
    // Planes show a scan's colour alone, 3D its transparency too.
    this.#nv.addColormap(SCAN_COLORS, grey(clear));
    return true;
  }

  setLayout(layout: Layout): void {
    const nv = this.#nv;
    const types = [nv.sliceTypeAxial, nv.sliceTypeCoronal, nv.sliceTypeSagittal, nv.sliceTypeMultiplanar, nv.sliceTypeRender];
    const type = types[LAYOUTS.indexOf(layout)];
    if (nv.opts.sliceType !== type) nv.setSliceType(type);
  }

  /** @param heat on the scan's grid, 0 … 1; undefined: none */
  async setHeat(heat: Volume | undefined, opacity: number): Promise<void> {
    const nv = this.#nv;
    this.#wantedHeat = heat;
    if (this.#heat) nv.removeVolume(this.#heat);
    this.#heat = undefined;
    if (!heat) return;
    const image = await imageOf(thinned(heat, this.#steps), { colormap: HEAT_COLORS, opacity, range: [OPAQUE, 1] });
    if (this.#wantedHeat !== heat) return;
    image.colormapType = TRANSLUCENT_BELOW_MIN;
    this.#heat = image;
    nv.addVolume(image);
  }

  setOpacity(opacity: number): void {
    if (this.#heat && this.#nv.volumes.length > 1) this.#nv.setOpacity(1, opacity);
  }

  /** Moves the crosshair to a slice: to the warmest place on it, or to its middle. */
  goTo(axis: Axis, index: number, heat?: Volume): void {
    const volume = this.#volume;
    if (!volume) return;
    const voxel = heat ? warmest(heat, axis, index) : volume.shape.map((n) => Math.floor(n / 2));
    voxel[axis] = index;
    this.#go(voxel);
  }

  /** Moves the crosshair to another slice along one axis alone. */
  step(axis: Axis, index: number): void {
    const voxel = this.#voxel();
    if (!voxel) return;
    voxel[axis] = index;
    this.#go(voxel);
  }

  #go(voxel: readonly number[]): void {
    const [nv, volume] = [this.#nv, this.#volume];
    if (!volume || !this.#isShown) return;
    const [x, y, z] = voxel;
    nv.scene.crosshairPos = volume.affine
      ? nv.mm2frac(applyAffine(volume.affine, [x, y, z]) as [number, number, number], 0, true)
      : (volume.shape.map((n, axis) => (voxel[axis] + 0.5) / n) as [number, number, number]);
    this.#draw();
    this.#moved();
  }

  /** With the next frame, once for all that was asked of it. */
  #draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      if (this.#isShown) this.#nv.drawScene();
    });
  }

  /** Where the crosshair is. */
  #voxel(): [number, number, number] | undefined {
    const [nv, volume] = [this.#nv, this.#volume];
    if (!volume || !this.#isShown) return undefined;
    const place = nv.scene.crosshairPos;
    const [x, y, z] = nv.frac2mm(place, 0, true);
    const exact = volume.affine ? applyAffine(invertAffine(volume.affine), [x, y, z]) : volume.shape.map((n, axis) => place[axis] * n - 0.5);
    const inside = (axis: Axis) => Math.min(volume.shape[axis] - 1, Math.max(0, Math.round(exact[axis])));
    return [inside(0), inside(1), inside(2)];
  }

  #moved(): void {
    const voxel = this.#voxel();
    if (voxel) this.onMove(voxel);
  }

  /** What is shown, as PNG. */
  picture(): Promise<Blob> {
    this.#nv.drawScene();
    return new Promise((resolve, reject) => {
      this.#nv.canvas?.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture could not be made"))), "image/png");
    });
  }
}

/** From black to white, in 3D clear up to a place (of 255) on the way. */
function grey(clear: number) {
  const value = [0, clear, 255];
  return { R: value, G: value, B: value, A: [0, 0, 128], I: value };
}

/** Of all voxels; NiiVue's own is that of the middle of the scan. */
function rangeOf(volume: Volume): [low: number, high: number] {
  const { minimum, maximum } = volumeStatistics(volume);
  return minimum < maximum ? [minimum, maximum] : [0, 1];
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

function warmest({ data, shape }: Volume, axis: Axis, index: number): number[] {
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
