// Metrics of labels that are there or not, and of any figure the bootstrap interval that keeps a group (a patient) together.

import { seededRandom } from "@anymc3d/core/learn";

/**
 * Area under the ROC curve by ranks, ties counted half (Mann–Whitney U). 0 … 1.
 * @returns null where only one class is present: then it is undefined
 */
export function auroc(labels: readonly number[], scores: readonly number[]): number | null {
  const order = scores.map((_, i) => i).sort((a, b) => scores[a] - scores[b]);
  let positives = 0;
  let rankSum = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end + 1 < order.length && scores[order[end + 1]] === scores[order[start]]) end++;
    const midrank = (start + end) / 2 + 1;
    for (let i = start; i <= end; i++) {
      positives += labels[order[i]];
      rankSum += labels[order[i]] * midrank;
    }
    start = end + 1;
  }
  const negatives = labels.length - positives;
  return positives && negatives ? (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives) : null;
}

/** Average precision: Σ (recall step) · precision over falling thresholds, as scikit-learn. Null without a positive. */
function averagePrecision(labels: readonly number[], scores: readonly number[]): number | null {
  const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a]);
  const total = labels.reduce((sum, label) => sum + label, 0);
  if (total === 0) return null;
  let found = 0;
  let area = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    let step = labels[order[start]];
    while (end + 1 < order.length && scores[order[end + 1]] === scores[order[start]]) step += labels[order[++end]];
    found += step;
    area += (step / total) * (found / (end + 1));
    start = end + 1;
  }
  return area;
}

/** 2·TP/(2·TP + FP + FN) at probability ≥ threshold; 0 where nothing is positive. */
function f1(labels: readonly number[], probabilities: readonly number[], threshold: number): number {
  let hits = 0;
  let wrong = 0;
  labels.forEach((label, i) => {
    const positive = probabilities[i] >= threshold ? 1 : 0;
    if (label && positive) hits++;
    else if (label !== positive) wrong++;
  });
  return hits ? (2 * hits) / (2 * hits + wrong) : 0;
}

/** Share of right decisions at probability ≥ threshold. Null without cases. */
function accuracy(labels: readonly number[], probabilities: readonly number[], threshold: number): number | null {
  if (labels.length === 0) return null;
  return labels.filter((label, i) => label === (probabilities[i] >= threshold ? 1 : 0)).length / labels.length;
}

/** Mean of (probability - label)². 0 is best. Null without cases. */
function brier(labels: readonly number[], probabilities: readonly number[]): number | null {
  if (labels.length === 0) return null;
  return labels.reduce((sum, label, i) => sum + (probabilities[i] - label) ** 2, 0) / labels.length;
}

/**
 * Share of cases whose most probable class (the first of equals) is the true one. 0 … 1, null without cases.
 * @param classes the true class of each case, an index into its probabilities
 */
export function topOneAccuracy(classes: readonly number[], probabilities: readonly (readonly number[])[]): number | null {
  if (classes.length === 0) return null;
  return classes.filter((truth, i) => probabilities[i].indexOf(Math.max(...probabilities[i])) === truth).length / classes.length;
}

export interface BootstrapOptions {
  /** Resamples; default 1000. */
  readonly samples?: number;
  readonly seed: number;
}

/**
 * 95 % percentile interval of a statistic; whole groups are drawn with replacement. Resamples where the statistic is
 * undefined are left out; null where that is more than half of them, or none were drawn.
 */
function bootstrap(
  groups: readonly string[],
  statistic: (indices: readonly number[]) => number | null,
  { samples = 1000, seed }: BootstrapOptions,
): [number, number] | null {
  const members = new Map<string, number[]>();
  groups.forEach((group, i) => {
    const pool = members.get(group);
    if (pool) pool.push(i);
    else members.set(group, [i]);
  });
  const pools = [...members.values()];
  const random = seededRandom(seed);
  const values: number[] = [];
  for (let s = 0; s < samples; s++) {
    const indices: number[] = [];
    for (let g = 0; g < pools.length; g++) for (const i of pools[Math.floor(random() * pools.length)]) indices.push(i);
    const value = statistic(indices);
    if (value !== null) values.push(value);
  }
  if (values.length === 0 || values.length < samples / 2) return null;
  values.sort((a, b) => a - b);
  return [quantile(values, 0.025), quantile(values, 0.975)];
}

/** Linear interpolation between order statistics, as numpy.quantile. */
function quantile(sorted: readonly number[], q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}

/** A figure and its 95 % interval by bootstrap over groups. */
export interface Estimate {
  /** Null where it is undefined. */
  readonly value: number | null;
  /** [low, high] */
  readonly interval: [number, number] | null;
}

/** How well a label is told on labelled cases, with intervals. */
export interface LabelMetrics {
  /** Cases whose label is known. */
  readonly n: number;
  /** Of these, the cases where it is there. */
  readonly positives: number;
  readonly auroc: Estimate;
  readonly averagePrecision: Estimate;
  /** At the decision threshold. */
  readonly f1: Estimate;
  /** At the decision threshold. */
  readonly accuracy: Estimate;
  /** Mean squared difference of probability and truth; 0 is best. */
  readonly brier: Estimate;
}

interface LabelCase {
  readonly group: string;
  readonly label: number;
  /** 0 … 1 */
  readonly probability: number;
}

/** Mean of those that are not null; null where all are. */
export function meanDefined(values: readonly (number | null)[]): number | null {
  const defined = values.flatMap((value) => value ?? []);
  return defined.length ? defined.reduce((a, b) => a + b, 0) / defined.length : null;
}

/** A figure of cases by their indices, and its interval. @param groups one a case */
export function estimate(groups: readonly string[], statistic: (indices: readonly number[]) => number | null, options: BootstrapOptions): Estimate {
  const value = statistic(groups.map((_, i) => i));
  return { value, interval: value === null ? null : bootstrap(groups, statistic, options) };
}

/** All metrics of one label over the cases that have it. */
export function evaluateLabel(cases: readonly LabelCase[], threshold: number, options: BootstrapOptions): LabelMetrics {
  const groups = cases.map(({ group }) => group);
  const figure = (metric: (labels: number[], probabilities: number[]) => number | null): Estimate =>
    estimate(
      groups,
      (indices) =>
        metric(
          indices.map((i) => cases[i].label),
          indices.map((i) => cases[i].probability),
        ),
      options,
    );
  return {
    n: cases.length,
    positives: cases.reduce((sum, { label }) => sum + label, 0),
    auroc: figure(auroc),
    averagePrecision: figure(averagePrecision),
    f1: figure((labels, probabilities) => f1(labels, probabilities, threshold)),
    accuracy: figure((labels, probabilities) => accuracy(labels, probabilities, threshold)),
    brier: figure(brier),
  };
}
