// A volume that is not what an adapter was made for is refused or warned about, never silently classified.
import { readFile } from "node:fs/promises";
import { checkStudy, parseAdapterManifest, type Volume, valueRange } from "@anymc3d/core";
import { checkInput } from "@anymc3d/core/learn";
import { type Loose, refusal, viewOf, volumeOf } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";

const manifest = parseAdapterManifest(JSON.parse(await readFile(new URL("../../adapters-lung-nodule/adapter.json", import.meta.url), "utf8")));
const lung = manifest.input.views[0];
const check = (volume: Volume, mode: "refuse" | "warn" | "force" = "refuse") => checkInput(volume, lung, "lung-nodule", mode);
const LPS = (x: number, y: number, z: number) => [-x, 0, 0, 0, 0, -y, 0, 0, 0, 0, z, 0, 0, 0, 0, 1];

/** A nodule-like crop: air around soft tissue. */
const nodule = (change: Partial<Volume> = {}, shape: readonly [number, number, number] = [48, 48, 10]) =>
  volumeOf(shape, (i, j) => ((i - 24) ** 2 + (j - 24) ** 2 < 100 ? 60 : -850), { affine: LPS(0.7, 0.7, 2), modality: "CT", ...change });

test("the right input passes without a warning", () => expect(check(nodule())).toEqual([]));

test("CT scaled to 0 … 1 is refused: INPUT_VALUES, saying what was found and expected", async () => {
  const volume = nodule();
  const data = Float32Array.from(volume.data, (v) => Math.min(1, Math.max(0, (v + 160) / 400)));
  const error = await refusal(() => check({ ...volume, data }));
  expect(error.code).toBe("INPUT_VALUES");
  expect(error.message).toMatch(/smallest voxel value is 0, expected -4096 to -300/);
  expect(error.message).toMatch(/Hounsfield/);
  expect(error.message).toContain("lung-nodule");
});

test("raw CT without its intercept (0 … 2000) is refused", async () => {
  const volume = nodule();
  expect((await refusal(() => check({ ...volume, data: Int16Array.from(volume.data, (v) => v + 1024) }))).code).toBe("INPUT_VALUES");
});

describe("a CT shifted by 1024 (air at 24, tissue at 1064) is refused, whatever a few voxels hold", () => {
  const change = (volume: Volume, at: (i: number) => number | undefined): Volume => ({
    ...volume,
    data: volume.data.map((v: number, i: number) => at(i) ?? v) as Float32Array,
  });
  const right = nodule();
  const shifted = change(right, (i) => (right.data[i] < -500 ? 24 : 1064));
  const outside = (i: number) => Math.hypot((i % 48) - 24, (Math.floor(i / 48) % 48) - 24) > 23;
  test.each<[string, (i: number) => number | undefined]>([
    ["filler of -3024 outside the circle", (i) => (outside(i) ? -3024 : undefined)],
    ["filler of -2000 ± 9 outside the circle", (i) => (outside(i) ? -2000 + (i % 19) - 9 : undefined)],
    ["one voxel of -1024", (i) => (i === 77 ? -1024 : undefined)],
    ["one voxel of -4000", (i) => (i === 77 ? -4000 : undefined)],
    ["metal at 30000 and one voxel of -1024", (i) => (i === 77 ? -1024 : i < 90 ? 30000 : undefined)],
    ["one voxel of -32768", (i) => (i === 77 ? -32768 : undefined)],
    ["one voxel of -1024 a slice", (i) => (i % 2304 === 9 ? -1024 : undefined)],
  ])("%s", async (_, at) => {
    const volume = change(shifted, at);
    expect((await refusal(() => check(volume))).code).toBe("INPUT_VALUES");
    expect((await refusal(() => check({ ...volume, modality: undefined }))).code).toBe("INPUT_VALUES");
  });
  test("and the right CT with the same voxels is taken: an extreme refuses nothing where the rest is right", () => {
    const taken = (at: (i: number) => number | undefined) => check(change(nodule(), at)).map(({ code }) => code);
    expect(taken((i) => (outside(i) ? -3024 : undefined))).toEqual([]);
    expect(taken((i) => (i === 77 ? 30000 : undefined))).toEqual(["INPUT_VALUES"]);
    expect(taken((i) => (i === 77 ? -1024 : undefined))).toEqual([]);
  });
  test.each([-1024, -1000, -976])("filler of %d, where air would be: warned, as nothing lies between it and the rest", (filler) => {
    const warnings = check(change(shifted, (i) => (outside(i) ? filler : undefined)));
    expect(warnings.map(({ code }) => code)).toEqual(["INPUT_VALUES"]);
    expect(warnings[0].message).toMatch(/% of its voxels lie about -\d+, nothing near above, and all others from 24 to 1064: is that filler/);
    // Air that is cut off there, with lung and fat beside it; and bone in air, with what lies at their border.
    const partly = (at: (i: number) => number | undefined) => check(change(right, (i) => (outside(i) ? filler : at(i))));
    expect(partly(() => undefined)).toEqual([]);
    expect(partly((i) => (right.data[i] < -500 ? filler : i % 4 ? 1064 : -990 + ((i * 7919) % 2000)))).toEqual([]);
  });
  describe("any filler about where air would be, beside what is on another scale: warned", () => {
    const noise = (i: number) => Math.sin(i * 12.9898) + Math.sin(i * 78.233) + Math.sin(i * 37.719);
    const fillers: Record<string, (i: number) => number> = {
      "one value": () => -1000,
      "two values": (i) => (i % 3 ? -1024 : -1000),
      "four values": (i) => [-1024, -1000, -950, -900][i % 4],
      "noise, sd 18": (i) => Math.round(-1000 + 15 * noise(i)),
      "an adapter's pad": () => -800,
    };
    // A scan of lung (-850 ± 30), fat and tissue (40 ± 30), with the borders' values between, as each scale has them.
    const scan = (i: number) => [-850, -850, -850, -720, -590, -450, -320, -180, -100, 40, 40, 40, 80][(i * 7) % 13] + 17 * noise(i);
    const scales: Record<string, (hu: number) => number> = {
      "shifted by 1024": (hu) => hu + 1024,
      "0 to 255": (hu) => Math.min(255, Math.max(0, Math.round(((hu + 1000) / 1400) * 255))),
      "0 to 1": (hu) => Math.min(1, Math.max(0, (hu + 1000) / 1400)),
      tenths: (hu) => hu / 10,
      halves: (hu) => hu / 2,
      thousandths: (hu) => hu / 1000,
      "z-scores": (hu) => (hu + 400) / 420,
      "a window of -160 to 240": (hu) => Math.min(240, Math.max(-160, hu)),
    };
    const made = (scale: (hu: number) => number, fill: (i: number) => number, share: number) =>
      change(right, (i) => (i % 48 < share * 48 ? fill(i) : scale(scan(i))));
    for (const [name, scale] of Object.entries(scales))
      test.each(Object.entries(fillers))(`${name}, %s`, (_, fill) => {
        for (const share of [0.05, 0.15, 0.55]) {
          const { verdict, findings } = checkStudy(made(scale, fill, share), manifest);
          expect([verdict === "refused" || findings.map(({ code }) => code).join()], `${share}`).toEqual([verdict === "refused" || "INPUT_VALUES"]);
        }
      });
    test("and the right scan with any of them passes without a word, as do one tissue beside air, and fat and tissue cut off at the skin", () => {
      for (const [name, fill] of Object.entries(fillers))
        for (const share of [0, 0.05, 0.15, 0.55]) expect(check(made((hu) => hu, fill, share)), `${name} ${share}`).toEqual([]);
      const beside = (air: (i: number) => number, rest: (i: number) => number) =>
        check(change(right, (i) => (i % 48 < 26 ? air(i) : rest(i)))).map(({ code }) => code);
      for (const air of Object.values(fillers)) {
        expect(beside(air, () => 40)).toEqual([]);
        for (const sd of [15, 25]) expect(beside(air, (i) => 40 + sd * noise(i))).toEqual([]);
        expect(beside(air, (i) => (i % 3 ? 50 + 15 * noise(i) : -100 + 15 * noise(i)))).toEqual([]);
      }
      for (const [lung, tissue] of [[-850, 60], [-1000, 40], [-700, 50]]) expect(beside(() => lung, () => tissue)).toEqual([]); // biome-ignore format: a line
      // What no tissue has, or not alone.
      for (const rest of [(i: number) => 2 + (i % 9), (i: number) => i % 256, () => 1064, (i: number) => -3 + (i % 7)])
        expect(beside(() => -1000, rest)).toEqual(["INPUT_VALUES"]);
      // A stray voxel in the gap hides nothing.
      expect(
        beside(
          (i) => (i === 960 ? -500 : -1000),
          (i) => i % 256,
        ),
      ).toEqual(["INPUT_VALUES"]);
    });
  });
  test("other units: shares of water, 0 to 255, tenths, eightfold", async () => {
    for (const scale of [(v: number) => (v + 1000) / 1000, (v: number) => ((v + 1000) / 2000) * 255, (v: number) => v / 10, (v: number) => 8 * v]) {
      const volume = nodule();
      const data = Float32Array.from(volume.data, scale);
      data[77] = -1024;
      expect((await refusal(() => check({ ...volume, data }))).code, String(scale)).toBe("INPUT_VALUES");
    }
  });
});

test("another modality is refused, none is let through", async () => {
  const error = await refusal(() => check(nodule({ modality: "MR" })));
  expect(error.code).toBe("INPUT_MODALITY");
  expect(error.message).toMatch(/MR.*CT/);
  expect(error.details).toEqual({ source: "volume", measured: "modality", found: "MR", expected: ["CT"] });
  expect(check(nodule({ modality: undefined }))).toEqual([]);
});

test("a whole chest is refused: INPUT_SIZE", async () => {
  const chest = nodule({ affine: LPS(0.7, 0.7, 1.25) }, [512, 512, 3]);
  const refused = await refusal(() => check(chest));
  expect(refused.code).toBe("INPUT_SIZE");
  expect(refused.message).toMatch(/extent is 358\.4 mm, expected 15 to 120 mm/);
  expect(refused.details).toEqual({ source: "volume", measured: "extent", found: expect.closeTo(358.4, 9), expected: [15, 120], unit: "mm" });
});

test("a cube of one voxel is refused for its size", async () => {
  const one = { data: Int16Array.of(-500), shape: [1, 1, 1] as const, affine: LPS(0.7, 0.7, 2), modality: "CT" };
  expect((await refusal(() => check(one))).code).toBe("INPUT_SIZE");
  // Extent and number of slices; and a crop around a nodule holds air.
  expect(check(one, "warn").map((w) => w.code)).toEqual(["INPUT_SIZE", "INPUT_SIZE", "INPUT_VALUES"]);
});

test("one slice is taken with a warning", () => {
  const warnings = check(nodule({}, [48, 48, 1]));
  expect(warnings.map((w) => w.code)).toEqual(["INPUT_SIZE"]);
  expect(warnings[0].message).toMatch(/number of slices is 1, expected 2 to 64/);
});

test("spacing outside the declared range is a warning", () => {
  expect(check(nodule({ affine: LPS(0.7, 0.7, 5) })).map((w) => [w.code, /slice spacing is 5 mm/.test(w.message)])).toEqual([["INPUT_SPACING", true]]);
  expect(check(nodule({ affine: LPS(1.2, 0.7, 2) })).map((w) => [w.code, /pixel spacing is 1\.2 mm/.test(w.message)])).toEqual([["INPUT_SPACING", true]]);
});

test("spacing and slices are those of the view's plane, whatever the storage order", () => {
  const volume = volumeOf([10, 48, 48], (_i, j, k) => ((j - 24) ** 2 + (k - 24) ** 2 < 100 ? 60 : -850), { modality: "CT" });
  const stored = { ...volume, affine: [0, -0.7, 0, 0, 0, 0, -0.7, 0, 2, 0, 0, 0, 0, 0, 0, 1] }; // x: superior, y: left, z: posterior
  expect(check(stored)).toEqual([]);
});

test("without orientation: a warning, sizes in mm unchecked", () => {
  expect(check(nodule({ affine: undefined })).map((w) => w.code)).toEqual(["NO_ORIENTATION"]);
});

test("the reader's notes are passed on", () => {
  const note = { code: "NIFTI_UNITS" as const, message: "µm read as mm" };
  expect(check(nodule({ notes: [note] }))).toEqual([note]);
});

test('checks "warn" turns refusals into warnings; another modality wants "force"', () => {
  const other = { modality: "MR", affine: LPS(7, 7, 2), data: new Float32Array(48 * 48 * 10).fill(0.5) };
  expect(() => check(nodule(other), "warn")).toThrow(/its modality is MR, expected CT\. .*checks: "force" \(--checks force\)/);
  const codes = (warnings: readonly { code: string }[]) => new Set(warnings.map(({ code }) => code));
  expect(codes(check(nodule({ ...other, modality: "CT" }), "warn"))).toEqual(new Set(["INPUT_VALUES", "INPUT_SPACING", "INPUT_SIZE"]));
  expect(codes(check(nodule(other), "force"))).toEqual(new Set(["INPUT_MODALITY", "INPUT_VALUES", "INPUT_SPACING", "INPUT_SIZE"]));
});

describe("a segmentation in the place of a scan, and the reverse", () => {
  const count = 48 * 48 * 10;
  const labels = Uint8Array.from({ length: count }, (_, n) => (n % 7 === 0 ? 2 : n % 5 === 0 ? 1 : 0));
  const kinds = (volume: Partial<Volume>) => {
    const { verdict, otherKind, findings } = checkStudy(nodule(volume), manifest);
    return [verdict, otherKind, findings.some(({ message }) => message.includes("a segmentation"))];
  };
  test("by what the file says, or by values that are refused", () => {
    expect(kinds({ data: labels })).toEqual(["refused", true, true]);
    // A file that says so is refused whatever its values: here the very voxels of a nodule.
    expect(kinds({ labels: { 1: "nodule" } })).toEqual(["refused", true, true]);
    expect(kinds({})).toEqual(["accepted", undefined, false]);
    // Refused for its values, and no segmentation: -1024 to 3071 over 4.
    expect(kinds({ data: Int16Array.from({ length: count }, (_, n) => (n * 37) % 1024) })).toEqual(["refused", undefined, false]);
  });
  test("a scan where labels are expected", () => {
    const shape = { ...manifest, input: { ...manifest.input, views: [{ ...lung, labels: { known: [0, 255] }, expect: {} }] } };
    const scan = checkStudy(nodule({}), shape);
    expect([scan.verdict, scan.otherKind]).toEqual(["refused", true]);
    // Labels of another number: the same kind of image.
    const other = checkStudy(nodule({ data: labels }), shape);
    expect([other.verdict, other.otherKind]).toEqual(["refused", undefined]);
  });
});

describe("voxels that are not finite are refused with count and first place, whatever the mode", () => {
  const spoilt = (values: [number, number][], make: (length: number) => Loose = (n) => new Float32Array(n)) => {
    const data = make(512);
    for (let i = 0; i < 512; i++) data[i] = -500;
    for (const [at, value] of values) data[at] = value;
    return { data, shape: [8, 8, 8] as const, affine: LPS(3, 3, 3) };
  };
  const NAN = Number.NaN;
  const INF = Number.POSITIVE_INFINITY;

  test.each(["refuse", "warn"] as const)("one NaN and one +Infinity, %s", async (mode) => {
    const error = await refusal(() =>
      check(
        spoilt([
          [8 * 8 * 2 + 8 * 3 + 4, NAN],
          [500, INF],
        ]),
        mode,
      ),
    );
    expect(error.code).toBe("VOXELS_NOT_FINITE");
    expect(error.message).toMatch(/2 voxel\(s\)/);
    expect(error.message).toContain("(4,3,2)");
    expect(error.details).toEqual({ count: 2, first: [4, 3, 2] });
  });

  test.each([
    ["NaN first", [[0, NAN]]],
    ["NaN last", [[511, NAN]]],
    ["-Infinity", [[7, -INF]]],
    [
      "both infinities",
      [
        [7, -INF],
        [8, INF],
      ],
    ],
    ["all NaN", Array.from({ length: 512 }, (_, i) => [i, NAN])],
  ] as [string, [number, number][]][])("%s", async (_, values) => {
    const error = await refusal(() => check(spoilt(values)));
    expect(error.code).toBe("VOXELS_NOT_FINITE");
    expect(error.message).toContain(`${values.length} voxel(s)`);
  });

  test("float64, plain arrays and arrays of another realm are looked at too", async () => {
    const { runInNewContext } = await import("node:vm");
    for (const make of [(n: number) => new Float64Array(n), (n: number) => new Array(n), (n: number) => runInNewContext(`new Float32Array(${n})`)]) {
      expect((await refusal(() => check(spoilt([[9, NAN]], make)))).code).toBe("VOXELS_NOT_FINITE");
    }
  });
});

test("value range of every voxel type", () => {
  const shape = [3, 1, 1] as const;
  for (const data of [Int8Array.of(-5, 3, 0), Int16Array.of(-5, 3, 0), Int32Array.of(3, 0, -5), Float32Array.of(0, -5, 3), Float64Array.of(-5, 0, 3)]) {
    expect(valueRange({ data, shape }, "v")).toEqual({ minimum: -5, maximum: 3 });
  }
  for (const data of [Uint8Array.of(5, 3, 9), Uint16Array.of(9, 5, 3), Uint32Array.of(3, 9, 5)])
    expect(valueRange({ data, shape }, "v")).toEqual({ minimum: 3, maximum: 9 });
});

test("a view without expectations lets anything finite through", () => {
  expect(checkInput(nodule({ modality: "MR" }), viewOf(), "x", "refuse")).toEqual([]);
});

test("what float32 headers round is no difference; a tenth of a percent is", () => {
  const at = (spacing: number) => check(nodule({ affine: LPS(spacing, spacing, 2) }), "warn").map(({ code }) => code);
  const [, high] = lung.expect.pixelSpacing?.range ?? [0, 0];
  expect(at(high * 1.00001)).toEqual([]);
  expect(at(high * 1.001)).toContain("INPUT_SPACING");
});

test("checkStudy() says what classify() would do, without doing it", () => {
  expect(checkStudy(nodule(), manifest)).toEqual({ verdict: "accepted", findings: [] });
  expect(checkStudy(nodule({ affine: LPS(0.7, 0.7, 5) }), manifest)).toMatchObject({ verdict: "accepted", findings: [{ code: "INPUT_SPACING" }] });
  expect(checkStudy(nodule({ modality: "MR" }), manifest)).toMatchObject({ verdict: "refused", findings: [{ code: "INPUT_MODALITY" }] });
  const spoilt = nodule({ data: Float32Array.from(nodule().data, (v, i) => (i === 7 ? Number.NaN : v)) });
  expect(checkStudy(spoilt, manifest)).toMatchObject({ verdict: "impossible", findings: [{ code: "VOXELS_NOT_FINITE" }] });
  expect(checkStudy({ t1: nodule(), t2: nodule() }, manifest)).toMatchObject({ verdict: "impossible", findings: [{ code: "INPUT_MISSING" }] });
});
