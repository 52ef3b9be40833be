// The vision transformer as an ONNX graph, from a backbone's spec and folded tensors; LoRA, where wanted, as graph inputs; its gradient.

import type { BackboneSpec, GradientTarget, Precision } from "@anymc3d/core";
import { type FoldedBackbone, type FoldedBlock, type Linear, loraMaps, type Norm } from "@anymc3d/core/engine";
import { cut, type Halves } from "./cut.js";
import { differentiate } from "./gradient.js";
import { OnnxGraph, type Value } from "./onnx-graph.js";

export interface VitGraphOptions {
  /** Maps of `loraMaps` that get LoRA inputs `lora.MAP.a` [in, r] and `lora.MAP.b` [r, out]. */
  readonly adapted: readonly string[];
  readonly precision: Precision;
  /** Whether patch tokens are wanted; without them the last block computes CLS alone. */
  readonly patches: boolean;
  /** Whether the output `attention` is wanted. */
  readonly attention: boolean;
  /** Whether the output `input` is wanted. */
  readonly lastInput: boolean;
  /** The first block that runs; its input comes in as `states`. Default: 0, with pixels. */
  readonly from?: number;
  /** The first block that does not run; its input goes out as `states.out`, and nothing else. */
  readonly until?: number;
}

/**
 * Inputs: `patches` [n, P, 3·p·p]; `prefix` [n, 1+R, D]; learned positions: `position` [P, D]; rotary: `cos`, `sin` [1+R+P, head size].
 * With `from` `states` [n, 1+R+P, D] in the place of the first two and of `position`.
 * Outputs: `cls` [n, D]; where wanted `attention` [n, P], `input` [n, P, D], the last block's, and `tokens` [n, P, D], patch tokens after the final
 * LayerNorm. With `until` `states.out` [n, 1+R+P, D] alone.
 */
export function vitGraph(spec: BackboneSpec, folded: FoldedBackbone, options: VitGraphOptions): Uint8Array {
  const vit = new VitGraph(spec, folded, options);
  if (vit.ends) nameOutputs(vit.graph, spec, vit.ends, options);
  else vit.graph.output("states.out", vit.states, ["n", "t", spec.width]);
  return vit.graph.toBytes();
}

/** How the network ends where it runs to its end. */
interface Ends {
  /** [n, D] */
  readonly cls: Value;
  /** The last block's softmax, [n, heads, 1+R+P, 1+R+P], or of CLS alone, [n, heads, 1, 1+R+P]. */
  readonly weights: Value;
  /** [n, P, D], if wanted. */
  readonly tokens: Value | undefined;
  /** [n, 1+R+P, D] */
  readonly lastInput: Value;
}

function ofPatches(g: OnnxGraph, { registers }: BackboneSpec, x: Value): Value {
  return g.op("Slice", [x, g.integers(1 + registers), g.integers(Number.MAX_SAFE_INTEGER), g.integers(1)]);
}

function nameOutputs(
  g: OnnxGraph,
  spec: BackboneSpec,
  { cls, weights, tokens, lastInput }: Ends,
  wanted: Pick<VitGraphOptions, "attention" | "lastInput">,
): void {
  const D = spec.width;
  g.output("cls", cls, ["n", D]);
  if (tokens) g.output("tokens", tokens, ["n", "p", D]);
  if (wanted.attention) g.output("attention", ofCls(g, spec, weights), ["n", "p"]);
  if (wanted.lastInput) g.output("input", ofPatches(g, spec, lastInput), ["n", "p", D]);
}

/** CLS → patches of attention weights, mean over heads, [n, P]. */
function ofCls(g: OnnxGraph, { registers }: BackboneSpec, weights: Value): Value {
  const cut = (x: Value, axis: number, start: number, end: number) => g.op("Slice", [x, g.integers(start), g.integers(end), g.integers(axis)]);
  return g.op("ReduceMean", [cut(cut(weights, 2, 0, 1), 3, 1 + registers, Number.MAX_SAFE_INTEGER), g.integers(1, 2)], { keepdims: 0 });
}

/**
 * The same network in two models, forward and backward. Besides the outputs of {@link vitGraph}, the forward one gives what the backward one
 * needs; that takes `d.cls` [n, D] and, with `patches`, `d.tokens` [n, P, D], and gives, for the target `lora`, `d.lora.MAP.a|b` of every
 * adapted map, and for `tokens`, the last block's input, `d.input` [n, P, D].
 */
export function trainingGraphs(
  spec: BackboneSpec,
  folded: FoldedBackbone,
  options: Omit<VitGraphOptions, "precision" | "until">,
  wanted: readonly GradientTarget[],
): Halves {
  const { graph, ends, lora } = new VitGraph(spec, folded, { ...options, precision: "fp32" });
  const { cls, tokens, lastInput } = ends as Ends;
  const D = spec.width;
  nameOutputs(graph, spec, ends as Ends, options);
  const boundary = graph.nodes.length;
  const seeds = new Map([[cls, graph.input("d.cls", ["n", D])]]);
  if (tokens) seeds.set(tokens, graph.input("d.tokens", ["n", "p", D]));
  const targets = new Map<string, Value>();
  if (wanted.includes("tokens")) targets.set("input", lastInput);
  if (wanted.includes("lora")) for (const [map, { a, b }] of lora) targets.set(`lora.${map}.a`, a).set(`lora.${map}.b`, b);
  const gradients = differentiate(graph, seeds, [...targets.values()]);
  const names = [...targets.keys()];
  names.forEach((name, i) => {
    if (name === "input") graph.output("d.input", ofPatches(graph, spec, gradients[i]), ["n", "p", D]);
    else graph.output(`d.${name}`, gradients[i], ["i", "o"]);
  });
  return cut(graph, boundary, new Set(names.map((name) => `d.${name}`)));
}

class VitGraph {
  readonly graph = new OnnxGraph();
  readonly lora = new Map<string, { a: Value; b: Value }>();
  /** Of the block that does not run any more, or the last block's output before the final norm, [n, 1+R+P, D] or [n, 1, D]. */
  readonly states: Value;
  readonly ends: Ends | undefined;
  readonly #spec: BackboneSpec;
  readonly #folded: FoldedBackbone;
  readonly #options: VitGraphOptions;
  readonly #rope: { cos: Value; sin: Value } | undefined;

  constructor(spec: BackboneSpec, folded: FoldedBackbone, options: VitGraphOptions) {
    this.#spec = spec;
    this.#folded = folded;
    this.#options = options;
    const { width: D, depth, position, heads } = spec;
    const { from = 0, until } = options;
    const g = this.graph;
    this.#addLoraInputs();
    if (position.kind === "rope") this.#rope = { cos: g.input("cos", ["t", D / heads]), sin: g.input("sin", ["t", D / heads]) };
    let x = from === 0 ? this.#embed() : g.input("states", ["n", "t", D]);
    for (let i = from; i < Math.min(until ?? depth - 1, depth); i++) x = this.#block(x, folded.blocks[i], i).out;
    this.states = x;
    this.ends = until === undefined ? this.#end(x) : undefined;
  }

  /** The last block and the final norm. */
  #end(lastInput: Value): Ends {
    const g = this.graph;
    const { width: D, depth } = this.#spec;
    const { patches } = this.#options;
    const last = this.#block(lastInput, this.#folded.blocks[depth - 1], depth - 1, !patches);
    const normed = this.#norm(last.out, this.#folded.norm);
    const cls = g.op("Reshape", [patches ? this.#slice(normed, 1, 0, 1) : normed, g.integers(-1, D)]);
    const tokens = patches ? ofPatches(g, this.#spec, normed) : undefined;
    return { cls, tokens, lastInput, weights: last.weights };
  }

  #addLoraInputs(): void {
    const sizes = loraMaps(this.#spec);
    for (const map of this.#options.adapted) {
      const size = sizes.get(map) as { in: number; out: number };
      this.lora.set(map, { a: this.graph.input(`lora.${map}.a`, [size.in, "r"]), b: this.graph.input(`lora.${map}.b`, ["r", size.out]) });
    }
  }

  /** [n, 1+R+P, D] */
  #embed(): Value {
    const g = this.graph;
    const { width: D, registers, position } = this.#spec;
    const patches = g.input("patches", ["n", "p", this.#folded.patch.in]);
    const first = g.input("prefix", ["n", 1 + registers, D]);
    let embedded = this.#linear(patches, this.#folded.patch, "patch", "fp32");
    if (position.kind === "learned") embedded = g.op("Add", [embedded, g.input("position", ["p", D])]);
    return g.op("Concat", [first, embedded], { axis: 1 });
  }

  #slice(x: Value, axis: number, start: number, end: number): Value {
    const g = this.graph;
    return g.op("Slice", [x, g.integers(start), g.integers(end), g.integers(axis)]);
  }

  #norm(x: Value, norm: Norm): Value {
    const g = this.graph;
    const shape = [this.#spec.width];
    return g.op("LayerNormalization", [x, g.constant(norm.weight, shape), g.constant(norm.bias, shape)], { axis: -1, epsilon: { float: this.#spec.normEps } });
  }

  /** x·W + bias, and (x·a)·b where the map is adapted. */
  #linear(x: Value, linear: Linear, map: string, precision: Precision = this.#options.precision): Value {
    const g = this.graph;
    const y =
      precision === "int8"
        ? this.#int8Linear(x, linear)
        : g.op("Add", [g.op("MatMul", [x, g.constant(linear.weight, [linear.in, linear.out])]), g.constant(linear.bias, [linear.out])]);
    const lora = this.lora.get(map);
    return lora ? g.op("Add", [y, g.op("MatMul", [g.op("MatMul", [x, lora.a]), lora.b])]) : y;
  }

  /** Weights int8 per output channel, activations quantised while running. */
  #int8Linear(x: Value, linear: Linear): Value {
    const g = this.graph;
    const { weight, scale } = quantise(linear);
    const inputs = [x, g.constant(weight, [linear.in, linear.out]), g.constant(scale, [linear.out]), "" as const, g.constant(linear.bias, [linear.out])];
    return g.op("DynamicQuantizeMatMul", inputs, {}, "com.microsoft");
  }

  /** With `clsOnly` every token is attended to, but CLS alone asks and goes on: out is [n, 1, D]. */
  #block(x: Value, block: FoldedBlock, index: number, clsOnly = false): { out: Value; weights: Value } {
    const g = this.graph;
    const { mixed, weights } = this.#attention(this.#norm(x, block.norm1), block, index, clsOnly);
    const kept = clsOnly ? this.#slice(x, 1, 0, 1) : x;
    const y = g.op("Add", [kept, this.#linear(mixed, block.proj, `blocks.${index}.proj`)]);
    const hidden = this.#activated(this.#linear(this.#norm(y, block.norm2), block.fc1, ""));
    return { out: g.op("Add", [y, this.#linear(hidden, block.fc2, "")]), weights };
  }

  #attention(x: Value, block: FoldedBlock, index: number, clsOnly: boolean): { mixed: Value; weights: Value } {
    const g = this.graph;
    const { width: D, heads } = this.#spec;
    const qkv = this.#linear(x, block.qkv, `blocks.${index}.qkv`);
    const parts = g.ops("Split", [qkv], 3, { axis: 2, num_outputs: 3 });
    const split = (part: Value, perm: readonly number[]) => g.op("Transpose", [g.op("Reshape", [part, g.integers(0, 0, heads, D / heads)])], { perm });
    // CLS, when it asks alone, is not turned: rotary positions belong to patches.
    const q = clsOnly ? split(this.#slice(parts[0], 1, 0, 1), [0, 2, 1, 3]) : this.#turned(split(parts[0], [0, 2, 1, 3]));
    // Rotary keys are turned before they are transposed; plain ones are transposed in one step.
    const k = this.#rope ? g.op("Transpose", [this.#turned(split(parts[1], [0, 2, 1, 3]))], { perm: [0, 1, 3, 2] }) : split(parts[1], [0, 2, 3, 1]);
    const weights = g.op("Softmax", [g.op("MatMul", [q, k])], { axis: -1 });
    const mixed = g.op("MatMul", [weights, split(parts[2], [0, 2, 1, 3])]);
    return { mixed: g.op("Reshape", [g.op("Transpose", [mixed], { perm: [0, 2, 1, 3] }), g.integers(0, 0, D)]), weights };
  }

  /** Rotary position: x ⊙ cos + swapped halves ⊙ sin. */
  #turned(x: Value): Value {
    if (!this.#rope) return x;
    const g = this.graph;
    const [a, b] = g.ops("Split", [x], 2, { axis: 3, num_outputs: 2 });
    const swapped = g.op("Concat", [b, a], { axis: 3 });
    return g.op("Add", [g.op("Mul", [x, this.#rope.cos]), g.op("Mul", [swapped, this.#rope.sin])]);
  }

  #activated(x: Value): Value {
    const g = this.graph;
    const { kind, activation } = this.#spec.mlp;
    const act = (value: Value) => (activation === "gelu" ? g.op("Gelu", [value]) : g.op("Mul", [value, g.op("Sigmoid", [value])]));
    if (kind === "plain") return act(x);
    const [gate, up] = g.ops("Split", [x], 2, { axis: 2, num_outputs: 2 });
    return g.op("Mul", [act(gate), up]);
  }
}

/** Symmetric int8 per output column: weight ≈ int8 · scale[out]. */
function quantise(linear: Linear): { weight: Int8Array; scale: Float32Array } {
  const scale = new Float32Array(linear.out);
  for (let i = 0; i < linear.weight.length; i++) scale[i % linear.out] = Math.max(scale[i % linear.out], Math.abs(linear.weight[i]));
  for (let o = 0; o < linear.out; o++) scale[o] = scale[o] / 127 || 1;
  return { weight: Int8Array.from(linear.weight, (w, i) => Math.round(w / scale[i % linear.out])), scale };
}
