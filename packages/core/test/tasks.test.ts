// What logits mean, kind by kind: ordinal probabilities, decisions and gradients against statsmodels, JAX and mpmath, conformal sets and intervals
// against MAPIE and crepes (reference/make_tasks.py).
import { type AdapterManifest, parseAdapterManifest, type Task, taskKind } from "@anymc3d/core";
import { conformalQuantile, forwardStudy } from "@anymc3d/core/learn";
import { expectClose, type Loose, manifestJson, reference, refusal } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";
import { classSet, contiguousSet } from "../src/conformal.js";

interface Reference {
  ordinal: { logits: number[]; probabilities: number[]; decision: number; value: number }[];
  tails: { logits: number[]; probabilities: number[] }[];
  gradients: Record<"cls" | "query" | "weight" | "bias" | "logits" | "dLogits" | "dCls" | "dQuery" | "dWeight" | "dBias", number[]>[];
  classes: { coverage: number; calibration: number[][]; truth: number[]; fresh: number[][]; sets: number[][] }[];
  values: { coverage: number; errors: number[]; values: number[]; intervals: [number, number][] }[];
}
const wanted = reference<Reference>("tasks");
const D = 6;

const named = (ids: string[]) => ids.map((id) => ({ id, name: id.toUpperCase() }));
const rating = (conformal?: Task["conformal"]): Task => ({
  kind: "ordinal",
  labels: [1, 2, 3, 4.5, 7].map((value, i) => ({ ...named(["a", "b", "c", "d", "e"])[i], value })),
  conformal,
});

describe("ordinal", () => {
  test.each(wanted.ordinal)("probabilities, median class and expected value ($decision)", ({ logits, probabilities, decision, value }) => {
    const task = rating();
    expectClose(taskKind(task).probabilities(task, logits), probabilities, 1e-6);
    const outcome = taskKind(task).outcome(task, logits);
    expect(outcome.labels.map(({ positive }) => positive)).toEqual(probabilities.map((_, i) => i === decision));
    expect(outcome.value).toBeCloseTo(value, 5);
    expect(outcome.labels.every((label) => !("logit" in label) && !("threshold" in label))).toBe(true);
  });

  test.each(wanted.tails)("in the tails: $logits", ({ logits, probabilities }) => {
    const task: Task = { kind: "ordinal", labels: named(["a", "b", "c"]) };
    const found = taskKind(task).probabilities(task, logits);
    found.forEach((p, i) => expect(Math.abs(p - probabilities[i])).toBeLessThanOrEqual(1e-6 * probabilities[i]));
  });

  test("without values of their own, classes count from 0", () => {
    const task: Task = { kind: "ordinal", labels: named(["low", "mid", "high"]) };
    expect(taskKind(task).outcome(task, [40, 40]).value).toBeCloseTo(2, 6);
    expect(taskKind(task).outcome(task, [-40, -40]).value).toBeCloseTo(0, 6);
  });

  test.each(wanted.gradients)("gradients through one row and its boundaries, pooling and embeddings", (row) => {
    const float = (values: number[]) => Float32Array.from(values);
    const head = { weight: { shape: [1, D], data: float(row.weight) }, bias: { shape: [4], data: float(row.bias) } };
    const study = forwardStudy([float(row.cls)], { views: [{ query: float(row.query) }], fusion: undefined, head });
    expectClose(study.logits, row.logits, 1e-5);
    const gradient = study.backward(float(row.dLogits));
    expectClose(gradient.head.weight, row.dWeight, 1e-5);
    expectClose(gradient.head.bias, row.dBias, 1e-6);
    expectClose(gradient.cls[0], row.dCls, 1e-5);
    expectClose(gradient.queries[0] as Float32Array, row.dQuery, 1e-5);
  });

  test("a heatmap is that of the score; no class can be named", () => {
    const task = rating();
    expect([...taskKind(task).heatmapGradient(task, [1, 0, -1, -2])]).toEqual([1, 0, 0, 0]);
    expect(taskKind(task).heatmapLabels(task)).toEqual([]);
  });
});

describe("conformal prediction", () => {
  test.each(wanted.classes)("sets as MAPIE's, $coverage; where it has none, the most probable class", ({ coverage, calibration, truth, fresh, sets }) => {
    const quantile = conformalQuantile(calibration.map((p, i) => 1 - p[truth[i]]), coverage); // biome-ignore format: one line
    expect(fresh.map((p) => classSet(p, quantile))).toEqual(sets.map((set, i) => (set.length ? set : [fresh[i].indexOf(Math.max(...fresh[i]))])));
    expect(sets.some((set) => set.length > 1)).toBe(true);
  });

  test.each(wanted.values)("intervals as crepes', $coverage", ({ coverage, errors, values, intervals }) => {
    const quantile = conformalQuantile(errors.map(Math.abs), coverage);
    const labels = diameter.labels.map((label) => ({ ...label, range: undefined }));
    const task = { ...diameter, labels, conformal: { coverage, quantiles: [quantile], n: [errors.length] } } as Task;
    values.forEach((value, i) => {
      const outcome = taskKind(task).outcome(task, [value]);
      expectClose(outcome.interval ?? [], intervals[i], 1e-6);
      expect(outcome.coverage).toBe(coverage);
    });
  });

  test("intervals end where the plausible values do", () => {
    const labels = [{ ...diameter.labels[0], range: [3, 30] }];
    const task = { ...diameter, labels, conformal: { coverage: 0.9, quantiles: [4], n: [40] } } as Task;
    expect([5, 15, 28, 40].map((value) => taskKind(task).outcome(task, [value]).interval)).toEqual([[3, 9], [11, 19], [24, 30], [30, 30]]); // biome-ignore format: a line
    expect(taskKind(task).outcome(task, [40]).warnings).toEqual([expect.objectContaining({ code: "VALUE_IMPLAUSIBLE" })]);
  });

  test("too few cases promise nothing", () => {
    expect(conformalQuantile(new Array(8).fill(0.1), 0.9)).toBe(Number.POSITIVE_INFINITY);
    expect(conformalQuantile(new Array(9).fill(0.1), 0.9)).toBe(0.1);
  });

  test("of ordered classes the set has no gap and holds the class decided for", () => {
    expect(contiguousSet([0.45, 0.1, 0.45], 0.6, 1)).toEqual([0, 1, 2]);
    expect(contiguousSet([0.4, 0.2, 0.2, 0.2], 0.65, 1)).toEqual([0, 1]);
    expect(contiguousSet([0.4, 0.3, 0.3], 0.1, 1)).toEqual([1]);
  });

  test("binary: yes, no, or both; multilabel: each by its own quantile", () => {
    const task: Task = {
      kind: "multilabel",
      labels: named(["a", "b", "c"]).map((label) => ({ ...label, threshold: 0.5 })),
      conformal: { coverage: 0.9, quantiles: [0.6, 0.3, 0.6], n: [50, 50, 50] },
    };
    const outcome = taskKind(task).outcome(task, [0, 2, -2]); // 0.5, 0.88, 0.12
    expect(outcome.labels.map(({ set }) => set)).toEqual([["yes", "no"], ["yes"], ["no"]]);
  });
});

const diameter: Task = { kind: "regression", labels: [{ id: "diameter_mm", name: "Diameter", unit: "mm", range: [3, 40] }] };

describe("regression", () => {
  test("the head's number in its unit, no probabilities", () => {
    const { warnings, ...outcome } = taskKind(diameter).outcome(diameter, [12.5]);
    expect(outcome).toEqual({ labels: [], quantity: { id: "diameter_mm", name: "Diameter" }, value: 12.5, unit: "mm" });
    expect(warnings).toBeUndefined();
    expect(taskKind(diameter).probabilities(diameter, [12.5]).length).toBe(0);
  });

  test("a value beyond what is plausible carries a warning", () => {
    const { warnings } = taskKind(diameter).outcome(diameter, [55]);
    expect(warnings).toEqual([{ code: "VALUE_IMPLAUSIBLE", message: "Diameter came out as 55 mm, plausible are 3 to 40 mm" }]);
  });

  test("a conformance vector is held to a hundredth of what values differ by", () => {
    expect(taskKind(diameter).tolerance(diameter, 6)).toBeCloseTo(0.06);
  });
});

describe("in a manifest", () => {
  const manifest = (task: Loose, head: string, logits: number[]) => manifestJson((m) => Object.assign(m, { task, conformance: { ...m.conformance, logits }, modules: { ...m.modules, head } })); // biome-ignore format: one line
  const good: [string, Loose, string, number[]][] = [
    ["ordinal", rating(), "cumulative", [0, 0, 0, 0]],
    ["regression", diameter, "linear", [0]],
    ["multiclass", { kind: "multiclass", labels: named(["a", "b"]), conformal: { coverage: 0.9, quantiles: [0.8], n: [40] } }, "linear", [0, 0]],
  ];
  test.each(good)("%s", (kind, task, head, logits) => {
    const found: AdapterManifest = parseAdapterManifest(manifest(task, head, logits));
    expect(found.task.kind).toBe(kind);
  });

  const bad: [string, Loose, string, number[], RegExp][] = [
    ["ordinal with a linear head", rating(), "linear", [0, 0, 0, 0], /modules\.head/],
    ["ordinal with a logit a class", rating(), "cumulative", [0, 0, 0, 0, 0], /conformance\.logits/],
    ["ordinal values that fall", { ...rating(), labels: rating().labels.toReversed() }, "cumulative", [0, 0, 0, 0], /must rise/],
    ["ordinal values of some", { kind: "ordinal", labels: [{ ...named(["a"])[0], value: 1 }, ...named(["b"])] }, "cumulative", [0], /every class/],
    ["one ordered class", { kind: "ordinal", labels: named(["a"]) }, "cumulative", [0], /at least two/],
    ["regression of two quantities", { ...diameter, labels: [...diameter.labels, { ...diameter.labels[0], id: "other" }] }, "linear", [0], /one label/],
    ["regression without a unit", { kind: "regression", labels: named(["a"]) }, "linear", [0], /unit/],
    ["regression with a threshold", { kind: "regression", labels: [{ ...diameter.labels[0], threshold: 1 }] }, "linear", [0], /threshold/],
    ["range upside down", { kind: "regression", labels: [{ ...diameter.labels[0], range: [2, 1] }] }, "linear", [0], /low must be below high/],
    ["a quantile too many", rating({ coverage: 0.9, quantiles: [0.5, 0.5], n: [9] }), "cumulative", [0, 0, 0, 0], /conformal\.quantiles/],
    ["coverage of 1", rating({ coverage: 1, quantiles: [0.5], n: [9] }), "cumulative", [0, 0, 0, 0], /coverage/],
  ];
  test.each(bad)("refused: %s", async (_, task, head, logits, message) => {
    expect((await refusal(() => parseAdapterManifest(manifest(task, head, logits)))).message).toMatch(message);
  });
});
