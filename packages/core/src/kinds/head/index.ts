// The table of head forms: which tensors make logits of a study's embedding. Every form is x·Wᵀ + b; they differ in how many rows W has.

import type { Tensor } from "../../types.js";
import { cumulative } from "./cumulative.js";
import { linear } from "./linear.js";

/** A form of head. */
export interface HeadKind {
  /** `modules.head` of a manifest. */
  readonly id: string;
  /** What it is, in one line for people. */
  readonly text: string;
  /** @param outputs logits @param width of the embedding that goes in */
  shapes(outputs: number, width: number): { readonly weight: readonly number[]; readonly bias: readonly number[] };
  /** What is wrong with its values. */
  faults(bias: ArrayLike<number>): string[];
}

/** Every form of head. */
export const HEADS = [linear, cumulative] as const satisfies readonly HeadKind[];
/** `modules.head`. */
export type HeadForm = (typeof HEADS)[number]["id"];
/** Names of the forms, for the manifest's schema. */
export const HEAD_FORMS = HEADS.map(({ id }) => id) as [HeadForm, ...HeadForm[]];

export const headKind = (form: HeadForm): HeadKind => HEADS.find(({ id }) => id === form) as HeadKind;

/**
 * W·x + b.
 * @param x [width]
 * @param weight [outputs, width], or [1, width] where all outputs share a row
 * @param bias [outputs]
 */
export function headForward(x: Float32Array, weight: Tensor, bias: Tensor): Float32Array {
  return Float32Array.from(bias.data, (b, output) => {
    const row = rowOf(output, weight) * x.length;
    let sum = 0;
    for (let k = 0; k < x.length; k++) sum += weight.data[row + k] * x[k];
    return b + sum;
  });
}

/** Gradients of {@link headForward}; the bias's is `dLogits` itself. @returns x [width], weight in its own shape */
export function headGradient(x: Float32Array, weight: Tensor, dLogits: Float32Array): { x: Float32Array; weight: Float32Array } {
  const dWeight = new Float32Array(weight.data.length);
  const dX = new Float32Array(x.length);
  dLogits.forEach((d, output) => {
    const row = rowOf(output, weight) * x.length;
    for (let k = 0; k < x.length; k++) {
      dWeight[row + k] += d * x[k];
      dX[k] += d * weight.data[row + k];
    }
  });
  return { x: dX, weight: dWeight };
}

const rowOf = (output: number, { shape }: Tensor): number => (shape[0] === 1 ? 0 : output);
