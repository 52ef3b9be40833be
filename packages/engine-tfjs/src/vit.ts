// The vision transformer in TensorFlow.js operations, LoRA unmerged, forwards and backwards. Synchronous: nothing can switch the backend meanwhile.

import type { BackboneSpec } from "@anymc3d/core";
import * as tf from "@tensorflow/tfjs-core";
import { type AttentionOutput, attend, type Turn } from "./attention.js";
import type { Layout } from "./limits.js";
import { activated, cut, frozen, lowRank, norm, type Pass, plus, tokensOf } from "./ops.js";
import { Tape } from "./tape.js";
import type { DeviceBackbone, DeviceBlock, DeviceLinear, DeviceLora } from "./weights.js";

/** What depends on a slice's patch grid alone; values in memory, uploaded with each chunk. */
export interface GridTables {
  /** [P, D], learned positions only. */
  readonly position?: Float32Array;
  /** [1+R+P, head size] each, rotary positions only. */
  readonly rope?: { readonly cos: Float32Array; readonly sin: Float32Array };
}

export interface ForwardInput {
  readonly spec: BackboneSpec;
  readonly weights: DeviceBackbone;
  readonly lora?: DeviceLora;
  readonly layout: Layout;
  readonly count: number;
  /** [count, P, 3·p·p] */
  readonly patches: Float32Array;
  /** [1+R, D] */
  readonly prefix: Float32Array;
  readonly tables: GridTables;
  readonly want: { readonly attention?: boolean; readonly patches?: boolean };
}

export interface ForwardOutput {
  /** [n, D] */
  readonly cls: tf.Tensor2D;
  /** [n, P] */
  readonly attention?: tf.Tensor2D;
  /** [n, P, D] */
  readonly patches?: tf.Tensor3D;
}

/** Runs one chunk on the current backend. Leaves no tensors behind but those it returns. */
export function forward(input: ForwardInput): ForwardOutput {
  const { spec, count, want } = input;
  return tf.tidy(() => {
    const vit = new Transformer(input);
    const { tokens, row } = vit.finish(vit.beforeLast());
    const part = (x: tf.Tensor2D, from: number, size: number) => cut(vit.pass, x, count, from, size);
    const attention = row && tf.slice(row, [0, vit.prefix], [count, vit.patches]);
    const patches = want.patches ? tf.reshape(part(tokens, vit.prefix, vit.patches), [count, vit.patches, spec.width]) : undefined;
    return { cls: part(tokens, 0, 1), ...(attention && { attention }), ...(patches && { patches }) } as ForwardOutput & tf.TensorContainerObject;
  });
}

/**
 * Gradients of Σ dCls·cls + Σ dPatches·patches with respect to the LoRA's tensors, by map.
 * @param dCls [n, D]
 * @param dPatches [n, P, D]
 */
export function loraGradient(
  input: Omit<ForwardInput, "want"> & { readonly lora: DeviceLora },
  dCls: Float32Array,
  dPatches?: Float32Array,
): Map<string, { a: tf.Tensor2D; b: tf.Tensor2D }> {
  const maps = [...input.lora];
  const byMap = tf.tidy(() => {
    const tape = new Tape(maps.flatMap(([, { a, b }]) => [a, b]));
    try {
      const vit = new Transformer({ ...input, want: { patches: dPatches !== undefined } }, tape);
      const { tokens } = vit.finish(vit.beforeLast());
      const found = tape.back(tokens, tf.tensor2d(dPatches ? vit.interleave(dCls, dPatches) : dCls, tokens.shape)) as tf.Tensor2D[];
      return Object.fromEntries(maps.map(([map], i) => [map, { a: found[2 * i], b: found[2 * i + 1] }]));
    } finally {
      tape.dispose();
    }
  });
  return new Map(Object.entries(byMap));
}

/** The patches' tokens before the last block, and the gradient of Σ dCls·cls with respect to them. [n·P, D] each. dCls [n, D] */
export function lastInputGradient(input: Omit<ForwardInput, "want">, dCls: Float32Array): { tokens: tf.Tensor2D; gradient: tf.Tensor2D } {
  return tf.tidy(() => {
    const vit = new Transformer({ ...input, want: {} });
    const x = vit.beforeLast();
    const tape = new Tape([x]);
    try {
      const { tokens } = new Transformer({ ...input, want: {} }, tape).finish(x);
      const [dx] = tape.back(tokens, tf.tensor2d(dCls, tokens.shape)) as tf.Tensor2D[];
      const ofPatches = (all: tf.Tensor2D) => cut(vit.pass, all, input.count, vit.prefix, vit.patches);
      return { tokens: ofPatches(x), gradient: ofPatches(dx) };
    } finally {
      tape.dispose();
    }
  });
}

/** Tokens are kept as one matrix, [n·(1+R+P), D], slice after slice. */
class Transformer {
  readonly pass: Pass;
  /** 1+R */
  readonly prefix: number;
  /** P */
  readonly patches: number;
  readonly #in: ForwardInput;
  readonly #tokens: number;
  readonly #rotary: Turn | undefined;

  constructor(input: ForwardInput, tape?: Tape) {
    const { spec, count, patches, tables, layout } = input;
    this.#in = input;
    this.pass = { layout, tape };
    this.prefix = 1 + spec.registers;
    this.patches = patches.length / (count * 3 * spec.patch ** 2);
    this.#tokens = this.prefix + this.patches;
    this.#rotary = tables.rope && rotary(tables.rope, this.#tokens);
  }

  /** The last block's input. */
  beforeLast(): tf.Tensor2D {
    const { spec } = this.#in;
    let x = tf.tidy(() => this.#embed());
    for (let i = 0; i < spec.depth - 1; i++) {
      const next = tf.tidy(() => this.#block(x, i, this.#tokens).y);
      x.dispose();
      x = next;
    }
    return x;
  }

  /** The last block and the final norm; of the CLS token alone, [n, D], where nobody asked for patches. Also its attention row if asked for. */
  finish(x: tf.Tensor2D): { tokens: tf.Tensor2D; row?: tf.Tensor2D } {
    const { spec, weights, want } = this.#in;
    return tf.tidy(() => {
      const { y, row } = this.#block(x, spec.depth - 1, want.patches ? this.#tokens : 1, want.attention);
      return { tokens: norm(this.pass, y, weights.norm, spec.normEps), ...(row && { row }) };
    });
  }

  /** Gradients of CLS and patches as those of all tokens, zero for registers. */
  interleave(dCls: Float32Array, dPatches: Float32Array): Float32Array {
    const { count, spec } = this.#in;
    const all = new Float32Array(count * this.#tokens * spec.width);
    const size = this.patches * spec.width;
    for (let n = 0; n < count; n++) {
      const at = n * this.#tokens * spec.width;
      all.set(dCls.subarray(n * spec.width, (n + 1) * spec.width), at);
      all.set(dPatches.subarray(n * size, (n + 1) * size), at + this.prefix * spec.width);
    }
    return all;
  }

  #embed(): tf.Tensor2D {
    const { spec, weights, count, patches, prefix, tables } = this.#in;
    const pixels = tf.tensor2d(patches, [count * this.patches, weights.patch.weight.shape[0]]);
    const position = tables.position && tf.tensor2d(tables.position, [this.patches, spec.width]);
    return tokensOf(this.pass, this.#linear(pixels, weights.patch, "patch"), count, tf.tensor2d(prefix, [this.prefix, spec.width]), position);
  }

  /** x·W + bias, plus (x·a)·b where the map is adapted. x [m, in] */
  #linear(x: tf.Tensor2D, map: DeviceLinear, name: string): tf.Tensor2D {
    const y = frozen(this.pass, x, map);
    const pair = this.#in.lora?.get(name);
    return pair ? plus(this.pass, y, lowRank(this.pass, x, pair.a, pair.b)) : y;
  }

  /** One block, of which the first `queries` tokens of each slice are kept. */
  #block(x: tf.Tensor2D, index: number, queries: number, row = false): { y: tf.Tensor2D; row?: tf.Tensor2D } {
    const { spec, weights, count } = this.#in;
    const { pass } = this;
    const block = weights.blocks[index];
    const kept = queries === this.#tokens ? x : cut(pass, x, count, 0, queries);
    const attention = this.#attention(x, index, queries, row);
    const y = plus(pass, kept, this.#linear(attention.mixed, block.proj, `blocks.${index}.proj`));
    const out = plus(pass, y, this.#mlp(norm(pass, y, block.norm2, spec.normEps), block));
    return { y: out, ...(attention.row && { row: attention.row }) };
  }

  #attention(x: tf.Tensor2D, index: number, queries: number, row: boolean): AttentionOutput {
    const { spec, weights, count } = this.#in;
    const block = weights.blocks[index];
    return tf.tidy(() => {
      const qkv = this.#linear(norm(this.pass, x, block.norm1, spec.normEps), block.qkv, `blocks.${index}.qkv`);
      const input = { qkv, count, heads: spec.heads, queries, rotary: this.#rotary, row };
      return attend(this.pass, input) as AttentionOutput & tf.TensorContainerObject;
    });
  }

  #mlp(x: tf.Tensor2D, { fc1, fc2 }: DeviceBlock): tf.Tensor2D {
    return tf.tidy(() => frozen(this.pass, activated(this.pass, frozen(this.pass, x, fc1), this.#in.spec.mlp), fc2));
  }
}

/** Rotary position: x ⊙ cos + swapped halves ⊙ sin, for x [..., T, head size]. */
function rotary(tables: NonNullable<GridTables["rope"]>, tokens: number): Turn {
  const size = tables.cos.length / tokens;
  const cos = tf.tensor2d(tables.cos, [tokens, size]);
  const sin = tf.tensor2d(tables.sin, [tokens, size]);
  const swapped = (x: tf.Tensor) => {
    const half = (at: number) => tf.slice(x, [...x.shape.slice(0, -1).map(() => 0), (at * size) / 2], [...x.shape.slice(0, -1), size / 2]);
    return tf.concat([half(1), half(0)], -1);
  };
  return {
    turn: <T extends tf.Tensor>(x: T) => tf.tidy(() => tf.add(tf.mul(x, cos), tf.mul(swapped(x), sin)) as T),
    back: <T extends tf.Tensor>(dy: T) => tf.tidy(() => tf.add(tf.mul(dy, cos), swapped(tf.mul(dy, sin))) as T),
  };
}
