// Figures of decisions are those of the product's own decisions: against scikit-learn (reference/make_decisions.py), and each from one function wherever
// it is told. Ties, thresholds that a probability meets exactly, and one class only, by hand.
import { readFileSync } from "node:fs";
import { type Task, taskKind } from "@anymc3d/core";
import { describe, expect, test } from "vitest";
import { parseTrainConfig } from "../src/config.js";
import type { TrainCase } from "../src/data/cases.js";
import { chooseThreshold } from "../src/metrics/calibration.js";
import { compare, contender } from "../src/metrics/compare.js";
import { confusion, crossTable, f1, macroF1, predictiveValue, sensitivity, specificity } from "../src/metrics/decisions.js";
import { judgedCases } from "../src/metrics/judged.js";
import { BOOTSTRAP } from "../src/metrics/metrics.js";
import { meanScore } from "../src/metrics/score.js";
import { statedFigures } from "../src/package/make-adapter.js";
import { taskTraining } from "../src/tasks/index.js";
import type { Measured, Scored } from "../src/tasks/task-training.js";
import { binaryTask, multiclassTask, multilabelTask, taskJson } from "./build.js";

const reference = JSON.parse(readFileSync(new URL("reference/decisions.json", import.meta.url), "utf8"));
const ONCE = { samples: 1, seed: 0 };
const values = ({ figures }: Measured) => Object.fromEntries(Object.entries(figures).map(([name, { value }]) => [name, value]));
const near = (expected: Record<string, number>) => Object.fromEntries(Object.entries(expected).map(([name, value]) => [name, expect.closeTo(value, 6)]));

const classLabels = (task: Task, at: number) => new Map(task.labels.map(({ id }, i) => [id, i === at ? 1 : 0]));
const caseOf = (id: string, group: string, labels: ReadonlyMap<string, number>): TrainCase => ({
  id,
  group,
  split: "val",
  labels,
  origin: id,
  load: async () => ({}),
});

const { multiclass, binary, ordinal } = reference;
const classCases: Scored[] = multiclass.logits.map((logits: number[], i: number) => ({
  group: multiclass.groups[i],
  labels: classLabels(multiclassTask, multiclass.classes[i]),
  logits,
}));

describe("classes without an order", () => {
  test("by the largest probability, the first of equals: scikit-learn's accuracy, macro F1, F1 a class, sensitivity, PPV, confusion, mean AUROC", () => {
    const rows = taskTraining(multiclassTask).measure(multiclassTask, classCases, ONCE);
    rows.forEach((row, i) => {
      const { f1AtHalf, ...wanted } = multiclass.labels[i];
      expect(values(row)).toEqual(near(wanted));
      expect(row.threshold).toBeUndefined();
      expect(row.figures.f1.value).not.toBeCloseTo(f1AtHalf, 2);
    });
    const whole = taskTraining(multiclassTask).whole(multiclassTask, classCases, ONCE) as Measured;
    const { topOneAccuracy, macroF1: macro, meanAuroc } = multiclass;
    expect(values(whole)).toEqual(near({ topOneAccuracy, macroF1: macro, meanAuroc }));
    expect(taskTraining(multiclassTask).confusion?.(multiclassTask, classCases)).toEqual({ classes: ["cat", "dog", "cow"], counts: multiclass.confusion });
  });

  test("a case that says only which class it is not counts for that class, and for no figure of all", () => {
    const cases = [...classCases, { group: "x", labels: new Map([["cat", 0]]), logits: [5, 0, 0] }];
    const kind = taskTraining(multiclassTask);
    expect(kind.measure(multiclassTask, cases, ONCE).map(({ n }) => n)).toEqual([34, 33, 33]);
    expect(kind.whole(multiclassTask, cases, ONCE)?.n).toBe(33);
  });

  test("probabilities that single precision rounds to 1 are no ties", () => {
    const cases = [40, 50, 60, 70].map((top, i) => ({ group: `p${i}`, labels: classLabels(multiclassTask, i < 2 ? 1 : 0), logits: [top, 0, 0] }));
    expect(new Set(cases.map(({ logits }) => taskKind(multiclassTask).probabilities(multiclassTask, logits)[0]))).toEqual(new Set([1]));
    expect(taskTraining(multiclassTask).measure(multiclassTask, cases, ONCE)[0].figures.auroc.value).toBe(1);
  });
});

describe("labels with a threshold", () => {
  const cases: Scored[] = binary.truth.map((truth: number, i: number) => ({ group: `p${i}`, labels: new Map([["sick", truth]]), logits: [binary.logits[i]] }));

  test.each<{ threshold: number }>(binary.thresholds)("at or above the adapter's: scikit-learn's figures ($threshold)", ({ threshold, ...wanted }) => {
    const task = { ...binaryTask, labels: [{ id: "sick", name: "Sick", threshold }] } as Task;
    const [row] = taskTraining(task).measure(task, cases, ONCE);
    expect(values(row)).toEqual(near(wanted as Record<string, number>));
    expect(row.threshold).toBe(threshold);
  });

  test("every figure is that of the results' own `positive`", () => {
    const task = {
      ...binaryTask,
      labels: [{ id: "sick", name: "Sick", threshold: taskKind(binaryTask).probabilities(binaryTask, [binary.logits[3]])[0] }],
    } as Task;
    const positives = cases.filter(({ logits }) => taskKind(task).outcome(task, logits).labels[0].positive);
    expect(positives).toContain(cases[3]);
    const right = cases.filter((one) => positives.includes(one) === (one.labels.get("sick") === 1)).length;
    expect(taskTraining(task).measure(task, cases, ONCE)[0].figures.accuracy.value).toBe(right / cases.length);
  });

  test("a chosen threshold is no case's own probability, however few are to be missed", () => {
    const { threshold, sensitivity: reached } = chooseThreshold([0.2, 0.4, 0.8], [1, 0, 1], { sensitivity: 1 });
    expect([threshold, reached]).toEqual([0.1, 1]);
  });

  test("one class only: what has no denominator is undefined", () => {
    const negatives = confusion([0, 0, 0], [0, 1, 0]);
    expect([sensitivity, specificity, predictiveValue, f1].map((of) => of(negatives))).toEqual([null, 2 / 3, 0, 0]);
    expect(predictiveValue(confusion([1, 0], [0, 0]))).toBeNull();
    expect([macroF1([], []), macroF1([1, 1], [1, 1])]).toEqual([null, 1]);
  });

  // scikit-learn 1.7: f1_score([0, 0], [0, 0]) is 0 with a warning, nan with zero_division=nan; f1_score([0, 0, 1], [0, 0, 0]) is 0, no warning.
  test("F1 is undefined where nothing is there and nothing was called, and 0 where something was missed or called wrongly", () => {
    const of = (truth: number[], found: number[]) => f1(confusion(truth, found));
    expect([of([], []), of([0, 0], [0, 0]), of([0, 0, 1], [0, 0, 0]), of([0, 0], [0, 1])]).toEqual([null, null, 0, 0]);
    // scikit-learn 1.7: f1_score([0, 0, 2], [0, 0, 2], average="macro") is 1: class 1 occurs nowhere.
    expect(macroF1([0, 0, 2], [0, 0, 2])).toBe(1);
    expect(macroF1([0, 0, 2], [0, 0, 1])).toBeCloseTo(1 / 3, 12);
  });

  test("resamples without an F1 are left out of its interval; of no cases there is none", () => {
    // Of n cases one is there and called: a resample has an F1, which is 1, where it draws that case; a third of them do not.
    const cases = (n: number): Scored[] =>
      Array.from({ length: n }, (_, i) => ({ group: `p${i}`, labels: new Map([["sick", Number(i === 0)]]), logits: [i === 0 ? 3 : -3] }));
    const task = { ...binaryTask, labels: [{ id: "sick", name: "Sick", threshold: 0.5 }] } as Task;
    const figure = (some: Scored[]) => taskTraining(task).measure(task, some, BOOTSTRAP)[0].figures.f1;
    expect(figure(cases(20))).toEqual({ value: 1, interval: [1, 1] });
    expect(figure(cases(20).slice(1))).toEqual({ value: null, interval: null });
    expect(figure([])).toEqual({ value: null, interval: null });
    const macro = taskTraining(multiclassTask).whole(multiclassTask, [], BOOTSTRAP)?.figures.macroF1;
    expect(macro).toEqual({ value: null, interval: null });
  });
});

test("patients are counted where cases name them, those with both answers for both", () => {
  const cases: Scored[] = [["p1", 1], ["p1", 1], ["p1", 0], ["p2", 0], ["p3", 0]].map(([group, truth]) => ({ group: String(group), labels: new Map([["sick", Number(truth)]]), logits: [0.5] })); // biome-ignore format: a line
  expect(taskTraining(binaryTask).measure(binaryTask, cases, ONCE)[0].groups).toEqual({ all: 3, positives: 1, negatives: 3 });
});

test("ordered classes: by the median, where the most probable one gives another figure", () => {
  const task: Task = { kind: "ordinal", labels: [0, 1, 2, 3].map((i) => ({ id: `c${i}`, name: `C${i}` })) };
  const cases: Scored[] = ordinal.logits.map((logits: number[], i: number) => ({ group: `p${i}`, labels: classLabels(task, ordinal.classes[i]), logits }));
  const [{ figures }] = taskTraining(task).measure(task, cases, ONCE);
  expect(figures.accuracy.value).toBeCloseTo(ordinal.accuracy, 12);
  expect(ordinal.accuracy).not.toBeCloseTo(ordinal.accuracyOfMostProbable, 2);
  expect(figures.quadraticKappa.value).toBeCloseTo(ordinal.quadraticKappa, 12);
  expect(taskTraining(task).confusion?.(task, cases).counts).toEqual(ordinal.confusion);
});

describe("one figure, one value, one interval", () => {
  const config = (task: Task, calibrate = true) => parseTrainConfig({ ...taskJson(task), training: { calibrate } });
  const predictionsOf = (cases: readonly Scored[]) =>
    cases.map(({ group, labels, logits }, i) => ({ trainCase: caseOf(`c${i}`, group, labels), logits: Float32Array.from(logits, (value) => 6 * value) }));

  test("classes: an epoch, the metrics and the comparison judge the adapter with its temperature", () => {
    const predictions = predictionsOf(classCases);
    const { cases, temperatures } = judgedCases(predictions, config(multiclassTask));
    expect(temperatures[0]).toBeGreaterThan(2);
    const kind = taskTraining(multiclassTask);
    const stated = statedFigures(multiclassTask, kind.measure(multiclassTask, cases, BOOTSTRAP), kind.whole(multiclassTask, cases, BOOTSTRAP));
    const calibrated = predictions.map((one, i) => ({ ...one, logits: cases[i].logits }));
    const [row] = compare([contender("as configured", new Map(), calibrated, multiclassTask)], multiclassTask);
    for (const { id, auroc, interval } of stated.labels) expect(row.figures[id]).toEqual({ value: auroc, interval });
    const mean = stated.figures?.find(({ id }) => id === "meanAuroc");
    expect(row.score).toEqual({ value: mean?.value, interval: mean?.interval });
    const scored = cases.map(({ labels, logits }) => ({ labels, scores: kind.scores(multiclassTask, logits) }));
    expect(meanScore(kind.columns(multiclassTask), scored)).toBe(mean?.value);
    // The temperature moves a class's cases among those of the others: without it the figure is another one.
    const raw = judgedCases(predictions, config(multiclassTask, false)).cases.map(({ labels, logits }) => ({
      labels,
      scores: kind.scores(multiclassTask, logits),
    }));
    expect(meanScore(kind.columns(multiclassTask), raw)).not.toBe(mean?.value);
  });

  test("labels that some cases do not have: the same groups are resampled for the metrics and for the comparison", () => {
    const cases = classCases.map(({ group, logits }, i) => ({
      group,
      labels: new Map([["b", multiclass.classes[i] === 1 ? 1 : 0], ...(i % 3 ? [["a", multiclass.classes[i] === 0 ? 1 : 0] as [string, number]] : [])] as [
        string,
        number,
      ][]),
      logits: [logits[0], logits[1]],
    }));
    const kind = taskTraining(multilabelTask);
    const rows = kind.measure(multilabelTask, cases, BOOTSTRAP);
    const scored = cases.map(({ group, labels, logits }, i) => ({ trainCase: caseOf(`c${i}`, group, labels), scores: logits }));
    const [first] = compare([{ name: "first", parameters: 0, scored }], multilabelTask);
    for (const { id, figures } of rows) expect(first.figures[id]).toEqual(figures.auroc);
    expect(kind.whole(multilabelTask, cases, BOOTSTRAP)?.figures.meanAuroc).toEqual(first.score);
  });

  test("the order of the cases does not matter", () => {
    const kind = taskTraining(multiclassTask);
    const [one, other] = [classCases, classCases.toReversed()].map((cases) => kind.measure(multiclassTask, cases, BOOTSTRAP));
    one.forEach((row, i) => {
      for (const [name, { value, interval }] of Object.entries(row.figures)) {
        const { value: again, interval: limits } = other[i].figures[name];
        expect(again).toBeCloseTo(value as number, 12);
        interval?.forEach((edge, at) => expect(limits?.[at]).toBeCloseTo(edge, 12));
      }
    });
  });
});

test("the table of classes counts every case", () => expect(crossTable([0, 1, 1], [0, 0, 1], 2)).toEqual([[1, 0], [1, 1]])); // biome-ignore format: a line

describe("settings that decide nothing are refused", () => {
  const grades = { kind: "ordinal", labels: [{ id: "a", name: "A" }, { id: "b", name: "B" }] } as Task; // biome-ignore format: a line
  const size = { kind: "regression", labels: [{ id: "size", name: "Size", unit: "mm" }] } as Task;
  test.each([multiclassTask, grades, size])("training.threshold of a $kind task", (task) => {
    expect(parseTrainConfig(taskJson(task)).training.threshold).toBeUndefined();
    expect(() => parseTrainConfig({ ...taskJson(task), training: { threshold: "youden" } })).toThrow(
      /training\.threshold: \w+ tasks decide without a threshold/,
    );
    expect(() => parseTrainConfig({ ...taskJson(task), training: { threshold: { sensitivity: 0.9 } } })).toThrow(/leave it out/);
  });
  test("of labels it is Youden's index unless something is said, also once it was filled in", () => {
    const config = parseTrainConfig(taskJson(binaryTask));
    expect(config.training.threshold).toBe("youden");
    expect(parseTrainConfig(config)).toEqual(config);
  });
});
