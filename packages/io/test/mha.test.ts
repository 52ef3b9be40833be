// MetaImage headers of every kind: where the volume lies, which axes it has, what is refused.
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readMha, readVolume } from "../src/index.js";
import { concat, counting, near, random, refusal } from "./build.js";

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
const codes = (volume: { notes?: readonly { code: string }[] }) => volume.notes?.map(({ code }) => code) ?? [];
const PLACED = { TransformMatrix: "1 0 0 0 1 0 0 0 1", Offset: "0 0 0", ElementSpacing: "1 1 1" };

function mha(fields: Record<string, string | undefined> = {}, data: Uint8Array = counting(24)): Uint8Array {
  const { ElementDataFile, ...rest } = { ElementDataFile: "LOCAL", ...fields };
  const all = {
    ObjectType: "Image",
    NDims: "3",
    BinaryData: "True",
    BinaryDataByteOrderMSB: "False",
    DimSize: "4 3 2",
    ElementType: "MET_SHORT",
    ...PLACED,
    ...rest,
  };
  const lines = [...Object.entries(all), ["ElementDataFile", ElementDataFile]].flatMap(([key, value]) => (value === undefined ? [] : [`${key} = ${value}\n`]));
  return concat(new TextEncoder().encode(lines.join("")), data);
}

describe("where the volume lies", () => {
  it("each triple of TransformMatrix is the direction of one axis (O22)", async () => {
    const volume = await readMha(mha({ TransformMatrix: "0 1 0 -1 0 0 0 0 1", ElementSpacing: "1 2 3", Offset: "10 20 30" }));
    expect(volume.affine).toEqual([0, 2, 0, -10, -1, 0, 0, -20, 0, 0, 3, 30, 0, 0, 0, 1]);
    expect(codes(volume)).toEqual([]);
  });

  it("says what it assumed, what it converted, and where AnatomicalOrientation differs", async () => {
    const bare = await readMha(mha({ TransformMatrix: undefined, Offset: undefined }));
    expect(bare.affine).toEqual([-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
    expect(bare.notes?.map(({ code, message }) => [code, /TransformMatrix.*Offset/.test(message)])).toEqual([["META_DEFAULTS", true]]);
    const cm = await readMha(mha({ DistanceUnits: "cm", Offset: "1 2 3" }));
    near(cm.affine, [-10, 0, 0, -10, 0, -10, 0, -20, 0, 0, 10, 30, 0, 0, 0, 1], 9);
    expect(codes(cm)).toEqual(["META_UNITS"]);
    expect(codes(await readMha(mha({ AnatomicalOrientation: "RAI" })))).toEqual([]);
    expect(codes(await readMha(mha({ AnatomicalOrientation: "LPS" })))).toEqual(["META_ORIENTATION_DIFFERS"]);
    expect(codes(await readMha(mha({ AnatomicalOrientation: "???" })))).toEqual([]);
  });

  it("scaling and modality are taken from the header", async () => {
    const volume = await readMha(mha({ ElementToIntensityFunctionSlope: "2", ElementToIntensityFunctionOffset: "-1024", Modality: "MET_MOD_CT" }));
    expect([...volume.data]).toEqual(upTo(24).map((i) => 2 * i - 1024));
    expect(volume.modality).toBe("CT");
    expect(codes(volume)).toEqual(["META_SCALED"]);
    expect((await readMha(mha({ Modality: "MET_MOD_CT" }), { modality: "MR" })).modality).toBe("MR");
    expect((await readMha(mha({ Modality: "MET_MOD_OTHER" }))).modality).toBeUndefined();
  });

  it.each<[string, Record<string, string | undefined>, RegExp]>([
    ["spacing 0", { ElementSpacing: "1 0 1" }, /ElementSpacing 1 0 1/],
    ["spacing of 0", { ElementSpacing: "1 0 1" }, /other than 0/],
    ["two directions", { TransformMatrix: "1 0 0 1 0 0 0 0 1" }, /three directions/],
    ["a unit of something else", { DistanceUnits: "parsec" }, /parsec/],
  ])("refused: %s", async (_, fields, says) => {
    await refusal(() => readMha(mha(fields)), "GEOMETRY_INVALID", says);
  });
});

describe("channels, frames, slices", () => {
  it("channels lie fastest: by `channel`", async () => {
    const bytes = mha({ ElementNumberOfChannels: "3" }, counting(72));
    await refusal(() => readMha(bytes), "CHANNELS_UNSUPPORTED", /3 channels/, /`channel`, 0 to 2/);
    expect([...(await readMha(bytes, { channel: 2 })).data]).toEqual(upTo(24).map((i) => 3 * i + 2));
  });

  it("a fourth axis is frames: by `frame`", async () => {
    const four = { NDims: "4", DimSize: "4 3 2 5", TransformMatrix: "0 1 0 0 -1 0 0 0 0 0 1 0 0 0 0 1", Offset: "1 2 3 0", ElementSpacing: "1 2 3 0.5" };
    await refusal(() => readMha(mha(four, counting(120))), "FRAME_REQUIRED", /5 frames \(4 × 3 × 2 × 5\)/);
    const volume = await readMha(mha(four, counting(120)), { frame: 3 });
    expect([...volume.data]).toEqual(upTo(24).map((i) => 72 + i));
    expect(volume.affine).toEqual([0, 2, 0, -1, -1, 0, 0, -2, 0, 0, 3, 3, 0, 0, 0, 1]);
    const mixed = { ...four, TransformMatrix: "0 1 0 1 -1 0 0 0 0 0 1 0 0 0 0 1" };
    await refusal(() => readMha(mha(mixed, counting(120)), { frame: 3 }), "GEOMETRY_INVALID", /fourth axis/);
  });

  it("an image of two axes says nothing of the patient", async () => {
    const volume = await readMha(mha({ NDims: "2", DimSize: "6 4", TransformMatrix: "1 0 0 1", Offset: "0 0", ElementSpacing: "1 1" }));
    expect(volume.shape).toEqual([6, 4, 1]);
    expect(volume.affine).toEqual([-1, 0, 0, 2.5, 0, -1, 0, 1.5, 0, 0, 1, 0, 0, 0, 0, 1]);
    expect(codes(volume)).toEqual(["META_NO_ORIENTATION"]);
    const two = mha({ NDims: "2", DimSize: "6 4", TransformMatrix: "1 0 0 1", Offset: "0 0", ElementSpacing: "2 3" });
    expect((await readMha(two, { orientation: "LPS" })).affine).toEqual([-2, 0, 0, 5, 0, -3, 0, 4.5, 0, 0, 1, 0, 0, 0, 0, 1]);
  });
});

describe("compressed voxels (O34)", () => {
  const next = random(9);
  const values = Int16Array.from({ length: 512 }, () => Math.floor(next() * 2000 - 1000));
  const packed = deflateSync(new Uint8Array(values.buffer));
  const bytes = (size: number | undefined, data: Uint8Array = packed) =>
    mha({ DimSize: "8 8 8", CompressedData: "True", CompressedDataSize: size === undefined ? undefined : String(size) }, data);

  it("cut in half are refused", async () => {
    await refusal(() => readMha(bytes(packed.length, packed.subarray(0, packed.length / 2))), "FILE_TRUNCATED", /zlib/);
    await refusal(() => readMha(bytes(packed.length, packed.subarray(0, packed.length - 2))), "FILE_TRUNCATED", /zlib/);
    await refusal(() => readMha(bytes(undefined, packed.subarray(0, 2))), "FILE_TRUNCATED", /zlib/);
  });

  it("whole with a size field that is too small are read whole, and that is told", async () => {
    const volume = await readMha(bytes(packed.length - 10));
    expect([...volume.data]).toEqual([...values]);
    expect(codes(volume)).toEqual(["META_COMPRESSED_SIZE"]);
    expect(codes(await readMha(bytes(packed.length)))).toEqual([]);
    expect(codes(await readMha(bytes(undefined)))).toEqual([]);
  });

  it("damaged, more or fewer than declared, or a bomb are refused", async () => {
    const damaged = packed.map((byte, i) => (i === 700 ? byte ^ 16 : byte));
    await refusal(() => readMha(bytes(packed.length, damaged)), "FORMAT_INVALID", /zlib/);
    await refusal(() => readMha(mha({ DimSize: "8 8 7", CompressedData: "True" }, packed)), "FORMAT_INVALID", /more than the 896 bytes/);
    await refusal(() => readMha(mha({ DimSize: "8 8 9", CompressedData: "True" }, packed)), "FILE_TRUNCATED", /expected 1152 bytes.*found 1024/);
    await refusal(() => readMha(mha({ CompressedData: "True" }, deflateSync(new Uint8Array(1e7)))), "FORMAT_INVALID", /more than the 48 bytes/);
  });
});

it("fields of the writer's own, over several lines and twice, are passed over", async () => {
  const bytes = mha({ "my note": "one\nDimSize is not meant here\nmy note = two", "0008|0060": "MR" });
  const volume = await readMha(bytes);
  expect([...volume.data]).toEqual(upTo(24));
  expect(volume.modality).toBe("MR");
});

describe("refused", () => {
  it.each<[string, Record<string, string | undefined>, string, RegExp]>([
    ["another object", { ObjectType: "Tube" }, "FORMAT_INVALID", /Tube/],
    ["no DimSize", { DimSize: undefined }, "FORMAT_INVALID", /DimSize/],
    ["a size of zero", { DimSize: "4 0 2" }, "FORMAT_INVALID", /4 0 2/],
    ["a size that is no whole number", { DimSize: "4 3.5 2" }, "FORMAT_INVALID", /3\.5/],
    ["too few sizes", { DimSize: "4 3" }, "FORMAT_INVALID", /expected 3 numbers/],
    ["five axes", { NDims: "5" }, "FORMAT_INVALID", /NDims = 5/],
    ["an unknown type", { ElementType: "MET_STRING" }, "FORMAT_INVALID", /MET_STRING/],
    ["a flag that is none", { CompressedData: "maybe" }, "FORMAT_INVALID", /maybe/],
    ["a field under two names", { Position: "0 0 9" }, "FORMAT_INVALID", /Position/],
    ["more voxels than memory", { DimSize: "100000 100000 100000" }, "FILE_TOO_LARGE", /maxBytes/],
    ["more voxels than bytes", { DimSize: "400 300 200" }, "FILE_TRUNCATED", /expected 48000000 bytes.*found 48/],
    ["more channels than memory", { ElementNumberOfChannels: "99999999999" }, "FILE_TOO_LARGE", /maxBytes/],
    ["text that is none", { BinaryData: "False" }, "FORMAT_INVALID", /text/],
    ["a header size in the same file", { HeaderSize: "10" }, "FORMAT_INVALID", /HeaderSize 10/],
    ["a data file elsewhere", { ElementDataFile: "../a.raw" }, "FORMAT_INVALID", /own folder/],
    ["too many data files", { ElementDataFile: "a%d.raw 0 100000 1" }, "FORMAT_INVALID", /65536/],
    ["a data file that is not given", { ElementDataFile: "a.raw" }, "FILE_NOT_FOUND", /a\.raw.*`companion`/],
  ])("%s", async (_, fields, code, says) => {
    await refusal(() => readMha(mha(fields), { channel: 0, name: "a.mha" }), code as never, /^a\.mha: /, says);
  });

  it("a header without its last field", async () => {
    await refusal(() => readMha(new TextEncoder().encode("ObjectType = Image\nNDims = 3\n")), "FORMAT_INVALID", /ElementDataFile/);
    await refusal(() => readVolume(new TextEncoder().encode(`NDims = 3\n${"A = 1\n".repeat(300_000)}`)), "FORMAT_INVALID", /ElementDataFile/);
  });
});
