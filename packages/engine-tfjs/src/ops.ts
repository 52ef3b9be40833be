// The transformer's operations on [rows, columns] matrices, each with its gradient if the pass is recorded. Frozen weights have none.

import type { BackboneSpec } from "@anymc3d/core";
import * as tf from "@tensorflow/tfjs-core";
import type { Layout } from "./limits.js";
import type { Tape } from "./tape.js";
import type { DeviceLinear, DeviceNorm } from "./weights.js";

export interface Pass {
  readonly layout: Layout;
  /** Present where a gradient is wanted. */
  readonly tape?: Tape;
}

/** a·b, or with their last two axes swapped. `flat`: swapped beforehand, because tfjs-wasm hands untransposed products alone to XNNPACK. */
export function times<T extends tf.Tensor>(layout: Layout, a: T, b: T, swapA = false, swapB = false): T {
  if (layout === "batched") return tf.matMul(a, b, swapA, swapB);
  return tf.matMul(swapA ? tf.transpose(a) : a, swapB ? tf.transpose(b) : b);
}

/** a + b, equal shapes. */
export function plus(pass: Pass, a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  const y = tf.add(a, b) as tf.Tensor2D;
  pass.tape?.record(y, [a, b], [], (dy) => [dy.clone(), dy.clone()]);
  return y;
}

/** x·W + bias of a frozen map. */
export function frozen(pass: Pass, x: tf.Tensor2D, { weight, bias }: DeviceLinear): tf.Tensor2D {
  const y = tf.fused.matMul({ a: x, b: weight, bias }) as tf.Tensor2D;
  pass.tape?.record(y, [x], [], (dy) => [times(pass.layout, dy, weight, false, true)]);
  return y;
}

/** (x·a)·b. */
export function lowRank(pass: Pass, x: tf.Tensor2D, a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  const { layout, tape } = pass;
  return tf.tidy(() => {
    const inner: tf.Tensor2D = tf.matMul(x, a);
    const y: tf.Tensor2D = tf.matMul(inner, b);
    tape?.record(y, [a, b, x], [inner, x], (dy) => {
      const dInner = times(layout, dy as tf.Tensor2D, b, false, true);
      // (dInnerᵀ·x)ᵀ rather than xᵀ·dInner: the wide matrix stays as it is.
      const da = tf.transpose(times(layout, dInner, x, true));
      const db = times(layout, inner, dy as tf.Tensor2D, true);
      return tape.dependsOnSource(x) ? [da, db, times(layout, dInner, a, false, true)] : [da, db];
    });
    return y;
  });
}

/** LayerNorm, y = (x - mean)/√(variance + ε)·weight + bias for each row. */
export function norm({ tape }: Pass, x: tf.Tensor2D, { weight, bias }: DeviceNorm, epsilon: number): tf.Tensor2D {
  return tf.tidy(() => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
    const normed = tf.mul(centred, inverse);
    const y = tf.add(tf.mul(normed, weight), bias) as tf.Tensor2D;
    tape?.record(y, [x], [normed, inverse], (dy) => {
      const g = tf.mul(dy, weight);
      const along = tf.mean(tf.mul(g, normed), -1, true);
      return [tf.mul(inverse, tf.sub(tf.sub(g, tf.mean(g, -1, true)), tf.mul(normed, along)))];
    });
    return y;
  });
}

/** Columns `from` … `to`-1 of a matrix. */
const columns = (x: tf.Tensor2D, from: number, to: number) => tf.slice(x, [0, from], [x.shape[0], to - from]);

/** The MLP's middle: activation(x), or activation(gate) ⊙ up for x = gate and up side by side. */
export function activated({ tape }: Pass, x: tf.Tensor2D, { kind, activation, hidden }: BackboneSpec["mlp"]): tf.Tensor2D {
  const gated = kind === "gated";
  const { bend, slope } = ACTIVATIONS[activation];
  return tf.tidy(() => {
    const gate = gated ? columns(x, 0, hidden) : x;
    const up = gated ? columns(x, hidden, 2 * hidden) : undefined;
    const factor = bend(gate);
    const active = tf.mul(gate, factor);
    const y = (up ? tf.mul(active, up) : active) as tf.Tensor2D;
    tape?.record(y, [x], up ? [gate, up, factor] : [gate, factor], (dy) => {
      const dActive = up ? tf.mul(dy, up) : dy;
      const dGate = tf.mul(dActive, slope(gate, factor));
      return [up ? tf.concat([dGate, tf.mul(dy, tf.mul(gate, factor))], 1) : dGate];
    });
    return y;
  });
}

/** Activations as x ⊙ bend(x), and their slopes out of x and the bend. SiLU, or twice the exact GELU: fc2 carries the ½. */
const ACTIVATIONS = {
  silu: {
    bend: (x: tf.Tensor) => tf.sigmoid(x),
    slope: (x: tf.Tensor, s: tf.Tensor) => tf.mul(s, tf.add(tf.mul(x, tf.sub(1, s)), 1)),
  },
  gelu: {
    bend: (x: tf.Tensor) => tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1),
    slope: (x: tf.Tensor, bend: tf.Tensor) => tf.add(bend, tf.mul(tf.mul(x, Math.sqrt(2 / Math.PI)), tf.exp(tf.mul(tf.square(x), -0.5)))),
  },
} as const;

/** Of each of `count` slices, whose tokens lie one after the other in x, tokens `from` … `from + tokens`-1. */
export function cut({ tape }: Pass, x: tf.Tensor2D, count: number, from: number, tokens: number): tf.Tensor2D {
  const [rows, width] = x.shape;
  const all = rows / count;
  const y = tf.tidy(() =>
    tf.reshape(tf.slice(tf.reshape(x, [count, all, width]), [0, from, 0], [count, tokens, width]), [count * tokens, width]),
  ) as tf.Tensor2D;
  tape?.record(y, [x], [], (dy) => {
    const padded = tf.pad(tf.reshape(dy, [count, tokens, width]), [
      [0, 0],
      [from, all - from - tokens],
      [0, 0],
    ]);
    return [tf.reshape(padded, [rows, width])];
  });
  return y;
}

/** The blocks' input: for each of `count` slices the prefix [1+R, D], then its patches [P, D] with their positions [P, D] added. */
export function tokensOf(pass: Pass, patches: tf.Tensor2D, count: number, prefix: tf.Tensor2D, position?: tf.Tensor2D): tf.Tensor2D {
  const [first, width] = prefix.shape;
  const each = patches.shape[0] / count;
  return tf.tidy(() => {
    const grid = tf.reshape(patches, [count, each, width]) as tf.Tensor3D;
    const placed = (position ? tf.add(grid, position) : grid) as tf.Tensor3D;
    const prefixes = tf.tile(tf.reshape(prefix, [1, first, width]), [count, 1, 1]) as tf.Tensor3D;
    const y = tf.reshape(tf.concat3d([prefixes, placed], 1), [count * (first + each), width]) as tf.Tensor2D;
    pass.tape?.record(y, [patches], [], (dy) => [cut({ layout: pass.layout }, dy as tf.Tensor2D, count, first, each)]);
    return y;
  });
}
