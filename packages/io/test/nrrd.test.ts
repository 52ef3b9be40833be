// NRRD headers of every kind: where the volume lies, which axes it has, what is refused.
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type ReadOptions, readNrrd, readVolume } from "../src/index.js";
import { concat, counting, near, refusal } from "./build.js";

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
const codes = (volume: { notes?: readonly { code: string }[] }) => volume.notes?.map(({ code }) => code) ?? [];
const AXES = "space: RAS\nspace directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n";

interface Fields {
  sizes?: number[];
  /** Lines on space and axes. */
  axes?: string;
  /** Replaces or adds lines "field: value"; undefined removes. */
  fields?: Record<string, string | undefined>;
  data?: Uint8Array;
}

function nrrd({ sizes = [4, 3, 2], axes = AXES, fields = {}, data = counting(sizes.reduce((a, b) => a * b, 1)) }: Fields = {}): Uint8Array {
  const all = { type: "short", dimension: String(sizes.length), sizes: sizes.join(" "), endian: "little", encoding: "raw", ...fields };
  const lines = Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${value}`]));
  return concat(new TextEncoder().encode(`NRRD0005\n# comment\n${lines.join("\n")}\n${axes}key:=value\n\n`), data);
}
const ascii = (text: string) => new TextEncoder().encode(text);

describe("where the volume lies", () => {
  it("units of the axes hold for spacings; units without quotes, or of no length, are refused (teem's format)", async () => {
    const centimetres = await readNrrd(nrrd({ axes: 'spacings: 0.1 0.2 0.3\nunits: "cm" "cm" "cm"\n' }), { orientation: "LPS" });
    near(
      [0, 5, 10].map((i) => Math.abs(centimetres.affine?.[i] ?? 0)),
      [1, 2, 3],
      9,
    );
    await refusal(() => readNrrd(nrrd({ axes: `${AXES}space units: m m m\n` })), "FORMAT_INVALID", /in quotes/);
    await refusal(() => readNrrd(nrrd({ axes: 'spacings: 1 1 1\nunits: "s" "s" "s"\n' })), "GEOMETRY_INVALID", /unit of length/);
  });

  it("acronym and long name of a space are the same place, columns as listed (O21)", async () => {
    const ras = await readNrrd(nrrd({ axes: "space: RAS\nspace directions: (0,0,2) (1,0,0) (0,1,0)\nspace origin: (5,6,7)\n" }));
    const lps = await readNrrd(nrrd({ axes: "space: left-posterior-superior\nspace directions: (0,0,2) (-1,0,0) (0,-1,0)\nspace origin: (-5,-6,7)\n" }));
    const want = [0, 1, 0, 5, 0, 0, 1, 6, 2, 0, 0, 7, 0, 0, 0, 1];
    expect(ras.affine).toEqual(want);
    expect(lps.affine).toEqual(want);
    expect([codes(ras), codes(lps)]).toEqual([[], []]);
  });

  it.each([
    ["RAS", [1, 1]],
    ["ras", [1, 1]],
    ["right-anterior-superior", [1, 1]],
    ["LAS", [-1, 1]],
    ["Left-Anterior-Superior", [-1, 1]],
    ["LPS", [-1, -1]],
  ] as const)("space %s", async (space, [x, y]) => {
    const volume = await readNrrd(nrrd({ axes: `space: ${space}\nspace directions: (1,2,0) (0,3,0) (0,0,4)\nspace origin: (5,6,7)\n` }));
    expect(volume.affine).toEqual([x, 0, 0, 5 * x, 2 * y, 3 * y, 0, 6 * y, 0, 0, 4, 7, 0, 0, 0, 1]);
  });

  it("converts microns, refuses units of something else", async () => {
    const volume = await readNrrd(nrrd({ axes: `${AXES.replaceAll("1", "400")}space units: "um" "um" "um"\n` }));
    near(volume.affine, [0.4, 0, 0, 0, 0, 0.4, 0, 0, 0, 0, 0.4, 0, 0, 0, 0, 1], 9);
    expect(codes(volume)).toEqual(["NRRD_UNITS"]);
    await refusal(() => readNrrd(nrrd({ axes: `${AXES}space units: "mm" "mm" "s"\n` })), "GEOMETRY_INVALID", /"mm" "s"/);
  });

  it.each<[string, string, ReadOptions]>([
    ["spacings alone", "spacings: 0.5 0.5 2\n", { orientation: "LPS" }],
    ["a space that is not the patient's", "space: scanner-xyz\nspace directions: (0.5,0,0) (0,0.5,0) (0,0,2)\n", { orientation: "LPS" }],
    ["a space without a name", "space dimension: 3\nspace directions: (0.5,0,0) (0,0,0.5) (0,2,0)\n", { orientation: "LPS" }],
    ["nothing at all", "", { orientation: "LPS", spacing: [0.5, 0.5, 2] }],
  ])("stores no orientation: %s", async (_, axes, told) => {
    const volume = await readNrrd(nrrd({ axes }));
    // As stored, which is LPS; voxels keep the sizes that the file states.
    expect(volume.affine).toEqual(axes ? [-0.5, 0, 0, 0.75, 0, -0.5, 0, 0.5, 0, 0, 2, -1, 0, 0, 0, 1] : undefined);
    expect(codes(volume)).toEqual(["NRRD_NO_ORIENTATION"]);
    expect(volume.notes?.[0].message).toMatch(axes ? /0\.5 × 0\.5 × 2 mm.*`orientation`/ : /no voxel sizes/);
    const oriented = await readNrrd(nrrd({ axes }), told);
    expect(oriented.affine).toEqual([-0.5, 0, 0, 0.75, 0, -0.5, 0, 0.5, 0, 0, 2, -1, 0, 0, 0, 1]);
    expect(codes(oriented)).toEqual([]);
  });

  it("refuses vectors that cannot be", async () => {
    const from = (directions: string, origin = "(0,0,0)") => readNrrd(nrrd({ axes: `space: LPS\nspace directions: ${directions}\nspace origin: ${origin}\n` }));
    await refusal(() => from("(1,0,0) (2,0,0) (0,0,1)"), "GEOMETRY_INVALID", /three directions/);
    await refusal(() => from("(1,0,0) (0,1,0) (0,0,0)"), "GEOMETRY_INVALID");
    await refusal(() => from("(1,0) (0,1) (0,0)"), "GEOMETRY_INVALID", /3 axes/);
    await refusal(() => from("(1,0,0) (0,1,0)"), "FORMAT_INVALID", /2 space directions/);
    await refusal(() => from("(1,0,nan) (0,1,0) (0,0,1)"), "FORMAT_INVALID", /"nan"/);
    await refusal(() => from("(1,0,0) (0,1,0) (0,0,1)", "(0,0)"), "GEOMETRY_INVALID");
  });
});

describe("more axes than three, or fewer", () => {
  const colour = { sizes: [3, 4, 3, 2], axes: `${AXES.replace("(1,0,0)", "none (1,0,0)")}kinds: RGB-color domain domain domain\n` };
  it("a colour or vector axis, wherever it is: by `channel`", async () => {
    await refusal(() => readNrrd(nrrd(colour)), "CHANNELS_UNSUPPORTED", /3 channels \(3 × 4 × 3 × 2\)/, /`channel`, 0 to 2/);
    const second = await readNrrd(nrrd(colour), { channel: 1 });
    expect(second.shape).toEqual([4, 3, 2]);
    expect([...second.data]).toEqual(upTo(24).map((i) => 3 * i + 1));
    near(second.affine, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], 12);
    await refusal(() => readNrrd(nrrd(colour), { channel: 3 }), "OPTION_INVALID", /`channel` is 3/);
  });

  it("a list or time axis: by `frame`", async () => {
    for (const axes of [
      `${AXES.replace("(0,0,1)", "(0,0,1) none")}kinds: space space space list\n`,
      "space: left-posterior-superior-time\nspace directions: (1,0,0,0) (0,1,0,0) (0,0,1,0) (0,0,0,2.5)\nspace origin: (0,0,0,0)\n",
      "kinds: domain domain domain time\nspacings: 1 1 1 nan\n",
      "",
    ]) {
      const bytes = nrrd({ sizes: [4, 3, 2, 5], axes });
      await refusal(() => readNrrd(bytes), "FRAME_REQUIRED", /5 frames/);
      expect([...(await readNrrd(bytes, { frame: 4 })).data]).toEqual(upTo(24).map((i) => i + 96));
    }
  });

  it("an axis of length 1 asks for nothing; two long ones are too many", async () => {
    expect((await readNrrd(nrrd({ ...colour, sizes: [1, 4, 3, 2] }))).shape).toEqual([4, 3, 2]);
    const both = `${AXES.replace("(1,0,0)", "none (1,0,0)").replace("(0,0,1)", "(0,0,1) none")}kinds: list domain domain domain list\n`;
    await refusal(() => readNrrd(nrrd({ sizes: [2, 4, 3, 2, 2], axes: both }), { frame: 0 }), "CHANNELS_UNSUPPORTED", /2 axes of frames/);
    const axes = both.replace("kinds: list", "kinds: vector");
    const picked = await readNrrd(nrrd({ sizes: [2, 4, 3, 2, 2], axes }), { frame: 1, channel: 1 });
    expect([...picked.data]).toEqual(upTo(24).map((i) => 48 + 2 * i + 1));
  });

  it("a slice is one slice", async () => {
    const volume = await readNrrd(nrrd({ sizes: [4, 3], axes: "space: LPS\nspace directions: (0,2,0) (0,0,3)\nspace origin: (1,1,1)\n" }));
    expect(volume.shape).toEqual([4, 3, 1]);
    expect(volume.affine).toEqual([0, 0, -1, -1, -2, 0, 0, -1, 0, 3, 0, 1, 0, 0, 0, 1]);
    await refusal(() => readNrrd(nrrd({ sizes: [24], axes: "" })), "GEOMETRY_INVALID", /1 axes in space/);
  });
});

describe("how the voxels are stored", () => {
  it("hex, text, gzip, and their skips", async () => {
    const raw = counting(24);
    const hex = Buffer.from(raw)
      .toString("hex")
      .replace(/(.{13})/g, "$1\n");
    const read = async (encoding: string, data: Uint8Array, more: Record<string, string> = {}) => [
      ...(await readNrrd(nrrd({ fields: { encoding, ...more }, data }))).data,
    ];
    expect(await read("hex", ascii(hex))).toEqual(upTo(24));
    expect(await read("text", ascii(upTo(24).join("\n")), { endian: "little" })).toEqual(upTo(24));
    expect(await read("gz", gzipSync(concat(ascii("seven77"), raw)), { "byte skip": "7" })).toEqual(upTo(24));
    expect(await read("gzip", concat(ascii("a line\nand one\n"), gzipSync(raw)), { lineskip: "2" })).toEqual(upTo(24));
    expect(await read("raw", concat(ascii("a line\nfour"), raw), { "line skip": "1", "byte skip": "4" })).toEqual(upTo(24));
  });

  it("byte skip -1 is the last bytes; any other below zero is refused (O33)", async () => {
    const data = concat(ascii("some other header"), counting(24));
    expect([...(await readNrrd(nrrd({ fields: { "byte skip": "-1" }, data }))).data]).toEqual(upTo(24));
    await refusal(() => readNrrd(nrrd({ fields: { "byte skip": "-5" }, data })), "FORMAT_INVALID", /byte skip -5/);
    await refusal(() => readNrrd(nrrd({ fields: { "byte skip": "-1", encoding: "gzip" }, data: gzipSync(data) })), "FORMAT_INVALID", /byte skip -1/);
  });

  it("big-endian, unaligned, CR LF, from gzip bytes of its own", async () => {
    const swapped = Uint8Array.from(Buffer.from(counting(24)).swap16());
    expect([...(await readNrrd(nrrd({ fields: { endian: "big" }, data: swapped }))).data]).toEqual(upTo(24));
    for (const shift of [0, 1, 2, 3]) expect([...(await readNrrd(concat(new Uint8Array(shift), nrrd()).subarray(shift))).data]).toEqual(upTo(24));
    const text = new TextDecoder().decode(nrrd({ data: new Uint8Array(0) })).replaceAll("\n", "\r\n");
    expect([...(await readNrrd(concat(ascii(text), counting(24)))).data]).toEqual(upTo(24));
    await refusal(() => readVolume(gzipSync(nrrd())), "FORMAT_UNKNOWN", /an NRRD file/, /gunzip/);
  });

  it("bytes that follow are told of", async () => {
    const volume = await readNrrd(nrrd({ data: concat(counting(24), new Uint8Array(3)) }));
    expect([...volume.data]).toEqual(upTo(24));
    expect(codes(volume)).toEqual(["EXTRA_BYTES"]);
  });
});

describe("refused", () => {
  it.each<[string, Fields, string, RegExp]>([
    ["bzip2", { fields: { encoding: "bzip2" } }, "FORMAT_UNKNOWN", /bzip2.*unu save/],
    ["an unknown encoding", { fields: { encoding: "zstd" } }, "FORMAT_INVALID", /zstd/],
    ["blocks", { fields: { type: "block" } }, "FORMAT_INVALID", /block/],
    ["no byte order", { fields: { endian: undefined } }, "FORMAT_INVALID", /endian/],
    ["another byte order", { fields: { endian: "middle" } }, "FORMAT_INVALID", /middle/],
    ["no sizes", { fields: { sizes: undefined } }, "FORMAT_INVALID", /sizes/],
    ["sizes of another number", { fields: { dimension: "4" } }, "FORMAT_INVALID", /dimension 4/],
    ["a size of zero", { fields: { sizes: "4 0 2" } }, "FORMAT_INVALID", /"0"/],
    ["a size below zero", { fields: { sizes: "4 -3 2" } }, "FORMAT_INVALID", /"-3"/],
    ["a size that is no number", { fields: { sizes: "4 3 x" } }, "FORMAT_INVALID", /"x"/],
    ["a size over 2^53", { fields: { sizes: "4 3 99999999999999999999" } }, "FORMAT_INVALID", /9999/],
    ["17 axes", { fields: { dimension: "17" } }, "FORMAT_INVALID", /17/],
    ["more voxels than memory", { fields: { sizes: "100000 100000 100000" } }, "FILE_TOO_LARGE", /maxBytes/],
    ["more voxels than bytes", { fields: { sizes: "400 300 200" } }, "FILE_TRUNCATED", /expected 48000000 bytes.*found 48/],
    ["more voxels than gzip can hold", { fields: { sizes: "400 300 200", encoding: "gzip" } }, "FILE_TRUNCATED", /48000000/],
    ["fewer voxels than gzip holds", { fields: { encoding: "gzip" }, data: gzipSync(counting(25)) }, "FORMAT_INVALID", /more than the 48 bytes/],
    ["a gzip bomb", { fields: { encoding: "gzip" }, data: gzipSync(new Uint8Array(1e7)) }, "FORMAT_INVALID", /more than the 48 bytes/],
    ["cut gzip", { fields: { encoding: "gzip" }, data: gzipSync(counting(24)).subarray(0, 30) }, "FILE_TRUNCATED", /gzip/],
    ["text with too few numbers", { fields: { encoding: "text" }, data: ascii(`${"1 ".repeat(23)}        `) }, "FILE_TRUNCATED", /24 numbers.*found 23/],
    ["text with too many", { fields: { encoding: "text" }, data: ascii("1 ".repeat(25)) }, "FORMAT_INVALID", /more numbers than the 24/],
    ["text beyond its type", { fields: { encoding: "text" }, data: ascii("40000 ".repeat(24)) }, "FORMAT_INVALID", /"40000".*int16/],
    ["text that is none", { fields: { encoding: "text" }, data: ascii("1.5 ".repeat(24)) }, "FORMAT_INVALID", /"1\.5"/],
    ["hex that is none", { fields: { encoding: "hex" }, data: ascii("zz".repeat(48)) }, "FORMAT_INVALID", /hexadecimal/],
    ["hex cut short", { fields: { encoding: "hex" }, data: ascii("00".repeat(47)) }, "FILE_TRUNCATED", /hexadecimal/],
    ["a field twice", { axes: `${AXES}sizes: 4 3 2\n` }, "FORMAT_INVALID", /two fields "sizes"/],
    ["a line that is none", { axes: "what is this\n" }, "FORMAT_INVALID", /what is this/],
    ["lines to skip that are not there", { fields: { "line skip": "3" }, data: new Uint8Array(48) }, "FILE_TRUNCATED", /3 lines/],
  ])("%s", async (_, fields, code, says) => {
    await refusal(() => readNrrd(nrrd(fields), { name: "a.nrrd" }), code as never, /^a\.nrrd: /, says);
  });

  it("versions to come", () => refusal(() => readNrrd(ascii("NRRD0009\ntype: short\n\n")), "FORMAT_INVALID", /NRRD0005/));

  it("data files outside the header's folder, or too many", async () => {
    for (const file of ["../a.raw", "/etc/passwd", "sub/../../a.raw", "C:\\a.raw", "..\\a.raw", "http://x/a.raw", "file:///etc/passwd", "\\\\host\\a.raw"]) {
      await refusal(() => readNrrd(nrrd({ fields: { "data file": file } })), "FORMAT_INVALID", /own folder/);
      await refusal(() => readNrrd(nrrd({ fields: { "data file": file } }), { companion: counting(24) }), "FORMAT_INVALID", /own folder/);
    }
    await refusal(() => readNrrd(nrrd({ fields: { "data file": "a%d.raw 1 99999999999 1" } })), "FORMAT_INVALID", /1 to 65536/);
    await refusal(() => readNrrd(nrrd({ fields: { "data file": "a%d.raw 1 2 0" } })), "FORMAT_INVALID", /by 0/);
    await refusal(() => readNrrd(nrrd({ fields: { "data file": "a%s.raw 1 2 1" } })), "FORMAT_INVALID", /one %d/);
    const list = ascii("NRRD0004\ntype: uchar\ndimension: 3\nsizes: 4 3 2\nencoding: raw\ndata file: LIST\n");
    await refusal(() => readNrrd(list), "FORMAT_INVALID", /LIST names 0/);
    await refusal(() => readNrrd(concat(list, ascii("a\n".repeat(5)))), "FORMAT_INVALID", /24 bytes of voxels in 5 data files/);
  });
});
