// What an AUROC and a calibration look like: ROC points, reliability bins.

/** One point of a ROC curve. */
export interface RocPoint {
  /** Positive at score ≥ threshold; the first point's is Infinity: nothing is positive. */
  readonly threshold: number;
  readonly falsePositiveRate: number;
  readonly sensitivity: number;
}

/** The ROC curve, from (0, 0) to (1, 1), a point a distinct score (as scikit-learn's `roc_curve` without dropping). Empty where one class is absent. */
export function rocCurve(labels: readonly number[], scores: readonly number[]): RocPoint[] {
  const positives = labels.filter((label) => label === 1).length;
  const negatives = labels.length - positives;
  if (!positives || !negatives) return [];
  const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a]);
  const points: RocPoint[] = [{ threshold: Number.POSITIVE_INFINITY, falsePositiveRate: 0, sensitivity: 0 }];
  let hits = 0;
  order.forEach((i, at) => {
    hits += labels[i];
    if (scores[order[at + 1]] === scores[i]) return;
    points.push({ threshold: scores[i], falsePositiveRate: (at + 1 - hits) / negatives, sensitivity: hits / positives });
  });
  return points;
}

/** One group of cases of a reliability diagram. */
export interface ReliabilityBin {
  readonly n: number;
  /** Mean predicted probability of its cases. */
  readonly predicted: number;
  /** Share of positives among them. */
  readonly observed: number;
}

/**
 * A reliability diagram's bins: cases in order of probability, in groups of equal size (as scikit-learn's `calibration_curve` with quantiles).
 * Equal probabilities stay together. Empty bins are left out.
 */
export function reliability(labels: readonly number[], probabilities: readonly number[], bins = 5): ReliabilityBin[] {
  const sorted = [...probabilities].sort((a, b) => a - b);
  const edge = (q: number) => {
    const position = q * (sorted.length - 1);
    const below = Math.floor(position);
    return sorted[below] + (position - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
  };
  const inner = Array.from({ length: bins - 1 }, (_, b) => edge((b + 1) / bins));
  const binOf = (p: number) => inner.filter((limit) => p > limit).length;
  return Array.from({ length: bins }, (_, b) => {
    const those = probabilities.flatMap((p, i) => (binOf(p) === b ? [i] : []));
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / those.length;
    return { n: those.length, predicted: mean(those.map((i) => probabilities[i])), observed: mean(those.map((i) => labels[i])) };
  }).filter(({ n }) => n > 0);
}
