// What speaks against an adapter's figures: it follows from them, by hand, and reaches results and search facts also where the manifest does not state it.
import { factsOf, loadAdapter, parseAdapterManifest } from "@anymc3d/core";
import { writeSafetensors } from "@anymc3d/core/engine";
import { doubtFaults, figureDoubts, withDoubts } from "@anymc3d/core/learn";
import { manifestJson } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";

const label = (interval: [number, number] | null, n = 40, positives = 20, auroc: number | null = 0.5) => ({
  split: "val",
  labels: [{ id: "x", n, positives, auroc, interval }],
});
const figure = (id: string, name: string, interval: [number, number] | null, n = 40, value: number | null = 0) => ({
  split: "test",
  labels: [],
  figures: [{ id, name, n, value, interval }],
});
const said = (entry: Parameters<typeof figureDoubts>[0]) => figureDoubts(entry).map(({ code, message }) => `${code} ${message}`);

describe("follows from the figures", () => {
  test("an AUROC whose interval holds .5, ends there, lies below it, lies above it", () => {
    expect(said(label([0.4, 0.6]))).toEqual([expect.stringMatching("^NEAR_CHANCE the interval of the AUROC of x on val holds 0.5, what guessing gives")]);
    expect(said(label([0.3, 0.5]))).toEqual([expect.stringMatching("^NEAR_CHANCE .* holds 0.5")]);
    expect(said(label([0.5, 0.7]))).toEqual([expect.stringMatching("^NEAR_CHANCE .* holds 0.5")]);
    expect(said(label([0.1, 0.4]))).toEqual([expect.stringMatching("^WORSE_THAN_CHANCE .* lies below 0.5: it is worse than what guessing gives")]);
    expect(said(label([0.51, 0.9]))).toEqual([]);
  });

  test.each([
    ["r2", "R²", "what the mean of the cases gives"],
    ["quadraticKappa", "quadratic weighted κ", "what guessing gives"],
  ])("%s likewise about 0", (id, name, source) => {
    expect(said(figure(id, name, [-0.5, 0.1]))).toEqual([expect.stringMatching(`^NEAR_CHANCE the interval of ${name} on test holds 0, ${source}`)]);
    expect(said(figure(id, name, [-0.5, -0.1]))).toEqual([expect.stringMatching(`^WORSE_THAN_CHANCE .* below 0: it is worse than ${source}`)]);
    expect(said(figure(id, name, [0.1, 0.5]))).toEqual([]);
    expect(said(figure(id, name, null, 40, null))).toEqual([expect.stringMatching(`^NEAR_CHANCE ${name} on test is undefined`)]);
  });

  test("figures without a level of chance are not held against one", () =>
    expect(["meanAbsoluteError", "constructor", "toString", "__proto__"].flatMap((id) => said(figure(id, "mean absolute error", [-1, 1])))).toEqual([]));

  test("few cases: under five of either class, under thirty in all", () => {
    expect(said(label([0.6, 0.9], 40, 4))).toEqual(["FEW_CASES x: val has 4 positive and 36 negative cases; its figures say little"]);
    expect(said(label([0.6, 0.9], 40, 36))).toEqual(["FEW_CASES x: val has 36 positive and 4 negative cases; its figures say little"]);
    expect(said(label([0.6, 0.9], 40, 35))).toEqual([]);
    expect(said(label(null, 12, 12, null))).toEqual([expect.stringMatching("^FEW_CASES x: val has 12 positive and 0 negative")]);
    expect(said(figure("r2", "R²", [0.1, 0.5], 29))).toEqual(["FEW_CASES test has 29 cases; the figures say little"]);
    expect(said(figure("r2", "R²", [0.1, 0.5], 30))).toEqual([]);
  });
});

describe("cases of one patient are one", () => {
  const groups = (id: string, all: number, positives?: number, negatives?: number) => new Map([[id, { all, positives, negatives }]]);
  const of = (entry: Parameters<typeof figureDoubts>[0], counts: ReturnType<typeof groups>) => figureDoubts(entry, counts).map(({ message }) => message);
  test("of a label: ten scans of each of four patients are four cases", () => {
    expect(of(label([0.6, 0.9], 80, 40), groups("x", 24, 4, 20))).toEqual([
      "x: val has 40 positive cases of 4 groups (patients) and 40 negative ones of 20 groups (patients); its figures say little",
    ]);
    expect(of(label([0.6, 0.9], 80, 40), groups("x", 25, 5, 20))).toEqual([]);
    // A patient with both counts for both.
    expect(of(label([0.6, 0.9], 80, 40), groups("x", 5, 5, 5))).toEqual([]);
  });
  test("of a task as a whole", () => {
    expect(of(figure("r2", "R²", [0.1, 0.5], 290), groups("d", 29))).toEqual(["test has 290 cases of 29 groups (patients); the figures say little"]);
    expect(of(figure("r2", "R²", [0.1, 0.5], 290), groups("d", 30))).toEqual([]);
    expect(of(figure("r2", "R²", [0.1, 0.5], 29), groups("d", 29))).toEqual(["test has 29 cases; the figures say little"]);
    expect(of(figure("r2", "R²", [0.1, 0.5], 1), new Map())).toEqual(["test has 1 case; the figures say little"]);
  });
  test("a manifest may state it, though it counts no patients", () => {
    const entry = { ...label([0.6, 0.9]), dataset: "d", date: "2026-01-01", seed: 0, madeBy: "m" };
    expect(doubtFaults({ ...entry, warnings: [{ code: "FEW_CASES", about: "x", message: "40 cases of 2 patients" }] })).toEqual([]);
  });
});

test("the mean AUROC of all classes is held against 0.5, beside those of the classes", () => {
  const mean = (value: number | null, interval: [number, number] | null, own = label([0.6, 0.9])) =>
    said({ ...own, figures: [{ id: "meanAuroc", name: "mean AUROC", n: 40, value, interval }] });
  expect(mean(0.52, [0.4, 0.6])).toEqual([expect.stringMatching("^NEAR_CHANCE the interval of mean AUROC on val holds 0.5, what guessing gives")]);
  expect(mean(0.3, [0.2, 0.4])).toEqual([expect.stringMatching("^WORSE_THAN_CHANCE the interval of mean AUROC on val lies below 0.5")]);
  expect(mean(0.8, [0.6, 0.9])).toEqual([]);
  expect(mean(null, null, label(null, 12, 12, null))).toEqual([expect.stringMatching("^FEW_CASES")]);
});

describe("what a manifest states", () => {
  const entry = (warnings: { code: string; message: string; about?: string }[], interval: [number, number] = [0.1, 0.4]) => ({
    ...label(interval),
    dataset: "d",
    date: "2026-01-01",
    seed: 0,
    madeBy: "m",
    warnings,
  });
  test("must be what its figures say, no less and no more", () => {
    expect(doubtFaults(entry([]))).toEqual([expect.stringMatching(/^"warnings" lacks \{"code":"WORSE_THAN_CHANCE","about":"x"/)]);
    expect(doubtFaults(entry([{ code: "WORSE_THAN_CHANCE", message: "in other words" }]))).toEqual([]);
    expect(doubtFaults(entry([{ code: "WORSE_THAN_CHANCE", about: "y", message: "of another label" }]))).toHaveLength(2);
    expect(doubtFaults(entry([{ code: "NEAR_CHANCE", message: "m" }], [0.6, 0.9]))).toEqual([
      expect.stringMatching(/NEAR_CHANCE \("m"\), which the figures do not say/),
    ]);
    expect(doubtFaults(entry([{ code: "NOT_CALIBRATED", message: "m" }, { code: "NO_SETS", message: "m" }], [0.6, 0.9]))).toEqual([]); // biome-ignore format: a line
  });

  test("is filled in once, beside what is stated", () => {
    const stated = [{ code: "NO_SETS", message: "m" }];
    const filled = withDoubts(entry(stated));
    expect(filled.warnings).toEqual([...stated, expect.objectContaining({ code: "WORSE_THAN_CHANCE", about: "x" })]);
    expect(doubtFaults(filled)).toEqual([]);
    expect(withDoubts(filled)).toBe(filled);
  });

  test("goes into every result and into search facts, once, and so does what follows and is not stated", async () => {
    const tensors = new Map([["head.weight", { shape: [1], data: Float32Array.of(1) }]]);
    const weights = writeSafetensors(tensors);
    const { schemaVersion: _, weights: __, ...json } = manifestJson();
    for (const warnings of [[], [{ code: "WORSE_THAN_CHANCE", message: "as the author says it" }]]) {
      const manifest = { ...json, schemaVersion: 1, metrics: [entry([...warnings, { code: "NO_SETS", message: "none" }])] };
      const adapter = await loadAdapter(manifest, weights);
      const found = adapter.warnings?.filter(({ code }) => code !== "WEIGHTS_NOT_PINNED");
      expect(found?.map(({ code }) => code)).toEqual(["WORSE_THAN_CHANCE"]);
      if (warnings.length) expect(found?.[0].message).toBe("as the author says it");
      expect(factsOf(parseAdapterManifest(manifest)).doubts).toEqual(["WORSE_THAN_CHANCE"]);
    }
    expect(factsOf(parseAdapterManifest({ ...json, schemaVersion: 1, metrics: [] }))).not.toHaveProperty("doubts");
  });
});
