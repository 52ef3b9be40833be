// What numbers in volumes and masks mean, as the check before training tells it, and what an adapter gets of that.
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parseTrainConfig } from "../src/config.js";
import { maskOf, type TrainCase } from "../src/data/cases.js";
import { checkCases } from "../src/data/check-cases.js";
import { maskLabelsOf, percentilesOf, type VolumeFacts } from "../src/data/looks.js";
import { applyAugmentation } from "../src/learning/augment.js";
import { filledIn } from "../src/package/make-adapter.js";
import { readData } from "../src/run/read-data.js";
import { binaryTask, folderOf, lps, taskJson, volumeOf } from "./build.js";

const scan = (seed: number) => volumeOf([6, 5, 3], lps([1, 1, 2]), (i, j, k) => 17 * seed + i * 3 + j * 7 + k);
const filled = (values: readonly number[]) => ({ ...scan(0), data: Float32Array.from({ length: 90 }, (_, i) => values[i % values.length]) });
const labelled = (id: string, mask: readonly number[], seed: number): TrainCase => ({
  id,
  group: id,
  split: "train",
  labels: new Map([["sick", 0]]),
  origin: id,
  load: async () => ({ volume: scan(seed) }),
  loadMask: async () => filled(mask),
});

describe("masks", () => {
  test("nearly whole is whole; 255 and gaps are told with what is found; what is no segmentation is refused", async () => {
    const masks: Record<string, readonly number[]> = {
      plain: [0, 0, 1],
      nearly: [0, 0, 0.9999999],
      bright: [0, 0, 255],
      gaps: [0, 0, 0, 0, 2, 3],
      alike: [0, 0, 0, 0, 3, 2],
      inverted: [1, 1, 0],
      soft: [0, 0, 0.98],
      below: [0, 0, -1],
      everywhere: [1, 2],
      empty: [0],
    };
    const cases = Object.entries(masks).map(([id, values], i) => labelled(id, values, i));
    const { maskNotes, faults, emptyMasks } = await checkCases(cases);
    expect(Object.fromEntries(maskNotes)).toEqual({
      "hold 0, 255: all above 0 counts as inside": ["bright"],
      "hold 0, 2, 3: all above 0 counts as inside": ["gaps", "alike"],
      "are inside in more than half of their voxels: are they the wrong way round?": ["inverted"],
    });
    expect(faults.map(({ id, code }) => [id, code])).toEqual([["soft", "DATA_INVALID"], ["below", "DATA_INVALID"], ["everywhere", "DATA_INVALID"]]); // biome-ignore format: one line
    expect([...emptyMasks]).toEqual(["empty"]);
    expect([...new Set((await maskOf(cases[1]))?.data)]).toEqual([0, 1]);
  });
});

describe("a data set whose volumes are segmentations", () => {
  const dataOf = async (values: readonly number[]) => {
    const rows = Array.from({ length: 12 }, (_, i) => `s${i},p${i},${i < 10 ? "train" : "val"},${i % 2}`);
    const images = rows.map((_, i) => [`images/s${i}.nii`, { ...filled([...values, ...Array.from({ length: i + 1 }, () => 0)]) }]);
    const folder = await folderOf({ "labels.csv": `id,group,split,sick\n${rows.join("\n")}\n`, ...Object.fromEntries(images) });
    const warnings: string[] = [];
    const config = parseTrainConfig(taskJson(binaryTask));
    const read = await readData(config, {
      data: path.join(folder, "labels.csv"),
      onEvent: (event) => void (event.type === "data" && warnings.push(...event.warnings.map(({ code, message }) => `${code} ${message}`))),
    });
    return { ...read, config, warnings: warnings.filter((each) => /LABELS|MASK/.test(each)) };
  };

  test("of several labels, not declared: said, with the line that declares them", async () => {
    const { warnings } = await dataOf([0, 1, 3]);
    expect(warnings).toEqual([expect.stringMatching(/^LABELS_MIXED "volume" holds the whole numbers 0, 1, 3 alone.*"labels": \{ "known": \[0, 1, 3\] \}/)]);
  });
  test("of one: a mask, whose two numbers the adapter gets to know", async () => {
    const { warnings, volumes, config } = await dataOf([0, 255]);
    expect(warnings).toEqual([]);
    const [view] = config.input.views;
    expect(filledIn(view, volumes)).toMatchObject({
      labels: { known: [0, 255] },
      expect: { minimum: { range: [0, 0], otherwise: "refuse" }, percentiles: { p1: { range: [0, 0], otherwise: "refuse" } } },
    });
    // What is declared stays as declared; percentiles join what has none.
    const own = { ...view, labels: { known: [0, 7] }, expect: { slices: { range: [1, 9] as [number, number], otherwise: "warn" as const } } };
    expect(filledIn(own, volumes)).toMatchObject({ labels: { known: [0, 7] }, expect: { slices: { range: [1, 9] }, percentiles: { p1: { range: [0, 0] } } } });
    expect(Object.keys(filledIn(own, volumes).expect)).toEqual(["slices", "percentiles"]);
  });
});

describe("ranges of percentiles", () => {
  const fact = (p1: number, p50: number, p99: number, more: Partial<VolumeFacts> = {}): VolumeFacts => ({
    id: "a",
    split: "train",
    source: "volume",
    shape: [4, 4, 4],
    minimum: p1 - 5,
    maximum: p99 + 5,
    percentiles: { p1, p50, p99 },
    ...more,
  });
  const view = { source: "volume" };
  test("what was seen and a twentieth of its spread; refused of ten CTs, warned of fewer and of other modalities", () => {
    // Spread 1000 - -1000 = 2000, a twentieth is 100.
    const facts = Array.from({ length: 10 }, (_, i) => fact(-1000 + i, -500 + 10 * i, 1000 - i));
    const ranges = { p1: { range: [-1100, -891] }, p50: { range: [-600, -310] }, p99: { range: [891, 1100] } };
    const otherwise = (found: ReturnType<typeof percentilesOf>) => Object.values(found ?? {}).map((rule) => rule.otherwise);
    expect(percentilesOf(facts, view)).toMatchObject(ranges);
    expect(otherwise(percentilesOf(facts, view))).toEqual(["warn", "warn", "warn"]);
    const ct = facts.map((each) => ({ ...each, modality: "CT" }));
    expect(otherwise(percentilesOf(ct, view))).toEqual(["refuse", "refuse", "refuse"]);
    expect(otherwise(percentilesOf(facts, { ...view, expect: { modality: ["CT"] } }))).toEqual(["refuse", "refuse", "refuse"]);
    expect(otherwise(percentilesOf(facts, { ...view, expect: { modality: ["CT", "MR"] } }))).toEqual(["warn", "warn", "warn"]);
    expect(otherwise(percentilesOf(ct.slice(1), view))).toEqual(["warn", "warn", "warn"]);
    expect(percentilesOf(facts, { source: "other" })).toBeUndefined();
  });
  test("two numbers are a mask's where all volumes have the same two, one of them 0, and they are many", () => {
    const masks = Array.from({ length: 10 }, () => fact(0, 0, 1, { labels: [0, 1] }));
    expect(maskLabelsOf(masks, "volume")).toEqual({ known: [0, 1] });
    expect(maskLabelsOf(masks.slice(1), "volume")).toBeUndefined();
    expect(maskLabelsOf([...masks, fact(0, 0, 1, { labels: [0, 255] })], "volume")).toBeUndefined();
    expect(maskLabelsOf([...masks, fact(0, 0, 1)], "volume")).toBeUndefined();
    expect(maskLabelsOf(masks.map((each) => ({ ...each, labels: [1, 2] })), "volume")).toBeUndefined(); // biome-ignore format: one line
  });
});

test("augmenting a map of several labels moves its numbers and mixes none", () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => (i % 8 < 4 ? 1 : 3));
  const stack = { shape: [1, 8, 8] as const, pad: 0, range: [0, 3] as const, labels: true };
  const drawn = { flipRows: true, flipColumns: false, reverse: false, degrees: 20, zoom: 1.2, shift: [0.1, -0.05] as const, blur: 1, gamma: 1.2, contrast: 1.3, brightness: 0.2, noise: 0.2, noiseSeed: 3 }; // biome-ignore format: a table
  const found = applyAugmentation(values, undefined, stack, drawn).values;
  expect([1, 3].every((label) => found.includes(label)) && found.every((value) => [0, 1, 3].includes(value))).toBe(true);
  expect(new Set(applyAugmentation(values, undefined, { ...stack, labels: false }, drawn).values).size).toBeGreaterThan(3);
});
