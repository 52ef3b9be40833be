// Grad-CAM: where the last block's input speaks for one label.

import type { BoundAdapter } from "./adapter.js";
import { attentionPool, attentionPoolGradient, meanPool, meanPoolGradient } from "./pool.js";
import type { Encoded, Slices, TrainableEngine } from "./types.js";

/** Slices whose tokens are held at once. */
const AT_ONCE = 32;

/**
 * Grad-CAM (Selvaraju et al. 2017) of one label's logit at the last block's input tokens, slice by slice: channel weights are the gradient's mean
 * over the patches, the map is the ReLU of the tokens' weighted sum. Pooling and fusion weights are in the gradient.
 * @param views the slices of each view and what the engine said of them
 * @param label index of the label
 * @returns per view [slices, patches], ≥ 0
 */
export async function gradCam(
  engine: TrainableEngine,
  bound: BoundAdapter,
  views: readonly { readonly slices: Slices; readonly encoded: Encoded }[],
  label: number,
  signal?: AbortSignal,
): Promise<Float32Array[]> {
  const gradients = embeddingGradients(
    views.map(({ encoded }) => encoded.cls),
    bound,
    label,
  );
  const maps: Float32Array[] = [];
  for (const [v, { slices }] of views.entries()) {
    const width = engine.backbone.spec.width;
    const parts: Float32Array[] = [];
    for (let start = 0; start < slices.count; start += AT_ONCE) {
      const count = Math.min(AT_ONCE, slices.count - start);
      const some: Slices = { ...slices, count, read: (from, to) => slices.read(start + from, start + to) };
      const { tokens, gradient } = await engine.tokenGradient(some, bound.views[v].lora, gradients[v].subarray(start * width, (start + count) * width), signal);
      parts.push(weightedSums(tokens, gradient, count, width));
    }
    maps.push(joined(parts));
  }
  return maps;
}

/** d logit / d CLS of every view's slices, [slices, D] each. */
function embeddingGradients(cls: readonly Float32Array[], bound: BoundAdapter, label: number): Float32Array[] {
  const width = bound.head.weight.shape[1];
  const pooled = cls.map((rows, v) => {
    const { query } = bound.views[v];
    return query ? attentionPool(rows, query) : meanPool(rows, width);
  });
  const dFused = bound.head.weight.data.slice(label * width, (label + 1) * width);
  const stacked = joined(pooled.map(({ embedding }) => embedding));
  const { fusion } = bound;
  const dStacked = fusion ? attentionPoolGradient(stacked, fusion, attentionPool(stacked, fusion).weights, dFused).rows : dFused;
  return cls.map((rows, v) => {
    const { query } = bound.views[v];
    const dPooled = dStacked.subarray(v * width, (v + 1) * width);
    return query ? attentionPoolGradient(rows, query, pooled[v].weights, dPooled).rows : meanPoolGradient(rows.length / width, dPooled);
  });
}

/** ReLU of Σ_k mean_p(gradient)_k · token_pk, slice by slice. */
function weightedSums(tokens: Float32Array, gradient: Float32Array, slices: number, width: number): Float32Array {
  const patches = tokens.length / slices / width;
  const out = new Float32Array(slices * patches);
  for (let s = 0; s < slices; s++) {
    const weights = new Float64Array(width);
    const from = s * patches * width;
    for (let i = 0; i < patches * width; i++) weights[i % width] += gradient[from + i] / patches;
    for (let p = 0; p < patches; p++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += weights[k] * tokens[from + p * width + k];
      out[s * patches + p] = Math.max(0, sum);
    }
  }
  return out;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
