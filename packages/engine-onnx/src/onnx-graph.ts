// Builds an ONNX model: operations, constants, inputs, outputs → the bytes ONNX Runtime loads.
// Knows the ONNX format (onnx.proto3, field numbers beside their use), nothing about networks.

import protobuf from "protobufjs/minimal.js";

const IR_VERSION = 9;
const OPSET = 20;
const ELEMENT = { float32: 1, uint8: 2, int8: 3, int64: 7 } as const;

type Element = keyof typeof ELEMENT;
type Attribute = number | { float: number } | readonly number[];

/** A value in the graph: an input, a constant or an operation's output. */
export type Value = string & { readonly brand: "onnx-value" };

interface Node {
  readonly type: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

interface Initializer {
  readonly name: string;
  readonly element: Element;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export class OnnxGraph {
  readonly #nodes: Node[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #inputs: { name: string; shape: readonly (number | string)[] }[] = [];
  readonly #outputs: { name: string; shape: readonly (number | string)[] }[] = [];
  readonly #integers = new Map<string, Value>();
  #count = 0;

  /** A float32 input. String dimensions are free. */
  input(name: string, shape: readonly (number | string)[]): Value {
    this.#inputs.push({ name, shape });
    return name as Value;
  }

  /** Names a value as an output. */
  output(name: string, value: Value, shape: readonly (number | string)[]): void {
    this.#nodes.push({ type: "Identity", domain: "", inputs: [value], outputs: [name], attributes: {} });
    this.#outputs.push({ name, shape });
  }

  constant(data: Float32Array | Int8Array, shape: readonly number[]): Value {
    const element = data instanceof Float32Array ? "float32" : "int8";
    return this.#addInitializer(element, shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  scalar(value: number): Value {
    return this.constant(Float32Array.of(value), []);
  }

  /** An int64 vector (shapes, axes, starts); equal vectors share one constant. */
  integers(...values: number[]): Value {
    const key = values.join();
    const known = this.#integers.get(key);
    if (known) return known;
    const data = BigInt64Array.from(values, BigInt);
    const value = this.#addInitializer("int64", [values.length], new Uint8Array(data.buffer));
    this.#integers.set(key, value);
    return value;
  }

  #addInitializer(element: Element, shape: readonly number[], bytes: Uint8Array): Value {
    const name = `c${this.#count++}` as Value;
    this.#initializers.push({ name, element, shape, bytes });
    return name;
  }

  /** Adds an operation with one output. Numbers are integer attributes. */
  op(type: string, inputs: readonly (Value | "")[], attributes: Readonly<Record<string, Attribute>> = {}, domain = ""): Value {
    return this.ops(type, inputs, 1, attributes, domain)[0];
  }

  /** Adds an operation with several outputs. */
  ops(type: string, inputs: readonly (Value | "")[], outputCount: number, attributes: Readonly<Record<string, Attribute>> = {}, domain = ""): Value[] {
    const outputs = Array.from({ length: outputCount }, () => `v${this.#count++}` as Value);
    this.#nodes.push({ type, domain, inputs, outputs, attributes });
    return outputs;
  }

  /** The model as ONNX protobuf bytes. */
  toBytes(): Uint8Array {
    const w = protobuf.Writer.create();
    w.uint32(tag(1, 0)).int64(IR_VERSION); // ModelProto.ir_version
    w.uint32(tag(2, 2)).string("anymc3d"); // producer_name
    w.uint32(tag(7, 2)).fork(); // graph
    for (const node of this.#nodes) writeNode(w.uint32(tag(1, 2)).fork(), node).ldelim();
    w.uint32(tag(2, 2)).string("backbone");
    for (const initializer of this.#initializers) writeTensor(w.uint32(tag(5, 2)).fork(), initializer).ldelim();
    for (const input of this.#inputs) writeValueInfo(w.uint32(tag(11, 2)).fork(), input).ldelim();
    for (const output of this.#outputs) writeValueInfo(w.uint32(tag(12, 2)).fork(), output).ldelim();
    w.ldelim();
    writeOpset(w.uint32(tag(8, 2)).fork(), "", OPSET).ldelim();
    writeOpset(w.uint32(tag(8, 2)).fork(), "com.microsoft", 1).ldelim();
    return w.finish();
  }
}

type Writer = protobuf.Writer;

function tag(field: number, wire: number): number {
  return (field << 3) | wire;
}

function writeOpset(w: Writer, domain: string, version: number): Writer {
  return w.uint32(tag(1, 2)).string(domain).uint32(tag(2, 0)).int64(version);
}

function writeNode(w: Writer, node: Node): Writer {
  for (const input of node.inputs) w.uint32(tag(1, 2)).string(input);
  for (const output of node.outputs) w.uint32(tag(2, 2)).string(output);
  w.uint32(tag(4, 2)).string(node.type);
  for (const [name, value] of Object.entries(node.attributes)) writeAttribute(w.uint32(tag(5, 2)).fork(), name, value).ldelim();
  return node.domain ? w.uint32(tag(7, 2)).string(node.domain) : w;
}

function writeAttribute(w: Writer, name: string, value: Attribute): Writer {
  w.uint32(tag(1, 2)).string(name);
  if (typeof value === "number") return w.uint32(tag(3, 0)).int64(value).uint32(tag(20, 0)).int32(2); // i, INT
  if ("float" in value) return w.uint32(tag(2, 5)).float(value.float).uint32(tag(20, 0)).int32(1); // f, FLOAT
  for (const item of value as readonly number[]) w.uint32(tag(8, 0)).int64(item);
  return w.uint32(tag(20, 0)).int32(7); // ints, INTS
}

function writeTensor(w: Writer, tensor: Initializer): Writer {
  for (const n of tensor.shape) w.uint32(tag(1, 0)).int64(n);
  w.uint32(tag(2, 0)).int32(ELEMENT[tensor.element]);
  return w.uint32(tag(8, 2)).string(tensor.name).uint32(tag(9, 2)).bytes(tensor.bytes); // name, raw_data
}

function writeValueInfo(w: Writer, info: { name: string; shape: readonly (number | string)[] }): Writer {
  w.uint32(tag(1, 2)).string(info.name);
  w.uint32(tag(2, 2)).fork().uint32(tag(1, 2)).fork(); // type.tensor_type
  w.uint32(tag(1, 0)).int32(ELEMENT.float32).uint32(tag(2, 2)).fork(); // elem_type, shape
  for (const n of info.shape) {
    w.uint32(tag(1, 2)).fork();
    if (typeof n === "number") w.uint32(tag(1, 0)).int64(n);
    else w.uint32(tag(2, 2)).string(n);
    w.ldelim();
  }
  return w.ldelim().ldelim().ldelim();
}
