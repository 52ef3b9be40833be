// Figures of decisions: which class was taken for which, and what follows from those counts. A label that is there or not has two classes, no and yes.

import { meanDefined } from "./metrics.js";

/** [true class][decided class] counts. @param truth places of the true classes, from 0 @param found of the decided ones */
export function crossTable(truth: readonly number[], found: readonly number[], classes: number): number[][] {
  const table = Array.from({ length: classes }, () => Array<number>(classes).fill(0));
  truth.forEach((at, i) => void table[at][found[i]]++);
  return table;
}

/** Share of cases whose decision is right. Null without cases. */
export function agreement(truth: readonly number[], found: readonly number[]): number | null {
  return truth.length ? truth.filter((at, i) => at === found[i]).length / truth.length : null;
}

/** Numbers of cases by truth and decision. */
export interface Confusion {
  /** Called positive, and are. */
  readonly truePositives: number;
  readonly falsePositives: number;
  /** Called negative, and are positive. */
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

/** Counts of one label. @param truth 1 where it is there, else 0 @param found 1 where it was decided for */
export function confusion(truth: readonly number[], found: readonly number[]): Confusion {
  const [[trueNegatives, falsePositives], [falseNegatives, truePositives]] = crossTable(truth, found, 2);
  return { truePositives, falsePositives, falseNegatives, trueNegatives };
}

const ratio = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);

/** Share of the positives that were called. Null without a positive. */
export const sensitivity = ({ truePositives, falseNegatives }: Confusion): number | null => ratio(truePositives, truePositives + falseNegatives);
/** Share of the negatives that were not called. Null without a negative. */
export const specificity = ({ trueNegatives, falsePositives }: Confusion): number | null => ratio(trueNegatives, trueNegatives + falsePositives);
/** Positive predictive value: share of the called that are positive. Null where none was called. */
export const predictiveValue = ({ truePositives, falsePositives }: Confusion): number | null => ratio(truePositives, truePositives + falsePositives);
/** 2·TP/(2·TP + FP + FN). Null where nothing is positive and nothing was called, or without cases: scikit-learn says 0 there (`zero_division`). */
export const f1 = ({ truePositives, falsePositives, falseNegatives }: Confusion): number | null =>
  ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives);

/**
 * Mean F1 of the classes that occur, in truth or among the decided ones, as scikit-learn where `labels` are not given; each of those has an F1.
 * Null without cases, where scikit-learn refuses.
 */
export function macroF1(truth: readonly number[], found: readonly number[]): number | null {
  const there = [...new Set([...truth, ...found])];
  const of = (wanted: number) => (at: number) => Number(at === wanted);
  return meanDefined(there.map((at) => f1(confusion(truth.map(of(at)), found.map(of(at))))));
}
