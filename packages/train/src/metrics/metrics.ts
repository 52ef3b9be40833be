// Figures of scores and probabilities of labels that are there or not, and of any figure the bootstrap interval that keeps a group (a patient) together.

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
export function averagePrecision(labels: readonly number[], scores: readonly number[]): number | null {
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

/** Mean of (probability - label)². 0 is best. Null without cases. */
export function brier(labels: readonly number[], probabilities: readonly number[]): number | null {
  if (labels.length === 0) return null;
  return labels.reduce((sum, label, i) => sum + (probabilities[i] - label) ** 2, 0) / labels.length;
}

export interface BootstrapOptions {
  /** Resamples. */
  readonly samples: number;
  readonly seed: number;
}

/** Of every interval that nobody asks otherwise for, so that the same figure on the same cases has the same interval wherever it is told. */
export const BOOTSTRAP = { samples: 1000, seed: 0 } as const satisfies BootstrapOptions;

/**
 * 95 % percentile interval of a statistic; whole groups are drawn with replacement, in the order of their names, so that the order of
 * the cases does not matter. Resamples where the statistic is undefined are left out; null where that is more than half of them, or none were drawn.
 */
function bootstrap(
  groups: readonly string[],
  statistic: (indices: readonly number[]) => number | null,
  { samples, seed }: BootstrapOptions,
): [number, number] | null {
  const members = new Map<string, number[]>();
  groups.forEach((group, i) => {
    const pool = members.get(group);
    if (pool) pool.push(i);
    else members.set(group, [i]);
  });
  const pools = [...members].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, indices]) => indices);
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

/** Mean of those that are not null; null where all are. */
export function meanDefined(values: readonly (number | null)[]): number | null {
  const defined = values.flatMap((value) => value ?? []);
  return defined.length ? defined.reduce((a, b) => a + b, 0) / defined.length : null;
}

/** Beyond it a figure tells nothing (an R² of cases that hardly differ), and an adapter cannot state it. */
const LARGEST = 1e15;

/** A figure of cases by their indices, and its interval; undefined also where it is no number, or one beyond ±10¹⁵. @param groups one a case */
export function estimate(groups: readonly string[], statistic: (indices: readonly number[]) => number | null, options: BootstrapOptions = BOOTSTRAP): Estimate {
  const defined = (indices: readonly number[]) => {
    const value = statistic(indices);
    return value !== null && Math.abs(value) <= LARGEST ? value : null;
  };
  const value = defined(groups.map((_, i) => i));
  return { value, interval: value === null ? null : bootstrap(groups, defined, options) };
}
