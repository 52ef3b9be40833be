// Attention in the two layouts that devices like, with its gradient. The scale 1/√(head size) is folded into the queries' weights.

import * as tf from "@tensorflow/tfjs-core";
import { block } from "./block-kernel.js";
import { type Pass, times } from "./ops.js";

/** Rotary positions: a linear map of [..., T, head size], and the transposed one, which gradients go back through. */
export interface Turn {
  turn<T extends tf.Tensor>(x: T): T;
  back<T extends tf.Tensor>(dy: T): T;
}

export interface AttentionInput {
  /** [n·T, 3D]: queries, keys, values side by side. */
  readonly qkv: tf.Tensor2D;
  /** n, slices. */
  readonly count: number;
  readonly heads: number;
  /** How many tokens ask, from the first on: all, or CLS alone, which is not turned: rotary positions belong to patches. */
  readonly queries: number;
  /** Of queries and keys; absent where positions are not rotary. */
  readonly rotary?: Turn;
  /** Also give the first query's weights. */
  readonly row: boolean;
}

export interface AttentionOutput {
  /** [n·queries, D] */
  readonly mixed: tf.Tensor2D;
  /** First query's weights, mean over heads, [n, T]. */
  readonly row?: tf.Tensor2D;
}

/** Queries, keys and values of one head or of all, [..., T or queries, head size]. */
interface Parts {
  readonly q: tf.Tensor;
  readonly k: tf.Tensor;
  readonly v: tf.Tensor;
}

const tokensIn = ({ qkv, count }: AttentionInput) => qkv.shape[0] / count;
const turned = ({ rotary }: AttentionInput, x: tf.Tensor) => (rotary ? rotary.turn(x) : x);
const turnsQueries = (input: AttentionInput) => input.rotary !== undefined && input.queries === tokensIn(input);

/** Gradients of softmax(q·kᵀ)·v, `weights` being the softmax, with respect to q, k and v before they were turned. */
function partsGradient(pass: Pass, input: AttentionInput, { q, k, v }: Parts, weights: tf.Tensor, dy: tf.Tensor): tf.Tensor[] {
  const dWeights = times(pass.layout, dy, v, false, true);
  const dScores = tf.mul(weights, tf.sub(dWeights, tf.sum(tf.mul(weights, dWeights), -1, true)));
  const dq = times(pass.layout, dScores, k);
  const dk = times(pass.layout, dScores, q, true);
  const dv = times(pass.layout, weights, dy, true);
  const { rotary } = input;
  return [rotary && turnsQueries(input) ? rotary.back(dq) : dq, rotary ? rotary.back(dk) : dk, dv];
}

/** All heads' parts, [n, heads, T or queries, head size]. */
function allParts(input: AttentionInput): Parts {
  const { qkv, count, heads, queries } = input;
  const tokens = tokensIn(input);
  const width = qkv.shape[1] / 3;
  const all = tf.reshape(qkv, [count, tokens, 3 * width]);
  const part = (at: number, kept: number) => {
    const cut = tf.slice(all, [0, 0, at * width], [count, kept, width]);
    return tf.transpose(tf.reshape(cut, [count, kept, heads, width / heads]), [0, 2, 1, 3]);
  };
  const q = part(0, queries);
  return { q: turnsQueries(input) ? turned(input, q) : q, k: turned(input, part(1, tokens)), v: part(2, tokens) };
}

/** One batched product over slices and heads: few, large operations. */
function batched(pass: Pass, input: AttentionInput): AttentionOutput {
  const { qkv, count, heads, queries, row } = input;
  const tokens = tokensIn(input);
  const width = qkv.shape[1] / 3;
  const { q, k, v } = allParts(input);
  const weights = tf.softmax(tf.matMul(q, k, false, true));
  const mixed = tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [count * queries, width]) as tf.Tensor2D;
  pass.tape?.record(mixed, [qkv], [qkv, weights], (dy) => [batchedGradient(pass, input, weights, dy)]);
  const first = row ? tf.mean(tf.slice(weights, [0, 0, 0, 0], [count, heads, 1, tokens]), 1) : undefined;
  return { mixed, row: first && tf.reshape(first, [count, tokens]) };
}

/** [n·T, 3D] */
function batchedGradient(pass: Pass, input: AttentionInput, weights: tf.Tensor, dMixed: tf.Tensor): tf.Tensor {
  const { qkv, count, heads, queries } = input;
  const tokens = tokensIn(input);
  const width = qkv.shape[1] / 3;
  const dy = tf.transpose(tf.reshape(dMixed, [count, queries, heads, width / heads]), [0, 2, 1, 3]);
  const sides = partsGradient(pass, input, allParts(input), weights, dy).map((part) => {
    const side = tf.reshape(tf.transpose(part, [0, 2, 1, 3]), [count, part.shape[2] as number, width]);
    return padTokens(side, tokens);
  });
  return tf.reshape(tf.concat(sides, 2), qkv.shape);
}

/** Zeros after the last token but one axis, up to `tokens`. */
function padTokens(x: tf.Tensor, tokens: number): tf.Tensor {
  const missing = tokens - (x.shape[x.rank - 2] as number);
  if (missing === 0) return x;
  return tf.pad(
    x,
    x.shape.map((_, axis) => [0, axis === x.rank - 2 ? missing : 0]),
  );
}

/** Which columns of qkv a head's part takes, of which slice. */
function cutPart({ qkv, count, heads }: AttentionInput, slice: number, head: number, part: number, rows: number, transposed = false): tf.Tensor2D {
  const tokens = qkv.shape[0] / count;
  const size = qkv.shape[1] / 3 / heads;
  return block(qkv, { row: slice * tokens, rows, column: (part * heads + head) * size, columns: size, transposed });
}

function headQueries(input: AttentionInput, slice: number, head: number): tf.Tensor2D {
  const q = cutPart(input, slice, head, 0, input.queries);
  return (turnsQueries(input) ? turned(input, q) : q) as tf.Tensor2D;
}

/** One head of one slice: its mixed values [queries, head size] and its weights [queries, T]. */
function oneHead(input: AttentionInput, slice: number, head: number): { mixed: tf.Tensor2D; weights: tf.Tensor2D } {
  const tokens = tokensIn(input);
  const q = headQueries(input, slice, head);
  const kT = input.rotary ? (tf.transpose(turned(input, cutPart(input, slice, head, 1, tokens))) as tf.Tensor2D) : cutPart(input, slice, head, 1, tokens, true);
  const weights = tf.softmax(tf.matMul(q, kT)) as tf.Tensor2D;
  return { mixed: tf.matMul(weights, cutPart(input, slice, head, 2, tokens)), weights };
}

const sideBySide = (parts: tf.Tensor2D[]) => tf.concat2d(parts, 1);
const oneBelowAnother = (parts: tf.Tensor2D[]) => tf.concat2d(parts, 0);

/** A 2-D untransposed product per slice and head: the only form that tfjs-wasm hands to XNNPACK. */
function flat(pass: Pass, input: AttentionInput): AttentionOutput {
  const { qkv, count, heads, row } = input;
  const { tape } = pass;
  const kept: tf.Tensor2D[] = [];
  const ofHead = (slice: number, head: number): tf.Tensor2D[] => {
    const { mixed, weights } = oneHead(input, slice, head);
    if (tape?.dependsOnSource(qkv)) kept.push(tape.keep(weights));
    return row ? [mixed, tf.slice(weights, [0, 0], [1, weights.shape[1]])] : [mixed];
  };
  const ofSlice = (slice: number): tf.Tensor2D[] => {
    const parts = Array.from({ length: heads }, (_, head) => tf.tidy(() => ofHead(slice, head)));
    const mixed = sideBySide(parts.map(([m]) => m));
    return row ? [mixed, tf.mean(oneBelowAnother(parts.map(([, r]) => r)), 0, true)] : [mixed];
  };
  const slices = Array.from({ length: count }, (_, slice) => tf.tidy(() => ofSlice(slice)));
  const mixed = oneBelowAnother(slices.map(([m]) => m));
  tape?.record(mixed, [qkv], [qkv, ...kept], (dy) => [flatGradient(pass, input, kept, dy as tf.Tensor2D)]);
  return { mixed, row: row ? oneBelowAnother(slices.map(([, r]) => r)) : undefined };
}

/** [n·T, 3D]; `weights` by slice, then head. */
function flatGradient(pass: Pass, input: AttentionInput, weights: readonly tf.Tensor2D[], dMixed: tf.Tensor2D): tf.Tensor2D {
  const { count, heads, queries } = input;
  const tokens = tokensIn(input);
  const size = dMixed.shape[1] / heads;
  const ofHead = (slice: number, head: number): tf.Tensor2D[] => {
    const dy = block(dMixed, { row: slice * queries, rows: queries, column: head * size, columns: size });
    const [k, v] = [turned(input, cutPart(input, slice, head, 1, tokens)), cutPart(input, slice, head, 2, tokens)];
    const gradients = partsGradient(pass, input, { q: headQueries(input, slice, head), k, v }, weights[slice * heads + head], dy);
    return gradients.map((gradient) => padTokens(gradient, tokens) as tf.Tensor2D);
  };
  const ofSlice = (slice: number): tf.Tensor2D => {
    const parts = Array.from({ length: heads }, (_, head) => tf.tidy(() => ofHead(slice, head)));
    return sideBySide([0, 1, 2].flatMap((part) => parts.map((gradients) => gradients[part])));
  };
  return oneBelowAnother(Array.from({ length: count }, (_, slice) => tf.tidy(() => ofSlice(slice))));
}

/** To be called inside a tidy. */
export function attend(pass: Pass, input: AttentionInput): AttentionOutput {
  return pass.layout === "batched" ? batched(pass, input) : flat(pass, input);
}
