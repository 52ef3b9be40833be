// Headers that other programs mend: read as they read them, with a note. The values are nibabel's (5.4) and SimpleITK's (2.5); where they differ, nibabel's.
import { deflateSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readMha, readNifti, readVolume } from "../src/index.js";
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

  it.each<[string, number[]]>([
    ["zeros", new Array(12).fill(0)],
    ["zeros but for the offsets", [0, 0, 0, 10, 0, 0, 0, 20, 0, 0, 0, 30]],
    ["one row of zeros", [2, 0, 0, 10, 0, 3, 0, 20, 0, 0, 0, 0]],
    ["rows of one direction", [2, 2, 0, 10, 0, 0, 0, 20, 0, 0, 4, 30]],
    ["rows that are no numbers", [Number.NaN, 0, 0, 10, 0, 3, 0, 20, 0, 0, 4, 30]],
  ])("an sform of %s: the qform, as SimpleITK takes it; without a qform refused, as there", async (_, srow) => {
    // SimpleITK: spacing (2, 3, 4), origin (-1, -2, 3), direction (-1 0 0; 0 -1 0; 0 0 1)
    for (const version of [1, 2] as const) {
      const fields = { ...q, version, sform: 2, srow, pixdim: [1, 2, 3, 4, 1, 1, 1, 1] };
      const volume = await readNifti(nifti(fields));
      near(volume.affine, [2, 0, 0, 1, 0, 3, 0, 2, 0, 0, 4, 3, 0, 0, 0, 1], 6);
      expect(codes(volume.notes)).toEqual(["NIFTI_SFORM_INVALID"]);
      await refusal(() => readNifti(nifti({ ...fields, qform: 0 })), "GEOMETRY_INVALID", /the sform \(code 2\)/);
      await refusal(() => readNifti(nifti({ ...fields, quatern: [1, 1, 1, 0, 0, 0] })), "GEOMETRY_INVALID", /quatern_b/);
    }
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

  it("voxels behind those that the header declares are told of, packed or not, in one file or two", async () => {
    const long = nifti({ dims: [4, 3, 2, 0], data: counting(72) });
    for (const bytes of [long, gzipSync(long)]) {
      const { notes } = await readNifti(bytes);
      expect(codes(notes)).toEqual(["NIFTI_MENDED", "EXTRA_BYTES"]);
      expect(notes?.[1].message).toMatch(/ 96 bytes follow the voxels/);
    }
    const header = nifti({ dims: [4, 3, 2], magic: "ni1\0", offset: 0 });
    for (const image of [counting(30), gzipSync(counting(30))]) {
      const { notes } = await readNifti(header, { companion: image });
      expect(notes?.map(({ message }) => message)).toEqual([expect.stringMatching(/ 12 bytes follow the voxels/)]);
    }
    for (const right of [nifti(), gzipSync(nifti())]) expect((await readNifti(right)).notes).toBeUndefined();
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

describe("gzip data with something behind it", () => {
  // As gzip -d: "decompression OK, trailing garbage ignored"; zeros are not spoken of; and "unexpected end of file" for a member that is cut short.
  const junk = new TextEncoder().encode("<html>Not found</html>");
  const mgh = () => {
    const bytes = new Uint8Array(284 + 24);
    const view = new DataView(bytes.buffer);
    for (const [i, value] of [1, 4, 3, 2, 1, 0].entries()) view.setInt32(4 * i, value);
    return bytes;
  };
  const nrrd = concat(
    new TextEncoder().encode("NRRD0004\ntype: short\ndimension: 3\nsizes: 4 3 2\nencoding: gzip\nendian: little\n\n"),
    gzipSync(counting(24)),
  );
  const mha = concat(
    new TextEncoder().encode("ObjectType = Image\nNDims = 3\nDimSize = 4 3 2\nCompressedData = True\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"),
    deflateSync(counting(24)),
  );
  const files: Record<string, Uint8Array> = { NIfTI: gzipSync(nifti({ dims: [4, 3, 2] })), MGH: gzipSync(mgh()), NRRD: nrrd, MetaImage: mha };
  for (const way of ["Node's decompressor", "the package's own"])
    describe(way, () => {
      beforeEach(() => {
        if (way === "Node's decompressor") return;
        vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined as never);
        vi.stubGlobal("DecompressionStream", undefined);
      });
      afterEach(() => {
        vi.restoreAllMocks();
        vi.unstubAllGlobals();
      });
      it.each(Object.entries(files))("%s: read, with a note; zeros without", async (_, bytes) => {
        const plain = await readVolume(bytes);
        const junked = await readVolume(concat(bytes, junk));
        expect(junked.data).toEqual(plain.data);
        const added = junked.notes?.filter(({ code }) => code === "EXTRA_BYTES").map(({ message }) => message);
        expect(added).toEqual([expect.stringMatching(/: 22 bytes follow the (gzip|zlib) data and are none/)]);
        expect(codes((await readVolume(concat(bytes, new Uint8Array(512)))).notes)).toEqual(codes(plain.notes));
      });
      it("a second member that is cut short or damaged is refused, wherever it is", async () => {
        const whole = nifti({ dims: [4, 3, 2] });
        const [first, second] = [gzipSync(whole.subarray(0, 360)), gzipSync(whole.subarray(360))];
        expect(codes((await readNifti(concat(first, second))).notes)).toEqual([]);
        for (const length of [0, 1, 2, 3, 9, 12, second.length - 8, second.length - 1])
          await refusal(() => readNifti(concat(first, second.subarray(0, length))), "FILE_TRUNCATED");
        // All voxels are there, and what follows them is not whole.
        for (const length of [1, 2, 3, 9, 12, second.length - 8, second.length - 1])
          await refusal(() => readNifti(concat(gzipSync(whole), second.subarray(0, length))), "FILE_TRUNCATED", /gzip/);
        const damaged = second.map((byte, i) => (i === second.length - 6 ? byte ^ 1 : byte));
        await refusal(() => readNifti(concat(first, damaged)), "FORMAT_INVALID", /checksum/);
        await refusal(() => readNifti(concat(gzipSync(whole), Uint8Array.of(0x1f, 0x8b, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7))), "FORMAT_INVALID", /gzip/);
      });
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
