// Split conformal prediction: from a stored quantile of calibration scores to sets and intervals that hold the truth in a given share of cases.
//
// Scores: of classes 1 - probability of the true class (LAC: Sadinle, Lei & Wasserman 2019), of quantities the absolute error (Vovk, Gammerman &
// Shafer 2005; Lei et al. 2018). The promise holds for new cases that are exchangeable with the calibration's, over all cases together, not class by class.

/**
 * The quantile that makes new sets and intervals hold the truth in at least `coverage` of cases: the ⌈(n + 1)·coverage⌉-th smallest score.
 * @param scores of calibration cases that took no part in training
 * @param coverage 0 … 1, both excluded
 * @returns Infinity where there are too few cases to promise it
 */
export function conformalQuantile(scores: ArrayLike<number>, coverage: number): number {
  const rank = Math.ceil((scores.length + 1) * coverage - 1e-9); // 10 cases at 0.9 ask for the 10th, whatever the product rounds to
  return rank > scores.length ? Number.POSITIVE_INFINITY : Float64Array.from(scores).sort()[rank - 1];
}

/** [value - quantile, value + quantile] */
export const intervalAbout = (value: number, quantile: number): [low: number, high: number] => [value - quantile, value + quantile];

/** The part of an interval that lies within a range of plausible values: no truth within the range is lost. @param range absent: all values are */
export function withinRange(interval: readonly [number, number], range?: readonly [number, number]): [low: number, high: number] {
  const [low, high] = range ? interval.map((edge) => Math.min(range[1], Math.max(range[0], edge))) : interval;
  return [low, high];
}

/**
 * Classes whose score 1 - probability is within the quantile, in their order. Never empty: where none is, the most probable class stands alone,
 * which can only raise the coverage.
 */
export function classSet(probabilities: ArrayLike<number>, quantile: number): number[] {
  const values = Array.from(probabilities);
  const inside = values.flatMap((p, i) => (1 - p <= quantile ? [i] : []));
  return inside.length ? inside : [values.indexOf(Math.max(...values))];
}

/** Of ordered classes: all from the first to the last of {@link classSet} and the class that was decided for. */
export function contiguousSet(probabilities: ArrayLike<number>, quantile: number, decided: number): number[] {
  const inside = Array.from(probabilities).flatMap((p, i) => (1 - p <= quantile ? [i] : []));
  const first = Math.min(decided, ...inside);
  return Array.from({ length: Math.max(decided, ...inside) - first + 1 }, (_, i) => first + i);
}

/** Of a label that is there or not. @param probability that it is there */
export function yesNoSet(probability: number, quantile: number): ("yes" | "no")[] {
  return classSet([probability, 1 - probability], quantile).map((i) => (i === 0 ? "yes" : "no"));
}
