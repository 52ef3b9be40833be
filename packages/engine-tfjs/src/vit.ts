// The vision transformer in TensorFlow.js operations, LoRA unmerged, forwards and backwards. Synchronous: nothing can switch the backend meanwhile.

import type { BackboneSpec, GradientTarget } from "@anymc3d/core";
import { loraMapPlace } from "@anymc3d/core/engine";
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
  /** [count, P, 3·p·p]; empty where states come in. */
  readonly patches: Float32Array;
  /** [count, 1+R+P, D], the input of block `from`. */
  readonly states?: Float32Array;
  /** [1+R, D] */
  readonly prefix: Float32Array;
  readonly tables: GridTables;
  readonly want: {
    readonly attention?: boolean;
    readonly patches?: boolean;
    readonly lastInput?: boolean;
    /** The first block that runs; default 0. */
    readonly from?: number;
    /** The first block that does not run; default: all run, and the final norm. */
    readonly until?: number;
  };
}

export interface ForwardOutput {
  /** [n, D]; absent with `until`. */
  readonly cls?: tf.Tensor2D;
  /** [n, P] */
  readonly attention?: tf.Tensor2D;
  /** [n·P, D] */
  readonly patches?: tf.Tensor2D;
  /** [n·P, D] */
  readonly lastInput?: tf.Tensor2D;
  /** [n·(1+R+P), D], with `until` alone. */
  readonly states?: tf.Tensor2D;
}

/** Gradients that come out of a chunk. */
interface BackwardOutput {
  /** By map. */
  readonly lora: Readonly<Record<string, { readonly a: tf.Tensor2D; readonly b: tf.Tensor2D }>>;
  /** With respect to the last block's input tokens of the patches, [n·P, D]. */
  readonly tokens?: tf.Tensor2D;
}

/** A chunk's recorded pass, which can be gone back through once. Holds tensors until then, or until it is disposed. */
export interface WayBack {
  readonly bytes: number;
  /**
   * Gradients of Σ dCls·cls + Σ dPatches·patches.
   * @param dCls [n, D]
   * @param dPatches [n, P, D], where patches were wanted
   */
  back(dCls: Float32Array, dPatches?: Float32Array): BackwardOutput;
  dispose(): void;
}

/** Runs one chunk on the current backend. Leaves no tensors behind but those it returns. */
export function forward(input: ForwardInput): ForwardOutput {
  return tf.tidy(() => new Transformer(input).run().output as ForwardOutput & tf.TensorContainerObject);
}

/** The same with a record of the pass, for gradients with respect to LoRA tensors, the last block's input, or both. */
export function forwardKept(input: ForwardInput, targets: readonly GradientTarget[]): { readonly output: ForwardOutput; readonly way: WayBack } {
  const maps = targets.includes("lora") ? [...(input.lora ?? [])].filter(([map]) => loraMapPlace(map).block >= (input.want.from ?? -1)) : [];
  const withTokens = targets.includes("tokens");
  const tape = new Tape(maps.flatMap(([, { a, b }]) => [a, b]));
  try {
    let ran: Ran | undefined;
    const output = tf.tidy(() => {
      ran = new Transformer(input, tape).run(withTokens);
      return ran.output as ForwardOutput & tf.TensorContainerObject;
    });
    const way = wayBack(tape, ran as Ran, { layout: input.layout, count: input.count, maps: maps.map(([map]) => map), withTokens });
    return { output, way };
  } catch (error) {
    tape.dispose();
    throw error;
  }
}

function wayBack(
  tape: Tape,
  { last, sizes }: Ran,
  pass: { readonly layout: Layout; readonly count: number; readonly maps: readonly string[]; readonly withTokens: boolean },
): WayBack {
  const { layout, count, maps, withTokens } = pass;
  const back = (dCls: Float32Array, dPatches?: Float32Array): BackwardOutput =>
    tf.tidy(() => {
      try {
        const found = tape.back(last, tf.tensor2d(dPatches ? interleave(sizes, count, dCls, dPatches) : dCls, last.shape)) as tf.Tensor2D[];
        const lora = Object.fromEntries(maps.map((map, i) => [map, { a: found[2 * i], b: found[2 * i + 1] }]));
        const tokens = withTokens ? cut({ layout }, found[2 * maps.length], count, sizes.prefix, sizes.patches) : undefined;
        return { lora, ...(tokens && { tokens }) } as BackwardOutput & tf.TensorContainerObject;
      } finally {
        tape.dispose();
      }
    });
  return { bytes: tape.bytes, back, dispose: () => tape.dispose() };
}

interface Sizes {
  /** 1+R */
  readonly prefix: number;
  /** P */
  readonly patches: number;
  /** D */
  readonly width: number;
}

/** A pass that was run: what came out, and after which values of which shape gradients come in. */
interface Ran {
  readonly output: ForwardOutput;
  readonly last: { readonly id: number; readonly shape: [number, number] };
  readonly sizes: Sizes;
}

/** Gradients of CLS and patches as those of all tokens, zero for registers. */
function interleave({ prefix, patches, width }: Sizes, count: number, dCls: Float32Array, dPatches: Float32Array): Float32Array {
  const tokens = prefix + patches;
  const all = new Float32Array(count * tokens * width);
  const size = patches * width;
  for (let n = 0; n < count; n++) {
    const at = n * tokens * width;
    all.set(dCls.subarray(n * width, (n + 1) * width), at);
    all.set(dPatches.subarray(n * size, (n + 1) * size), at + prefix * width);
  }
  return all;
}

/** Tokens are kept as one matrix, [n·(1+R+P), D], slice after slice. */
class Transformer {
  readonly #pass: Pass;
  readonly #in: ForwardInput;
  readonly #sizes: Sizes;
  /** 1+R+P */
  readonly #tokens: number;
  readonly #rotary: Turn | undefined;

  constructor(input: ForwardInput, tape?: Tape) {
    const { spec, count, patches, states, tables, layout } = input;
    const [prefix, width] = [1 + spec.registers, spec.width];
    this.#in = input;
    this.#pass = { layout, tape };
    this.#sizes = { prefix, width, patches: states ? states.length / (count * width) - prefix : patches.length / (count * 3 * spec.patch ** 2) };
    this.#tokens = prefix + this.#sizes.patches;
    this.#rotary = tables.rope && rotary(tables.rope, this.#tokens, tape);
  }

  /** @param watched whether a gradient with respect to the last block's input is wanted */
  run(watched = false): Ran {
    const { spec, want } = this.#in;
    const x = this.#blocks(want.from ?? 0, want.until ?? spec.depth - 1);
    if (want.until !== undefined) return { output: { states: x }, last: { id: x.id, shape: x.shape }, sizes: this.#sizes };
    if (watched) this.#pass.tape?.addSource(x);
    const { tokens, row } = this.#finish(x);
    const { prefix, patches } = this.#sizes;
    const part = (of: tf.Tensor2D, from: number, size: number) => cut({ layout: this.#pass.layout }, of, this.#in.count, from, size);
    const output: ForwardOutput = {
      cls: part(tokens, 0, 1),
      ...(row && { attention: tf.slice(row, [0, prefix], [this.#in.count, patches]) }),
      ...(want.patches && { patches: part(tokens, prefix, patches) }),
      ...(want.lastInput && { lastInput: part(x, prefix, patches) }),
    };
    return { output, last: { id: tokens.id, shape: tokens.shape }, sizes: this.#sizes };
  }

  /** From the pixels or the stored states to the input of block `until`. */
  #blocks(from: number, until: number): tf.Tensor2D {
    const { states, spec } = this.#in;
    let x = states ? tf.tensor2d(states, [this.#in.count * this.#tokens, spec.width]) : tf.tidy(() => this.#embed());
    for (let i = from; i < until; i++) {
      const next = tf.tidy(() => this.#block(x, i, this.#tokens).y);
      x.dispose();
      x = next;
    }
    return x;
  }

  /** The last block and the final norm; of the CLS token alone, [n, D], where nobody asked for patches. Also its attention row if asked for. */
  #finish(x: tf.Tensor2D): { tokens: tf.Tensor2D; row?: tf.Tensor2D } {
    const { spec, weights, want } = this.#in;
    return tf.tidy(() => {
      const { y, row } = this.#block(x, spec.depth - 1, want.patches ? this.#tokens : 1, want.attention);
      return { tokens: norm(this.#pass, y, weights.norm, spec.normEps), ...(row && { row }) };
    });
  }

  #embed(): tf.Tensor2D {
    const { spec, weights, count, patches, prefix, tables } = this.#in;
    const pixels = tf.tensor2d(patches, [count * this.#sizes.patches, weights.patch.weight.shape[0]]);
    const position = tables.position && tf.tensor2d(tables.position, [this.#sizes.patches, spec.width]);
    return tokensOf(this.#pass, this.#linear(pixels, weights.patch, "patch"), count, tf.tensor2d(prefix, [this.#sizes.prefix, spec.width]), position);
  }

  /** x·W + bias, plus (x·a)·b where the map is adapted. x [m, in] */
  #linear(x: tf.Tensor2D, map: DeviceLinear, name: string): tf.Tensor2D {
    const y = frozen(this.#pass, x, map);
    const pair = this.#in.lora?.get(name);
    return pair ? plus(this.#pass, y, lowRank(this.#pass, x, pair.a, pair.b)) : y;
  }

  /** One block, of which the first `queries` tokens of each slice are kept. */
  #block(x: tf.Tensor2D, index: number, queries: number, row = false): { y: tf.Tensor2D; row?: tf.Tensor2D } {
    const { spec, weights, count } = this.#in;
    const pass = this.#pass;
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
      const qkv = this.#linear(norm(this.#pass, x, block.norm1, spec.normEps), block.qkv, `blocks.${index}.qkv`);
      const input = { qkv, count, heads: spec.heads, queries, rotary: this.#rotary, row };
      return attend(this.#pass, input) as AttentionOutput & tf.TensorContainerObject;
    });
  }

  #mlp(x: tf.Tensor2D, { fc1, fc2 }: DeviceBlock): tf.Tensor2D {
    return tf.tidy(() => frozen(this.#pass, activated(this.#pass, frozen(this.#pass, x, fc1), this.#in.spec.mlp), fc2));
  }
}

/** Rotary position: x ⊙ cos + swapped halves ⊙ sin, for x [..., T, head size]. */
function rotary(tables: NonNullable<GridTables["rope"]>, tokens: number, tape: Tape | undefined): Turn {
  const size = tables.cos.length / tokens;
  const cos = tf.tensor2d(tables.cos, [tokens, size]);
  const sin = tf.tensor2d(tables.sin, [tokens, size]);
  tape?.keep(cos);
  tape?.keep(sin);
  const swapped = (x: tf.Tensor) => {
    const half = (at: number) => tf.slice(x, [...x.shape.slice(0, -1).map(() => 0), (at * size) / 2], [...x.shape.slice(0, -1), size / 2]);
    return tf.concat([half(1), half(0)], -1);
  };
  return {
    turn: <T extends tf.Tensor>(x: T) => tf.tidy(() => tf.add(tf.mul(x, cos), tf.mul(swapped(x), sin)) as T),
    back: <T extends tf.Tensor>(dy: T) => tf.tidy(() => tf.add(tf.mul(dy, cos), swapped(tf.mul(dy, sin))) as T),
  };
}
