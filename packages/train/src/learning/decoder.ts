// The mask decoder of pixel-level supervision: a small network on every patch token alone, 4×4 mask logits a patch. Used in training only.

import type { Tensor, Tensors } from "@anymc3d/core";
import { seededRandom } from "@anymc3d/core/learn";
import { add } from "./gradients.js";

/** Mask cells along a patch's side. */
const CELLS = 4;

/** `decoder.0` [hidden, D], ReLU, `decoder.1` [16, hidden]; uniform in ±1/√inputs. */
export function decoderTensors(width: number, hidden: number, seed: number): Map<string, Tensor> {
  const random = seededRandom(seed);
  const draw = (shape: readonly number[], inputs: number): Tensor => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => (2 * random() - 1) / Math.sqrt(inputs));
    return { shape, data };
  };
  return new Map([
    ["decoder.0.weight", draw([hidden, width], width)],
    ["decoder.0.bias", draw([hidden], width)],
    ["decoder.1.weight", draw([CELLS ** 2, hidden], hidden)],
    ["decoder.1.bias", draw([CELLS ** 2], hidden)],
  ]);
}

export interface DecoderForward {
  /** [tokens, 4·4], cells row by row. */
  readonly logits: Float32Array;
  /** Adds the decoder's gradients into `gradients` and returns that of the tokens. */
  backward(dLogits: Float32Array, gradients: ReadonlyMap<string, Float32Array>): Float32Array;
}

/** @param tokens [tokens, D] */
export function decode(tokens: Float32Array, tensors: Tensors): DecoderForward {
  const tensor = (name: string) => tensors.get(`decoder.${name}`) as Tensor;
  const [w0, w1] = [tensor("0.weight"), tensor("1.weight")];
  const hidden = linear(tokens, w0, tensor("0.bias").data).map((value) => Math.max(0, value));
  return {
    logits: linear(hidden, w1, tensor("1.bias").data),
    backward(dLogits, gradients) {
      const dHidden = linearGradient(hidden, w1, dLogits, "decoder.1", gradients).map((value, i) => (hidden[i] > 0 ? value : 0));
      return linearGradient(tokens, w0, dHidden, "decoder.0", gradients);
    },
  };
}

/** x [n, in] → [n, out] */
function linear(x: Float32Array, { shape: [out, into], data }: Tensor, bias: Float32Array): Float32Array {
  const n = x.length / into;
  const y = new Float32Array(n * out);
  for (let i = 0; i < n; i++) {
    const row = x.subarray(i * into, (i + 1) * into);
    for (let o = 0; o < out; o++) {
      const weights = data.subarray(o * into, (o + 1) * into);
      let sum = bias[o];
      for (let k = 0; k < into; k++) sum += row[k] * weights[k];
      y[i * out + o] = sum;
    }
  }
  return y;
}

function linearGradient(x: Float32Array, weight: Tensor, dy: Float32Array, name: string, gradients: ReadonlyMap<string, Float32Array>): Float32Array {
  const [out, into] = weight.shape;
  const n = x.length / into;
  const dX = new Float32Array(x.length);
  const dWeight = gradients.get(`${name}.weight`) as Float32Array;
  const dBias = new Float32Array(out);
  for (let i = 0; i < n; i++) {
    const row = x.subarray(i * into, (i + 1) * into);
    const dRow = dX.subarray(i * into, (i + 1) * into);
    for (let o = 0; o < out; o++) {
      const d = dy[i * out + o];
      if (d === 0) continue;
      dBias[o] += d;
      const weights = weight.data.subarray(o * into, (o + 1) * into);
      const dWeights = dWeight.subarray(o * into, (o + 1) * into);
      for (let k = 0; k < into; k++) {
        dRow[k] += d * weights[k];
        dWeights[k] += d * row[k];
      }
    }
  }
  add(gradients, `${name}.bias`, dBias);
  return dX;
}

/**
 * A mask on the slice's pixels, averaged over the decoder's cells in its order.
 * @param mask [slices, height, width], 0 … 1
 * @returns [slices·patches, 4·4]
 */
export function maskCells(mask: Float32Array, height: number, width: number, patch: number): Float32Array {
  const [rows, columns] = [height / patch, width / patch];
  const out = new Float32Array((mask.length / (height * width)) * rows * columns * CELLS ** 2);
  const share = new Float32Array(out.length);
  for (let i = 0; i < mask.length; i++) {
    const [s, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    const cell = Math.floor(((y % patch) * CELLS) / patch) * CELLS + Math.floor(((x % patch) * CELLS) / patch);
    const at = ((s * rows + Math.floor(y / patch)) * columns + Math.floor(x / patch)) * CELLS ** 2 + cell;
    out[at] += mask[i];
    share[at]++;
  }
  for (let i = 0; i < out.length; i++) out[i] /= share[i] || 1;
  return out;
}
