// From the slices' CLS embeddings to logits and back: pooling, fusion, head, with gradients for all of them.

import { attentionPool, attentionPoolGradient, linearHead, meanPool, meanPoolGradient, type Tensor, type Tensors } from "@anymc3d/core";

export interface StudyForward {
  readonly logits: Float32Array;
  /** Pooling weights of each view's slices. */
  readonly weights: readonly Float32Array[];
  /** Adds the gradients of queries and head into `gradients`, and returns that of each view's embeddings. */
  backward(dLogits: Float32Array, gradients: ReadonlyMap<string, Float32Array>): Float32Array[];
}

/**
 * One study.
 * @param views CLS embeddings of each view's slices, [slices, D]
 * @param tensors the adapter's, by name; views without a query are pooled by their mean
 */
export function forwardStudy(views: readonly Float32Array[], tensors: Tensors): StudyForward {
  const [head, bias] = [tensors.get("head.weight") as Tensor, tensors.get("head.bias") as Tensor];
  const width = head.shape[1];
  const queries = views.map((_, v) => tensors.get(`views.${v}.pool.query`)?.data);
  const pooled = views.map((cls, v) => {
    const query = queries[v];
    return query ? attentionPool(cls, query) : meanPool(cls, width);
  });
  const stacked = new Float32Array(views.length * width);
  pooled.forEach(({ embedding }, v) => stacked.set(embedding, v * width));
  const fusion = tensors.get("fusion.query")?.data;
  const fused = fusion ? attentionPool(stacked, fusion) : { weights: Float32Array.of(1), embedding: stacked };
  return {
    logits: linearHead(fused.embedding, head, bias),
    weights: pooled.map(({ weights }) => weights),
    backward(dLogits, gradients) {
      const dFused = headGradient(fused.embedding, head, dLogits, gradients);
      const dStacked = fusion ? attentionPoolGradient(stacked, fusion, fused.weights, dFused) : { rows: dFused, query: undefined };
      if (dStacked.query) add(gradients, "fusion.query", dStacked.query);
      return views.map((cls, v) => {
        const dPooled = dStacked.rows.subarray(v * width, (v + 1) * width);
        const query = queries[v];
        if (!query) return meanPoolGradient(cls.length / width, dPooled);
        const { rows, query: dQuery } = attentionPoolGradient(cls, query, pooled[v].weights, dPooled);
        add(gradients, `views.${v}.pool.query`, dQuery);
        return rows;
      });
    },
  };
}

function headGradient(x: Float32Array, { data }: Tensor, dLogits: Float32Array, gradients: ReadonlyMap<string, Float32Array>): Float32Array {
  const dHead = gradients.get("head.weight") as Float32Array;
  const dX = new Float32Array(x.length);
  dLogits.forEach((d, row) => {
    for (let k = 0; k < x.length; k++) {
      dHead[row * x.length + k] += d * x[k];
      dX[k] += d * data[row * x.length + k];
    }
  });
  add(gradients, "head.bias", dLogits);
  return dX;
}

/** Adds values to a gradient. */
export function add(gradients: ReadonlyMap<string, Float32Array>, name: string, values: Float32Array): void {
  const sum = gradients.get(name);
  if (sum) for (let i = 0; i < sum.length; i++) sum[i] += values[i];
}
