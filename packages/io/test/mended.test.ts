// Headers that other programs mend: read as they read them, with a note. The values are nibabel's (5.4) and SimpleITK's (2.5); where they differ, nibabel's.
import { describe, expect, it } from "vitest";
import { readMha, readNifti } from "../src/index.js";
import { concat, counting, near, nifti, refusal } from "./build.js";

const codes = (notes: readonly { code: string }[] | undefined) => notes?.map(({ code }) => code) ?? [];
const q = { dims: [4, 3, 2], sform: 0, qform: 1, quatern: [0, 0, 0, 1, 2, 3] };

describe("NIfTI", () => {
  it.each<[string, number[], number[]]>([
    ["a voxel size below 0", [1, -2, 3, 4, 1, 1, 1, 1], [2, 0, 0, 1, 0, 3, 0, 2, 0, 0, 4, 3, 0, 0, 0, 1]],
    ["two", [1, -2, 3, -4, 1, 1, 1, 1], [2, 0, 0, 1, 0, 3, 0, 2, 0, 0, 4, 3, 0, 0, 0, 1]],
    ["one, and a turned third axis", [-1, 2, 3, -4, 1, 1, 1, 1], [2, 0, 0, 1, 0, 3, 0, 2, 0, 0, -4, 3, 0, 0, 0, 1]],
  ])("qform with %s", async (_, pixdim, affine) => {
    const volume = await readNifti(nifti({ ...q, pixdim }));
    near(volume.affine, affine, 6);
    expect(codes(volume.notes)).toEqual(["NIFTI_MENDED"]);
  });

  it("no form, and a voxel size below 0", async () => {
    const volume = await readNifti(nifti({ dims: [4, 3, 2], sform: 0, pixdim: [1, -2, 3, 4, 1, 1, 1, 1] }));
    near(volume.affine, [-2, 0, 0, 3, 0, 3, 0, -3, 0, 0, 4, -2, 0, 0, 0, 1], 6);
    expect(codes(volume.notes)).toEqual(["NIFTI_MENDED", "NIFTI_NO_ORIENTATION"]);
  });

  it("an sform does not ask for voxel sizes", async () => {
    const volume = await readNifti(nifti({ dims: [4, 3, 2], pixdim: [1, -2, 0, Number.NaN, 1, 1, 1, 1] }));
    near(volume.affine, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], 6);
    expect(codes(volume.notes)).toEqual([]);
  });

  it.each<[string, number[]]>([
    ["four axes, the fourth of 0", [4, 3, 2, 0]],
    ["five, two of 0", [4, 3, 2, 0, 0]],
    ["seven", [4, 3, 2, 1, 0, 0, 0]],
  ])("%s: three, as SimpleITK reads it", async (_, dims) => {
    for (const version of [1, 2] as const) {
      const volume = await readNifti(nifti({ version, dims, data: counting(24) }));
      expect(volume.shape).toEqual([4, 3, 2]);
      expect([...volume.data]).toEqual(Array.from({ length: 24 }, (_, i) => i));
      expect(codes(volume.notes)).toEqual(["NIFTI_MENDED"]);
    }
  });

  it("axes that are not declared hold anything", async () => {
    const bytes = nifti({ dims: [4, 3, 2] });
    for (const at of [48, 50, 52, 54]) new DataView(bytes.buffer).setInt16(at, at === 48 ? 0 : -3, true);
    expect((await readNifti(bytes)).shape).toEqual([4, 3, 2]);
  });

  it("voxels behind those that the header declares are told of", async () => {
    expect(codes((await readNifti(nifti({ dims: [4, 3, 2, 0], data: counting(72) }))).notes)).toEqual(["NIFTI_MENDED", "EXTRA_BYTES"]);
  });

  it.each<[string, Parameters<typeof nifti>[0], RegExp]>([
    ["an axis of 0 before one that is not", { dims: [4, 3, 2, 0, 2], data: counting(48) }, /dim\[4\] is 0/],
    ["a third axis of 0", { dims: [4, 3, 0], data: counting(12) }, /dim\[3\] is 0/],
    ["a fourth axis below 0", { dims: [4, 3, 2, -1], data: counting(24) }, /dim\[4\] is -1/],
  ])("refused by name: %s", async (_, fields, says) => void (await refusal(() => readNifti(nifti(fields)), "FORMAT_INVALID", says)));

  it.each([0, Number.NaN, Infinity])("refused by name: a voxel size of %d, unless it is told", async (size) => {
    const bytes = nifti({ ...q, pixdim: [1, 2, 3, size, 1, 1, 1, 1] });
    await refusal(() => readNifti(bytes), "GEOMETRY_INVALID", /pixdim\[3\]/, /`spacing`/);
    near((await readNifti(bytes, { spacing: [2, 3, 5] })).affine, [2, 0, 0, 1, 0, 3, 0, 2, 0, 0, 5, 3, 0, 0, 0, 1], 6);
  });
});

describe("MetaImage", () => {
  const mha = (lines: string) =>
    concat(
      new TextEncoder().encode(`ObjectType = Image\nNDims = 3\nDimSize = 4 3 2\n${lines}ElementType = MET_SHORT\nElementDataFile = LOCAL\n`),
      counting(24),
    );
  it.each<[string, string, number[], string[]]>([
    // SimpleITK: spacing (1, 2, 3), direction (-1 0 0; 0 1 0; 0 0 1), origin (10, 20, 30)
    [
      "spacing below 0",
      "ElementSpacing = -1 2 3\nOffset = 10 20 30\nTransformMatrix = 1 0 0 0 1 0 0 0 1\n",
      [1, 0, 0, -10, 0, -2, 0, -20, 0, 0, 3, 30],
      ["META_MENDED"],
    ],
    ["two, and no directions", "ElementSpacing = -1 -2 3\nOffset = 10 20 30\n", [1, 0, 0, -10, 0, 2, 0, -20, 0, 0, 3, 30], ["META_MENDED", "META_DEFAULTS"]],
    ["spacing alone", "ElementSpacing = 0.7 0.7 1.2\n", [-0.7, 0, 0, 0, 0, -0.7, 0, 0, 0, 0, 1.2, 0], ["META_DEFAULTS"]],
    ["sizes alone", "ElementSize = 0.7 0.7 1.2\n", [-0.7, 0, 0, 0, 0, -0.7, 0, 0, 0, 0, 1.2, 0], ["META_DEFAULTS"]],
  ])("%s, as SimpleITK reads it", async (_, lines, affine, notes) => {
    const volume = await readMha(mha(lines));
    near(volume.affine, [...affine, 0, 0, 0, 1], 9);
    expect(codes(volume.notes)).toEqual(notes);
  });

  // SimpleITK: Refusing to change spacing from [1, 1, 1] to [0, 2, 3]
  it("a spacing of 0 is refused", () => refusal(() => readMha(mha("ElementSpacing = 0 2 3\n")), "GEOMETRY_INVALID", /ElementSpacing/));
});
