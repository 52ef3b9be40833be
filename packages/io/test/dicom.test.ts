// DICOM: real files against pydicom, every transfer syntax, and the faults that people met with other readers, each with its right value.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Volume } from "@anymc3d/core";
import { concat, dicomFile, slice, type Value, words } from "@anymc3d/testkit/dicom";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listSeries, type ReadOptions, readVolume, writeNifti } from "../src/index.js";
import { near, refusal } from "./build.js";

const here = path.dirname(fileURLToPath(import.meta.url));
const json = (name: string) => JSON.parse(readFileSync(path.join(here, "reference", name), "utf8"));
const hash = ({ data }: Volume) =>
  createHash("sha256")
    .update(Buffer.from(Float32Array.from(data).buffer))
    .digest("hex");
const range = ({ data }: Volume) => [...data].reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
const codes = ({ notes }: Volume) => notes?.map(({ code }) => code) ?? [];
type More = Record<string, readonly [string, Value] | undefined>;
const four = (value: number) => [value, value, value, value];
/** Slices of 2×2 pixels at these places, whose value is the place. */
const stack = (places: readonly number[], more: (z: number, i: number) => More = () => ({})) => places.map((z, i) => slice(z, four(z), more(z, i)));
const values = ({ data }: Volume) => Array.from({ length: data.length / 4 }, (_, k) => data[4 * k]);

const shared = path.resolve(here, "../../../../shared/data/io");
const hasShared = existsSync(shared);
if (!hasShared) console.warn("SKIPPED: real DICOM files, ../shared is absent");

interface Expected {
  error?: string;
  shape: number[];
  min: number;
  max: number;
  sha256: string;
  iop: number[];
  ipp: number[];
  spacing: number[];
}

describe.skipIf(!hasShared)("real files, as pydicom reads them (reference/make_dicom.py)", () => {
  const expected: Record<string, Expected> = json("dicom.json");
  it.each(Object.keys(expected))("%s", async (name) => {
    const { error, shape, min, max, sha256, iop, ipp, spacing } = expected[name];
    const read = () => readVolume(path.join(shared, name));
    if (error) {
      await refusal(read, name.includes("badVR") ? "FORMAT_INVALID" : "FILE_TRUNCATED", new RegExp(path.basename(name)));
      return;
    }
    const volume = await read();
    expect(volume.shape).toEqual(shape);
    expect(range(volume)).toEqual([min, max]);
    expect(hash(volume)).toBe(sha256);
    if (iop.length === 0) {
      // Where only the pixels' size is known, that is kept.
      if (!name.includes("eCT"))
        expect(volume.affine?.slice(0, 6)).toEqual(spacing.length ? [-spacing[1], 0, 0, expect.any(Number), 0, -spacing[0]] : undefined);
      return;
    }
    const { affine = [] } = volume;
    near([affine[0], affine[4], affine[8]], [-iop[0] * spacing[1], -iop[1] * spacing[1], iop[2] * spacing[1]], 4);
    near([affine[1], affine[5], affine[9]], [-iop[3] * spacing[0], -iop[4] * spacing[0], iop[5] * spacing[0]], 4);
    near([affine[3], affine[7], affine[11]], [-ipp[0], -ipp[1], ipp[2]], 4);
  });

  it("a head CT with a gantry tilt of 18.5° and varying distances: refused with the files named, interpolated if asked for", async () => {
    const folder = path.join(shared, "ct-head-tilted");
    await refusal(() => readVolume(folder), "GEOMETRY_INVALID", /varies \(4\.00, 1\.08, 7\.00 mm\).*14\.dcm.*resample/s);
    const even = await readVolume(folder, { uneven: "resample" });
    expect(codes(even)).toEqual(["SLICES_RESAMPLED", "GANTRY_TILT", "PADDING_FILLED"]);
    expect(even.notes?.[1].message).toContain("18.5°");
    const [first, last] = [await readVolume(path.join(folder, "01.dcm")), await readVolume(path.join(folder, "28.dcm"))];
    const { affine: a = [], shape } = even;
    const end = [3, 7, 11].map((i) => a[i] + (shape[2] - 1) * a[i - 1]);
    const ends = [first, last].map(({ affine = [] }) => [affine[3], affine[7], affine[11]]).sort((p, q) => p[2] - q[2]);
    near([a[3], a[7], a[11], ...end], ends.flat(), 3);
  });

  it("lists the series of a folder of folders, with what is wrong in them", async () => {
    const found = await listSeries(shared);
    expect(found).toContainEqual(expect.objectContaining({ modality: "CT", images: 28, columns: 512, rows: 512 }));
    expect(found.flatMap(({ problems }) => problems).join()).toContain("MR_truncated.dcm");
  });
});

describe("transfer syntaxes: the samples that pydicom decodes (reference/make_dicom_syntaxes.py)", () => {
  const expected: Record<string, { syntax: string; sha256: string; min: number; max: number }> = json("syntaxes.json");
  it.each(Object.entries(expected).map(([name, each]) => [name, each.syntax, each] as const))("%s: %s", async (name, _, { sha256, min, max }) => {
    const volume = await readVolume(path.join(here, "fixtures/dicom", name));
    expect(range(volume)).toEqual([min, max]);
    expect(hash(volume)).toBe(sha256);
  });

  it("O27: an unknown syntax is refused by its UID", async () => {
    await refusal(() => readVolume(slice(0, four(1), {}, { syntax: "1.2.840.113619.5.2" })), "FORMAT_UNKNOWN", /1\.2\.840\.113619\.5\.2/);
  });

  it("O10: big-endian pixels are swapped", async () => {
    const big = await readVolume(slice(0, [1, 256, 4660, -2], {}, { big: true }));
    expect([...big.data]).toEqual([1, 256, 4660, -2]);
  });

  it("O29: ten frames without an offset table, one or several fragments each", async () => {
    const frame = new Uint8Array(readFileSync(path.join(here, "fixtures/dicom/jpeg-ls.dcm")));
    const { data: wanted } = await readVolume(frame);
    const at = frame.findIndex((_, i) => frame[i] === 0xff && frame[i + 1] === 0xd8 && i > 300);
    const length = new DataView(frame.buffer).getUint32(at - 4, true);
    const stream = frame.subarray(at, at + length);
    const item = (bytes: Uint8Array) => concat([Uint8Array.of(0xfe, 0xff, 0, 0xe0), new Uint8Array(Uint32Array.of(bytes.length).buffer), bytes]);
    const pieces = [item(stream.subarray(0, 400)), item(stream.subarray(400))];
    const many = concat([item(new Uint8Array(0)), ...Array.from({ length: 10 }, () => pieces).flat(), Uint8Array.of(0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0)]);
    const more: More = {
      "00280008": ["IS", 10],
      "00280010": ["US", 29],
      "00280011": ["US", 38],
      "00280101": ["US", 12],
      "00280102": ["US", 11],
      "00280103": ["US", 0],
      "7fe00010": ["OB", many],
    };
    const volume = await readVolume(slice(0, [0], more, { syntax: "1.2.840.10008.1.2.4.80" }));
    expect(volume.shape).toEqual([38, 29, 10]);
    for (let k = 0; k < 10; k++) expect([...volume.data.subarray(k * 1102, (k + 1) * 1102)]).toEqual([...wanted]);
  });
});

describe("voxel values", () => {
  it("O1: each file's own rescale", async () => {
    const volume = await readVolume([-2047, -2047, -1024, -2047].map((intercept, i) => slice(i, four(1000), { "00281052": ["DS", intercept] })));
    expect(values(volume)).toEqual([-1047, -1047, -24, -1047]);
    expect(volume.data).toBeInstanceOf(Int16Array);
  });

  it("O2: fractions of a later slice survive; a mask's 1 times 0.9999999975 is not 0", async () => {
    const volume = await readVolume([slice(0, four(4)), slice(1, four(9), { "00281053": ["DS", 0.5] })]);
    expect(values(volume)).toEqual([4, 4.5]);
    const mask = await readVolume(slice(0, [0, 1, 1, 0], { "00281053": ["DS", "0.9999999975"] }));
    expect([...mask.data].map(Math.round)).toEqual([0, 1, 1, 0]);
  });

  it("a slope of 0 and a table of values are refused", async () => {
    await refusal(() => readVolume(slice(0, four(1), { "00281053": ["DS", 0] })), "FORMAT_INVALID", /Rescale Slope .* is 0/);
    await refusal(() => readVolume(slice(0, four(1), { "00283000": ["SQ", [{ "00283002": ["US", [1, 0, 16]] }]] })), "FORMAT_UNKNOWN", /Modality LUT/);
  });

  it("O4: bits beside those stored are nothing", async () => {
    const more: More = { "00280101": ["US", 12], "00280102": ["US", 11], "00280103": ["US", 0] };
    expect([...(await readVolume(slice(0, [0x8005, 0x1800, 0xf7ff, 0x0fff], more))).data]).toEqual([5, 2048, 2047, 4095]);
  });

  it("O5: 13 bits in two's complement, whatever else the word holds", async () => {
    const more: More = { "00280101": ["US", 13], "00280102": ["US", 12] };
    expect([...(await readVolume(slice(0, [4096, 4095, 8191, 0xe000], more))).data]).toEqual([-4096, 4095, -1, 0]);
  });

  it("stored bits that lie higher in the word are shifted down", async () => {
    const more: More = { "00280101": ["US", 12], "00280102": ["US", 15], "00280103": ["US", 0] };
    expect([...(await readVolume(slice(0, [0x0010, 0xfff0, 0x8005, 0], more))).data]).toEqual([1, 4095, 2048, 0]);
  });

  it("values beyond 16 bits make the volume wider, not wrong", async () => {
    const more: More = { "00280103": ["US", 0], "00281052": ["DS", -1024] };
    const volume = await readVolume([slice(0, [0, 1, 2, 3], more), slice(1, [0, 65535, 40000, 3], more)]);
    expect([...volume.data]).toEqual([-1024, -1023, -1022, -1021, -1024, 64511, 38976, -1021]);
  });

  it.each(["MONOCHROME1", "PALETTE COLOR", "RGB"])("O6: %s is refused by name", async (photometric) => {
    await refusal(() => readVolume(slice(0, four(1), { "00280004": ["CS", photometric] })), "CHANNELS_UNSUPPORTED", new RegExp(photometric));
  });

  it("O7: padding is compared as stored, and becomes air in a CT", async () => {
    const more: More = { "00280120": ["SS", -2000], "00281052": ["DS", -24], "00180050": ["DS", 1] };
    const volume = await readVolume(slice(0, [-2000, -976, 40, 84], more));
    expect([...volume.data]).toEqual([-1000, -1000, 16, 60]);
    expect(codes(volume)).toEqual(["PADDING_FILLED"]);
    const between = await readVolume(slice(0, [-2000, -1990, 40, 84], { "00280120": ["SS", -2000], "00280121": ["SS", -1985] }));
    expect([...between.data]).toEqual([-1000, -1000, 40, 84]);
    const mr = await readVolume(slice(0, [-32768, 3, 40, 84], { "00080060": ["CS", "MR"], "00280120": ["SS", -32768] }));
    expect([...mr.data]).toEqual([3, 3, 40, 84]);
  });

  it("O9: PET counts, scaled slice by slice, and their unit", async () => {
    const more = (slope: number): More => ({ "00080060": ["CS", "PT"], "00541001": ["CS", "CNTS"], "00281053": ["DS", slope] });
    const volume = await readVolume([1, 1, 2].map((slope, i) => slice(i, four(100), more(slope))));
    expect(values(volume)).toEqual([100, 100, 200]);
    expect([volume.modality, volume.meta?.units]).toEqual(["PT", "CNTS"]);
  });

  it("O30: too few bytes are refused; more are read, the tail is not", async () => {
    const pixels = (bytes: number): More => ({ "7fe00010": ["OW", new Uint8Array(bytes).fill(1)], "00280010": ["US", 4], "00280011": ["US", 4] });
    await refusal(() => readVolume(slice(0, four(0), pixels(30))), "FILE_TRUNCATED", /32 bytes, found 30/);
    for (const bytes of [32, 34]) {
      const volume = await readVolume(slice(0, four(0), { ...pixels(bytes), "00180050": ["DS", 1] }));
      expect([...volume.data]).toEqual(Array(16).fill(257));
      expect(codes(volume)).toEqual(bytes === 34 ? ["EXTRA_BYTES"] : []);
    }
  });

  it("O36: one-bit frames run on across bytes", async () => {
    const bits = new Uint8Array(156);
    for (let k = 0; k < 8; k++) bits[(156 * k) >> 3] |= 1 << ((156 * k) & 7);
    const more: More = {
      "00080060": ["CS", "SEG"],
      "00280008": ["IS", 8],
      "00280010": ["US", 13],
      "00280011": ["US", 12],
      "00280100": ["US", 1],
      "00280101": ["US", 1],
      "00280102": ["US", 0],
      "00280103": ["US", 0],
      "7fe00010": ["OB", bits],
    };
    const { data, shape } = await readVolume(slice(0, [0], more));
    expect(shape).toEqual([12, 13, 8]);
    expect([...data].flatMap((value, i) => (value ? [i] : []))).toEqual(Array.from({ length: 8 }, (_, k) => 156 * k));
  });
});

describe("geometry", () => {
  it("O14: order by place, whatever the instance numbers and the files' order say", async () => {
    for (const number of [(i: number): More => ({ "00200013": ["IS", [1, 3, 2, 4][i]] }), () => ({}) as More]) {
      const files = stack([0, 3, 6, 9], (_, i) => number(i));
      const volume = await readVolume([files[2], files[0], files[3], files[1]]);
      expect(values(volume)).toEqual([0, 3, 6, 9]);
      near(volume.affine, [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1], 9);
    }
  });

  it("O12: a missing slice is refused, the gap named; interpolated if asked for", async () => {
    const files = stack([0, 2, 6, 8]);
    await refusal(() => readVolume(files), "GEOMETRY_INVALID", /missing.*\(0, 0, 2\).*\(0, 0, 6\)/s);
    const volume = await readVolume(files, { uneven: "resample" });
    expect(values(volume)).toEqual([0, 2, 4, 6, 8]);
  });

  it("O13: equal copies are left out and told of; copies that disagree are refused", async () => {
    const twice = stack([0, 3, 6, 0, 3, 6], (_, i) => ({ "00080018": ["UI", `1.2.3.${i}`] }));
    const volume = await readVolume(twice);
    expect(values(volume)).toEqual([0, 3, 6]);
    expect(codes(volume)).toEqual(["DUPLICATE_SLICES"]);
    await refusal(() => readVolume([...twice.slice(0, 5), slice(6, [6, 6, 6, 7])]), "GEOMETRY_INVALID", /same place/);
  });

  it("O16: a gantry tilt shears the affine", async () => {
    const tilt: More = { "00200037": ["DS", "1\\0\\0\\0\\0.965926\\-0.258819"] };
    const volume = await readVolume(Array.from({ length: 40 }, (_, k) => slice(k, four(k), { ...tilt, "00200032": ["DS", [-100, -100, 5 * k]] })));
    near([volume.affine?.[2], volume.affine?.[6], volume.affine?.[10]] as number[], [0, 0, 5], 6);
    expect(codes(volume)).toEqual(["GANTRY_TILT"]);
    expect(volume.notes?.[0].message).toContain("15.0°");
  });

  it("O18: Pixel Spacing is rows first", async () => {
    const more: More = { "00280010": ["US", 4], "00280011": ["US", 6], "00280030": ["DS", [0.5, 0.8]], "7fe00010": ["OW", words(Array(24).fill(1))] };
    const { affine, shape } = await readVolume(slice(0, [0], more));
    expect(shape).toEqual([6, 4, 1]);
    near([affine?.[0], affine?.[5]] as number[], [-0.8, -0.5], 9);
  });

  it("O24: a localizer in the series is left out and told of; an unmarked one asks for a choice", async () => {
    const sagittal = (type: string): More => ({ "00200037": ["DS", [0, 1, 0, 0, 0, -1]], "00080008": ["CS", type] });
    const files = (type: string) => [...stack([0, 1, 2, 3, 4]), slice(50, four(9), sagittal(type))];
    const volume = await readVolume(files("ORIGINAL\\PRIMARY\\LOCALIZER"));
    expect(values(volume)).toEqual([0, 1, 2, 3, 4]);
    expect(codes(volume)).toEqual(["LOCALIZER_LEFT"]);
    await refusal(() => readVolume(files("ORIGINAL\\PRIMARY\\AXIAL")), "SERIES_REQUIRED", /0: 5 image\(s\).*axial.*1: 1 image\(s\).*sagittal/s);
    expect(values(await readVolume(files("ORIGINAL\\PRIMARY\\AXIAL"), { stack: 0 }))).toEqual([0, 1, 2, 3, 4]);
  });

  it("slices thicker than their distance are told of", async () => {
    const volume = await readVolume(stack([0, 1, 2], () => ({ "00180050": ["DS", 2.5] })));
    expect(codes(volume)).toEqual(["SLICES_OVERLAP"]);
    expect(codes(await readVolume(stack([0, 1, 2], () => ({ "00180050": ["DS", 1] }))))).toEqual([]);
  });

  it("slices of other sizes, without places, or beside each other are refused", async () => {
    await refusal(() => readVolume([...stack([0, 1]), slice(2, Array(9).fill(1))]), "SERIES_REQUIRED", /3×3/);
    await refusal(() => readVolume([slice(0, four(1)), slice(1, four(1), { "00200032": undefined })]), "GEOMETRY_INVALID", /Image Position/);
    await refusal(
      () => readVolume([...stack([0, 1, 3]), slice(2, four(1), { "00200032": ["DS", [5, 0, 2]] })]),
      "GEOMETRY_INVALID",
      /5\.00 mm beside the line/,
    );
    await refusal(() => readVolume(stack([0, 1, 2.5, 4.2])), "GEOMETRY_INVALID", /varies/);
    await refusal(() => readVolume(slice(0, four(1), { "00200037": ["DS", [1, 0, 0, 1, 0, 0]] })), "GEOMETRY_INVALID", /right angles/);
  });

  it("time and echo make a choice; a pair of them too", async () => {
    const timed = [0, 1].flatMap((t) => stack([0, 1, 2], (z) => ({ "00200100": ["IS", t + 1], "7fe00010": ["OW", words(four(10 * t + z))] })));
    await refusal(() => readVolume(timed), "FRAME_REQUIRED", /0: temporal position 1.*1: temporal position 2/s);
    expect(values(await readVolume(timed, { frame: 1 }))).toEqual([10, 11, 12]);
    const echoes = [9.8, 4.9].flatMap((echo) => stack([0, 1], (z) => ({ "00180081": ["DS", echo], "7fe00010": ["OW", words(four(echo > 5 ? 20 + z : z))] })));
    expect(values(await readVolume(echoes, { frame: 1 }))).toEqual([20, 21]);
  });

  it("O15: enhanced multi-frame, stored in any order; per-frame rescale", async () => {
    const group = (z: number, intercept: number) => ({
      "00209113": ["SQ", [{ "00200032": ["DS", [0, 0, z]] }]] as const,
      "00289145": ["SQ", [{ "00281052": ["DS", intercept], "00281053": ["DS", 1] }]] as const,
    });
    const more: More = {
      "00200032": undefined,
      "00200037": undefined,
      "00280030": undefined,
      "00281052": undefined,
      "00281053": undefined,
      "00280008": ["IS", 4],
      "52009229": ["SQ", [{ "00209116": ["SQ", [{ "00200037": ["DS", [1, 0, 0, 0, 1, 0]] }]], "00289110": ["SQ", [{ "00280030": ["DS", [0.5, 0.25]] }]] }]],
      "52009230": ["SQ", [group(6, 100), group(0, 0), group(9, 0), group(3, 0)]],
      "7fe00010": ["OW", words([6, 0, 9, 3].flatMap(four))],
    };
    for (const implicit of [false, true]) {
      const volume = await readVolume(slice(0, four(0), more, { implicit }));
      expect(values(volume)).toEqual([0, 3, 106, 9]);
      near(volume.affine, [-0.25, 0, 0, 0, 0, -0.5, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1], 9);
    }
  });
});

describe("odd files", () => {
  it("O25: a private element that looks like a sequence is passed over by its length", async () => {
    const lookalike = new Uint8Array(32);
    lookalike.set([0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0x00]);
    const file = slice(0, [1, 2, 3, 4], { "00091010": ["UN", lookalike], "00291010": ["UN", lookalike] }, { implicit: true });
    expect([...(await readVolume(file)).data]).toEqual([1, 2, 3, 4]);
  });

  it("O26: no preamble, explicit or implicit", async () => {
    for (const implicit of [false, true]) expect([...(await readVolume(slice(0, [1, 2, 3, 4], {}, { preamble: false, implicit }))).data]).toEqual([1, 2, 3, 4]);
    await refusal(() => readVolume(new Uint8Array(500).fill(7)), "FORMAT_UNKNOWN", /.*/);
  });

  it("O28: character sets do not stop the reading", async () => {
    const more: More = { "00080005": ["CS", "ISO 2022 IR 6\\ISO 2022 IR 87"], "0008103e": ["LO", "Thorax"] };
    expect((await readVolume(slice(0, four(1), more))).meta?.description).toBe("Thorax");
    const none: More = { "00080005": ["CS", "constructor"], "0008103e": ["LO", "Thorax"] };
    expect((await readVolume(slice(0, four(1), none))).meta?.description).toBe("Thorax");
    const utf8: More = { "00080005": ["CS", "ISO_IR 192"], "0008103e": ["LO", "Schädel"] };
    expect((await readVolume(slice(0, four(1), utf8))).meta?.description).toBe("Schädel");
  });

  it("identity stays out of the volume unless asked for; what is no identity comes along", async () => {
    const more: More = { "00100010": ["PN", "Doe^Jane"], "00100020": ["LO", "4711"], "00180015": ["CS", "CHEST"], "00200060": ["CS", "L"] };
    const file = slice(0, four(1), more);
    const volume = await readVolume(file);
    expect(JSON.stringify(volume)).not.toMatch(/Doe|4711/);
    expect(volume.meta).toEqual({ units: "HU", bodyPart: "CHEST", laterality: "L", plane: "axial", seriesUid: "1.2.3", studyUid: "1.2" });
    expect((await readVolume(file, { identity: true })).meta?.patient).toEqual({ name: "Doe^Jane", id: "4711" });
  });

  it("compressed pixels of an icon in a sequence are passed over", async () => {
    const pieces = concat([
      Uint8Array.of(0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0),
      Uint8Array.of(0xfe, 0xff, 0, 0xe0, 4, 0, 0, 0, 0xff, 0xd8, 0xff, 0xd9),
      Uint8Array.of(0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0),
    ]);
    const icon = concat([Uint8Array.of(0xe0, 0x7f, 0x10, 0, 0x4f, 0x42, 0, 0, 255, 255, 255, 255), pieces]);
    const item = concat([Uint8Array.of(0xfe, 0xff, 0, 0xe0), new Uint8Array(Uint32Array.of(icon.length).buffer), icon]);
    expect([...(await readVolume(slice(0, four(3), { "00880200": ["SQ", item] }))).data]).toEqual(four(3));
  });

  it("nested and undefined-length sequences are followed to a depth and no further", async () => {
    let deep: Uint8Array = new Uint8Array(0);
    const nest = (inside: Uint8Array) =>
      concat([
        Uint8Array.of(0x40, 0, 0x75, 0xa0, 0x53, 0x51, 0, 0, 255, 255, 255, 255, 0xfe, 0xff, 0, 0xe0, 255, 255, 255, 255),
        inside,
        Uint8Array.of(0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0),
      ]);
    const build = (depth: number) => {
      deep = new Uint8Array(0);
      for (let i = 0; i < depth; i++) deep = nest(deep);
      const file = slice(0, four(5));
      const at = file.length - 8 - 12;
      return concat([file.subarray(0, at), deep, file.subarray(at)]);
    };
    expect([...(await readVolume(build(5))).data]).toEqual(four(5));
    await refusal(() => readVolume(build(200)), "FORMAT_INVALID", /deep/);
  });
});

describe("where the files are", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "anymc3d-dicom-"));
    await mkdir(path.join(folder, "a/b"), { recursive: true });
    for (const [i, file] of stack([0, 1, 2]).entries()) await writeFile(path.join(folder, "a/b", `IM${i}`), file);
    await writeFile(path.join(folder, "readme.txt"), "hello");
    await writeFile(path.join(folder, "report.dcm"), dicomFile({ "0020000e": ["UI", "9.9"], "00080060": ["CS", "SR"] }));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("a folder with folders, reports and other files in it", async () => {
    const volume = await readVolume(folder);
    expect(values(volume)).toEqual([0, 1, 2]);
    expect(codes(volume)).toEqual(["FILES_LEFT"]);
  });

  it("a zip, a list of Files, and bytes: the same; with progress", async () => {
    const files = stack([0, 1, 2]);
    const zip = zipSync({ "x/1": files[0], "x/2": files[1], "x/3": files[2], "notes.txt": new Uint8Array(5) });
    expect(values(await readVolume(zip))).toEqual([0, 1, 2]);
    const seen: number[] = [];
    const volume = await readVolume(
      files.map((bytes, i) => new File([bytes as Uint8Array<ArrayBuffer>], `${9 - i}.dcm`)),
      { onProgress: (done, total) => seen.push(done / total) },
    );
    expect(values(volume)).toEqual([0, 1, 2]);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(1);
  });

  it("a zip in a list, as a drop of a zip and a letter; a zip without DICOM is its one volume", async () => {
    const file = (bytes: Uint8Array, name: string) => new File([bytes as Uint8Array<ArrayBuffer>], name);
    const pairs = [...stack([0, 1, 2]), ...stack([0, 1], () => ({ "0020000e": ["UI", "1.2.4"] }))];
    const zip = file(zipSync(Object.fromEntries(pairs.map((bytes, i) => [`x/${i}`, bytes]))), "study.zip");
    const letter = file(new TextEncoder().encode("a letter"), "letter.txt");
    for (const source of [zip, [zip], [zip, letter]]) expect((await listSeries(source)).map(({ images }) => images)).toEqual([3, 2]);
    expect(values(await readVolume([zip, letter], { series: "1.2.4" }))).toEqual([0, 1]);

    const scan = writeNifti({ data: Int16Array.of(1, 2, 3, 4, 5, 6, 7, 8), shape: [2, 2, 2] });
    const one = zipSync({ "sub/scan.nii": scan, "sub/scan.json": new Uint8Array(2) });
    expect([...(await readVolume(file(one, "one.zip"))).data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    await refusal(
      () => readVolume(file(zipSync({ "a.nii": scan, "b.nii": scan }), "two.zip")),
      "FORMAT_UNKNOWN",
      /two\.zip: the zip holds 2 volumes \(a\.nii, b\.nii\)\. Unpack it/,
    );
    await refusal(() => readVolume(file(zipSync({ "a.txt": scan }), "text.zip")), "FORMAT_UNKNOWN", /no DICOM image, no array and no volume \(a\.txt\)/);
  });

  it("a series tells its study's date, what of it cannot be read, and only when asked its patient", async () => {
    const stated = { "00080020": ["DA", "20240131"], "00100010": ["PN", "Doe^Jane"], "00100020": ["LO", "P1"] } as const;
    const files = [
      ...stack([0, 1], () => stated),
      ...stack([0], () => ({ "0020000e": ["UI", "1.2.4"], "0008103e": ["LO", "Screenshot"], "00280004": ["CS", "RGB"], "00280002": ["US", 3] })),
    ];
    const [scan, shot] = await listSeries(files);
    expect([scan.date, scan.patient]).toEqual(["2024-01-31", undefined]);
    expect(shot).toMatchObject({ images: 0, modality: "CT", description: "Screenshot", problems: [expect.stringMatching(/RGB/)] });
    expect((await listSeries(files, { identity: true }))[0].patient).toMatchObject({ name: "Doe^Jane", id: "P1" });
  });

  it("several series: a choice with UID, description and size; one of them by UID or number", async () => {
    const other = stack([0, 1], () => ({ "0020000e": ["UI", "1.2.4"], "00200011": ["IS", 7], "0008103e": ["LO", "lung kernel"] }));
    const both = [...stack([0, 1, 2]), ...other];
    await refusal(() => readVolume(both), "SERIES_REQUIRED", /1\.2\.3 .*3 image\(s\) of 2×2.*1\.2\.4 \(number 7, CT, lung kernel/s);
    for (const series of ["1.2.4", "7"]) expect((await readVolume(both, { series })).shape).toEqual([2, 2, 2]);
    await refusal(() => readVolume(both, { series: "5.5" }), "SERIES_REQUIRED", /no single series "5\.5"/);
    expect((await listSeries(both)).map(({ uid, images, description }) => [uid, images, description])).toEqual([
      ["1.2.3", 3, undefined],
      ["1.2.4", 2, "lung kernel"],
    ]);
  });

  it("a damaged file of the series is never left out in silence", async () => {
    const files = stack([0, 1, 2]);
    await refusal(() => readVolume([files[0], files[1], files[2].subarray(0, files[2].length - 3)]), "FILE_TRUNCATED", /file 3/);
    await refusal(() => readVolume([files[0], files[1], files[2].subarray(0, 300)]), "FILE_TRUNCATED", /.*/);
  });

  it("an abort stops between slices", async () => {
    const controller = new AbortController();
    const options: ReadOptions = { signal: controller.signal, onProgress: (done) => done === 2 && controller.abort() };
    await expect(readVolume(stack([0, 1, 2, 3]), options)).rejects.toMatchObject({ name: "AbortError" });
  });

  it("maxBytes bounds what is decoded", async () => {
    await refusal(() => readVolume(stack([0, 1, 2, 3]), { maxBytes: 20 }), "FILE_TOO_LARGE", /.*/);
  });
});
