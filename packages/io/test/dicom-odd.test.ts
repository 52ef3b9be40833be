// Frames that are not slices in depth, frames that are left out, acquisitions among each other, headers that contradict themselves or say too little:
// each with the value that other programs find, or worked out by hand, or refused by name.
import { readFileSync } from "node:fs";
import { deflateRawSync, deflateSync } from "node:zlib";
import type { ErrorCode } from "@anymc3d/core";
import { concat, dicomFile, type Elements, slice, type Value, words } from "@anymc3d/testkit/dicom";
import { describe, expect, it } from "vitest";
import { type ReadOptions, readVolume } from "../src/index.js";
import { near, refusal } from "./build.js";
import { ODD } from "./dicom-odd.js";

type More = Record<string, readonly [string, Value] | undefined>;
const four = (value: number) => [value, value, value, value];
const file = (bytes: Uint8Array, name: string) => new File([bytes as Uint8Array<ArrayBuffer>], name);
const codes = (notes: readonly { code: string }[] = []) => notes.map(({ code }) => code);
const values = ({ data }: { data: ArrayLike<number> }) => Array.from({ length: data.length / 4 }, (_, k) => data[4 * k]);
/** Slices of 2×2 pixels, each in a file: their places, values, and what else their headers say. */
const stack = (places: readonly number[], value: (i: number) => number, more: (i: number) => More = () => ({})) =>
  places.map((z, i) => file(slice(z, four(value(i)), { "00080018": ["UI", `1.2.3.${i + 1}`], ...more(i) }), `${i}.dcm`));
/** One file of `count` frames of 2×2 pixels, whose values count the frames; without places, unless given. */
const frames = (count: number, more: More): Uint8Array =>
  slice(50, four(0), {
    "00080008": ["CS", "ORIGINAL\\PRIMARY"],
    "00200032": undefined,
    "00200037": undefined,
    "00280008": ["IS", count],
    "7fe00010": ["OW", words(Array.from({ length: 4 * count }, (_, i) => Math.floor(i / 4)))],
    ...more,
  });
const CLASS = "1.2.840.10008.5.1.4.1.1.";

describe("as other programs read them (reference/make_dicom_odd.py)", () => {
  it.each(Object.entries(ODD))("%s", async (_, { file: bytes, options, shape, values: right = [], affine = [], notes, says }) => {
    const read = () => readVolume(bytes, options);
    if (says) {
      await refusal(read, /SEG/.test(says) || says.startsWith("0:") ? "FRAME_REQUIRED" : "GEOMETRY_INVALID", new RegExp(says));
      return;
    }
    const volume = await read();
    expect(volume.shape).toEqual(shape);
    near(volume.data, right, 6);
    near(volume.affine, affine, 5);
    expect(codes(volume.notes)).toEqual(notes);
  });

  it("a segmentation's labels go by their numbers; shares are none", async () => {
    const labels = async (name: string, options: ReadOptions = {}) => (await readVolume(ODD[name].file, { ...ODD[name].options, ...options })).labels;
    expect(await labels("SEG, frames 3 to 5 empty")).toEqual({ 1: "Liver" });
    expect(await labels("SEG of two segments, the second")).toEqual({ 1: "Spleen" });
    expect(await labels("SEG as a label map")).toEqual({ 1: "Liver", 2: "Spleen", 3: "Both" });
    expect(await labels("SEG of shares")).toBeUndefined();
    expect((await readVolume(slice(0, four(1)))).labels).toBeUndefined();
  });
});

describe("frames that are no slices", () => {
  it.each<[string, number, More]>([
    ["whole-slide microscopy", 4, { "00080016": ["UI", `${CLASS}77.1.6`], "00080060": ["CS", "SM"] }],
    ["tiles, by their organization", 4, { "00209311": ["CS", "TILED_FULL"] }],
    ["tiles, by the size of the whole", 4, { "00480006": ["UL", 4], "00480007": ["UL", 4] }],
    ["tiles, by their places on a slide", 1, { "52009230": ["SQ", [{ "0048021a": ["SQ", [{ "0040072a": ["DS", 1] }]] }]] }],
    ["a segmentation of tiles", 4, { "00080016": ["UI", `${CLASS}66.4`], "00080060": ["CS", "SEG"], "00209311": ["CS", "TILED_SPARSE"] }],
    ["tiles in colour", 4, { "00080016": ["UI", `${CLASS}77.1.6`], "00280002": ["US", 3], "00280004": ["CS", "RGB"] }],
  ])("%s: never stacked, not one by one either", async (_, count, more) => {
    for (const options of [{}, { frame: 0 }]) await refusal(() => readVolume(frames(count, more), options), "GEOMETRY_INVALID", /parts of one large plane/);
  });

  it.each<[string, More]>([
    ["ultrasound", { "00080016": ["UI", `${CLASS}3.1`], "00080060": ["CS", "US"] }],
    ["ultrasound without a class", { "00080060": ["CS", "US"] }],
    ["angiography, with a spacing", { "00080016": ["UI", `${CLASS}12.1`], "00080060": ["CS", "XA"], "00180088": ["DS", 1] }],
    ["fluoroscopy", { "00080016": ["UI", `${CLASS}12.2`], "00080060": ["CS", "RF"] }],
    ["endoscopy", { "00080016": ["UI", `${CLASS}77.1.1.1`], "00080060": ["CS", "ES"] }],
    ["photographs of an eye", { "00080016": ["UI", `${CLASS}77.1.5.1`], "00080060": ["CS", "OP"] }],
    ["optical sections of an eye that do not say where they lie", { "00080016": ["UI", `${CLASS}77.1.5.4`], "00080060": ["CS", "OPT"] }],
    ["screenshots", { "00080016": ["UI", `${CLASS}7.2`], "00080060": ["CS", "OT"] }],
    ["screenshots of a CT's screen", { "00080016": ["UI", `${CLASS}7.3`], "00080060": ["CS", "OT"], "00181063": ["DS", 100] }],
    ["a cine MR without pointer", { "00080060": ["CS", "MR"], "00181063": ["DS", 40] }],
    [
      "two views of a whole body",
      { "00080016": ["UI", `${CLASS}20`], "00080060": ["CS", "NM"], "00080008": ["CS", "ORIGINAL\\PRIMARY\\WHOLE BODY\\EMISSION"] },
    ],
    ["two views, by the pointer", { "00080060": ["CS", "NM"], "00280009": ["AT", [0x00200054]], "00540020": ["US", [1, 2, 1, 2]] }],
    ["projections", { "00080060": ["CS", "NM"], "00080008": ["CS", "ORIGINAL\\PRIMARY\\TOMO\\EMISSION"], "00180088": ["DS", 2] }],
  ])("%s: one frame is asked for", async (_, more) => {
    const bytes = frames(4, more);
    await refusal(() => readVolume(bytes), "FRAME_REQUIRED", /4 frames/);
    const one = await readVolume(bytes, { frame: 2 });
    expect([one.shape, values(one)]).toEqual([[2, 2, 1], [2]]);
  });

  it("gates of nuclear medicine are volumes; so are the times of frames without places", async () => {
    const gated = frames(6, {
      "00080060": ["CS", "NM"],
      "00080008": ["CS", "ORIGINAL\\PRIMARY\\RECON GATED TOMO\\EMISSION"],
      "00280009": ["AT", [0x00700054, 0x00800054]],
      "00540070": ["US", [1, 1, 1, 2, 2, 2]],
      "00540080": ["US", [1, 2, 3, 3, 2, 1]],
    });
    await refusal(() => readVolume(gated), "FRAME_REQUIRED", /2 volumes in one file, which differ in time slot/);
    expect(values(await readVolume(gated, { frame: 1 }))).toEqual([5, 4, 3]);
    const times = frames(4, {
      "00080016": ["UI", `${CLASS}4.1`],
      "00080060": ["CS", "MR"],
      "52009230": ["SQ", [1, 1, 2, 2].map((time): Elements => ({ "00209111": ["SQ", [{ "00209128": ["UL", time] }]] }))],
    });
    await refusal(() => readVolume(times), "FRAME_REQUIRED", /temporal position/);
    expect(values(await readVolume(times, { frame: 1 }))).toEqual([2, 3]);
  });

  it("a localizer of the same size and orientation is no slice of the volume", async () => {
    const scout = file(slice(4.5, four(777), { "00080008": ["CS", "ORIGINAL\\PRIMARY\\LOCALIZER"] }), "scout.dcm");
    const volume = await readVolume([...stack([0, 3, 6], (i) => i), scout]);
    expect([values(volume), codes(volume.notes)]).toEqual([[0, 1, 2], ["LOCALIZER_LEFT"]]);
  });
});

describe("acquisitions among each other", () => {
  const places = [0, 3, 6, 9, 12, 15, 1.5, 4.5, 7.5, 10.5, 13.5, 16.5];
  const two = (more: (second: boolean, i: number) => More) =>
    stack(
      places,
      (i) => (i < 6 ? 10 : 60),
      (i) => ({ "00180050": ["DS", 1.5], ...more(i > 5, i) }),
    );

  it.each<[string, (second: boolean, i: number) => More]>([
    ["acquisition", (second) => ({ "00200012": ["IS", second ? 2 : 1] })],
    ["acquisition time", (second) => ({ "00080032": ["TM", second ? "101000" : "100000"] })],
    ["acquisition time", (second, i) => ({ "00080032": ["TM", `${second ? 101 : 100}00${i % 6}`] })],
    ["content time", (second, i) => ({ "00080033": ["TM", `${second ? 101 : 100}00${i % 6}`] })],
    ["instance number", (_, i) => ({ "00200013": ["IS", i + 1] })],
    // Taken from the last to the first in the second pass.
    ["instance number", (second, i) => ({ "00200013": ["IS", second ? 18 - i : i + 1] })],
    ["echo", (second) => ({ "00180086": ["IS", second ? 2 : 1], "00080060": ["CS", "MR"] })],
    ["b-value", (second) => ({ "00189087": ["FD", second ? 1000 : 0], "00080060": ["CS", "MR"] })],
    ["image type", (second) => ({ "00080008": ["CS", second ? "DERIVED\\SECONDARY" : "ORIGINAL\\PRIMARY"], "00080060": ["CS", "MR"] })],
    ["kernel", (second) => ({ "00181210": ["SH", second ? "B70f" : "B30f"] })],
    ["tube voltage", (second) => ({ "00180060": ["DS", second ? 140 : 80] })],
  ])("%s: either is read by itself", async (by, more) => {
    await refusal(() => readVolume(two(more)), "FRAME_REQUIRED", new RegExp(`slices of some lie among those of others; they differ in ${by}`));
    for (const uneven of [undefined, "resample"] as const) {
      const read = await Promise.all([0, 1].map((frame) => readVolume(two(more), { frame, ...(uneven && { uneven }) })));
      const found = read.map((volume) => [volume.shape[2], new Set(volume.data), volume.affine?.[10], volume.affine?.[11]]);
      expect(found).toEqual(
        [
          [6, new Set([10]), 3, 0],
          [6, new Set([60]), 3, 1.5],
        ].sort((a, b) => (by === "image type" ? (Number(a[3]) < Number(b[3]) ? 1 : -1) : 0)),
      );
    }
  });

  /** An enhanced CT of these places. @param content what each frame's content says */
  const enhanced = (at: readonly number[], content: (i: number) => Elements, indices: readonly string[] = []) =>
    frames(at.length, {
      "00080016": ["UI", `${CLASS}2.1`],
      ...(indices.length > 0 && { "00209222": ["SQ", indices.map((name): Elements => ({ "00209421": ["LO", name] }))] }),
      "52009229": ["SQ", [{ "00209116": ["SQ", [{ "00200037": ["DS", [1, 0, 0, 0, 1, 0]] }]] }]],
      "52009230": ["SQ", at.map((z, i): Elements => ({ "00209111": ["SQ", [content(i)]], "00209113": ["SQ", [{ "00200032": ["DS", [0, 0, z]] }]] }))],
    });
  /** Frame Acquisition DateTime, in seconds after ten. */
  const taken = (second: number): Elements => ({ "00189074": ["DT", `20240101${100000 + second}.5`] });

  it.each<[string, string, (i: number) => Elements, string[]?]>([
    ["acquisition numbers", "acquisition", (i) => ({ "00209156": ["US", i < 6 ? 1 : 2] })],
    ["dates and times that each acquisition's frames share", "frame acquisition time", (i) => taken(i < 6 ? 1 : 20)],
    ["dates and times that are unique", "frame time", taken],
    ["a dimension index that is called time", "time", (i) => ({ "00209157": ["UL", [1, (i % 6) + 1, i < 6 ? 1 : 2]] }), ["stack", "place", "time"]],
  ])("the frames of one enhanced file, by %s", async (_, by, content, indices) => {
    const both = enhanced(places, content, indices);
    await refusal(() => readVolume(both), "FRAME_REQUIRED", new RegExp(`they differ in ${by}; expected one`));
    expect(values(await readVolume(both, { frame: 1 }))).toEqual([6, 7, 8, 9, 10, 11]);
    expect(values(await readVolume(both, { frame: 2 })).slice(0, 4)).toEqual([0, 6, 1, 7]);
  });

  it.each<[string, string, (i: number) => Elements, string[]?]>([
    ["dates and times that each volume's frames share", "frame acquisition time", (i) => taken(i < 3 ? 1 : 20)],
    ["dates and times that are unique", "frame time", taken],
    ["dimension indices that are unique", "time", (i) => ({ "00209157": ["UL", [1, i + 1]] }), ["stack", "time"]],
    ["a dimension index that is called time", "time", (i) => ({ "00209157": ["UL", [(i % 3) + 1, i < 3 ? 1 : 2]] }), ["place", "time"]],
  ])("two frames of one enhanced file at each place, by %s: either volume", async (_, by, content, indices) => {
    const both = enhanced([0, 3, 6, 0, 3, 6], content, indices);
    await refusal(() => readVolume(both), "FRAME_REQUIRED", new RegExp(`2 volumes in one series, which differ in ${by}; expected one`));
    expect(values(await readVolume(both, { frame: 0 }))).toEqual([0, 1, 2]);
    expect(values(await readVolume(both, { frame: 1 }))).toEqual([3, 4, 5]);
  });

  it("all together, where that is asked for", async () => {
    const volume = await readVolume(
      two((second) => ({ "00200012": ["IS", second ? 2 : 1] })),
      { frame: 2 },
    );
    expect(values(volume)).toEqual([10, 60, 10, 60, 10, 60, 10, 60, 10, 60, 10, 60]);
  });

  it("at other than half steps: asked for before anything is interpolated", async () => {
    const files = stack(
      [0, 3, 6, 9, 1, 4, 7, 10],
      (i) => (i < 4 ? 10 : 60),
      (i) => ({ "00200012": ["IS", i < 4 ? 1 : 2] }),
    );
    await refusal(() => readVolume(files, { uneven: "resample" }), "FRAME_REQUIRED", /acquisition 1, 4 slices\s+1: acquisition 2/);
  });

  it("steps that follow each other, slices taken at once in groups, and odd before even: one volume", async () => {
    const z = [0, 1, 2, 3, 4, 5, 6, 7];
    const follow = stack(
      z,
      (i) => i,
      (i) => ({ "00200012": ["IS", Math.floor(i / 4)], "00080032": ["TM", `10000${Math.floor(i / 4)}`] }),
    );
    expect(values(await readVolume(follow))).toEqual(z);
    const atOnce = stack(
      [...z, ...z.map((each) => each + 8)],
      (i) => i,
      (i) => ({ "00080060": ["CS", "MR"], "00080032": ["TM", `10000${i % 8}`] }),
    );
    expect((await readVolume(atOnce)).shape[2]).toBe(16);
    const oddFirst = stack(
      z,
      (i) => i,
      (i) => ({ "00080060": ["CS", "MR"], "00080032": ["TM", `1000${i % 2}${i}`], "00200013": ["IS", (i % 2) * 4 + i + 1] }),
    );
    expect(values(await readVolume(oddFirst))).toEqual(z);
  });
});

describe("several frames at each place", () => {
  const at = (i: number) => [0, 3, 6][i % 3];
  const dynamic = (more: (time: number, place: number, i: number) => More) =>
    stack(
      Array.from({ length: 12 }, (_, i) => at(i)),
      (i) => 100 * Math.floor(i / 3) + (i % 3),
      (i) => more(Math.floor(i / 3), i % 3, i),
    );

  it.each<[string, (time: number, place: number, i: number) => More]>([
    ["volume by volume", (_, __, i) => ({ "00080032": ["TM", String(101000 + i)], "00200013": ["IS", i + 1] })],
    ["place by place", (time, place) => ({ "00080032": ["TM", String(101000 + 10 * place + time)] })],
    [
      "over midnight",
      (time, place) => ({
        "00080022": ["DA", time < 2 ? "20240101" : "20240102"],
        "00080032": ["TM", time < 2 ? `2359${50 + 3 * time + place}` : `00000${3 * (time - 2) + place}`],
      }),
    ],
    ["trigger times", (time, place) => ({ "00181060": ["DS", 40 * time + place] })],
    ["numbers alone", (_, __, i) => ({ "00200013": ["IS", i + 1] })],
  ])("times that are unique in every file, %s: four volumes", async (_, more) => {
    await refusal(() => readVolume(dynamic(more)), "FRAME_REQUIRED", /4 volumes/);
    for (const frame of [0, 1, 2, 3]) expect(values(await readVolume(dynamic(more), { frame }))).toEqual([0, 1, 2].map((place) => 100 * frame + place));
  });

  it("whose order by time is not that by number: refused, both named", async () => {
    const files = dynamic((time, _, i) => ({ "00080032": ["TM", String(101000 + i)], "00200013": ["IS", 3 * [0, 2, 1, 3][time] + 1] }));
    await refusal(() => readVolume(files), "GEOMETRY_INVALID", /order by acquisition time is not that by instance number/);
  });

  it("dimension indices alone tell the volumes of an enhanced file", async () => {
    const group = (i: number): Elements => ({
      "00209111": ["SQ", [{ "00209157": ["UL", [1, (i % 3) + 1, Math.floor(i / 3) + 1]] }]],
      "00209113": ["SQ", [{ "00200032": ["DS", [0, 0, at(i)]] }]],
    });
    const enhanced = frames(12, {
      "00080016": ["UI", `${CLASS}4.1`],
      "00080060": ["CS", "MR"],
      "00209222": ["SQ", ["stack", "place", "dynamic"].map((name): Elements => ({ "00209421": ["LO", name] }))],
      "52009229": ["SQ", [{ "00209116": ["SQ", [{ "00200037": ["DS", [1, 0, 0, 0, 1, 0]] }]] }]],
      "52009230": ["SQ", Array.from({ length: 12 }, (_, i) => group(i))],
    });
    await refusal(() => readVolume(enhanced), "FRAME_REQUIRED", /4 volumes in one series, which differ in dynamic/);
    expect(values(await readVolume(enhanced, { frame: 2 }))).toEqual([6, 7, 8]);
  });
});

describe("identifiers and positions", () => {
  const unique =
    (tag: string) =>
    (i: number): More => ({ [tag]: ["UI", `1.2.3.4.${i + 1}`] });
  it.each(["00200052", "0020000d"])("a UID that is another in every file says nothing: %s", async (tag) => {
    const volume = await readVolume(stack([0, 3, 6, 9, 12], (i) => i, unique(tag)));
    expect([values(volume), codes(volume.notes)]).toEqual([[0, 1, 2, 3, 4], ["UIDS_IGNORED"]]);
  });

  it("so where some files have none", async () => {
    const some = stack(
      [0, 3, 6, 9],
      (i) => i,
      (i) => (i === 1 ? {} : unique("00200052")(i)),
    );
    expect(values(await readVolume(some))).toEqual([0, 1, 2, 3]);
  });

  it("two frames of reference with several slices each stay two, and other patients others", async () => {
    const two = stack(
      [0, 3, 6, 9],
      (i) => i,
      (i) => ({ "00200052": ["UI", `1.2.3.4.${i < 2 ? 1 : 2}`] }),
    );
    await refusal(() => readVolume(two), "SERIES_REQUIRED", /frame of reference/);
    const patients = stack(
      [0, 3, 6],
      (i) => i,
      (i) => ({ "0020000d": ["UI", `1.2.${i + 7}`], "00100020": ["LO", `P${i}`] }),
    );
    await refusal(() => readVolume(patients), "SERIES_REQUIRED", /different studies or patients/);
  });

  it("positions rounded to 0.1 mm: read, with the largest deviation told; beyond a tenth of a pixel refused", async () => {
    const tilted = [Math.cos(0.2), Math.sin(0.2), 0, 0, 0, -1];
    const put = (off: number) =>
      stack(
        [0, 1, 2, 3, 4, 5],
        (i) => i,
        (i) => {
          const exact = [-Math.sin(0.2) * 7 * i, Math.cos(0.2) * 7 * i, 0];
          const rounded = exact.map((value, axis) => Math.round(10 * value) / 10 + (i === 2 && axis === 2 ? off : 0));
          return { "00200032": ["DS", rounded], "00200037": ["DS", tilted], "00280030": ["DS", [0.9, 0.9]] };
        },
      );
    const volume = await readVolume(put(0));
    expect([...values(volume)].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(codes(volume.notes)).toEqual(["SLICES_OFF_LINE"]);
    expect(volume.notes?.[0].message).toMatch(/up to 0\.0\d+ mm/);
    await refusal(() => readVolume(put(0.15)), "GEOMETRY_INVALID", /0\.1\d mm beside the line/);
  });
});

describe("what is known is kept where another thing is not", () => {
  const cone: More = { "00080016": ["UI", `${CLASS}13.1.2`], "00080060": ["CS", "CT"], "00280030": ["DS", [0.25, 0.5]], "00180088": ["DS", 0.75] };
  const size = (affine: readonly number[] = []) => [0, 1, 2].map((axis) => Math.hypot(affine[axis], affine[4 + axis], affine[8 + axis]));

  it("spacing, where the orientation is unknown", async () => {
    const volume = await readVolume(frames(3, cone));
    expect(values(volume)).toEqual([0, 1, 2]);
    near(size(volume.affine), [0.5, 0.25, 0.75], 9);
    expect(codes(volume.notes)).toEqual(["NO_ORIENTATION"]);
    const told = await readVolume(frames(3, cone), { orientation: "RAS" });
    near(told.affine, [0.5, 0, 0, -0.25, 0, 0.25, 0, -0.125, 0, 0, 0.75, -0.75, 0, 0, 0, 1], 9);
    expect(codes(told.notes)).toEqual([]);
  });

  it("orientation, where the places are unknown; detector spacing, told as such; a thickness in place of a distance", async () => {
    const turned = await readVolume(frames(3, { ...cone, "00200037": ["DS", [0, 1, 0, 0, 0, -1]] }));
    near(turned.affine, [0, 0, 0.75, -0.75, -0.5, 0, 0, 0.25, 0, -0.25, 0, 0.125, 0, 0, 0, 1], 9);
    expect(codes(turned.notes)).toEqual(["NO_ORIENTATION"]);
    const detector = await readVolume(frames(3, { ...cone, "00280030": undefined, "00181164": ["DS", [0.2, 0.2]] }));
    near(size(detector.affine), [0.2, 0.2, 0.75], 9);
    expect(codes(detector.notes)).toEqual(["NO_SPACING", "NO_ORIENTATION"]);
    const thick = await readVolume(frames(3, { ...cone, "00180088": undefined, "00180050": ["DS", 2] }));
    near(size(thick.affine), [0.5, 0.25, 2], 9);
    expect(codes(thick.notes)).toEqual(["NO_SPACING", "NO_ORIENTATION"]);
  });

  it("the first frame's position, where that of the others is unknown", async () => {
    const first = await readVolume(frames(3, { ...cone, "00200032": ["DS", [7, 8, 9]], "00200037": ["DS", [1, 0, 0, 0, 1, 0]] }));
    near(first.affine, [-0.5, 0, 0, -7, 0, -0.25, 0, -8, 0, 0, 0.75, 9, 0, 0, 0, 1], 9);
    expect(codes(first.notes)).toEqual(["NO_ORIENTATION"]);
  });

  it("what the caller tells is taken, or must be what is stated", async () => {
    const bare = { ...cone, "00280030": undefined, "00180088": undefined };
    const volume = await readVolume(frames(3, bare), { orientation: "LPS", spacing: [1, 2, 3] });
    near(volume.affine, [-1, 0, 0, 0.5, 0, -2, 0, 1, 0, 0, 3, -3, 0, 0, 0, 1], 9);
    near(size((await readVolume(frames(3, bare), { spacing: [1, 2, 3] })).affine), [1, 2, 3], 9);
    expect((await readVolume(frames(3, bare))).affine).toBeUndefined();
    await refusal(() => readVolume(frames(3, bare), { orientation: "LPS" }), "OPTION_INVALID", /Give `spacing`, too/);
    await refusal(() => readVolume(frames(3, cone), { spacing: [1, 1, 1] }), "OPTION_INVALID", /0\.5 mm, 0\.25 mm, 0\.75 mm/);
    near(size((await readVolume(frames(3, cone), { spacing: [0.5, 0.25, 0.75] })).affine), [0.5, 0.25, 0.75], 9);
    const noPixels = stack(
      [0, 3],
      (i) => i,
      () => ({ "00280030": undefined }),
    );
    await refusal(() => readVolume(noPixels), "GEOMETRY_INVALID", /the option `spacing` tells them/);
    near(size((await readVolume(noPixels, { spacing: [1, 2, 3] })).affine), [1, 2, 3], 9);
    await refusal(() => readVolume(noPixels, { spacing: [1, 2, 4] }), "OPTION_INVALID", /3 mm/);
    await refusal(
      () =>
        readVolume(
          stack(
            [0, 3],
            (i) => i,
            () => ({ "00200032": undefined }),
          ),
          { orientation: "LPS" },
        ),
      "GEOMETRY_INVALID",
      /`orientation` and `spacing` do not tell it/,
    );
  });

  it.each<[ReadOptions, ErrorCode, RegExp]>([
    [{ orientation: "RAS" }, "OPTION_INVALID", /`orientation` is RAS, and the files state LPS/],
    [{ orientation: "XYZ" }, "OPTION_INVALID", /three letters/],
    [{ spacing: [2, 1, 3] }, "OPTION_INVALID", /state another/],
    [{ spacing: [0, 1, 3] }, "OPTION_INVALID", /above 0/],
    [{ frame: 1 }, "OPTION_INVALID", /1 frame, so give 0/],
    [{ stack: 1 }, "SERIES_REQUIRED", /stack/],
    [{ series: "9" }, "SERIES_REQUIRED", /no single series "9"/],
    [{ channel: 1 }, "OPTION_INVALID", /`channel` is 1, and means nothing for DICOM/],
    [{ index: 2 }, "OPTION_INVALID", /`index` is 2/],
    [{ array: "a" }, "OPTION_INVALID", /`array` is "a"/],
    [{ companion: new Uint8Array(4) }, "OPTION_INVALID", /`companion` is given/],
  ])("an option is never passed over: %o", async (options, code, says) => {
    await refusal(
      () =>
        readVolume(
          stack([0, 3], (i) => i),
          options,
        ),
      code,
      says,
    );
  });

  it("options that say what is so are fine", async () => {
    const options: ReadOptions = { orientation: "lps", spacing: [1, 1, 3], frame: 0, stack: 0, channel: 0, index: 0, uneven: "resample", series: "1.2.3" };
    expect(
      values(
        await readVolume(
          stack([0, 3], (i) => i),
          options,
        ),
      ),
    ).toEqual([0, 1]);
  });
});

describe("segmentations, by hand", () => {
  const seg = (places: readonly number[], measures: More = {}, more: More = {}) =>
    frames(places.length, {
      "00080016": ["UI", `${CLASS}66.4`],
      "00080060": ["CS", "SEG"],
      "00281052": undefined,
      "00281053": undefined,
      "00280030": undefined,
      "00620002": ["SQ", [{ "00620004": ["US", 1], "00620005": ["LO", "Liver"] }]],
      "52009229": [
        "SQ",
        [{ "00209116": ["SQ", [{ "00200037": ["DS", [1, 0, 0, 0, 1, 0]] }]], "00289110": ["SQ", [{ "00280030": ["DS", [1, 1]], ...(measures as Elements) }]] }],
      ],
      "52009230": [
        "SQ",
        places.map((z): Elements => ({ "00209113": ["SQ", [{ "00200032": ["DS", [0, 0, z]] }]], "0062000a": ["SQ", [{ "0062000b": ["US", 1] }]] })),
      ],
      "7fe00010": ["OW", words(places.flatMap((_, i) => four(i + 1)))],
      ...more,
    });

  it("what is left out is 0, whatever else is asked for; the ends are not made up", async () => {
    for (const options of [{}, { uneven: "resample" }] as const)
      expect(values(await readVolume(seg([0, 1, 2, 6, 7]), options))).toEqual([1, 2, 3, 0, 0, 0, 4, 5]);
    expect(values(await readVolume(seg([4, 6, 9])))).toEqual([1, 0, 2, 0, 0, 3]);
    expect(values(await readVolume(seg([0, 4, 8], { "00180088": ["DS", 2] })))).toEqual([1, 0, 2, 0, 3]);
    const one = await readVolume(seg([5], { "00180088": ["DS", 2], "00180050": ["DS", 3] }));
    expect([values(one), one.affine?.[10]]).toEqual([[1], 2]);
    await refusal(() => readVolume(seg([0, 1, 2.37, 5.01]), { uneven: "resample" }), "GEOMETRY_INVALID", /labels are not interpolated/);
  });

  it("a label map's padding value is its background, which is data; shares without their whole are refused", async () => {
    const map = await readVolume(seg([0, 1], {}, { "00620001": ["CS", "LABELMAP"], "00280120": ["SS", 1] }));
    expect([values(map), map.noData]).toEqual([[1, 2], undefined]);
    const shares = (whole: More) => readVolume(seg([0, 1], {}, { "00620001": ["CS", "FRACTIONAL"], ...whole }));
    near(values(await shares({ "0062000e": ["US", 200] })), [1 / 200, 2 / 200], 7);
    await refusal(() => shares({}), "FORMAT_INVALID", /Maximum Fractional Value \(0062,000E\) is missing/i);
  });

  it("a segment that no frame shows is empty, on the slices of the others", async () => {
    const two: More = { "00620002": ["SQ", [1, 2].map((number): Elements => ({ "00620004": ["US", number], "00620005": ["LO", `S${number}`] }))] };
    await refusal(() => readVolume(seg([0, 1, 3], {}, two)), "FRAME_REQUIRED", /0: S1\s+1: S2/);
    const empty = await readVolume(seg([0, 1, 3], {}, two), { frame: 1 });
    expect([values(empty), empty.labels]).toEqual([[0, 0, 0, 0], { 1: "S2" }]);
  });
});

describe("volumes among each other and in part", () => {
  const two = (more: (a: number) => More) =>
    [0, 1].flatMap((a) => Array.from({ length: 6 }, (_, i) => file(slice(3 * i + 1.5 * a, four(10 + 50 * a), more(a)), `${a}-${i}.dcm`)));
  it.each<[string, (a: number) => More]>([
    ["Acquisition DateTime", (a) => ({ "0008002a": ["DT", `202001011010${a}0`] })],
    ["Acquisition UID", (a) => ({ "00080017": ["UI", `1.2.3.7.${a}`] })],
    ["Slice Thickness", (a) => ({ "00180050": ["DS", 3 + 2 * a] })],
  ])("half a step apart, which differ in %s: a choice", async (_, more) => {
    await refusal(() => readVolume(two(more)), "FRAME_REQUIRED", /some lie among those of others/);
    expect(values(await readVolume(two(more), { frame: 1 }))).toEqual(new Array(6).fill(60));
    expect(values(await readVolume(two(more), { frame: 2 })).slice(0, 4)).toEqual([10, 60, 10, 60]);
  });
  it("half a step apart, numbered anew: a choice", async () => {
    const both = [0, 1].flatMap((a) =>
      Array.from({ length: 6 }, (_, i) => file(slice(3 * i + 1.5 * a, four(10 + 50 * a), { "00200013": ["IS", i + 1] }), `${a}-${i}.dcm`)),
    );
    await refusal(() => readVolume(both), "FRAME_REQUIRED", /Instance Numbers begin anew/);
    expect(values(await readVolume(both, { frame: 1 }))).toEqual(new Array(6).fill(60));
  });
  it("an MR in two passes whose stated distance is that of all slices is one volume", async () => {
    const pass = (a: number): More => ({ "00080060": ["CS", "MR"], "00080032": ["TM", `10${a}000`], "00180088": ["DS", 1.5] });
    expect(values(await readVolume(two(pass))).slice(0, 4)).toEqual([10, 60, 10, 60]);
    await refusal(() => readVolume(two((a) => ({ ...pass(a), "00180088": ["DS", 3] }))), "FRAME_REQUIRED");
  });
  it("one image of a series over time is missing: the whole volumes are offered, and what is missing is named", async () => {
    const times = [1, 2, 3].flatMap((t) =>
      [0, 1, 2, 3].flatMap((i) =>
        t === 2 && i === 2
          ? []
          : [file(slice(3 * i, four(10 * t + i), { "00200100": ["IS", t], "00080018": ["UI", `1.2.${t}.${i}`], "00080060": ["CS", "MR"] }), `${t}-${i}.dcm`)],
      ),
    );
    await refusal(
      () => readVolume(times),
      "FRAME_REQUIRED",
      /temporal position 2 has no slice at \(0, 0, 6\)/,
      /0: temporal position 1\s+1: temporal position 3/,
    );
    expect(values(await readVolume(times, { frame: 1 }))).toEqual([30, 31, 32, 33]);
  });
  it("two acquisitions that overlap by a slice that differs: each by itself", async () => {
    const both = [0, 1].flatMap((a) =>
      [0, 1, 2, 3].map((i) =>
        file(slice(3 * (i + 3 * a), four(10 * a + i), { "00200012": ["IS", a + 1], "00080018": ["UI", `1.2.${a}.${i}`] }), `${a}-${i}.dcm`),
      ),
    );
    await refusal(() => readVolume(both), "FRAME_REQUIRED", /0: acquisition 1, 4 of 7 slices\s+1: acquisition 2, 4 of 7 slices/);
    const second = await readVolume(both, { frame: 1 });
    expect([values(second), second.affine?.[11]]).toEqual([[10, 11, 12, 13], 9]);
  });
});

describe("rounded headers", () => {
  it.each([0.625, 2 / 3, 0.75, 1.25, 5 / 3, 2.05, 2.75, 3.27, 4.99])("positions every %d mm, rounded to 0.1 mm: even, with a note", async (step) => {
    for (const pixel of [0.49, 0.98]) {
      const places = Array.from({ length: 30 }, (_, i) => Math.round(10 * (step * i - 33.37)) / 10);
      const volume = await readVolume(
        stack(
          places,
          (i) => i,
          () => ({ "00280030": ["DS", [pixel, pixel]] }),
        ),
      );
      expect(codes(volume.notes)).toEqual(["SLICES_OFF_LINE"]);
      expect(Math.abs((volume.affine?.[10] ?? 0) - step)).toBeLessThanOrEqual(0.1 / 29 + 1e-9);
      const gap = places.filter((_, i) => i !== 11);
      await refusal(() => readVolume(stack(gap, (i) => i)), "GEOMETRY_INVALID");
    }
  });
  it("directions of two digits are made unit vectors at right angles, and that is noted; of one digit they are refused", async () => {
    // cos 0.3 and sin 0.3 are 0.9553 and 0.2955; 0.96² + 0.30² = 1.0116, whose root is 1.00578.
    const turned = (row: readonly number[]): More => ({ "00200037": ["DS", [...row]] });
    const { affine = [], notes } = await readVolume(slice(0, four(1), { ...turned([1, 0, 0, 0, 0.96, 0.3]), "00180050": ["DS", 1] }));
    near([affine[5], affine[9]], [-0.96 / 1.00578, 0.3 / 1.00578], 4);
    expect(codes(notes)).toEqual(["ORIENTATION_ROUNDED"]);
    await refusal(() => readVolume(slice(0, four(1), turned([1, 0, 0, 0, 1, 0.3]))), "GEOMETRY_INVALID");
  });
});

describe("encodings", () => {
  it("run-length encoded bits, a byte each as pydicom writes them; too many and too few are refused", async () => {
    const encoded = (body: Uint8Array) => {
      const item = (bytes: Uint8Array) => concat([Uint8Array.of(0xfe, 0xff, 0, 0xe0), new Uint8Array(Uint32Array.of(bytes.length).buffer), bytes]);
      const frame = concat([new Uint8Array(Uint32Array.of(1, 64, ...new Array(14).fill(0)).buffer), body]);
      const bytes = slice(
        0,
        new Array(16).fill(0),
        {
          "00080060": ["CS", "SEG"],
          "00280100": ["US", 1],
          "00280101": ["US", 1],
          "00280102": ["US", 0],
          "00280103": ["US", 0],
          "00281052": undefined,
          "00281053": undefined,
          "7fe00010": undefined,
        },
        { syntax: "1.2.840.10008.1.2.5" },
      );
      const head = Uint8Array.of(0xe0, 0x7f, 0x10, 0, 0x4f, 0x42, 0, 0, 255, 255, 255, 255);
      return concat([bytes, head, item(new Uint8Array(0)), item(frame), Uint8Array.of(0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0)]);
    };
    const right = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
    // Five zeros, six ones, five zeros; packed: 0b11100000, 0b00000111.
    expect([...(await readVolume(encoded(Uint8Array.of(252, 0, 251, 1, 252, 0)))).data]).toEqual(right);
    expect([...(await readVolume(encoded(Uint8Array.of(1, 0xe0, 0x07, 0)))).data]).toEqual(right);
    await refusal(() => readVolume(encoded(Uint8Array.of(252, 0, 251, 1, 248, 0))), "FORMAT_INVALID", /more samples than the header says/);
    await refusal(() => readVolume(encoded(Uint8Array.of(252, 0, 251, 1))), "FILE_TRUNCATED");
  });

  it("run-length encoded bits, each frame in whole bytes; 13 × 3 pixels, by hand", async () => {
    // Frame 1: pixels 0 and 38; frame 2: the first 16. 39 bits are 5 bytes, packed as one run of literals, and as a run of two and one of three.
    const planes = [Uint8Array.of(4, 1, 0, 0, 0, 64), Uint8Array.of(255, 255, 254, 0)];
    const frame = (plane: Uint8Array) => concat([new Uint8Array(Uint32Array.of(1, 64, ...new Array(14).fill(0)).buffer), plane]);
    const item = (bytes: Uint8Array) => concat([Uint8Array.of(0xfe, 0xff, 0, 0xe0), new Uint8Array(Uint32Array.of(bytes.length).buffer), bytes]);
    const bytes = frames(2, {
      "00080060": ["CS", "SEG"],
      "00280010": ["US", 3],
      "00280011": ["US", 13],
      "00280100": ["US", 1],
      "00280101": ["US", 1],
      "00280102": ["US", 0],
      "00280103": ["US", 0],
      "7fe00010": undefined,
    });
    const pixels = concat([
      Uint8Array.of(0xe0, 0x7f, 0x10, 0, 0x4f, 0x42, 0, 0, 255, 255, 255, 255),
      item(new Uint8Array(0)),
      ...planes.map((plane) => item(frame(plane))),
      Uint8Array.of(0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0),
    ]);
    const rle = concat([bytes, pixels]);
    const text = new TextEncoder().encode("1.2.840.10008.1.2.1\0");
    const at = rle.findIndex((_, i) => text.every((byte, k) => rle[i + k] === byte));
    rle.set(new TextEncoder().encode("1.2.840.10008.1.2.5\0"), at);
    const { data, shape } = await readVolume(rle);
    expect([shape, [...data].flatMap((value, i) => (value ? [i] : []))]).toEqual([
      [13, 3, 2],
      [0, 38, ...Array.from({ length: 16 }, (_, i) => 39 + i)],
    ]);
  });

  it("a syntax that says not compressed, and pieces of undefined length: refused by that", async () => {
    const bytes = slice(0, four(1));
    const at = bytes.length - 8 - 4;
    bytes.set([255, 255, 255, 255], at);
    await refusal(() => readVolume(bytes), "FORMAT_INVALID", /says that the pixel data are not compressed, but they are encapsulated/);
  });

  it("elements of a header behind the pixel data: refused, padding is not", async () => {
    const bytes = slice(0, four(1), { "00180050": ["DS", 1] });
    await refusal(() => readVolume(concat([bytes, bytes.subarray(200)])), "FORMAT_INVALID", /follows the pixel data/);
    expect(values(await readVolume(concat([bytes, new Uint8Array(300)])))).toEqual([1]);
  });

  it("frames at one place without a word on time: one is asked for", async () => {
    const group: Elements = { "00209113": ["SQ", [{ "00200032": ["DS", [0, 0, 4]] }]] };
    const cine = frames(4, {
      "00080060": ["CS", "MR"],
      "00180050": ["DS", 1],
      "52009229": ["SQ", [{ "00209116": ["SQ", [{ "00200037": ["DS", [1, 0, 0, 0, 1, 0]] }]] }]],
      "52009230": ["SQ", [group, group, group, group]],
    });
    await refusal(() => readVolume(cine), "FRAME_REQUIRED", /number of the frame alone/);
    expect(values(await readVolume(cine, { frame: 3 }))).toEqual([3]);
  });

  it("a big endian data set without file meta information, and under a little endian header", async () => {
    const big = slice(0, [1, 256, 4660, -2], {}, { big: true, preamble: false });
    expect([...(await readVolume(big)).data]).toEqual([1, 256, 4660, -2]);
    const volume = await readVolume(slice(0, [1, 256, 4660, -2], { "00180050": ["DS", 1] }, { big: true, syntax: "1.2.840.10008.1.2.1" }));
    expect([[...volume.data], codes(volume.notes)]).toEqual([[1, 256, 4660, -2], ["SYNTAX_CONTRADICTED"]]);
  });

  it.each<[string, string, (bytes: Uint8Array) => Uint8Array, RegExp | undefined]>([
    ["explicit, little endian, and it is deflated", "1.2.840.10008.1.2.1", deflateRawSync, /is deflated, explicit, little endian/],
    ["implicit, and it is deflated", "1.2.840.10008.1.2", deflateRawSync, /is deflated, explicit, little endian/],
    ["big endian, and it is deflated", "1.2.840.10008.1.2.2", deflateRawSync, /is deflated, explicit, little endian/],
    ["explicit, little endian, and it is deflated with zlib's header", "1.2.840.10008.1.2.1", deflateSync, /is deflated, explicit, little endian/],
    ["deflated, and it is, with zlib's header", "1.2.840.10008.1.2.1.99", deflateSync, undefined],
    ["deflated, and it is not", "1.2.840.10008.1.2.1.99", (bytes) => bytes, /is not deflated, explicit, little endian/],
  ])("a transfer syntax that says %s: read as it is", async (_, syntax, pack, says) => {
    // Small; and larger than what is read of a file to know what it is.
    for (const more of [{}, { "00091010": ["OB", Uint8Array.from({ length: 400_000 }, (_, i) => (i * i * 7919) >> 5)] }] as More[]) {
      const body = slice(0, [1, 256, 4660, -2], { "00180050": ["DS", 1], ...more }, { preamble: false });
      const bytes = concat([dicomFile({}, { syntax }), new Uint8Array(pack(body))]);
      for (const source of [bytes, file(bytes, "a.dcm")]) {
        const volume = await readVolume(source);
        expect([...volume.data]).toEqual([1, 256, 4660, -2]);
        expect(volume.notes?.map(({ message }) => message) ?? []).toEqual(says ? [expect.stringMatching(says)] : []);
      }
    }
  });

  it("what only looks deflated is not, and what breaks off says so", async () => {
    // A data set that begins with another group than 8.
    const late = dicomFile({ "00200032": ["DS", [0, 0, 0]], "00280010": ["US", 2] }, { syntax: "1.2.840.10008.1.2.1" });
    await refusal(() => readVolume(late), "FILE_TRUNCATED", /without pixel data and Columns/);
    const packed = deflateRawSync(slice(0, four(3), {}, { preamble: false }));
    const cut = concat([dicomFile({}, { syntax: "1.2.840.10008.1.2.1.99" }), packed.subarray(0, packed.length - 9)]);
    await refusal(() => readVolume(cut), "FILE_TRUNCATED", /deflated/);
  });

  it("a real-world value mapping beside stored values is named; none where values are rescaled", async () => {
    const mapping: Elements = {
      "00409210": ["SH", "ADC"],
      "00409224": ["FD", 3],
      "00409225": ["FD", 0.5],
      "004008ea": ["SQ", [{ "00080100": ["SH", "mm2/s"], "00080104": ["LO", "square millimetre per second"] }]],
    };
    const more: More = { "00080060": ["CS", "MR"], "00180050": ["DS", 1], "00409096": ["SQ", [mapping]] };
    for (const implicit of [false, true]) {
      const volume = await readVolume(slice(0, [1, 2, 3, 4], { ...more, "00281052": undefined, "00281053": undefined }, { implicit }));
      expect([[...volume.data], codes(volume.notes)]).toEqual([[1, 2, 3, 4], ["REAL_WORLD_NOT_APPLIED"]]);
      expect(volume.notes?.[0].message).toMatch(/ADC, 0\.5 times the stored value plus 3, square millimetre per second/);
    }
    expect(codes((await readVolume(slice(0, four(1), more))).notes)).toEqual(["REAL_WORLD_NOT_APPLIED"]);
    expect(codes((await readVolume(slice(0, four(1), { ...more, "00281052": ["DS", 3], "00281053": ["DS", 0.5] }))).notes)).toEqual([]);
  });
});

describe("what unpacks is bounded by what the header needs", () => {
  const deflated = (body: Uint8Array): Uint8Array => {
    const head = dicomFile({}, { syntax: "1.2.840.10008.1.2.1.99" });
    return concat([head, new Uint8Array(deflateRawSync(body, { level: 1 }))]);
  };
  const zeros = (size: number) => new Uint8Array(size);
  const plain = (more: More = {}) => slice(0, four(7), { "00180050": ["DS", 1], ...more }, { preamble: false });

  it("an image as it is; with padding behind it", async () => {
    for (const body of [plain(), concat([plain(), zeros(1000)])]) expect([...(await readVolume(deflated(body))).data]).toEqual(four(7));
  });

  it.each<[string, () => Uint8Array]>([
    ["zeros behind the pixels", () => concat([plain(), zeros(2 ** 26)])],
    ["pixel data longer than the image", () => plain({ "7fe00010": ["OW", zeros(2 ** 26)] })],
    ["a private element before them", () => plain({ "00091010": ["OB", zeros(2 ** 26)] })],
    ["no image", () => dicomFile({ "00091010": ["OB", zeros(2 ** 26)] }, { preamble: false })],
  ])("%s: refused, alone and eight in a folder", async (_, body) => {
    const bomb = deflated(body());
    expect(bomb.length).toBeLessThan(2 ** 19);
    await refusal(() => readVolume(bomb), "FORMAT_INVALID", /unpacks to far more than/);
    await refusal(() => readVolume(Array.from({ length: 8 }, (_, i) => file(bomb, `${i}.dcm`))), "FORMAT_INVALID", /far more/);
  });

  it("broken off: refused as such", async () => {
    const whole = deflated(plain());
    await refusal(() => readVolume(whole.subarray(0, whole.length - 12)), "FILE_TRUNCATED", /.*/);
  });

  it("compressed frames that say another size than the header: refused before they are decoded", async () => {
    for (const name of ["jpeg-lossless-sv1", "jpeg-baseline", "jpeg-ls", "jpeg-2000", "htj2k"]) {
      const bytes = new Uint8Array(readFileSync(new URL(`fixtures/dicom/${name}.dcm`, import.meta.url)));
      // Height and width of the stream: SOF's, or SIZ's.
      const start =
        name.startsWith("jpeg-2") || name === "htj2k"
          ? bytes.findIndex((_, i) => bytes[i] === 0xff && bytes[i + 1] === 0x51) + 6
          : bytes.findIndex((_, i) => i > 300 && bytes[i] === 0xff && [0xc0, 0xc1, 0xc3, 0xf7].includes(bytes[i + 1])) + 5;
      const large = bytes.slice();
      large.set(start > 0 && (name.startsWith("jpeg-2") || name === "htj2k") ? [0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60] : [0xea, 0x60, 0xea, 0x60], start);
      await refusal(() => readVolume(large), "FORMAT_INVALID", /60000×60000 pixels in the stream/);
    }
  });

  it("run-length and JPEG frames that cannot be as large as the header says: refused before memory is taken", async () => {
    for (const name of ["rle-16s", "jpeg-lossless-sv1"]) {
      const bytes = new Uint8Array(readFileSync(new URL(`fixtures/dicom/${name}.dcm`, import.meta.url)));
      const at = bytes.findIndex((_, i) => bytes[i] === 0x28 && bytes[i + 1] === 0 && bytes[i + 2] === 0x10 && bytes[i + 3] === 0);
      bytes.set([0x30, 0x75], at + 8);
      bytes.set([0x30, 0x75], at + 18);
      await refusal(() => readVolume(bytes), "FILE_TRUNCATED", /30000×30000 pixels need/);
    }
  });
});
