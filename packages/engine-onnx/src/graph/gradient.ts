// Reverse-mode differentiation of an ONNX graph: every operation that backbones use knows its vector-Jacobian product.
// Adds the operations that compute gradients to the same graph; nothing here knows what the graph is for.

import type { Node, OnnxGraph, Value } from "./onnx-graph.js";

/** Gradients of a node's inputs from those of its outputs; an input for which `wanted` is false may get undefined. */
type Rule = (g: OnnxGraph, node: Node, dOutputs: readonly (Value | undefined)[], wanted: readonly boolean[]) => (Value | undefined)[];

/**
 * Adds to the graph the gradient of Σ seeds·outputs with respect to `targets`, which may be inputs or values on the way.
 * Operands that need a gradient must not be broadcast: they have the shape of the result.
 * @param seeds outputs and the gradients that come in for them
 * @returns a gradient for each target
 */
export function differentiate(g: OnnxGraph, seeds: ReadonlyMap<Value, Value>, targets: readonly Value[]): Value[] {
  const forward = [...g.nodes];
  const dependent = new Set(targets);
  for (const node of forward) if (node.inputs.some((input) => dependent.has(input))) for (const output of node.outputs) dependent.add(output);
  const parts = new Map<Value, Value[]>([...seeds].map(([output, seed]) => [output, [seed]]));
  const gradientOf = (value: Value): Value | undefined => {
    const found = parts.get(value);
    if (!found) return undefined;
    const sum = found.reduce((a, b) => g.op("Add", [a, b]));
    parts.set(value, [sum]);
    return sum;
  };
  for (const node of forward.reverse()) {
    const wanted = node.inputs.map((input) => dependent.has(input));
    if (!wanted.includes(true)) continue;
    const dOutputs = node.outputs.map(gradientOf);
    if (dOutputs.every((d) => d === undefined)) continue;
    const rule = RULES[node.type];
    if (!rule) throw new Error(`no gradient rule for ${node.type}`);
    rule(g, node, dOutputs, wanted).forEach((d, i) => {
      if (d && wanted[i]) parts.set(node.inputs[i], [...(parts.get(node.inputs[i]) ?? []), d]);
    });
  }
  return targets.map((target) => {
    const gradient = gradientOf(target);
    if (!gradient) throw new Error(`the outputs do not depend on ${target}`);
    return gradient;
  });
}

/** a·b with either one transposed in its last two dimensions. */
function matMul(g: OnnxGraph, a: Value, b: Value, transposed: "" | "a" | "b"): Value {
  return g.op("FusedMatMul", [a, b], { transA: transposed === "a" ? 1 : 0, transB: transposed === "b" ? 1 : 0 }, "com.microsoft");
}

/** A 2-D right operand is shared by all of the left one's leading dimensions. */
const matMulRule: Rule = (g, { inputs: [a, b] }, [dy], [wantedA, wantedB]) => {
  if (!dy) return [];
  const shared = g.shapeOf(b)?.length === 2;
  const rows = (x: Value) => (shared ? g.op("Flatten", [x], { axis: -1 }) : x);
  return [wantedA ? matMul(g, dy, b, "b") : undefined, wantedB ? matMul(g, rows(a), rows(dy), "a") : undefined];
};

/** d/dx x·Φ(x) = Φ(x) + x·φ(x), here ½·(1 + erf t + 2/√π·t·exp(-t²)) with t = x/√2. */
const geluRule: Rule = (g, { inputs: [x] }, [dy]) => {
  if (!dy) return [];
  const t = g.op("Mul", [x, g.scalar(Math.SQRT1_2)]);
  const bell = g.op("Exp", [g.op("Mul", [t, g.op("Mul", [x, g.scalar(-Math.SQRT1_2)])])]);
  const slope = g.op("Add", [g.op("Add", [g.op("Erf", [t]), g.scalar(1)]), g.op("Mul", [g.op("Mul", [x, bell]), g.scalar(Math.sqrt(2 / Math.PI))])]);
  return [g.op("Mul", [g.op("Mul", [dy, slope]), g.scalar(0.5)])];
};

/** Over the last axis: dx = y ⊙ (dy − Σ dy ⊙ y). */
const softmaxRule: Rule = (g, { outputs: [y] }, [dy]) => {
  if (!dy) return [];
  const sum = g.op("ReduceSum", [g.op("Mul", [dy, y]), g.integers(-1)], { keepdims: 1 });
  return [g.op("Mul", [y, g.op("Sub", [dy, sum])])];
};

/** Over the last axis: with x̂ the normalised input and g = dy ⊙ weight, dx = (g − mean g − x̂·mean(g ⊙ x̂))/σ. */
const layerNormRule: Rule = (g, { inputs: [x, weight], attributes }, [dy]) => {
  if (!dy) return [];
  const [size] = g.shapeOf(weight) as [number];
  const [unit, , inverse] = g.ops(
    "LayerNormalization",
    [x, g.constant(new Float32Array(size).fill(1), [size]), g.constant(new Float32Array(size), [size])],
    3,
    attributes,
  );
  const weighted = g.op("Mul", [dy, weight]);
  const mean = (value: Value) => g.op("ReduceMean", [value, g.integers(-1)], { keepdims: 1 });
  const along = g.op("Mul", [unit, mean(g.op("Mul", [weighted, unit]))]);
  return [g.op("Mul", [g.op("Sub", [g.op("Sub", [weighted, mean(weighted)]), along]), inverse])];
};

const sigmoidRule: Rule = (g, { outputs: [y] }, [dy]) => {
  if (!dy) return [];
  return [g.op("Mul", [dy, g.op("Mul", [y, g.op("Sub", [g.scalar(1), y])])])];
};

const mulRule: Rule = (g, { inputs: [a, b] }, [dy], [wantedA, wantedB]) => {
  if (!dy) return [];
  return [wantedA ? g.op("Mul", [dy, b]) : undefined, wantedB ? g.op("Mul", [dy, a]) : undefined];
};

/** Equal parts; one that nothing depends on gets zeros. */
const splitRule: Rule = (g, { outputs, attributes: { axis } }, dOutputs) => {
  const parts = dOutputs.map((d, i) => d ?? g.op("Mul", [outputs[i], g.scalar(0)]));
  return [g.op("Concat", parts, { axis })];
};

/** The slices of dy that came from each part. */
const concatRule: Rule = (g, { inputs, attributes: { axis } }, [dy], wanted) => {
  if (!dy) return [];
  const along = g.integers(axis as number);
  let start = g.integers(0);
  return inputs.map((input, i) => {
    const end = g.op("Add", [start, g.op("Shape", [input], { start: axis, end: (axis as number) + 1 })]);
    const part = wanted[i] ? g.op("Slice", [dy, start, end, along]) : undefined;
    start = end;
    return part;
  });
};

const transposeRule: Rule = (g, { attributes }, [dy]) => {
  if (!dy) return [];
  const perm = attributes.perm as readonly number[];
  return [g.op("Transpose", [dy], { perm: perm.map((_, axis) => perm.indexOf(axis)) })];
};

const reshapeRule: Rule = (g, { inputs: [x] }, [dy]) => (dy ? [g.op("Reshape", [dy, g.op("Shape", [x])])] : []);

/** Zeros around dy: `from` before it, what is left of the axis behind it. */
const sliceRule: Rule = (g, { inputs: [x, start, , axis], outputs: [y] }, [dy]) => {
  if (!dy) return [];
  const at = Number(g.integersOf(axis)[0]);
  const size = (value: Value) => g.op("Shape", [value], { start: at, end: at + 1 });
  const behind = g.op("Sub", [size(x), g.op("Add", [start, size(y)])]);
  return [g.op("Pad", [dy, g.op("Concat", [start, behind], { axis: 0 }), "", axis])];
};

const RULES: Readonly<Record<string, Rule>> = {
  Add: (_, node, [dy]) => node.inputs.map(() => dy),
  Concat: concatRule,
  Gelu: geluRule,
  Identity: (_, __, [dy]) => [dy],
  LayerNormalization: layerNormRule,
  MatMul: matMulRule,
  Mul: mulRule,
  Reshape: reshapeRule,
  Sigmoid: sigmoidRule,
  Slice: sliceRule,
  Softmax: softmaxRule,
  Split: splitRule,
  Transpose: transposeRule,
};
