// Metrics against scikit-learn, the bootstrap against numpy's.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { agreement, confusion, f1 } from "../src/metrics/decisions.js";
import { auroc, averagePrecision, brier, type Estimate, estimate } from "../src/metrics/metrics.js";

interface LabelCase {
  readonly label: number;
  readonly probability: number;
  readonly group: string;
}

/** All of a label's figures, decided at .5. */
function measured(
  cases: readonly LabelCase[],
  options: { samples: number; seed: number },
): Record<"auroc" | "averagePrecision" | "f1" | "accuracy" | "brier", Estimate> {
  const figure = (of: (labels: number[], probabilities: number[]) => number | null) =>
    estimate(cases.map(({ group }) => group), (indices) => of(indices.map((i) => cases[i].label), indices.map((i) => cases[i].probability)), options); // biome-ignore format: a line
  const called = (probabilities: number[]) => probabilities.map((p) => Number(p >= 0.5));
  return {
    auroc: figure(auroc),
    averagePrecision: figure(averagePrecision),
    f1: figure((labels, p) => f1(confusion(labels, called(p)))),
    accuracy: figure((labels, p) => agreement(labels, called(p))),
    brier: figure(brier),
  };
}

interface Reference {
  labels: number[];
  scores: number[];
  groups: string[];
  auroc: number;
  averagePrecision: number;
  f1: number;
  accuracy: number;
  brier: number;
  aurocInterval: [number, number];
}

const references: Reference[] = JSON.parse(readFileSync(new URL("reference/metrics.json", import.meta.url), "utf8"));

describe.each(references.map((reference, i) => [i, reference] as const))("data set %i", (_, reference) => {
  const cases = reference.labels.map((label, i) => ({ label, probability: reference.scores[i], group: reference.groups[i] }));

  test("values equal scikit-learn's", () => {
    const found = measured(cases, { samples: 100, seed: 1 });
    for (const metric of ["auroc", "averagePrecision", "f1", "accuracy", "brier"] as const) expect(found[metric].value).toBeCloseTo(reference[metric], 10);
  });

  test("the interval of the AUROC is near numpy's, and the same for the same seed", () => {
    const first = measured(cases, { samples: 4000, seed: 1 }).auroc.interval;
    first?.forEach((edge, i) => expect(Math.abs(edge - reference.aurocInterval[i])).toBeLessThan(0.02));
    expect(first).toHaveLength(2);
    expect(measured(cases, { samples: 200, seed: 9 })).toEqual(measured(cases, { samples: 200, seed: 9 }));
    expect(measured(cases, { samples: 200, seed: 9 }).brier.interval).not.toEqual(measured(cases, { samples: 200, seed: 10 }).brier.interval);
  });
});

test("one class only: AUROC is undefined, not 0 or 0.5", () => {
  const negatives = [0.1, 0.2, 0.9].map((probability, i) => ({ label: 0, probability, group: `p${i}` }));
  const found = measured(negatives, { samples: 100, seed: 1 });
  expect(found.auroc).toEqual({ value: null, interval: null });
  expect(found.averagePrecision).toEqual({ value: null, interval: null });
  expect(found.accuracy.value).toBeCloseTo(2 / 3);
});

/** Cases of the given labels, each its own group unless said otherwise. */
const casesOf = (labels: number[], group = (i: number) => `p${i}`) => labels.map((label, i) => ({ label, probability: (i % 10) / 10, group: group(i) }));

test("a group stays together: one patient's cases give an interval of no width", () => {
  const { auroc, brier } = measured(
    casesOf([0, 1, 0, 1, 1, 0, 0, 1], () => "p"),
    { samples: 50, seed: 1 },
  );
  expect(auroc.interval).toEqual([auroc.value, auroc.value]);
  expect(brier.interval).toEqual([brier.value, brier.value]);
});

test("no interval where most resamples have one class only, or none are drawn", () => {
  // One positive among ten groups is drawn in 1 - 0.9^10 = 65 % of resamples; two groups of one class each meet in 50 %.
  const rare = casesOf([1, ...Array(9).fill(0)], (i) => (i === 0 ? "sick" : `p${i}`));
  expect(measured(rare, { samples: 400, seed: 1 }).auroc.interval).not.toBeNull();
  const split = [...casesOf([1, 1, 1], () => "sick"), ...casesOf([0, 0], () => "well")];
  const defined = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => measured(split, { samples: 11, seed }).auroc.interval !== null);
  expect(new Set(defined)).toEqual(new Set([true, false]));
  expect(measured(rare, { samples: 0, seed: 1 }).auroc.interval).toBeNull();
});

test("resamples whose figure is infinite, no number or beyond 10¹⁵ are left out of an interval; such a figure is undefined", () => {
  const groups = ["a", "b", "c", "d"];
  const over = (bad: number) => estimate(groups, (indices) => (new Set(indices).size === 1 ? bad : 0.5), { samples: 400, seed: 1 });
  // A draw of one case four times, 4 of 256, is undefined.
  for (const bad of [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN, -1e16]) expect(over(bad)).toEqual({ value: 0.5, interval: [0.5, 0.5] });
  for (const bad of [Number.NEGATIVE_INFINITY, Number.NaN, 1e16]) expect(estimate(groups, () => bad)).toEqual({ value: null, interval: null });
  expect(estimate(groups, (indices) => (new Set(indices).size < 4 ? Number.NaN : 1))).toEqual({ value: 1, interval: null });
});
