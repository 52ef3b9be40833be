// What makes no one volume, half files among whole ones, padding wherever it lies: each with its right value or its refusal.
import type { ErrorCode } from "@anymc3d/core";
import { dicomFile, type Elements, slice, type Value, words } from "@anymc3d/testkit/dicom";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { type ReadOptions, readVolume } from "../src/index.js";
import { refusal } from "./build.js";

type More = Record<string, readonly [string, Value] | undefined>;
const four = (value: number) => [value, value, value, value];
const file = (bytes: Uint8Array, name: string) => new File([bytes as Uint8Array<ArrayBuffer>], name);
/** Slices at 0, 3, 6 and 9 mm; those from the third on get `second`. */
const halves = (second: More, first: More = {}) => [0, 3, 6, 9].map((z) => file(slice(z, four(z), z < 6 ? first : { ...first, ...second }), `${z}.dcm`));
const read = (files: readonly File[], options: ReadOptions = {}) => readVolume([...files], options);
const codes = (notes: readonly { code: string }[] = []) => notes.map(({ code }) => code);

describe("slices that belong to different things", () => {
  it.each<[string, More, More, ErrorCode, RegExp]>([
    ["frames of reference", { "00200052": ["UI", "1.9"] }, { "00200052": ["UI", "1.8"] }, "SERIES_REQUIRED", /frame of reference/],
    ["modalities", { "00080060": ["CS", "PT"] }, {}, "SERIES_REQUIRED", /CT, HU.*PT/s],
    ["rescale types", { "00281054": ["LO", "US"] }, { "00281054": ["LO", "HU"] }, "SERIES_REQUIRED", /HU.*US/s],
    ["units", { "00541001": ["CS", "CNTS"] }, { "00541001": ["CS", "BQML"], "00080060": ["CS", "PT"] }, "SERIES_REQUIRED", /BQML.*CNTS/s],
    ["patients", { "00100020": ["LO", "two"] }, { "00100020": ["LO", "one"] }, "SERIES_REQUIRED", /different studies or patients/],
    ["studies", { "0020000d": ["UI", "1.77"] }, {}, "SERIES_REQUIRED", /different studies or patients/],
    ["echo times", { "00180081": ["DS", 80] }, { "00180081": ["DS", 10], "00080060": ["CS", "MR"] }, "GEOMETRY_INVALID", /echo time .* 10 to 80/],
    ["kernels", { "00181210": ["SH", "B70f"] }, { "00181210": ["SH", "B30f"] }, "GEOMETRY_INVALID", /kernels B30f, B70f/],
    ["rescaling, stated and not", { "00281052": undefined, "00281053": undefined }, {}, "FORMAT_INVALID", /6\.dcm states no Rescale/],
  ])("%s", async (_, second, first, code, said) => {
    await refusal(() => read(halves(second, first)), code, said);
  });

  it("magnitude and phase behind each other are told of; a stack is chosen by its number in the list", async () => {
    const types = halves({ "00080008": ["CS", "ORIGINAL\\PRIMARY\\P"] }, { "00080008": ["CS", "ORIGINAL\\PRIMARY\\M"], "00080060": ["CS", "MR"] });
    expect(codes((await read(types)).notes)).toContain("IMAGE_TYPES_MIXED");
    const scout = file(slice(500, four(777), { "00080008": ["CS", "ORIGINAL\\PRIMARY\\LOCALIZER"], "00200037": ["DS", [1, 0, 0, 0, 0, -1]] }), "scout.dcm");
    const small = [0, 3].map((z) => file(slice(z, four(z)), `s${z}.dcm`));
    const large = [0, 3].map((z) => file(slice(z, new Array(9).fill(z)), `l${z}.dcm`));
    await refusal(() => read([scout, ...small, ...large]), "SERIES_REQUIRED", /0: 2 image\(s\) of 2×2.*1: 2 image\(s\) of 3×3/s);
    expect((await read([scout, ...small, ...large], { stack: 0 })).shape).toEqual([2, 2, 2]);
    expect((await read([scout, ...small, ...large], { stack: 1 })).shape).toEqual([3, 3, 2]);
  });

  it("the same place and pixels, another rescale: no copy", async () => {
    const again = file(slice(3, four(3), { "00281052": ["DS", -1024], "00080018": ["UI", "1.2.3.9"] }), "again.dcm");
    await refusal(() => read([...halves({}), again]), "GEOMETRY_INVALID", /same place/);
  });

  it("every second slice gone: the headers' own spacing tells", async () => {
    const files = [0, 6, 12].map((z) => file(slice(z, four(z), { "00180088": ["DS", 3] }), `${z}.dcm`));
    expect(codes((await read(files)).notes)).toEqual(["SLICES_APART"]);
  });

  it("a series UID that begins another one", async () => {
    const one = halves({}, { "0020000e": ["UI", "1.2.840.55.1"] });
    const ten = halves({}, { "0020000e": ["UI", "1.2.840.55.10"] }).slice(0, 2);
    expect((await read([...one, ...ten], { series: "1.2.840.55.1" })).shape).toEqual([2, 2, 4]);
    expect((await read([...one, ...ten], { series: "1.2.840.55.10" })).shape).toEqual([2, 2, 2]);
  });
});

describe("frames of one file", () => {
  const frames = (count: number, more: More): Uint8Array =>
    slice(50, new Array(4).fill(0), {
      "00280008": ["IS", count],
      "7fe00010": ["OW", words(Array.from({ length: 4 * count }, (_, i) => Math.floor(i / 4)))],
      ...more,
    });

  it("segments make a choice", async () => {
    const at = (z: number, segment: number): Elements => ({
      "00209113": ["SQ", [{ "00200032": ["DS", [0, 0, z]] }]],
      "0062000a": ["SQ", [{ "0062000b": ["US", segment] }]],
    });
    const seg = frames(4, { "00080060": ["CS", "SEG"], "52009230": ["SQ", [at(0, 1), at(3, 1), at(6, 2), at(9, 2)]] });
    await refusal(() => read([file(seg, "seg.dcm")]), "FRAME_REQUIRED", /0: segment 1\s+1: segment 2/);
    const volume = await read([file(seg, "seg.dcm")], { frame: 1 });
    expect([volume.shape, [...volume.data]]).toEqual([
      [2, 2, 4],
      [...four(0), ...four(0), ...four(2), ...four(3)],
    ]);
    expect(volume.affine).toEqual((await read([file(seg, "seg.dcm")], { frame: 0 })).affine);
  });

  it("time is not depth: a movie is refused, one of its frames is read", async () => {
    const movie = frames(8, { "00280009": ["AT", [(0x00181063 >>> 16) | ((0x1063 << 16) >>> 0)]], "00200032": undefined });
    await refusal(() => read([file(movie, "cine.dcm")]), "FRAME_REQUIRED", /Frame Increment Pointer/);
    expect([...(await read([file(movie, "cine.dcm")], { frame: 5 })).data]).toEqual(four(5));
  });

  it("RT Dose with offsets from the patient's origin, and with too few (PS3.3 C.8.8.3.2)", async () => {
    const dose = (offsets: readonly number[]) => file(frames(4, { "00080060": ["CS", "RTDOSE"], "3004000c": ["DS", offsets] }), "dose.dcm");
    for (const offsets of [
      [0, 3, 6, 9],
      [50, 53, 56, 59],
    ])
      expect((await read([dose(offsets)])).affine?.[11]).toBe(50);
    await refusal(() => read([dose([0, 3, 6])]), "GEOMETRY_INVALID", /3 numbers/);
    await refusal(() => read([dose([7, 10, 13, 16])]), "GEOMETRY_INVALID", /from 7/);
  });

  it("more frames than the file can hold are refused before anything is made of them", async () => {
    const huge = dicomFile(
      {
        "00080060": ["CS", "CT"],
        "00280004": ["CS", "MONOCHROME2"],
        "00280008": ["IS", "2000000000"],
        "00280010": ["US", 2],
        "00280011": ["US", 2],
        "00280100": ["US", 16],
        "00280101": ["US", 16],
        "00280102": ["US", 15],
        "00280103": ["US", 0],
        "7fe00010": ["OB", new Uint8Array([0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0])],
      },
      { syntax: "1.2.840.10008.1.2.4.80" },
    );
    // Walked through they would fill the memory, or take longer than a test may.
    await refusal(() => read([file(huge, "huge.dcm")]), "FILE_TRUNCATED", /2000000000 compressed frames/);
  });
});

describe("half files of a series", () => {
  const whole = [0, 3, 6].map((z) => file(slice(z, four(z)), `${z}.dcm`));
  const last = slice(9, four(9));
  it.each<[string, Uint8Array, ErrorCode]>([
    ["no pixel data", slice(9, four(9), { "7fe00010": undefined }), "FILE_TRUNCATED"],
    ["no rows", slice(9, four(9), { "00280010": undefined }), "FILE_TRUNCATED"],
    ["nothing", new Uint8Array(0), "FORMAT_INVALID"],
    ["100 bytes", last.subarray(0, 100), "FORMAT_INVALID"],
    ["zeros", new Uint8Array(last.length), "FORMAT_INVALID"],
    ["zeros in the middle of the header", last.map((byte, i) => (i > 250 && i < 340 ? 0 : byte)), "FORMAT_INVALID"],
    ["no pixel representation", slice(9, four(9), { "00280103": undefined }), "FORMAT_INVALID"],
  ])("%s: refused by name, never a shorter volume", async (_, bytes, code) => {
    await refusal(() => read([...whole, file(bytes, "9.dcm")]), code, /9\.dcm/);
  });

  it("what is hidden, and what is named otherwise, is left out and named", async () => {
    const volume = await read([...whole, file(new Uint8Array(20), "._9.dcm"), file(new Uint8Array(20), "notes.txt")]);
    expect([volume.shape, volume.notes?.[0].message]).toEqual([[2, 2, 3], expect.stringMatching(/2 file\(s\).*\._9\.dcm, notes\.txt/)]);
  });

  it("zips: a changed byte, an encrypted entry and a name that comes twice are refused", async () => {
    const zip = zipSync(Object.fromEntries([0, 3, 6].map((z) => [`${z}.dcm`, [slice(z, four(z)), { level: 0 }] as const])) as never);
    expect((await readVolume(zip)).shape).toEqual([2, 2, 3]);
    const changed = zip.slice();
    changed[600] ^= 1;
    await refusal(() => readVolume(changed), "FORMAT_INVALID", /[03]\.dcm is damaged: its checksum/);
    const directory = zip.findIndex((_, i) => zip[i] === 0x50 && zip[i + 1] === 0x4b && zip[i + 2] === 1 && zip[i + 3] === 2);
    const encrypted = zip.slice();
    encrypted[directory + 8] |= 1;
    await refusal(() => readVolume(encrypted), "FORMAT_INVALID", /0\.dcm is encrypted/);
    const twice = zip.map((byte, i) =>
      byte === "3".charCodeAt(0) && String.fromCharCode(...zip.subarray(i + 1, i + 5)) === ".dcm" ? "0".charCodeAt(0) : byte,
    );
    await refusal(() => readVolume(twice), "FORMAT_INVALID", /0\.dcm is in the archive twice/);
  });
});

describe("padding", () => {
  const padded = (stored: number, more: More) => read([file(slice(0, [stored, 0, 40, 40], { "00180050": ["DS", 1], ...more }), "one.dcm")]);
  it("above tissue too: a CT's becomes air, elsewhere the smallest other value", async () => {
    const unsigned: More = { "00280103": ["US", 0], "00281052": ["DS", -1024], "00280120": ["US", 65535] };
    expect([...(await padded(65535, unsigned)).data]).toEqual([-1000, -1024, -984, -984]);
    const mr: More = { "00280103": ["US", 0], "00280120": ["US", 4095], "00080060": ["CS", "MR"] };
    expect([...(await padded(4095, mr)).data]).toEqual([0, 0, 40, 40]);
    const falling: More = { "00281053": ["DS", -1], "00280120": ["SS", -2000] };
    expect([...(await padded(-2000, falling)).data]).toEqual([-1000, -0, -40, -40].map((value) => value + 0));
  });
  it("of 12 signed bits, written as stored", async () => {
    const twelve: More = { "00280101": ["US", 12], "00280102": ["US", 11], "00280120": ["US", 0x830] };
    expect([...(await padded(-2000 & 0xfff, twelve)).data]).toEqual([-1000, 0, 40, 40]);
  });
});

it("big endian, 8 bits, OW: the bytes of a word are swapped (PS3.5 8.1.1; dcmtk writes them so)", async () => {
  const bits: More = { "00280100": ["US", 8], "00280101": ["US", 8], "00280102": ["US", 7], "00280103": ["US", 0], "00180050": ["DS", 1] };
  const swapped = slice(0, four(0), { ...bits, "7fe00010": ["OW", new Uint8Array([1, 0, 3, 2])] }, { big: true });
  expect([...(await readVolume(swapped)).data]).toEqual([0, 1, 2, 3]);
});

it("units are Hounsfield's only where a CT states its rescaling", async () => {
  const one = (more: More) => readVolume(slice(0, four(0), { "00180050": ["DS", 1], ...more }));
  expect((await one({})).meta?.units).toBe("HU");
  expect((await one({ "00281054": ["LO", "US"] })).meta?.units).toBe("US");
  expect((await one({ "00281052": undefined, "00281053": undefined })).meta?.units).toBeUndefined();
});

it("DICM after the preamble wins over a preamble that looks like another format (PS3.10 7.1)", async () => {
  const bytes = slice(0, four(7), { "00180050": ["DS", 1] });
  bytes.set(new TextEncoder().encode("NRRD0005\n"), 0);
  expect([...(await readVolume(bytes)).data]).toEqual(four(7));
});

it("doubles beyond float32 are refused, not infinite", async () => {
  const doubles = new Uint8Array(new Float64Array([1e300, 0, 0, 0]).buffer);
  const bytes = slice(0, four(0), {
    "7fe00010": undefined,
    "7fe00009": ["OD", doubles],
    "00280100": ["US", 64],
    "00280101": ["US", 64],
    "00280102": ["US", 63],
  });
  await refusal(() => readVolume(bytes), "FORMAT_INVALID", /beyond what float32 holds/);
  await refusal(() => readVolume(slice(0, four(1), { "00281053": ["DS", "1e400"] })), "FORMAT_INVALID", /Rescale Slope/);
});
