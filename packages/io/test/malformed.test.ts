// Files that are no volume, or a damaged one: a clear error, soon, and nothing allocated on a header's word.
import { gzipSync } from "node:zlib";
import type { ErrorCode } from "@anymc3d/core";
import { describe, expect, it } from "vitest";
import { readNifti } from "../src/index.js";
import { concat, counting, nifti, refusal } from "./build.js";

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const padded = (start: string, at = 0) => concat(new Uint8Array(at), ascii(start), new Uint8Array(600).fill(200));

describe("not NIfTI", () => {
  it.each<[string, Uint8Array]>([
    ["DICOM", padded("DICM", 128)],
    ["HTML", ascii("<!DOCTYPE html>\n<html><body>Not found</body></html>")],
    ["PNG", padded("\x89PNG\r\n\x1a\n")],
    ["zip", padded("PK\x03\x04")],
    ["NRRD", padded("NRRD0004\n")],
    ["MetaImage", ascii("ObjectType = Image\nNDims = 3\n")],
    ["NumPy", padded("\x93NUMPY")],
    ["HDF5", padded("\x89HDF\r\n\x1a\n")],
    ["Git LFS", ascii("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")],
    ["JSON", ascii('{"a": 1}')],
    ["plain text", ascii("hello\n")],
    ["plain text", new TextEncoder().encode(`# Lungenrundherde – “größer”\n${"é".repeat(2000)}`)],
    ["zeros", new Uint8Array(1000)],
    ["unknown", new Uint8Array([200, 3])],
  ])("says what %s looks like, and what can be read", async (what, bytes) => {
    for (const [file, within] of [
      [bytes, ""],
      [gzipSync(bytes), "inside gzip"],
    ] as const) {
      await refusal(
        () => readNifti(file, { name: "some file" }),
        "FORMAT_UNKNOWN",
        /^some file: not NIfTI/,
        new RegExp(what, "i"),
        within,
        /NIfTI-1 and NIfTI-2/,
      );
    }
  });

  it("asks how ANALYZE 7.5 lies", async () => {
    const old = nifti({ magic: "\0\0\0\0", sform: 0, offset: 0, pixdim: [0, 2, 3, 4] });
    for (const file of [old, gzipSync(old)]) {
      await refusal(() => readNifti(file, { name: "a.hdr" }), "GEOMETRY_INVALID", /ANALYZE 7\.5/, /`orientation`/);
      await refusal(() => readNifti(file, { orientation: "LAR" }), "OPTION_INVALID", /"LAR"/);
      const volume = await readNifti(file, { orientation: "LPI", companion: counting(64) });
      expect(volume.affine).toEqual([-2, 0, 0, 3, 0, -3, 0, 4.5, 0, 0, -4, 6, 0, 0, 0, 1]);
    }
  });

  it("refuses nothing at all", async () => {
    await refusal(() => readNifti(new Uint8Array(0), { name: "a.nii" }), "FILE_EMPTY", /a\.nii/);
    await refusal(() => readNifti(gzipSync("")), "FILE_EMPTY", /unpacking/);
  });
});

describe("a header that cannot be", () => {
  const nan = Number.NaN;
  it.each<[string, ErrorCode, Parameters<typeof nifti>[0], RegExp]>([
    ["a negative dim", "FORMAT_INVALID", { dims: [4, -4, 4], data: counting(64) }, /dim\[2\] is -4/],
    ["a dim of zero", "FORMAT_INVALID", { dims: [4, 4, 0], data: counting(64) }, /dim\[3\] is 0/],
    ["no axes", "FORMAT_INVALID", { dims: [], data: counting(64) }, /dim\[0\] is 0/],
    ["dims larger than the file", "FILE_TRUNCATED", { dims: [32767, 32767, 32767], data: counting(64) }, /expected 70362301923678 bytes.*found 480/],
    ["dims whose product overflows", "FILE_TRUNCATED", { version: 2, dims: Array(7).fill(2 ** 52), data: counting(64) }, /expected .*bytes/],
    ["a dim beyond 2^53", "FORMAT_INVALID", { version: 2, dims: [2 ** 60, 1, 1], data: counting(1) }, /dim\[1\]/],
    ["vox_offset behind the end", "FILE_TRUNCATED", { offset: 1e6 }, /from byte 1000000/],
    ["RGB", "CHANNELS_UNSUPPORTED", { datatype: 128 }, /RGB/],
    ["RGBA", "CHANNELS_UNSUPPORTED", { datatype: 2304 }, /RGBA/],
    ["complex", "FORMAT_INVALID", { datatype: 32 }, /complex64/],
    ["binary", "FORMAT_INVALID", { datatype: 1 }, /binary/],
    ["float128", "FORMAT_INVALID", { datatype: 1536 }, /float128/],
    ["an unknown datatype", "FORMAT_INVALID", { datatype: 77 }, /datatype 77/],
    ["pixdim 0 without sform", "GEOMETRY_INVALID", { sform: 0, qform: 1, pixdim: [1, 1, 0, 1] }, /pixdim\[2\] is 0/],
    ["pixdim NaN without sform", "GEOMETRY_INVALID", { sform: 0, qform: 1, pixdim: [1, 1, 1, nan] }, /pixdim\[3\] is NaN/],
    ["a quaternion of NaN", "GEOMETRY_INVALID", { sform: 0, qform: 1, quatern: [0, nan, 0, 0, 0, 0] }, /quatern_c is NaN/],
    ["an infinite offset", "GEOMETRY_INVALID", { sform: 0, qform: 1, quatern: [0, 0, 0, 0, 0, 1 / 0] }, /qoffset_z is Infinity/],
    ["a quaternion too long", "GEOMETRY_INVALID", { sform: 0, qform: 1, quatern: [1, 1, 0, 0, 0, 0] }, /of length 1\.41/],
    ["an sform of zeros", "GEOMETRY_INVALID", { srow: Array(12).fill(0) }, /srow_x 0 0 0 0/],
    ["an sform of two directions", "GEOMETRY_INVALID", { srow: [1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0] }, /three directions/],
    ["an sform with NaN", "GEOMETRY_INVALID", { srow: [1, 0, 0, nan, 0, 1, 0, 0, 0, 0, 1, 0] }, /NaN/],
  ])("%s", async (_, code, fields, says) => {
    const bytes = nifti(fields);
    await refusal(() => readNifti(bytes, { name: "bad.nii" }), code, /^bad\.nii: /, says);
    if (!String(says).includes("found")) await refusal(() => readNifti(gzipSync(bytes), { name: "bad.nii.gz" }), code, /^bad\.nii\.gz: /, says);
  });

  it("reads on, with a note, where only bitpix is wrong", async () => {
    const volume = await readNifti(nifti({ bitpix: 32 }));
    expect(volume.data[63]).toBe(63);
    expect(volume.notes?.[0].code).toBe("NIFTI_BITPIX");
  });

  it("names a size field that is wrong", async () => {
    const bytes = nifti();
    bytes[0] = 0;
    await refusal(() => readNifti(bytes), "FORMAT_INVALID", /sizeof_hdr is 256/);
  });
});

describe("too little or too much", () => {
  it("says how many bytes were expected and found", async () => {
    await refusal(() => readNifti(nifti().subarray(0, 470), { name: "cut.nii" }), "FILE_TRUNCATED", /expected 480 bytes/, /found 470/);
    await refusal(() => readNifti(gzipSync(nifti().subarray(0, 470))), "FILE_TRUNCATED", /expected 480 bytes/, /found 470/);
    await refusal(() => readNifti(nifti().subarray(0, 100)), "FILE_TRUNCATED", /348 bytes/, /found 100/);
  });

  it("tells gzip cut short from gzip damaged", async () => {
    const packed = gzipSync(nifti({ dims: [16, 16, 16] }));
    await refusal(() => readNifti(packed.subarray(0, packed.length - 20)), "FILE_TRUNCATED", /gzip/);
    await refusal(() => readNifti(packed.subarray(0, packed.length - 4)), "FILE_TRUNCATED", /gzip/);
    const damaged = Uint8Array.from(packed);
    damaged[packed.length - 6] ^= 1;
    await refusal(() => readNifti(damaged), "FORMAT_INVALID", /gzip/);
  });

  it("refuses a gzip bomb by its header, before it is unpacked, and one behind a small header by the limit", async () => {
    const zeros = new Uint8Array(20e6);
    const large = gzipSync(nifti({ dims: [1000, 1000, 20, 1], datatype: 2, data: zeros }));
    await refusal(() => readNifti(large, { maxBytes: 1e6 }), "FILE_TOO_LARGE", /need 20000352 bytes/, /1000000/, /maxBytes/);
    await refusal(() => readNifti(gzipSync(concat(nifti(), zeros)), { maxBytes: 1e6 }), "FILE_TOO_LARGE", /unpacks to more/);
    await refusal(() => readNifti(gzipSync(nifti({ dims: [30000, 30000, 30000], data: counting(64) }))), "FILE_TRUNCATED", /cannot unpack to so many/);
  });

  it("refuses a small volume before an endless tail, whatever the limit", async () => {
    await refusal(() => readNifti(gzipSync(concat(nifti(), new Uint8Array(1e8)))), "FORMAT_INVALID", /more than the 480 bytes/);
    expect((await readNifti(gzipSync(concat(nifti(), new Uint8Array(1e6))))).data[63]).toBe(63);
  });

  it("counts what scaling makes of the voxels", async () => {
    const bytes = nifti({ dims: [100, 100, 1], datatype: 2, slope: 2, data: new Uint8Array(10000) });
    await refusal(() => readNifti(bytes, { maxBytes: 20000 }), "FILE_TOO_LARGE", /need 40000 bytes/);
    for (const maxBytes of [0, -1, Number.NaN]) await refusal(() => readNifti(bytes, { maxBytes }), "OPTION_INVALID", /maxBytes/);
  });

  it("ignores bytes behind the voxels", async () => {
    expect((await readNifti(concat(nifti(), new Uint8Array(1000)))).data).toHaveLength(64);
  });

  it("stops at an abort with the signal's reason", async () => {
    const reason = new Error("enough");
    await expect(readNifti(gzipSync(nifti()), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
