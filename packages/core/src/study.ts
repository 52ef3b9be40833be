// From the slices' CLS embeddings to logits, and the way back: pooling of each view, fusion, head.

import type { BoundAdapter } from "./adapter.js";
import { fusionOf } from "./kinds/fusion/index.js";
import { headForward, headGradient } from "./kinds/head/index.js";
import { poolingOf } from "./kinds/pooling/index.js";

/** The tensors behind the backbone. */
export type StudyModules = Pick<BoundAdapter, "fusion" | "head"> & { readonly views: readonly Pick<BoundAdapter["views"][number], "query">[] };

/** Gradients with respect to what was learned and to the CLS embeddings, from those of the logits. */
export interface StudyGradient {
  /** Of each view's embeddings, [slices, D]. */
  readonly cls: readonly Float32Array[];
  /** Of each view's query, [D]; undefined where the view is pooled by its mean. */
  readonly queries: readonly (Float32Array | undefined)[];
  readonly fusion: Float32Array | undefined;
  /** In the shapes of the head: weight [outputs, D] or [1, D] (concatenated views: views·D), bias [outputs]. */
  readonly head: { readonly weight: Float32Array; readonly bias: Float32Array };
}

/** Logits of a study from its slices' CLS embeddings, and the way back. */
export interface StudyForward {
  /** [outputs of the head] */
  readonly logits: Float32Array;
  /** Pooling weights of each view's slices. */
  readonly weights: readonly Float32Array[];
  /** Fusion weights of the views; equal ones where they are concatenated. */
  readonly fusion: Float32Array;
  /** @param dLogits [outputs of the head] */
  backward(dLogits: Float32Array): StudyGradient;
}

/**
 * One study.
 * @param cls CLS embeddings of each view's slices, [slices, D]
 * @param modules a view without a query is pooled by its mean; views without a fusion query are concatenated in their order
 */
export function forwardStudy(cls: readonly Float32Array[], { views, fusion, head }: StudyModules): StudyForward {
  const width = fusion ? fusion.length : head.weight.shape[1] / cls.length;
  const pooled = cls.map((rows, v) => poolingOf(views[v].query).forward(rows, width, views[v].query));
  const stacked = new Float32Array(pooled.length * width);
  pooled.forEach(({ embedding }, v) => void stacked.set(embedding, v * width));
  const fused = fusionOf(fusion, cls.length).forward(stacked, cls.length, fusion);
  const backward = (dLogits: Float32Array): StudyGradient => {
    const dHead = headGradient(fused.embedding, head.weight, dLogits);
    const dFusion = fused.backward(dHead.x);
    const dViews = pooled.map((view, v) => view.backward(dFusion.rows.subarray(v * width, (v + 1) * width)));
    return {
      cls: dViews.map(({ rows }) => rows),
      queries: dViews.map(({ query }) => query),
      fusion: dFusion.query,
      head: { weight: dHead.weight, bias: dLogits },
    };
  };
  return { logits: headForward(fused.embedding, head.weight, head.bias), weights: pooled.map(({ weights }) => weights), fusion: fused.weights, backward };
}
