// Grad-CAM: where the last block's input speaks for one label.

import type { LoraTensors, Slices, TrainableEngine } from "./types.js";

/** Slices whose tokens are held at once. */
const AT_ONCE = 32;

/**
 * Grad-CAM (Selvaraju et al. 2017) of one label's logit at the last block's input tokens, slice by slice: channel weights are the gradient's mean
 * over the patches, the map is the ReLU of the tokens' weighted sum. Pooling and fusion weights are in the gradient.
 * @param views slices and LoRA of each view, and the gradient of the label's logit with respect to its CLS embeddings, [slices, D]
 * @returns per view [slices, patches], ≥ 0
 */
export async function gradCam(
  engine: TrainableEngine,
  views: readonly { readonly slices: Slices; readonly lora: LoraTensors | undefined; readonly dCls: Float32Array }[],
  signal?: AbortSignal,
): Promise<Float32Array[]> {
  const { width } = engine.backbone.spec;
  const maps: Float32Array[] = [];
  for (const { slices, lora, dCls } of views) {
    const parts: Float32Array[] = [];
    for (let start = 0; start < slices.count; start += AT_ONCE) {
      const count = Math.min(AT_ONCE, slices.count - start);
      const some: Slices = { ...slices, count, read: (from, to) => slices.read(start + from, start + to) };
      const { tokens, gradient } = await engine.tokenGradient(some, lora, dCls.subarray(start * width, (start + count) * width), signal);
      parts.push(weightedSums(tokens, gradient, count, width));
    }
    maps.push(joined(parts));
  }
  return maps;
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
