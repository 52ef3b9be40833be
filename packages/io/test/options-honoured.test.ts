// Every read option on every format but DICOM: it changes what it should, or is refused by a code; none is passed over.
import { isAnyMC3DError, type Volume } from "@anymc3d/core";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { FORMATS } from "../src/formats/index.js";
import { READ_OPTIONS, type ReadOptions, readVolume } from "../src/index.js";
import { concat, counting, nifti, npy } from "./build.js";

const ascii = (text: string) => new TextEncoder().encode(text);
const nrrd = (sizes: number[], lines: string) =>
  concat(
    ascii(`NRRD0005\ntype: short\ndimension: ${sizes.length}\nsizes: ${sizes.join(" ")}\nendian: little\nencoding: raw\n${lines}\n`),
    counting(sizes.reduce((a, b) => a * b)),
  );
const mha = (sizes: number[], lines: string, channels = 1, file = "LOCAL") =>
  concat(
    ascii(
      `ObjectType = Image\nNDims = ${sizes.length}\nDimSize = ${sizes.join(" ")}\nElementNumberOfChannels = ${channels}\n${lines}ElementType = MET_SHORT\nElementDataFile = ${file}\n`,
    ),
    file === "LOCAL" ? counting(sizes.reduce((a, b) => a * b) * channels) : new Uint8Array(0),
  );

/** MGH, int16 0, 1, 2, …: 2 × 3 × 4 mm along left, back, up and the middle at 0; or without all this. */
function mgh([x, y, z, frames]: number[], oriented: boolean): Uint8Array {
  const bytes = new Uint8Array(284 + 2 * x * y * z * frames);
  const view = new DataView(bytes.buffer);
  [1, x, y, z, frames, 4].forEach((value, i) => void view.setInt32(4 * i, value));
  view.setInt16(28, oriented ? 1 : 0);
  if (oriented) [2, 3, 4, -1, 0, 0, 0, -1, 0, 0, 0, 1, 0, 0, 0].forEach((value, i) => void view.setFloat32(30 + 4 * i, value));
  for (let i = 0; i < x * y * z * frames; i++) view.setInt16(284 + 2 * i, i);
  return bytes;
}

type Outcome = "OPTION_INVALID" | "GEOMETRY_INVALID" | "FILE_TOO_LARGE" | "CHANNELS_UNSUPPORTED" | ((volume: Volume) => unknown);
type Row = readonly [option: keyof ReadOptions, value: ReadOptions, file: Uint8Array, outcome: Outcome];

const first = (value: number) => (volume: Volume) => expect(volume.data[0]).toBe(value);
const affine =
  (...diagonal: number[]) =>
  ({ affine, notes }: Volume) => {
    expect([affine?.[0], affine?.[5], affine?.[10]]).toEqual(diagonal);
    expect(notes?.filter(({ code }) => /NO_ORIENTATION|NO_GEOMETRY/.test(code)) ?? []).toEqual([]);
  };
/** Sizes alone were told: kept, and the orientation still noted as not known. */
const sized =
  (...diagonal: number[]) =>
  ({ affine, notes }: Volume) => {
    expect([affine?.[0], affine?.[5], affine?.[10]].map((value) => Math.abs(value ?? 0))).toEqual(diagonal);
    expect(notes?.some(({ code }) => /NO_ORIENTATION|NO_GEOMETRY/.test(code))).toBe(true);
  };

const choices = (frames: Uint8Array, plain: Uint8Array): Row[] => [
  ["frame", { frame: 1 }, frames, first(24)],
  ["frame", { frame: 2 }, frames, "OPTION_INVALID"],
  ["frame", { frame: 0 }, plain, first(0)],
  ["frame", { frame: 1 }, plain, "OPTION_INVALID"],
];
const stated = (file: Uint8Array, codes: string): Row[] => [
  ["orientation", { orientation: codes }, file, () => undefined],
  ["orientation", { orientation: codes === "RAS" ? "LPS" : "RAS" }, file, "OPTION_INVALID"],
  ["orientation", { orientation: "XYZ" }, file, "OPTION_INVALID"],
  ["spacing", { spacing: [2, 3, 4] }, file, () => undefined],
  ["spacing", { spacing: [2, 3, 5] }, file, "OPTION_INVALID"],
  ["spacing", { spacing: [-2, 3, 4] }, file, "OPTION_INVALID"],
];
const spacings = "spacings: 2 3 4\n";
const lps = "space: LPS\nspace directions: (2,0,0) (0,3,0) (0,0,4)\nspace origin: (0,0,0)\n";
const srow = [-2, 0, 0, 0, 0, -3, 0, 0, 0, 0, 4, 0];
const pixdim = [1, 2, 3, 4, 1, 1, 1, 1];
const unoriented = { dims: [4, 3, 2], sform: 0, pixdim };

const ROWS: Record<string, Row[]> = {
  nifti: [
    ...choices(nifti({ dims: [4, 3, 2, 2] }), nifti({ dims: [4, 3, 2] })),
    ["channel", { channel: 1 }, nifti({ dims: [4, 3, 2, 1, 2] }), first(24)],
    ["channel", { channel: 1 }, nifti({ dims: [4, 3, 2] }), "OPTION_INVALID"],
    ...stated(nifti({ dims: [4, 3, 2], srow }), "LPS"),
    ...stated(nifti({ dims: [4, 3, 2], sform: 0, qform: 1, pixdim }), "RAS"),
    ["orientation", { orientation: "LPS" }, nifti(unoriented), affine(-2, -3, 4)],
    ["spacing", { spacing: [2, 3, 4] }, nifti(unoriented), sized(2, 3, 4)],
    ["spacing", { spacing: [1, 1, 1] }, nifti(unoriented), "OPTION_INVALID"],
    ["spacing", { spacing: [2, 3, 9] }, nifti({ ...unoriented, pixdim: [1, 2, 3, 0] }), sized(2, 3, 9)],
    ["spacing", { spacing: [2, 3, 9], orientation: "LPS" }, nifti({ ...unoriented, pixdim: [1, 2, 3, 0] }), affine(-2, -3, 9)],
    ["spacing", { spacing: [2, 3, 9] }, nifti({ ...unoriented, qform: 1, pixdim: [1, 2, 3, Number.NaN] }), affine(2, 3, 9)],
    ["companion", { companion: counting(24, 7) }, nifti({ dims: [4, 3, 2], magic: "ni1\0", offset: 0 }), first(7)],
  ],
  nrrd: [
    ...choices(nrrd([4, 3, 2, 2], ""), nrrd([4, 3, 2], "")),
    ["channel", { channel: 1 }, nrrd([2, 4, 3, 2], "kinds: vector domain domain domain\n"), first(1)],
    ["channel", { channel: 1 }, nrrd([4, 3, 2], ""), "OPTION_INVALID"],
    ...stated(nrrd([4, 3, 2], lps), "LPS"),
    ["orientation", { orientation: "RAS" }, nrrd([4, 3, 2], spacings), affine(2, 3, 4)],
    ["orientation", { orientation: "RAS" }, nrrd([4, 3, 2], ""), "OPTION_INVALID"],
    ["orientation", { orientation: "RAS" }, nrrd([4, 3, 2], lps.replace("LPS", "scanner-xyz")), affine(2, 3, 4)],
    ["spacing", { spacing: [2, 3, 4] }, nrrd([4, 3, 2], spacings), sized(2, 3, 4)],
    ["spacing", { spacing: [1, 1, 1] }, nrrd([4, 3, 2], spacings), "OPTION_INVALID"],
    ["spacing", { spacing: [2, 3, 4] }, nrrd([4, 3, 2], ""), sized(2, 3, 4)],
    ["spacing", { spacing: [2, 3, 4] }, nrrd([4, 3, 2], "spacings: 2 3 nan\n"), sized(2, 3, 4)],
    ["companion", { companion: counting(24, 7) }, nrrd([4, 3, 2], "data file: a.raw\n"), first(7)],
  ],
  meta: [
    ...choices(mha([4, 3, 2, 2], ""), mha([4, 3, 2], "")),
    ["channel", { channel: 1 }, mha([4, 3, 2], "", 2), first(1)],
    ["channel", { channel: 1 }, mha([4, 3, 2], ""), "OPTION_INVALID"],
    ...stated(mha([4, 3, 2], "ElementSpacing = 2 3 4\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\n"), "LPS"),
    ["orientation", { orientation: "RAS" }, mha([4, 3, 2], "ElementSpacing = 2 3 4\n"), affine(2, 3, 4)],
    ["orientation", { orientation: "RAS" }, mha([4, 3], "ElementSpacing = 2 3\n"), affine(2, 3, 1)],
    ["orientation", { orientation: "XYZ" }, mha([4, 3, 2], "ElementSpacing = 2 3 4\n"), "OPTION_INVALID"],
    ["spacing", { spacing: [2, 3, 4] }, mha([4, 3, 2], ""), affine(-2, -3, 4)],
    ["spacing", { spacing: [2, 3, 4] }, mha([4, 3, 2], "ElementSpacing = 2 3 5\n"), "OPTION_INVALID"],
    ["spacing", { spacing: [2, 3, 9] }, mha([4, 3], "ElementSpacing = 2 3\n"), sized(2, 3, 9)],
    ["companion", { companion: counting(24, 7) }, mha([4, 3, 2], "", 1, "a.raw"), first(7)],
  ],
  mgh: [
    ...choices(mgh([4, 3, 2, 2], true), mgh([4, 3, 2, 1], true)),
    ["channel", { channel: 1 }, mgh([4, 3, 2, 1], true), "OPTION_INVALID"],
    ...stated(mgh([4, 3, 2, 1], true), "LPS"),
    ["orientation", { orientation: "RAS" }, mgh([4, 3, 2, 1], false), "OPTION_INVALID"],
    ["orientation", { orientation: "RAS", spacing: [2, 3, 4] }, mgh([4, 3, 2, 1], false), affine(2, 3, 4)],
    ["spacing", { spacing: [2, 3, 4] }, mgh([4, 3, 2, 1], false), sized(2, 3, 4)],
  ],
  numpy: [
    ["frame", { frame: 1 }, npy(2, 3, 4), "OPTION_INVALID"],
    ["channel", { channel: 1 }, npy(2, 3, 4), "OPTION_INVALID"],
    ["index", { index: 1 }, npy(2, 2, 3, 5), first(30)],
    ["index", { index: 1 }, npy(2, 3, 4), "OPTION_INVALID"],
    ["array", { array: "b" }, zipSync({ "a.npy": npy(2, 3, 4), "b.npy": npy(2, 3, 5) }), ({ shape }) => expect(shape).toEqual([5, 3, 2])],
    ["array", { array: "b[1]" }, zipSync({ "b.npy": npy(2, 2, 3, 5) }), first(30)],
    ["array", { array: "b[1]", index: 0 }, zipSync({ "b.npy": npy(2, 2, 3, 4) }), "OPTION_INVALID"],
    ["array", { array: "b" }, npy(2, 3, 4), "OPTION_INVALID"],
    ["orientation", { orientation: "RAS" }, npy(2, 3, 4), "OPTION_INVALID"],
    ["orientation", { orientation: "RAS", spacing: [2, 3, 4] }, npy(2, 3, 4), affine(2, 3, 4)],
    ["spacing", { spacing: [2, 3, 4] }, npy(2, 3, 4), sized(2, 3, 4)],
    ["spacing", { spacing: [2, 3, Number.NaN] }, npy(2, 3, 4), "OPTION_INVALID"],
    ["spacing", { spacing: [2, 3, 4] }, zipSync({ "a.npy": npy(2, 3, 4) }), sized(2, 3, 4)],
  ],
};
/** A file of each format that needs no choice and says nothing of where it lies. */
const PLAIN: Record<string, Uint8Array> = {
  nifti: nifti(unoriented),
  nrrd: nrrd([4, 3, 2], ""),
  meta: mha([4, 3, 2], ""),
  mgh: mgh([4, 3, 2, 1], false),
  numpy: npy(2, 3, 4),
};
const nothing = ({ meta }: Volume) => expect(meta?.patient).toBeUndefined();
let progress: number[][] = [];
for (const [id, rows] of Object.entries(ROWS)) {
  const file = PLAIN[id];
  rows.push(
    ["modality", { modality: "MR" }, file, ({ modality }) => expect(modality).toBe("MR")],
    ["maxBytes", { maxBytes: 20 }, file, "FILE_TOO_LARGE"],
    ["series", { series: "1" }, file, "OPTION_INVALID"],
    ["stack", { stack: 1 }, file, "OPTION_INVALID"],
    // The only one there is; slices that are not uneven.
    ["stack", { stack: 0 }, file, first(0)],
    ["uneven", { uneven: "resample" }, file, first(0)],
    ["companion", { companion: counting(24) }, file, "OPTION_INVALID"],
    ["onProgress", { onProgress: (...of) => void progress.push(of) }, file, () => expect(progress).toEqual([[1, 1]])],
    // Nothing of a patient is read from these, and nothing decoded by .wasm: there is nothing to change.
    ["identity", { identity: true }, file, nothing],
    ["codecUrl", { codecUrl: (name) => `https://nowhere.invalid/${name}` }, file, nothing],
  );
  if (id !== "numpy") rows.push(["array", { array: "a" }, file, "OPTION_INVALID"], ["index", { index: 1 }, file, "OPTION_INVALID"]);
}

describe("is honoured or refused", () => {
  const rows = Object.entries(ROWS).flatMap(([id, each]) => each.map((row) => [id, ...row] as const));
  it.each(rows)("%s, %s %j", async (_, option, options, file, outcome) => {
    progress = [];
    const result = await readVolume(file, options).catch((error: unknown) => error);
    if (typeof outcome !== "string") {
      if (result instanceof Error) throw result;
      outcome(result as Volume);
    } else {
      if (!isAnyMC3DError(result)) throw result instanceof Error ? result : new Error(`${option} was passed over`);
      expect(result.code, result.message).toBe(outcome);
      if (outcome === "OPTION_INVALID") expect(result.message).toContain(`\`${option}\``);
    }
  });

  it.each(Object.keys(PLAIN))("%s, name and signal", async (id) => {
    await expect(readVolume(PLAIN[id], { name: "mine", maxBytes: 20 })).rejects.toThrow(/^mine/);
    await expect(readVolume(PLAIN[id], { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });

  it("which is looked at for every option of every format", () => {
    for (const { id } of FORMATS.filter((format) => format.id !== "dicom")) {
      const seen = new Set<string>(["name", "signal", ...ROWS[id].map(([option]) => option)]);
      expect(Object.keys(READ_OPTIONS).filter((option) => !seen.has(option))).toEqual([]);
    }
  });
});
