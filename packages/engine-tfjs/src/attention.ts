// Attention in the two layouts that devices like. The scale 1/√(head size) is folded into the queries' weights.

import * as tf from "@tensorflow/tfjs-core";
import { block } from "./block-kernel.js";
import type { Layout } from "./limits.js";

export interface AttentionInput {
  /** [n·T, 3D]: queries, keys, values side by side. */
  readonly qkv: tf.Tensor2D;
  /** n, slices. */
  readonly count: number;
  readonly heads: number;
  /** How many tokens ask, from the first on: all, or CLS alone. */
  readonly queries: number;
  /** Turns queries and keys [..., T, head size] to their rotary positions. */
  turn<T extends tf.Tensor>(x: T): T;
  /** Also give the first query's weights. */
  readonly row: boolean;
}

export interface AttentionOutput {
  /** [n·queries, D] */
  readonly mixed: tf.Tensor2D;
  /** First query's weights, mean over heads, [n, T]. */
  readonly row?: tf.Tensor2D;
}

/** One batched product over slices and heads: few, large operations. */
function batched({ qkv, count, heads, queries, turn, row }: AttentionInput): AttentionOutput {
  const tokens = qkv.shape[0] / count;
  const width = qkv.shape[1] / 3;
  const all = tf.reshape(qkv, [count, tokens, 3 * width]);
  const split = (part: number, kept: number) => {
    const cut = tf.slice(all, [0, 0, part * width], [count, kept, width]);
    return tf.transpose(tf.reshape(cut, [count, kept, heads, width / heads]), [0, 2, 1, 3]) as tf.Tensor4D;
  };
  // CLS, when it asks alone, is not turned: rotary positions belong to patches.
  const q = queries === tokens ? turn(split(0, tokens)) : split(0, queries);
  const weights = tf.softmax(tf.matMul(q, turn(split(1, tokens)), false, true));
  const mixed = tf.transpose(tf.matMul(weights, split(2, tokens)), [0, 2, 1, 3]);
  const first = row ? tf.mean(tf.slice(weights, [0, 0, 0, 0], [count, heads, 1, tokens]), 1) : undefined;
  return { mixed: tf.reshape(mixed, [count * queries, width]), row: first && tf.reshape(first, [count, tokens]) };
}

/** One head of one slice: [its mixed values [queries, head size], its first query's weights [1, T] if asked for]. */
function oneHead({ qkv, count, heads, queries, turn, row }: AttentionInput, slice: number, head: number): tf.Tensor2D[] {
  const tokens = qkv.shape[0] / count;
  const size = qkv.shape[1] / 3 / heads;
  const cut = (part: number, rows: number, transposed = false) =>
    block(qkv, { row: slice * tokens, rows, column: (part * heads + head) * size, columns: size, transposed });
  const rotary = turn !== unturned;
  const q = rotary && queries === tokens ? turn(cut(0, tokens)) : cut(0, queries);
  const kT = rotary ? (tf.transpose(turn(cut(1, tokens))) as tf.Tensor2D) : cut(1, tokens, true);
  const weights = tf.softmax(tf.matMul(q, kT)) as tf.Tensor2D;
  const mixed: tf.Tensor2D = tf.matMul(weights, cut(2, tokens));
  return row ? [mixed, tf.slice(weights, [0, 0], [1, tokens])] : [mixed];
}

/** A 2-D untransposed product per slice and head: the only form that tfjs-wasm hands to XNNPACK. */
function flat(input: AttentionInput): AttentionOutput {
  const { count, heads, row } = input;
  const oneSlice = (slice: number): tf.Tensor2D[] => {
    const parts = Array.from({ length: heads }, (_, head) => tf.tidy(() => oneHead(input, slice, head)));
    const mixed = tf.concat2d(
      parts.map(([m]) => m),
      1,
    );
    return row
      ? [
          mixed,
          tf.mean(
            tf.concat2d(
              parts.map(([, r]) => r),
              0,
            ),
            0,
            true,
          ),
        ]
      : [mixed];
  };
  const slices = Array.from({ length: count }, (_, slice) => tf.tidy(() => oneSlice(slice)));
  return {
    mixed: tf.concat2d(
      slices.map(([m]) => m),
      0,
    ),
    row: row
      ? tf.concat2d(
          slices.map(([, r]) => r),
          0,
        )
      : undefined,
  };
}

/** `turn` of a backbone without rotary positions. */
export const unturned = <T extends tf.Tensor>(x: T): T => x;

/** To be called inside a tidy. */
export function attend(layout: Layout, input: AttentionInput): AttentionOutput {
  return layout === "batched" ? batched(input) : flat(input);
}
