// The vision transformer as an ONNX graph, from a backbone's spec and folded tensors; LoRA, where wanted, as graph inputs.

import { type BackboneSpec, type FoldedBackbone, type FoldedBlock, type Linear, loraMaps, type Norm, type Precision } from "@anymc3d/core";
import { OnnxGraph, type Value } from "./onnx-graph.js";

export interface VitGraphOptions {
  /** LoRA inputs `lora.MAP.a` [in, r] and `lora.MAP.b` [r, out] for every map of `loraMaps`. */
  readonly lora: boolean;
  readonly precision: Precision;
}

/**
 * Inputs: `patches` [n, P, 3·p·p]; `prefix` [n, 1+R, D]; learned positions: `position` [P, D]; rotary: `cos`, `sin` [1+R+P, head size].
 * Outputs: `cls` [n, D]; `attention` [n, P]; `tokens` [n, P, D], patch tokens after the final LayerNorm.
 */
export function vitGraph(spec: BackboneSpec, folded: FoldedBackbone, options: VitGraphOptions): Uint8Array {
  return new VitGraph(spec, folded, options).build();
}

class VitGraph {
  readonly #graph = new OnnxGraph();
  readonly #spec: BackboneSpec;
  readonly #folded: FoldedBackbone;
  readonly #options: VitGraphOptions;
  readonly #lora = new Map<string, { a: Value; b: Value }>();
  #rope: { cos: Value; sin: Value } | undefined;

  constructor(spec: BackboneSpec, folded: FoldedBackbone, options: VitGraphOptions) {
    this.#spec = spec;
    this.#folded = folded;
    this.#options = options;
  }

  build(): Uint8Array {
    const g = this.#graph;
    const { width: D, registers, position, depth } = this.#spec;
    const prefix = 1 + registers;
    const patches = g.input("patches", ["n", "p", this.#folded.patch.in]);
    const first = g.input("prefix", ["n", prefix, D]);
    if (this.#options.lora) {
      for (const [map, size] of loraMaps(this.#spec)) {
        this.#lora.set(map, { a: g.input(`lora.${map}.a`, [size.in, "r"]), b: g.input(`lora.${map}.b`, ["r", size.out]) });
      }
    }
    let embedded = this.#linear(patches, this.#folded.patch, "patch", "fp32");
    if (position.kind === "learned") embedded = g.op("Add", [embedded, g.input("position", ["p", D])]);
    else this.#rope = { cos: g.input("cos", ["t", D / this.#spec.heads]), sin: g.input("sin", ["t", D / this.#spec.heads]) };
    let x = g.op("Concat", [first, embedded], { axis: 1 });
    for (let i = 0; i < depth; i++) x = this.#block(x, this.#folded.blocks[i], i);
    const tokens = this.#norm(x, this.#folded.norm);
    g.output("cls", g.op("Reshape", [this.#slice(tokens, 1, 0, 1), g.integers(-1, D)]), ["n", D]);
    g.output("tokens", this.#slice(tokens, 1, prefix, Number.MAX_SAFE_INTEGER), ["n", "p", D]);
    return g.toBytes();
  }

  #slice(x: Value, axis: number, start: number, end: number): Value {
    const g = this.#graph;
    return g.op("Slice", [x, g.integers(start), g.integers(end), g.integers(axis)]);
  }

  #norm(x: Value, norm: Norm): Value {
    const g = this.#graph;
    const shape = [this.#spec.width];
    return g.op("LayerNormalization", [x, g.constant(norm.weight, shape), g.constant(norm.bias, shape)], { axis: -1, epsilon: { float: this.#spec.normEps } });
  }

  /** x·W + bias, and (x·a)·b where the map is adapted. */
  #linear(x: Value, linear: Linear, map: string, precision: Precision = this.#options.precision): Value {
    const g = this.#graph;
    const y =
      precision === "int8"
        ? this.#int8Linear(x, linear)
        : g.op("Add", [g.op("MatMul", [x, g.constant(linear.weight, [linear.in, linear.out])]), g.constant(linear.bias, [linear.out])]);
    const lora = this.#lora.get(map);
    return lora ? g.op("Add", [y, g.op("MatMul", [g.op("MatMul", [x, lora.a]), lora.b])]) : y;
  }

  /** Weights int8 per output channel, activations quantised while running. */
  #int8Linear(x: Value, linear: Linear): Value {
    const g = this.#graph;
    const { weight, scale } = quantise(linear);
    const inputs = [x, g.constant(weight, [linear.in, linear.out]), g.constant(scale, [linear.out]), "" as const, g.constant(linear.bias, [linear.out])];
    return g.op("DynamicQuantizeMatMul", inputs, {}, "com.microsoft");
  }

  #block(x: Value, block: FoldedBlock, index: number): Value {
    const g = this.#graph;
    const attended = this.#attention(this.#norm(x, block.norm1), block, index);
    const y = g.op("Add", [x, this.#linear(attended, block.proj, `blocks.${index}.proj`)]);
    const hidden = this.#activated(this.#linear(this.#norm(y, block.norm2), block.fc1, ""));
    return g.op("Add", [y, this.#linear(hidden, block.fc2, "")]);
  }

  #attention(x: Value, block: FoldedBlock, index: number): Value {
    const g = this.#graph;
    const { width: D, heads, depth } = this.#spec;
    const qkv = this.#linear(x, block.qkv, `blocks.${index}.qkv`);
    const parts = g.ops("Split", [qkv], 3, { axis: 2, num_outputs: 3 });
    const split = (part: Value, perm: readonly number[]) => g.op("Transpose", [g.op("Reshape", [part, g.integers(0, 0, heads, D / heads)])], { perm });
    const q = this.#turned(split(parts[0], [0, 2, 1, 3]));
    // Rotary keys are turned before they are transposed; plain ones are transposed in one step.
    const k = this.#rope ? g.op("Transpose", [this.#turned(split(parts[1], [0, 2, 1, 3]))], { perm: [0, 1, 3, 2] }) : split(parts[1], [0, 2, 3, 1]);
    const weights = g.op("Softmax", [g.op("MatMul", [q, k])], { axis: -1 });
    if (index === depth - 1) this.#attentionOutput(weights);
    const mixed = g.op("MatMul", [weights, split(parts[2], [0, 2, 1, 3])]);
    return g.op("Reshape", [g.op("Transpose", [mixed], { perm: [0, 2, 1, 3] }), g.integers(0, 0, D)]);
  }

  /** CLS → patches, mean over heads. */
  #attentionOutput(weights: Value): void {
    const g = this.#graph;
    const row = this.#slice(this.#slice(weights, 2, 0, 1), 3, 1 + this.#spec.registers, Number.MAX_SAFE_INTEGER);
    g.output("attention", g.op("ReduceMean", [row, g.integers(1, 2)], { keepdims: 0 }), ["n", "p"]);
  }

  /** Rotary position: x ⊙ cos + swapped halves ⊙ sin. */
  #turned(x: Value): Value {
    if (!this.#rope) return x;
    const g = this.#graph;
    const [a, b] = g.ops("Split", [x], 2, { axis: 3, num_outputs: 2 });
    const swapped = g.op("Concat", [b, a], { axis: 3 });
    return g.op("Add", [g.op("Mul", [x, this.#rope.cos]), g.op("Mul", [swapped, this.#rope.sin])]);
  }

  #activated(x: Value): Value {
    const g = this.#graph;
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
