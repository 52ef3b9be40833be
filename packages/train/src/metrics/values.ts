// How near found values are to true ones.

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean of |found - truth|, in their unit. Null without cases. */
export function meanAbsoluteError(truth: readonly number[], found: readonly number[]): number | null {
  return truth.length ? meanOf(truth.map((value, i) => Math.abs(found[i] - value))) : null;
}

/** R² = 1 - Σ(truth - found)² / Σ(truth - mean)²: 1 is exact, 0 what the mean of these cases gives. Null where the truths do not differ. */
export function rSquared(truth: readonly number[], found: readonly number[]): number | null {
  const mean = meanOf(truth);
  const spread = truth.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  // The mean of equal numbers may differ from them in the last digit.
  return spread > 0 && truth.some((value) => value !== truth[0]) ? 1 - truth.reduce((sum, value, i) => sum + (value - found[i]) ** 2, 0) / spread : null;
}

/** Spearman's ρ: Pearson's correlation of the ranks, equal values at the mean of theirs. -1 … 1, null where either side does not differ. */
export function spearman(truth: readonly number[], found: readonly number[]): number | null {
  const [a, b] = [midranks(truth), midranks(found)];
  const middle = (truth.length + 1) / 2;
  let [both, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    both += (a[i] - middle) * (b[i] - middle);
    ofA += (a[i] - middle) ** 2;
    ofB += (b[i] - middle) ** 2;
  }
  return ofA > 0 && ofB > 0 ? both / Math.sqrt(ofA * ofB) : null;
}

function midranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const ranks = new Array<number>(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end + 1 < order.length && values[order[end + 1]] === values[order[start]]) end++;
    for (let i = start; i <= end; i++) ranks[order[i]] = (start + end) / 2 + 1;
    start = end + 1;
  }
  return ranks;
}

/** Least squares: value ≈ intercept + slope·scalar. Slope 0 where the scalars do not differ. */
export function linearFit(scalar: readonly number[], value: readonly number[]): { readonly slope: number; readonly intercept: number } {
  const [x, y] = [meanOf(scalar), meanOf(value)];
  const spread = scalar.reduce((sum, s) => sum + (s - x) ** 2, 0);
  const slope = spread > 0 ? scalar.reduce((sum, s, i) => sum + (s - x) * (value[i] - y), 0) / spread : 0;
  return { slope, intercept: y - slope * x };
}
