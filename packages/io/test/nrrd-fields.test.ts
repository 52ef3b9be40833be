// Every optional field of an NRRD header: honoured, without meaning for a volume, or refused. Beside each, what SimpleITK 2.5 and pynrrd 1.1 do.
import { describe, expect, it } from "vitest";
import { type ReadOptions, readNrrd } from "../src/index.js";
import { concat, counting, near, nifti, refusal } from "./build.js";

const ascii = (text: string) => new TextEncoder().encode(text);
const nrrd = (lines: string, { sizes = "4 3 2", data = counting(24), version = 5 } = {}) =>
  concat(ascii(`NRRD000${version}\ntype: short\ndimension: ${sizes.split(" ").length}\nsizes: ${sizes}\nendian: little\nencoding: raw\n${lines}\n`), data);
const LPS = "space: LPS\nspace directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n";
const affine = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const sizesOf = (found: readonly number[] | undefined) => [0, 5, 10].map((i) => Math.abs(found?.[i] ?? Number.NaN));

describe("voxel sizes without an orientation are kept", () => {
  it.each<[string, string, number[]]>([
    // SimpleITK: spacing (0.7, 0.7, 1.2)
    ["spacings, in the first version of the format", "spacings: 0.7 0.7 1.2\n", [0.7, 0.7, 1.2]],
    // SimpleITK: (0.7, 0.7, 1)
    ["of which one is not known", "spacings: 0.7 0.7 nan\n", [0.7, 0.7, 1]],
    ["with a sign, which turns an axis whose direction is not known", "spacings: -0.7 0.7 NaN\n", [0.7, 0.7, 1]],
    ["in a space that is only counted", "space dimension: 3\nspace directions: (0.5,0,0) (0,0.6,0) (0,0,2)\n", [0.5, 0.6, 2]],
    ["in the scanner's space", "space: scanner-xyz\nspace directions: (0.3,0.4,0) (0,0.6,0) (0,0,2)\n", [0.5, 0.6, 2]],
    ["in a left-handed one", "space: 3D-left-handed\nspace directions: (0.5,0,0) (0,0.6,0) (0,0,2)\nspace origin: (1,2,3)\n", [0.5, 0.6, 2]],
    ["in a right-handed one", "space: 3D-right-handed\nspace directions: (0.5,0,0) (0,0.6,0) (0,0,2)\n", [0.5, 0.6, 2]],
    ["with a space and no directions", "space: LPS\nspacings: 0.5 0.6 2\n", [0.5, 0.6, 2]],
    // Teem: the extent is that of the samples' cells, or of the samples where they are nodes.
    ["by the extents of the axes", "axis mins: 0 0 0\naxis maxs: 2 1.8 4\n", [0.5, 0.6, 2]],
    ["by those of samples that are nodes", "axismins: 1 1 1\naxismaxs: 2.5 2.2 3\ncenterings: node node node\n", [0.5, 0.6, 2]],
    ["in centimetres", 'spacings: 0.05 0.06 0.2\nunits: "cm" "cm" "cm"\n', [0.5, 0.6, 2]],
  ])("%s", async (_, lines, mm) => {
    const { affine, notes } = await readNrrd(nrrd(lines, { version: 1 }));
    near(sizesOf(affine), mm, 9);
    expect(notes?.map(({ code }) => code)).toEqual(["NRRD_NO_ORIENTATION"]);
  });

  it("two axes: what is known of the plane", async () =>
    near(sizesOf((await readNrrd(nrrd("spacings: 0.5 0.6\n", { sizes: "6 4" }))).affine), [0.5, 0.6, 1], 9));
});

describe("fields that move nothing in a volume (SimpleITK and pynrrd: the same voxels and affine)", () => {
  it.each<[string, string]>([
    ["thicknesses", "thicknesses: 1 nan 5\n"],
    ["centers", "centers: cell cell node\n"],
    ["kinds", "kinds: domain space domain\n"],
    ["labels", 'labels: "x: 1" "y" "z"\n'],
    ["content", "content: whatever: it is\n"],
    ["number", "number: 24\n"],
    ["min and max", "min: 0\nmax: 23\n"],
    ["sample units", 'sample units: "HU"\n'],
    ["a measurement frame", "measurement frame: (0,1,0) (1,0,0) (0,0,1)\n"],
    ["comments", "# a comment: with := and (1,0,0)\n#\n"],
    ["pairs of the writer's own", "sizes:=1 1 1\na:b:=c: d\\nx\nspace:=RAS\n"],
    ["block size", "block size: 4\n"],
  ])("%s", async (_, lines) => {
    const volume = await readNrrd(nrrd(LPS + lines));
    expect([...volume.data]).toEqual(Array.from({ length: 24 }, (_, i) => i));
    expect(volume.affine).toEqual(affine);
    expect(volume.notes).toBeUndefined();
  });

  it("old min and max say what values stood for: read as stored, as both do, with a note", async () => {
    const volume = await readNrrd(nrrd(`${LPS}old min: -1000\noldmax: 1000\n`));
    expect(volume.data[23]).toBe(23);
    expect(volume.notes?.map(({ code }) => code)).toEqual(["NRRD_OLD_RANGE"]);
  });

  it("a modality in a pair whose key and value are escaped", async () => expect((await readNrrd(nrrd(`${LPS}0008|0060:=CT\n`))).modality).toBe("CT"));
});

describe("refused", () => {
  it.each<[string, string, string, RegExp]>([
    // SimpleITK: failed to parse "spacing" as field identifier
    ["a field that NRRD does not have", "spacing: 0.5 0.5 2\n", "FORMAT_INVALID", /"spacing", which NRRD does not have/],
    // pynrrd: could not convert string to float; SimpleITK: 16
    ["a number in hexadecimal", "spacings: 0x10 1 1\n", "FORMAT_INVALID", /0x10/],
    ["extents of another number", "axis mins: 0 0\naxis maxs: 1 1 1\n", "FORMAT_INVALID", /2 axis mins/],
    ["centers of another number", "centers: cell\n", "FORMAT_INVALID", /1 centers/],
    ["a field under two of its names", "axis mins: 0 0 0\naxismins: 1 1 1\n", "FORMAT_INVALID", /two fields/],
    ["a list of files that does not fit its axes", "data file: LIST 2\na\nb\nc\n", "FORMAT_INVALID", /\d data files of 2 axes/],
    ["a pattern of files that does not fit its axes", "data file: a%03d.raw 1 3 1 2\n", "FORMAT_INVALID", /3 data files of 2 axes/],
    ["blocks", "type: block\n", "FORMAT_INVALID", /two fields/],
  ])("%s", async (_, lines, code, says) => void (await refusal(() => readNrrd(nrrd(lines)), code as never, says)));
});

describe("data files", () => {
  const half = (i: number) => new File([counting(12, 12 * i) as Uint8Array<ArrayBuffer>], `a${i}.raw`);
  it.each<[string, string]>([
    ["a list with its axes", "data file: LIST 2\na0.raw\na1.raw\n"],
    ["a list without", "datafile: LIST\na0.raw\na1.raw\n"],
    ["a pattern with its axes", "data file: a%d.raw 0 1 1 2\n"],
    ["a pattern that counts down", "data file: a%d.raw 0 1 1\n"],
  ])("%s", async (_, lines) => {
    const volume = await readNrrd(nrrd(LPS + lines, { data: new Uint8Array(0) }), { companion: [half(0), half(1)] });
    expect([...volume.data]).toEqual(Array.from({ length: 24 }, (_, i) => i));
  });
});

describe("segmentations", () => {
  const pairs = (...each: [name: string, label: number, layer: number][]) =>
    each
      .map(([name, label, layer], i) => `Segment${i}_ID:=s${i}\nSegment${i}_Name:=${name}\nSegment${i}_LabelValue:=${label}\nSegment${i}_Layer:=${layer}\n`)
      .join("");
  it("one layer: names by number, as Slicer writes them", async () => {
    const { labels } = await readNrrd(nrrd(LPS + pairs(["Liver: left\\nlobe", 1, 0], ["Spleen", 3, 0])));
    expect(labels).toEqual({ 1: "Liver: left\nlobe", 3: "Spleen" });
  });

  it("several layers: those of the one that is taken", async () => {
    const bytes = nrrd(`kinds: list domain domain domain\n${LPS.replace("(1,0,0)", "none (1,0,0)")}${pairs(["Liver", 1, 0], ["Tumour", 1, 1])}`, {
      sizes: "2 2 3 2",
    });
    const read = async (options: ReadOptions) => (await readNrrd(bytes, options)).labels;
    expect([await read({ frame: 0 }), await read({ frame: 1 })]).toEqual([{ 1: "Liver" }, { 1: "Tumour" }]);
  });

  it("an image has none; a NIfTI of label intent has, without names", async () => {
    expect((await readNrrd(nrrd(LPS))).labels).toBeUndefined();
    const { readNifti } = await import("../src/index.js");
    for (const version of [1, 2] as const) {
      const bytes = nifti({ version });
      expect((await readNifti(bytes)).labels).toBeUndefined();
      const view = new DataView(bytes.buffer);
      if (version === 1) view.setInt16(68, 1002, true);
      else view.setInt32(504, 1002, true);
      expect((await readNifti(bytes)).labels).toEqual({});
    }
  });
});
