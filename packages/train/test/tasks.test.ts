// Ordered classes and quantities in training: losses and gradients against jax and statsmodels, metrics against scikit-learn and scipy, temperatures
// against scipy, conformal quantiles against numpy (reference/make_tasks.py); the table, its columns of labels.csv, and honest coverage.
import { readdirSync, readFileSync } from "node:fs";
import { TASK_KINDS, type Task, taskKind } from "@anymc3d/core";
import { seededRandom } from "@anymc3d/core/learn";
import { describe, expect, test } from "vitest";
import { parseTrainConfig } from "../src/config.js";
import { evenBoundaries, inOrder, ordinalLoss } from "../src/learning/ordinal-loss.js";
import { inUnits, normalisationOf, valueLoss } from "../src/learning/value-loss.js";
import { foldTemperatures } from "../src/metrics/calibration.js";
import { calibrateConformal, coverageIn, measureCoverage } from "../src/metrics/conformal.js";
import { agreement, crossTable } from "../src/metrics/decisions.js";
import { quadraticKappa } from "../src/metrics/ordered.js";
import { linearFit, meanAbsoluteError, rSquared, spearman } from "../src/metrics/values.js";
import { TASK_TRAININGS, taskTraining } from "../src/tasks/index.js";
import type { Scored } from "../src/tasks/task-training.js";
import { multilabelTask, taskJson } from "./build.js";

const reference = JSON.parse(readFileSync(new URL("reference/tasks.json", import.meta.url), "utf8"));

const ordinalTask = (classes: number): Task => ({
  kind: "ordinal",
  labels: Array.from({ length: classes }, (_, i) => ({ id: `c${i}`, name: `C${i}` })),
});
const valueTask: Task = { kind: "regression", labels: [{ id: "size", name: "Size", unit: "mm" }] };
const classLabels = (task: Task, at: number) => new Map(task.labels.map(({ id }, i) => [id, i === at ? 1 : 0]));

function close(found: ArrayLike<number>, expected: readonly number[], digits = 6): void {
  expect(Array.from(found)).toEqual(expected.map((value) => expect.closeTo(value, digits)));
}

describe("the table", () => {
  test("has the kinds of core's table, and a file each; no other source names them in a comparison", () => {
    expect(TASK_TRAININGS.map(({ id }) => id)).toEqual(TASK_KINDS.map(({ id }) => id));
    const source = new URL("../src/", import.meta.url);
    const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    expect(TASK_TRAININGS.filter(({ id }) => !files.includes(`tasks/${id}.ts`))).toEqual([]);
    const asks = new RegExp(`[!=]==? "(${TASK_TRAININGS.map(({ id }) => id).join("|")})"`);
    expect(files.filter((name) => !name.startsWith("tasks/") && asks.test(readFileSync(new URL(name, source), "utf8")))).toEqual([]);
    const cli = new URL("../../cli/src/commands/", import.meta.url);
    const commands = ["evaluate.ts", "adapter/import.ts", "adapter/new.ts"];
    expect(commands.filter((name) => asks.test(readFileSync(new URL(name, cli), "utf8")))).toEqual([]);
  });

  test.each(["binary", "multilabel", "multiclass", "ordinal", "regression"])("%s: task.json of the example is valid, its rows are read", (id) => {
    const kind = TASK_TRAININGS.find((own) => own.id === id) as (typeof TASK_TRAININGS)[number];
    const { task, columns, rows } = kind.example(id === "binary" || id === "regression" ? ["x"] : ["x", "y", "z"]);
    const config = parseTrainConfig(taskJson(task));
    expect(config.training.loss).toBe(kind.losses[0]);
    const fail = (what: string): never => {
      throw new Error(what);
    };
    const read = kind.rowReader(task, ["id", "group", "split", ...columns], fail);
    for (const row of rows) expect(read(Object.fromEntries(columns.map((column, i) => [column, String(row[i])])), fail).size).toBe(task.labels.length);
  });

  test("a loss or class weights of another kind are refused", () => {
    expect(() => parseTrainConfig({ ...taskJson(ordinalTask(3)), training: { loss: "bce" } })).toThrow(
      /"bce" is not for ordinal tasks; use "proportional-odds"/,
    );
    expect(() => parseTrainConfig({ ...taskJson(valueTask), training: { classWeights: "sqrt" } })).toThrow(/regression tasks have no classes/);
    expect(() => parseTrainConfig({ ...taskJson(multilabelTask), training: { loss: "huber" } })).toThrow(/use "bce" or "focal"/);
  });
});

describe("ordered classes", () => {
  test("loss and gradient equal jax's", () => {
    for (const { logits, truth, loss, gradient } of reference.ordinalLoss) {
      const found = ordinalLoss(logits, truth);
      expect(found.loss).toBeCloseTo(loss, 9);
      close(found.dLogits, gradient);
    }
  });

  test("the likelihood of a data set equals statsmodels' ordered model", () => {
    const { cases, loss } = reference.ordinalByStatsmodels;
    const found = cases.reduce((sum: number, one: { logits: number[]; truth: number }) => sum + ordinalLoss(one.logits, one.truth).loss, 0);
    expect(found).toBeCloseTo(loss, 9);
  });

  test("even boundaries give each class the same probability; a step that crosses boundaries is put in order", () => {
    // P(class > k) = 4/5, 3/5, 2/5, 1/5.
    close(
      Array.from(evenBoundaries(5), (b) => 1 / (1 + Math.exp(-b))),
      [0.8, 0.6, 0.4, 0.2],
    );
    const { data } = inOrder({ shape: [4], data: Float32Array.of(1, 1.5, 0.2, 0.195) });
    for (let k = 1; k < 4; k++) expect(data[k]).toBeLessThan(data[k - 1]);
    expect([data[0], data[2]]).toEqual([1, Math.fround(0.2)]);
    expect(ordinalLoss(data, 1).loss).toBeLessThan(10);
  });

  test("κ, error and agreement equal scikit-learn's", () => {
    for (const { classes, truth, found, ...expected } of reference.ordinal) {
      expect(quadraticKappa(truth, found, classes)).toBeCloseTo(expected.quadraticKappa, 12);
      expect(meanAbsoluteError(truth, found)).toBeCloseTo(expected.meanAbsoluteError, 12);
      expect(agreement(truth, found)).toBeCloseTo(expected.accuracy, 12);
      const table = crossTable(truth, found, classes);
      expect(table.flat().reduce((a, b) => a + b)).toBe(truth.length);
    }
    expect(quadraticKappa([2, 2], [2, 2], 3)).toBeNull();
  });

  test("measured with the interval around it; errors count in the classes' own values", () => {
    const [{ classes, truth, found, groups, quadraticKappa: kappa, meanAbsoluteError: error }] = reference.ordinal;
    const values = Array.from({ length: classes }, (_, i) => ({ id: `c${i}`, name: `C${i}`, value: 10 * i }));
    const task = { kind: "ordinal", labels: values } as Task;
    // Logits whose median class is the decided one: the boundaries below it are above 0.
    const cases: Scored[] = truth.map((at: number, i: number) => ({
      group: groups[i],
      labels: classLabels(task, at),
      logits: Array.from({ length: classes - 1 }, (_, k) => found[i] - k - 0.5),
    }));
    const [row] = taskTraining(task).measure(task, cases, { seed: 1, samples: 200 });
    expect(row.n).toBe(60);
    expect(row.figures.quadraticKappa.value).toBeCloseTo(kappa, 12);
    expect(row.figures.meanAbsoluteError.value).toBeCloseTo(10 * error, 9);
    const [low, high] = row.figures.quadraticKappa.interval as [number, number];
    expect(low < kappa && kappa < high).toBe(true);
    const { classes: ids, counts } = taskTraining(task).confusion?.(task, cases) ?? {};
    expect([ids, counts]).toEqual([values.map(({ id }) => id), crossTable(truth, found, classes)]);
  });

  test("temperature equals scipy's minimiser, and folds into the one row and its biases", () => {
    const { logits, truth, temperature } = reference.ordinalTemperature;
    const task = ordinalTask(4);
    const cases = logits.map((own: number[], i: number) => ({ group: `p${i}`, labels: classLabels(task, truth[i]), logits: own }));
    const found = taskTraining(task).temperatures(task, cases);
    expect(found).toHaveLength(3);
    for (const own of found) expect(own).toBeCloseTo(temperature, 4);
    const folded = foldTemperatures(
      new Map([
        ["head.weight", { shape: [1, 2], data: Float32Array.of(2, 4) }],
        ["head.bias", { shape: [3], data: Float32Array.of(2, 0, -2) }],
      ]),
      [2, 2, 2],
    );
    expect([...(folded.get("head.weight")?.data ?? []), ...(folded.get("head.bias")?.data ?? [])]).toEqual([1, 2, 1, 0, -1]);
  });

  test("a class without a training case is refused; validation of one class is warned of", () => {
    const task = ordinalTask(3);
    const kind = taskTraining(task);
    const counts = (...places: number[]) =>
      kind.counts(
        task,
        places.map((at) => ({ labels: classLabels(task, at) })),
      );
    expect(() => kind.checkCounts(task, counts(0, 1, 1), counts(0, 1), "l.csv")).toThrow(/l\.csv: .*c2 \(0 positive, 3 negative/);
    expect(kind.checkCounts(task, counts(0, 1, 2), counts(1, 1), "l.csv")).toEqual([expect.objectContaining({ code: "ONE_CLASS" })]);
    expect(kind.checkCounts(task, counts(0, 1, 2), counts(0, 1), "l.csv")).toEqual([]);
  });
});

describe("quantities", () => {
  test("losses and gradients equal jax's", () => {
    for (const { z, target, huber, huberGradient, squared, squaredGradient } of reference.valueLoss) {
      expect(valueLoss(z, target, "huber")).toEqual({ loss: expect.closeTo(huber, 12), slope: expect.closeTo(huberGradient, 12) });
      expect(valueLoss(z, target, "squared")).toEqual({ loss: expect.closeTo(squared, 12), slope: expect.closeTo(squaredGradient, 12) });
    }
  });

  test("error, R² and ρ equal scikit-learn's and scipy's", () => {
    for (const { truth, found, ...expected } of reference.values) {
      expect(meanAbsoluteError(truth, found)).toBeCloseTo(expected.meanAbsoluteError, 12);
      expect(rSquared(truth, found)).toBeCloseTo(expected.r2, 12);
      expect(spearman(truth, found)).toBeCloseTo(expected.spearman, 12);
    }
    expect([rSquared([3, 3], [1, 2]), spearman([3, 3], [1, 2])]).toEqual([null, null]);
    // The sum of three times 0.1, by three, is more than 0.1.
    expect(rSquared([0.1, 0.1, 0.1], [1, 2, 3])).toBeNull();
  });

  test("normalisation equals numpy's, and the finished head gives the values themselves", () => {
    const { values, mean, sd } = reference.normalisation;
    expect(normalisationOf(values)).toEqual({ mean: expect.closeTo(mean, 12), sd: expect.closeTo(sd, 12) });
    const tensors = new Map([
      ["head.weight", { shape: [1, 2], data: Float32Array.of(0.5, -1) }],
      ["head.bias", { shape: [1], data: Float32Array.of(0.25) }],
    ]);
    const finished = inUnits(tensors, { mean: 12, sd: 8 });
    // 12 + 8·(0.5·x - y + 0.25)
    expect([...(finished.get("head.weight")?.data ?? []), ...(finished.get("head.bias")?.data ?? [])]).toEqual([4, -8, 14]);
  });

  test("a scalar alone is fitted by least squares on training cases, as numpy's polyfit; the constant is their mean", () => {
    const { scalar, slope, intercept } = reference.linearFit;
    const { values, mean } = reference.normalisation;
    expect(linearFit(scalar, values)).toEqual({ slope: expect.closeTo(slope, 9), intercept: expect.closeTo(intercept, 9) });
    const trained = values.map((value: number, i: number) => ({ labels: new Map([["size", value]]), scalar: scalar[i] }));
    expect(taskTraining(valueTask).baseline(valueTask, trained)(4)[0]).toBeCloseTo(intercept + 4 * slope, 9);
    expect(taskTraining(valueTask).constant?.(valueTask, trained)).toEqual({ name: "mean of training", scores: [expect.closeTo(mean, 12)] });
  });

  test("training values that do not differ, or none, are refused; so is a validation without any warned of", () => {
    const kind = taskTraining(valueTask);
    const counts = (...values: number[]) =>
      kind.counts(
        valueTask,
        values.map((value) => ({ labels: new Map(Number.isNaN(value) ? [] : [["size", value]]) })),
      );
    expect(() => kind.checkCounts(valueTask, counts(5, 5, 5), counts(1, 2), "l.csv")).toThrow(/l\.csv: size: all of the 3 training values are 5/);
    expect(() => kind.checkCounts(valueTask, counts(Number.NaN), counts(1, 2), "l.csv")).toThrow(/no training case has a value/);
    expect(kind.checkCounts(valueTask, counts(5, 6), counts(Number.NaN), "l.csv")).toEqual([expect.objectContaining({ code: "ONE_CLASS" })]);
    expect(counts(2, 4, Number.NaN)[0].text).toBe("size 3 ± 1 mm (2 to 4), 1 unknown");
  });

  test("the automatic split spreads fifths of the values", () => {
    const all = Array.from({ length: 10 }, (_, i) => new Map([["size", i]]));
    const strata = taskTraining(valueTask).strata(valueTask, all);
    expect(all.map((labels) => strata(labels).join())).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4].map((fifth) => `fifth ${fifth}`));
    expect(strata(new Map())).toEqual([]);
  });
});

describe("coverage in cases that are measured, by hand", () => {
  const judged = (task: Task, ...cases: [number[], [string, number][]][]) =>
    coverageIn(
      task,
      cases.map(([logits, labels]) => ({ outcome: taskKind(task).outcome(task, logits), labels: new Map(labels) })),
    );
  const calibrated = (task: Task, ...quantiles: number[]) => ({ ...task, conformal: { coverage: 0.9, quantiles, n: quantiles.map(() => 50) } }) as Task;

  test("intervals of a quantity, ± 2 mm: 11 in 8 … 12, 23 not in 18 … 22, 32 at the edge of 28 … 32", () => {
    const task = calibrated(valueTask, 2);
    const found = judged(task, [[10], [["size", 11]]], [[20], [["size", 23]]], [[30], [["size", 32]]], [[40], []]);
    expect(found).toEqual([{ id: "size", target: 0.9, held: 2, n: 3, size: 4 }]);
  });

  test("sets of ordered classes: .2 .6 .2 gives the middle one, .1 .4 .5 the upper two", () => {
    const task = calibrated(ordinalTask(3), 0.65);
    const one = (at: number) => [...classLabels(task, at)];
    const [narrow, wide] = [
      [Math.log(4), -Math.log(4)],
      [Math.log(9), 0],
    ];
    const found = judged(task, [narrow, one(1)], [narrow, one(0)], [wide, one(1)]);
    expect(found).toEqual([{ id: "label", target: 0.9, held: 2, n: 3, size: expect.closeTo(4 / 3, 12) }]);
  });

  test("labels, each by itself: .5 within .6 is yes or no, .88 within .3 yes alone", () => {
    const found = judged(calibrated(multilabelTask, 0.6, 0.3), [[0, 2], [["a", 1], ["b", 0]]], [[2, -2], [["b", 0]]]); // biome-ignore format: a line
    expect(found).toEqual([
      { id: "a", target: 0.9, held: 1, n: 1, size: 2 },
      { id: "b", target: 0.9, held: 1, n: 2, size: 1 },
    ]);
  });

  test("nothing known: no size; no calibration: nothing", () => {
    expect(judged(calibrated(valueTask, 2), [[1], []])).toEqual([{ id: "size", target: 0.9, held: 0, n: 0, size: null }]);
    expect(judged(valueTask, [[1], [["size", 1]]])).toEqual([]);
  });
});

describe("conformal calibration", () => {
  test("quantiles equal numpy's; too few cases give none", () => {
    for (const { scores, quantile } of reference.conformal) {
      const cases: Scored[] = scores.map((score: number, i: number) => ({ group: `p${i}`, labels: new Map([["size", 10]]), logits: [10 + score] }));
      const found = calibrateConformal(valueTask, cases);
      if (quantile === null) expect(found).toBeUndefined();
      else expect(found).toEqual({ coverage: 0.9, quantiles: [expect.closeTo(quantile, 6)], n: [scores.length] });
    }
  });

  test("classes and labels: scores of the true answer, one quantile each", () => {
    const task = ordinalTask(2);
    // σ(1.386) = .8: class 1 has .8, class 0 has .2.
    const cases = Array.from({ length: 10 }, (_, i): Scored => ({ group: `p${i}`, labels: classLabels(task, i < 1 ? 0 : 1), logits: [Math.log(4)] }));
    expect(calibrateConformal(task, cases)).toEqual({ coverage: 0.9, quantiles: [expect.closeTo(0.8, 6)], n: [10] });
    const several = Array.from({ length: 12 }, (_, i): Scored => ({ group: `p${i}`, labels: new Map([["a", i % 2], ["b", 1]]), logits: [0, Math.log(4)] })); // biome-ignore format: a line
    expect(calibrateConformal(multilabelTask, several)).toEqual({ coverage: 0.9, quantiles: [expect.closeTo(0.5, 6), expect.closeTo(0.2, 6)], n: [12, 12] });
  });

  test("coverage is near what it is made for on cases alike, and far from it where calibration and truth part by group", () => {
    const random = seededRandom(3);
    const cases = Array.from({ length: 400 }, (_, i): Scored => ({ group: `p${i}`, labels: new Map([["size", 10 * random()]]), logits: [5] }));
    const [alike] = measureCoverage(valueTask, cases, { seed: 1 });
    expect(Math.abs(alike.measured - 0.9)).toBeLessThan(0.02);
    expect([alike.n, alike.nominal]).toEqual([400, 0.9]);
    expect(alike.how).toMatch(/^400 cases halved by group 100 times/);
    // Errors are uniform in 0 … 5: the interval is 2·4.5 wide.
    expect(Math.abs(alike.size - 9)).toBeLessThan(0.3);
    expect(alike.spread).toBeGreaterThan(0);
    expect(measureCoverage(valueTask, cases, { seed: 1 })).toEqual([alike]);
  });

  test("a label that one patient's cases alone know is not measured", () => {
    // Whoever calibrates has that patient, so that no case is left to measure on. Half of the other label's scores are σ(2): its sets hold all.
    const cases = Array.from({ length: 60 }, (_, i): Scored => ({ group: i < 21 ? "one" : `p${i}`, labels: new Map<string, number>([["b", i % 2], ...(i < 21 ? [["a", 1] as const] : [])]), logits: [2, 0] })); // biome-ignore format: a line
    const found = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((seed) => measureCoverage(multilabelTask, cases, { seed }));
    expect(found.length).toBeGreaterThan(0);
    for (const { id, measured } of found) expect([id, measured]).toEqual(["b", 1]);
  });

  test("a group is never on both sides: one patient with most of the cases is measured by the others' quantile", () => {
    // Two patients: one exact, the other off by 10. Whoever calibrates, the other is held wholly or not at all.
    const cases = Array.from(
      { length: 40 },
      (_, i): Scored => ({ group: i < 20 ? "exact" : "off", labels: new Map([["size", i < 20 ? 0 : 10]]), logits: [0] }),
    );
    const [{ measured, spread }] = measureCoverage(valueTask, cases, { seed: 5 });
    expect(measured).toBeGreaterThan(0.3);
    expect(measured).toBeLessThan(0.7);
    expect(spread).toBeGreaterThan(0.45);
  });
});
