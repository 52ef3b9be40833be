// Agreement of ordered classes with the truth.

/**
 * Cohen's κ with quadratic weights (Cohen 1968): 1 - Σ w·observed / Σ w·expected, w = (i - j)². 1: full agreement, 0: what chance gives.
 * @param truth places of the true classes, from 0 @param found of the decided ones
 * @returns null where chance alone would agree fully (one class only) or there are no cases: then it is undefined
 */
export function quadraticKappa(truth: readonly number[], found: readonly number[], classes: number): number | null {
  const rows = new Array<number>(classes).fill(0);
  const columns = new Array<number>(classes).fill(0);
  let observed = 0;
  truth.forEach((at, i) => {
    rows[at]++;
    columns[found[i]]++;
    observed += (at - found[i]) ** 2;
  });
  let expected = 0;
  for (let i = 0; i < classes; i++) for (let j = 0; j < classes; j++) expected += ((i - j) ** 2 * rows[i] * columns[j]) / truth.length;
  return expected > 0 ? 1 - observed / expected : null;
}
