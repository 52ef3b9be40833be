// Metrics against scikit-learn, the bootstrap against numpy's.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { evaluateLabel } from "../src/metrics.js";

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
    const found = evaluateLabel(cases, 0.5, { samples: 100, seed: 1 });
    for (const metric of ["auroc", "averagePrecision", "f1", "accuracy", "brier"] as const) expect(found[metric].value).toBeCloseTo(reference[metric], 10);
    expect([found.n, found.positives]).toEqual([cases.length, reference.labels.reduce((a, b) => a + b)]);
  });

  test("the interval of the AUROC is near numpy's, and the same for the same seed", () => {
    const first = evaluateLabel(cases, 0.5, { samples: 4000, seed: 1 }).auroc.interval;
    first?.forEach((edge, i) => expect(Math.abs(edge - reference.aurocInterval[i])).toBeLessThan(0.025));
    expect(first).toHaveLength(2);
    expect(evaluateLabel(cases, 0.5, { samples: 200, seed: 9 })).toEqual(evaluateLabel(cases, 0.5, { samples: 200, seed: 9 }));
    expect(evaluateLabel(cases, 0.5, { samples: 200, seed: 9 }).brier.interval).not.toEqual(
      evaluateLabel(cases, 0.5, { samples: 200, seed: 10 }).brier.interval,
    );
  });
});

test("one class only: AUROC is undefined, not 0 or 0.5", () => {
  const negatives = [0.1, 0.2, 0.9].map((probability, i) => ({ label: 0, probability, group: `p${i}` }));
  const found = evaluateLabel(negatives, 0.5, { seed: 1 });
  expect(found.auroc).toEqual({ value: null, interval: null });
  expect(found.averagePrecision).toEqual({ value: null, interval: null });
  expect(found.accuracy.value).toBeCloseTo(2 / 3);
});
