// The vision transformer's forward pass in TensorFlow.js operations, LoRA unmerged. Synchronous: nothing can switch the backend meanwhile.

import type { BackboneSpec } from "@anymc3d/core";
import * as tf from "@tensorflow/tfjs-core";
import { type AttentionInput, type AttentionOutput, attend, unturned } from "./attention.js";
import type { Layout } from "./limits.js";
import type { DeviceBackbone, DeviceBlock, DeviceLinear, DeviceLora, DeviceNorm } from "./weights.js";

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
  return tf.tidy(() => new Forward(input).run() as ForwardOutput & tf.TensorContainerObject);
}

class Forward {
  readonly #in: ForwardInput;
  readonly #tokens: number;
  readonly #prefix: number;
  readonly #turn: AttentionInput["turn"];

  constructor(input: ForwardInput) {
    const { spec, count, patches, tables } = input;
    this.#in = input;
    this.#prefix = 1 + spec.registers;
    this.#tokens = this.#prefix + patches.length / (count * 3 * spec.patch ** 2);
    this.#turn = tables.rope ? rotary(tables.rope, this.#tokens) : unturned;
  }

  run(): ForwardOutput {
    const { spec, weights, count, want } = this.#in;
    let x = tf.tidy(() => this.#embed());
    let row: tf.Tensor2D | undefined;
    for (let i = 0; i < spec.depth; i++) {
      const last = i === spec.depth - 1;
      const [next, first] = tf.tidy(() => this.#block(x, weights.blocks[i], i, last)) as [tf.Tensor3D, tf.Tensor2D?];
      x.dispose();
      x = next;
      row = first;
    }
    const tokens = this.#norm(x, weights.norm);
    const patches = this.#tokens - this.#prefix;
    return {
      cls: tf.reshape(tf.slice(tokens, [0, 0, 0], [count, 1, spec.width]), [count, spec.width]),
      ...(row && { attention: tf.slice(row, [0, this.#prefix], [count, patches]) }),
      ...(want.patches && { patches: tf.slice(tokens, [0, this.#prefix, 0], [count, patches, spec.width]) }),
    };
  }

  /** [n, 1+R+P, D] */
  #embed(): tf.Tensor3D {
    const { spec, weights, count, patches, prefix, tables } = this.#in;
    const size = [count, this.#tokens - this.#prefix, spec.width] as const;
    const pixels = tf.tensor2d(patches, [size[0] * size[1], weights.patch.weight.shape[0]]);
    const embedded = tf.reshape(this.#linear(pixels, weights.patch, "patch"), [...size]);
    const placed = tables.position ? tf.add(embedded, tf.tensor2d(tables.position, [size[1], size[2]])) : embedded;
    const first = tf.tile(tf.tensor3d(prefix, [1, this.#prefix, spec.width]), [count, 1, 1]);
    return tf.concat3d([first, placed as tf.Tensor3D], 1);
  }

  /** y = (x - mean)/√(variance + ε)·weight + bias over the last axis. */
  #norm<T extends tf.Tensor>(x: T, { weight, bias }: DeviceNorm): T {
    return tf.tidy(() => {
      const centred = tf.sub(x, tf.mean(x, -1, true));
      const variance = tf.mean(tf.square(centred), -1, true);
      const normed = tf.mul(centred, tf.rsqrt(tf.add(variance, this.#in.spec.normEps)));
      return tf.add(tf.mul(normed, weight), bias) as T;
    });
  }

  /** x·W + bias, plus (x·a)·b where the map is adapted. x [m, in] */
  #linear(x: tf.Tensor2D, { weight, bias }: DeviceLinear, map?: string): tf.Tensor2D {
    const y = tf.fused.matMul({ a: x, b: weight, bias }) as tf.Tensor2D;
    const pair = map === undefined ? undefined : this.#in.lora?.get(map);
    return pair ? tf.add(y, tf.matMul(tf.matMul(x, pair.a), pair.b)) : y;
  }

  /** One block; of the last one only the CLS token where nobody asked for patches. Also its attention row if asked for. */
  #block(x: tf.Tensor3D, block: DeviceBlock, index: number, last: boolean): tf.Tensor3D[] {
    const { spec, count, want } = this.#in;
    const queries = last && !want.patches ? 1 : this.#tokens;
    const kept = queries === this.#tokens ? x : tf.slice(x, [0, 0, 0], [count, queries, spec.width]);
    const { mixed, row } = this.#attention(x, block, index, queries, last && want.attention === true);
    const y = tf.add(tf.reshape(kept, [count * queries, spec.width]), this.#linear(mixed, block.proj, `blocks.${index}.proj`)) as tf.Tensor2D;
    const z = tf.add(y, this.#mlp(this.#norm(y, block.norm2), block));
    const out = tf.reshape(z, [count, queries, spec.width]) as tf.Tensor3D;
    return row ? [out, row as tf.Tensor as tf.Tensor3D] : [out];
  }

  #attention(x: tf.Tensor3D, block: DeviceBlock, index: number, queries: number, row: boolean): AttentionOutput {
    const { spec, count, layout } = this.#in;
    return tf.tidy(() => {
      const normed = tf.reshape(this.#norm(x, block.norm1), [count * this.#tokens, spec.width]) as tf.Tensor2D;
      const qkv = this.#linear(normed, block.qkv, `blocks.${index}.qkv`);
      return attend(layout, { qkv, count, heads: spec.heads, queries, turn: this.#turn, row }) as AttentionOutput & tf.TensorContainerObject;
    });
  }

  /** x [m, D] → [m, D] */
  #mlp(x: tf.Tensor2D, block: DeviceBlock): tf.Tensor2D {
    const { kind, hidden } = this.#in.spec.mlp;
    return tf.tidy(() => {
      const h = this.#linear(x, block.fc1);
      if (kind === "plain") return this.#linear(this.#activated(h), block.fc2);
      const gate = tf.slice(h, [0, 0], [h.shape[0], hidden]);
      const up = tf.slice(h, [0, hidden], [h.shape[0], hidden]);
      return this.#linear(tf.mul(this.#activated(gate), up), block.fc2);
    });
  }

  /** SiLU, or twice the exact GELU: fc2 carries the ½. */
  #activated(x: tf.Tensor2D): tf.Tensor2D {
    return tf.tidy(() => {
      if (this.#in.spec.mlp.activation === "silu") return tf.mul(x, tf.sigmoid(x));
      return tf.mul(x, tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
    });
  }
}

/** Rotary position: x ⊙ cos + swapped halves ⊙ sin, for x [..., T, head size]. */
function rotary(tables: NonNullable<GridTables["rope"]>, tokens: number): AttentionInput["turn"] {
  const size = tables.cos.length / tokens;
  const cos = tf.tensor2d(tables.cos, [tokens, size]);
  const sin = tf.tensor2d(tables.sin, [tokens, size]);
  return <T extends tf.Tensor>(x: T) =>
    tf.tidy(() => {
      const half = (at: number) => tf.slice(x, [...x.shape.slice(0, -1).map(() => 0), (at * size) / 2], [...x.shape.slice(0, -1), size / 2]);
      const swapped = tf.concat([half(1), half(0)], -1);
      return tf.add(tf.mul(x, cos), tf.mul(swapped, sin)) as T;
    });
}
