// From slice embeddings to one of the study, and from logits to probabilities: attention and mean pooling, activations.

/** Numerically safe softmax. Masked entries (0) get weight 0; all masked gives all zeros. */
export function softmax(values: ArrayLike<number>, mask?: ArrayLike<number>): Float32Array {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) if (!mask || mask[i]) top = Math.max(top, values[i]);
  const exps = Float64Array.from({ length: values.length }, (_, i) => (!mask || mask[i] ? Math.exp(values[i] - top) : 0));
  const sum = exps.reduce((s, e) => s + e, 0);
  return Float32Array.from(exps, (e) => (sum ? e / sum : 0));
}

/**
 * Attention pooling with a learned query: a = softmax(H·q/√d), v = aᵀ·H.
 * @param rows H, [n, d] embeddings of slices or of views
 * @param query [d]
 * @param mask [n], 1 real, 0 padding
 * @returns weights [n], summing to 1, and embedding [d]
 */
export function attentionPool(rows: Float32Array, query: Float32Array, mask?: ArrayLike<number>): { weights: Float32Array; embedding: Float32Array } {
  const d = query.length;
  const n = rows.length / d;
  const scores = Float64Array.from({ length: n }, (_, i) => dot(rows, i * d, query) / Math.sqrt(d));
  const weights = softmax(scores, mask);
  return { weights, embedding: weightedSum(rows, weights, d) };
}

/**
 * Gradient of {@link attentionPool}: with s = H·q/√d and a = softmax(s), ds = a ⊙ (H·dv − a·(H·dv)), dH = a⊗dv + ds⊗q/√d, dq = Hᵀ·ds/√d.
 * @param weights a, as attentionPool gave them; masked rows have weight 0 and get no gradient
 * @param dEmbedding dv, [d]
 */
export function attentionPoolGradient(
  rows: Float32Array,
  query: Float32Array,
  weights: Float32Array,
  dEmbedding: Float32Array,
): { rows: Float32Array; query: Float32Array } {
  const d = query.length;
  const along = Float64Array.from(weights, (_, i) => dot(rows, i * d, dEmbedding));
  const mean = along.reduce((sum, value, i) => sum + weights[i] * value, 0);
  const dRows = new Float32Array(rows.length);
  const dQuery = new Float64Array(d);
  weights.forEach((weight, i) => {
    const dScore = (weight * (along[i] - mean)) / Math.sqrt(d);
    for (let k = 0; k < d; k++) {
      dRows[i * d + k] = weight * dEmbedding[k] + dScore * query[k];
      dQuery[k] += dScore * rows[i * d + k];
    }
  });
  return { rows: dRows, query: Float32Array.from(dQuery) };
}

/** Gradient of {@link meanPool} for n rows: every row gets dv/n. */
export function meanPoolGradient(n: number, dEmbedding: Float32Array): Float32Array {
  const dRows = new Float32Array(n * dEmbedding.length);
  for (let i = 0; i < n; i++) for (let k = 0; k < dEmbedding.length; k++) dRows[i * dEmbedding.length + k] = dEmbedding[k] / n;
  return dRows;
}

/** Mean pooling over the real rows: the ablation without a query. */
export function meanPool(rows: Float32Array, d: number): { weights: Float32Array; embedding: Float32Array } {
  const n = rows.length / d;
  const weights = new Float32Array(n).fill(1 / n);
  return { weights, embedding: weightedSum(rows, weights, d) };
}

function dot(rows: Float32Array, from: number, query: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < query.length; k++) sum += rows[from + k] * query[k];
  return sum;
}

function weightedSum(rows: Float32Array, weights: Float32Array, d: number): Float32Array {
  const sum = new Float64Array(d);
  for (let i = 0; i < weights.length; i++) for (let k = 0; k < d; k++) sum[k] += weights[i] * rows[i * d + k];
  return Float32Array.from(sum);
}

/** 1/(1+e⁻ˣ), without overflow. */
export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}
