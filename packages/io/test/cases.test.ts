// Faults that people met with other readers, each with the right value.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readNifti, readVolume } from "../src/index.js";
import { concat, counting, near, nifti, refusal } from "./build.js";

const upTo63 = Array.from({ length: 64 }, (_, i) => i);
const codes = (volume: { notes?: readonly { code: string }[] }) => volume.notes?.map((note) => note.code) ?? [];

describe("scaling", () => {
  it.each([0, Number.NaN])("a slope of %s means no scaling, and the intercept is ignored too (O3)", async (slope) => {
    const volume = await readNifti(nifti({ slope, inter: 7 }));
    expect([...volume.data]).toEqual(upTo63);
    expect(volume.data).toBeInstanceOf(Int16Array);
  });

  it("applies slope and intercept in double precision", async () => {
    const volume = await readNifti(nifti({ slope: 0.5, inter: -1024 }));
    expect(volume.data).toBeInstanceOf(Float32Array);
    expect([...volume.data]).toEqual(upTo63.map((v) => v / 2 - 1024));
  });

  it("applies an intercept with a slope of 1", async () => {
    expect([...(await readNifti(nifti({ inter: -3 }))).data]).toEqual(upTo63.map((v) => v - 3));
  });

  it("refuses an intercept that is no number", () => refusal(() => readNifti(nifti({ inter: Number.NaN, slope: 2 })), "FORMAT_INVALID", /scl_inter is NaN/));

  it("keeps NaN and infinite voxels as they are (O11: refused where they would be classified)", async () => {
    const values = new Float32Array(512);
    values[10] = Number.NaN;
    values[300] = Number.POSITIVE_INFINITY;
    const volume = await readNifti(nifti({ dims: [8, 8, 8], datatype: 16, data: new Uint8Array(values.buffer) }));
    expect(volume.data[10]).toBeNaN();
    expect(volume.data[300]).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("orientation", () => {
  it("opens a rotation rounded to five decimals, without a note (O17a)", async () => {
    const [c, s] = [0.93969, 0.34202];
    const volume = await readNifti(nifti({ srow: [1, 0, 0, 0, 0, c, -s, 0, 0, s, c, 0] }));
    near(volume.affine, [1, 0, 0, 0, 0, c, -s, 0, 0, s, c, 0, 0, 0, 0, 1], 6);
    expect(codes(volume)).toEqual([]);
  });

  it("keeps shear, also beside a valid qform, and says so (O17b)", async () => {
    const volume = await readNifti(nifti({ srow: [1, 0, 0.9, 0, 0, 1, 0, 0, 0, 0, 3, 0], qform: 1, pixdim: [1, 1, 1, 3] }));
    near(volume.affine, [1, 0, 0.9, 0, 0, 1, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1], 6);
    expect(codes(volume)).toEqual(["NIFTI_FORMS_DIFFER", "NIFTI_SHEARED"]);
  });

  it("converts microns: same affine as the twin in mm (O19)", async () => {
    const sform = (size: number) => [size, 0, 0, -10 * size, 0, size, 0, 5 * size, 0, 0, size, 0];
    const micron = await readNifti(nifti({ units: 19, pixdim: [1, 400, 400, 400, 1200], srow: sform(400) }));
    const twin = await readNifti(nifti({ units: 10, pixdim: [1, 0.4, 0.4, 0.4, 1.2], srow: sform(0.4) }));
    near(micron.affine, twin.affine as readonly number[], 6);
    expect(micron.affine?.[0]).toBeCloseTo(0.4, 6);
    expect(micron.affine?.[15]).toBe(1);
    expect(codes(micron)).toEqual(["NIFTI_UNITS"]);
    expect(codes(twin)).toEqual([]);
  });

  it("converts metres, of a qform too", async () => {
    const volume = await readNifti(nifti({ units: 1, sform: 0, qform: 1, pixdim: [1, 0.001, 0.002, 0.003], quatern: [0, 0, 0, 0.01, 0, 0] }));
    near(volume.affine, [1, 0, 0, 10, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1], 5);
  });

  const mirrored = { srow: [-1.75, 0, 0, 0, 0, 1.75, 0, 0, 0, 0, 2, 0], qform: 1, pixdim: [0, 1.75, 1.75, 2] };
  it("takes the sform where it disagrees with the qform, with a warning (O20)", async () => {
    const volume = await readNifti(nifti(mirrored));
    expect(volume.affine?.[0]).toBe(-1.75);
    expect(codes(volume)).toEqual(["NIFTI_FORMS_DIFFER"]);
    expect(volume.notes?.[0].message).toMatch(/mirrors/);
  });

  it("takes the qform with sform_code 0, pixdim[0] = 0 counted as +1 (O20)", async () => {
    const volume = await readNifti(nifti({ ...mirrored, sform: 0 }));
    expect(volume.affine).toEqual([1.75, 0, 0, 0, 0, 1.75, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]);
    expect(codes(volume)).toEqual([]);
  });

  it("reads a 2-D image as one slice", async () => {
    const volume = await readNifti(nifti({ dims: [8, 8], sform: 0, qform: 1, pixdim: [1, 0.5, 0.5, 0] }));
    expect(volume.shape).toEqual([8, 8, 1]);
    expect(volume.affine?.[10]).toBe(1);
  });
});

describe("more than three axes", () => {
  it("refuses channels in the fifth axis, or takes the one chosen (O23)", async () => {
    const bytes = nifti({ dims: [10, 10, 10, 1, 2], data: counting(2000) });
    await refusal(() => readNifti(bytes), "CHANNELS_UNSUPPORTED", /2 channels/, /10 × 10 × 10 × 1 × 2/, /`channel`/);
    const second = await readNifti(bytes, { channel: 1 });
    expect(second.shape).toEqual([10, 10, 10]);
    expect([second.data[0], second.data[999]]).toEqual([1000, 1999]);
    await refusal(() => readNifti(bytes, { channel: 2 }), "OPTION_INVALID", /`channel` is 2/);
  });

  it("asks which frame of a 4-D file, and reads it", async () => {
    const bytes = nifti({ dims: [2, 2, 2, 3] });
    await refusal(() => readNifti(bytes), "FRAME_REQUIRED", /3 frames/, /0 to 2/);
    expect([...(await readNifti(bytes, { frame: 2 })).data]).toEqual([16, 17, 18, 19, 20, 21, 22, 23]);
    for (const frame of [3, -1, 0.5, Number.NaN]) await refusal(() => readNifti(bytes, { frame }), "OPTION_INVALID", /`frame`/);
  });

  it("takes frame and channel together, time before channels", async () => {
    const volume = await readNifti(nifti({ dims: [2, 2, 2, 3, 2] }), { frame: 1, channel: 1 });
    expect(volume.data[0]).toBe((1 * 3 + 1) * 8);
  });

  it("drops trailing axes of length 1, and refuses a sixth that is longer", async () => {
    expect((await readNifti(nifti({ dims: [4, 4, 4, 1, 1, 1, 1] }))).shape).toEqual([4, 4, 4]);
    await refusal(() => readNifti(nifti({ dims: [2, 2, 2, 1, 1, 2] })), "CHANNELS_UNSUPPORTED", /6 axes/);
  });
});

describe("where the voxels are", () => {
  it("joins a gzip of several members (O31)", async () => {
    const bytes = nifti();
    for (const cut of [100, 352, 400]) {
      const volume = await readNifti(concat(gzipSync(bytes.subarray(0, cut)), gzipSync(bytes.subarray(cut))));
      expect([...volume.data]).toEqual(upTo63);
    }
  });

  it("reads gzip by its content, whatever it is called", async () => {
    expect([...(await readNifti(gzipSync(nifti()), { name: "scan.nii" })).data]).toEqual(upTo63);
    expect([...(await readNifti(nifti(), { name: "scan.nii.gz" })).data]).toEqual(upTo63);
  });

  it("skips an extension (O32a)", async () => {
    const extension = new Uint8Array(144).fill(9);
    new DataView(extension.buffer).setInt32(0, 144, true);
    const volume = await readNifti(nifti({ flag: [1, 0, 0, 0], extension }));
    expect([...volume.data]).toEqual(upTo63);
  });

  it("reads at vox_offset 352 with the extension flag set and no extension (O32b)", async () => {
    expect([...(await readNifti(nifti({ flag: [1, 0, 0, 0] }))).data]).toEqual(upTo63);
  });

  it("counts vox_offset 0 as right after the header, and refuses one within it", async () => {
    expect([...(await readNifti(nifti({ offset: 0 }))).data]).toEqual(upTo63);
    expect([...(await readNifti(nifti({ version: 2, offset: 0 }))).data]).toEqual(upTo63);
    for (const offset of [348, 100, -16, Number.NaN, 352.5]) await refusal(() => readNifti(nifti({ offset })), "FORMAT_INVALID", /vox_offset/);
  });

  it("reads at an odd offset, and from a view that is not aligned", async () => {
    expect([...(await readNifti(nifti({ extension: new Uint8Array(1) }))).data]).toEqual(upTo63);
    expect([...(await readNifti(concat(new Uint8Array(3), nifti()).subarray(3))).data]).toEqual(upTo63);
  });
});

describe("header and image in two files (O32c)", () => {
  let folder: string;
  const header = nifti({ magic: "ni1\0", offset: 0 });
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "io-pair-"));
    for (const [name, bytes] of Object.entries({
      "a.hdr": header,
      "a.img": counting(64),
      "b.hdr": header,
      "b.img.gz": gzipSync(counting(64)),
      "c.hdr": header,
      "D.HDR": header,
      "D.IMG": counting(64),
      "e.hdr.gz": gzipSync(header),
      "e.img": counting(64),
      "f.hdr": header,
      "f.img": counting(63),
    })) {
      await writeFile(path.join(folder, name), bytes);
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(["a.hdr", "a.img", "b.hdr", "b.img.gz", "D.HDR", "e.hdr.gz", "e.img"])("%s", async (name) => {
    expect([...(await readVolume(path.join(folder, name))).data]).toEqual(upTo63);
  });

  it("names the .img that is missing", () => refusal(() => readVolume(path.join(folder, "c.hdr")), "FILE_NOT_FOUND", /c\.hdr/, /c\.img/, /`companion`/));

  it("names the .img that is cut short", () =>
    refusal(() => readVolume(path.join(folder, "f.hdr")), "FILE_TRUNCATED", /f\.img/, /expected 128 bytes/, /found 126/));

  it("takes the .img as companion", async () => {
    expect([...(await readNifti(header, { companion: counting(64) })).data]).toEqual(upTo63);
    const file = new File([header as Uint8Array<ArrayBuffer>], "x.hdr");
    expect([...(await readVolume(file, { companion: new Blob([counting(64) as Uint8Array<ArrayBuffer>]) })).data]).toEqual(upTo63);
    expect([...(await readNifti(gzipSync(header), { companion: gzipSync(counting(64)) })).data]).toEqual(upTo63);
    await refusal(() => readVolume(file), "FILE_NOT_FOUND", /x\.img/);
    await refusal(() => readNifti(header, { companion: new Uint8Array(0) }), "FILE_EMPTY");
  });
});

describe("64-bit integers (O42)", () => {
  const int64 = (values: bigint[]) => new Uint8Array(BigInt64Array.from(values).buffer);

  it("reads int64 labels 0 … 47", async () => {
    const values = Array.from({ length: 48 }, (_, i) => BigInt(i));
    const volume = await readNifti(nifti({ dims: [4, 4, 3], datatype: 1024, data: int64(values) }));
    expect(volume.data).toBeInstanceOf(Float64Array);
    expect([...volume.data]).toEqual(values.map(Number));
  });

  it("reads up to ±2^53 and refuses beyond", async () => {
    const edge = 2n ** 53n;
    expect([...(await readNifti(nifti({ dims: [3, 1, 1], datatype: 1024, data: int64([edge, -edge, -1n]) }))).data]).toEqual([2 ** 53, -(2 ** 53), -1]);
    for (const value of [edge + 1n, -edge - 1n, 2n ** 62n]) {
      await refusal(
        () => readNifti(nifti({ dims: [2, 1, 1], datatype: 1024, data: int64([5n, value]) })),
        "FORMAT_INVALID",
        new RegExp(`voxel 1 .*is ${value},`),
        /2\^53/,
      );
    }
    await refusal(() => readNifti(nifti({ dims: [1, 1, 1], datatype: 1280, data: int64([-1n]) })), "FORMAT_INVALID", /18446744073709551615/);
  });
});
