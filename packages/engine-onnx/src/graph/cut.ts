// Cuts a graph that holds a forward and a backward part into two models: the first hands over the activations that the second needs.

import type { Node, OnnxGraph, Value } from "./onnx-graph.js";

/** Cheaper to compute again than to hand over: one fused pass over a value that is handed over anyway. */
const RECOMPUTED = new Set(["LayerNormalization"]);

export interface Halves {
  readonly forward: Uint8Array;
  readonly backward: Uint8Array;
  /** Outputs of the first model that the second takes as inputs, besides the graph's own. Float32 values have slices as first dimension. */
  readonly saved: readonly { readonly name: string; readonly element: "float32" | "int64" }[];
  /** The graph's inputs that the second model takes, too. */
  readonly backwardInputs: readonly string[];
}

/**
 * @param boundary number of nodes of the forward part
 * @param backwardOutputs the graph's outputs that the backward part gives
 */
export function cut(g: OnnxGraph, boundary: number, backwardOutputs: ReadonlySet<string>): Halves {
  const makers = new Map<Value, Node>();
  const first = g.nodes.slice(0, boundary);
  for (const node of first) for (const output of node.outputs) makers.set(output, node);
  const second: Node[] = [];
  const taken = new Set<Node>();
  const saved = new Map<string, "float32" | "int64">();
  const inputs = new Set<string>();
  const own = new Set(g.inputs.map(({ name }) => name));
  const need = (value: Value): void => {
    const maker = makers.get(value);
    if (own.has(value)) inputs.add(value);
    if (!maker || taken.has(maker)) return;
    if (!RECOMPUTED.has(maker.type)) {
      saved.set(value, "float32");
      return;
    }
    taken.add(maker);
    maker.inputs.forEach(need);
    second.push(maker);
  };
  for (const node of g.nodes.slice(boundary)) {
    // A shape is all that is wanted of its value: it is taken where the value is.
    if (node.type === "Shape" && (makers.has(node.inputs[0]) || own.has(node.inputs[0]))) {
      first.push(node);
      saved.set(node.outputs[0], "int64");
      continue;
    }
    for (const input of node.inputs) if (!saved.has(input)) need(input);
    second.push(node);
  }
  const list = [...saved].map(([name, element]) => ({ name, element }));
  const [late, early] = [g.outputs.filter(({ name }) => backwardOutputs.has(name)), g.outputs.filter(({ name }) => !backwardOutputs.has(name))];
  const seeds = g.inputs.filter(({ name }) => inputs.has(name));
  return {
    forward: g.toBytes({ nodes: first, inputs: g.inputs.filter(({ name }) => !name.startsWith("d.")), outputs: [...early, ...list] }),
    backward: g.toBytes({ nodes: second, inputs: [...seeds, ...list], outputs: late }),
    saved: list,
    backwardInputs: seeds.map(({ name }) => name),
  };
}
