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

/** One operation. */
export interface Node {
  readonly type: string;
  readonly domain: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

interface ValueInfo {
  readonly name: string;
  /** Absent: any. */
  readonly shape?: readonly (number | string)[];
  /** Default float32. */
  readonly element?: Element;
}

/** What goes into a model: by default everything that the graph holds. */
export interface ModelParts {
  readonly nodes: readonly Node[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

interface Initializer {
  readonly name: string;
  readonly element: Element;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export class OnnxGraph {
  readonly #nodes: Node[] = [];
  readonly #initializers = new Map<Value, Initializer>();
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  readonly #integers = new Map<string, Value>();
  #count = 0;

  /** Operations in the order in which they were added: every one after those it depends on. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  get inputs(): readonly ValueInfo[] {
    return this.#inputs;
  }

  get outputs(): readonly ValueInfo[] {
    return this.#outputs;
  }

  /** Shape of an input or a constant; undefined for what operations make. */
  shapeOf(value: Value): readonly (number | string)[] | undefined {
    return this.#initializers.get(value)?.shape ?? this.#inputs.find(({ name }) => name === value)?.shape;
  }

  /** A float32 input. String dimensions are free. */
  input(name: string, shape: readonly (number | string)[]): Value {
    this.#inputs.push({ name, shape });
    return name as Value;
  }

  /** Names a value as an output. */
  output(name: string, value: Value, shape: readonly (number | string)[]): void {
    this.#nodes.push({ type: "Identity", domain: "", inputs: [value], outputs: [name as Value], attributes: {} });
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

  /** What an int64 constant holds. */
  integersOf(value: Value): number[] {
    const bytes = this.#initializers.get(value)?.bytes ?? new Uint8Array(0);
    return [...new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8)].map(Number);
  }

  #addInitializer(element: Element, shape: readonly number[], bytes: Uint8Array): Value {
    const name = `c${this.#count++}` as Value;
    this.#initializers.set(name, { name, element, shape, bytes });
    return name;
  }

  /** Adds an operation with one output. Numbers are integer attributes. */
  op(type: string, inputs: readonly (Value | "")[], attributes: Readonly<Record<string, Attribute>> = {}, domain = ""): Value {
    return this.ops(type, inputs, 1, attributes, domain)[0];
  }

  /** Adds an operation with several outputs. */
  ops(type: string, inputs: readonly (Value | "")[], outputCount: number, attributes: Readonly<Record<string, Attribute>> = {}, domain = ""): Value[] {
    const outputs = Array.from({ length: outputCount }, () => `v${this.#count++}` as Value);
    this.#nodes.push({ type, domain, inputs: inputs as readonly Value[], outputs, attributes });
    return outputs;
  }

  /** The model, or a part of it, as ONNX protobuf bytes; constants that no operation uses are left out. */
  toBytes({ nodes, inputs, outputs }: ModelParts = this): Uint8Array {
    const used = new Set(nodes.flatMap((node) => node.inputs));
    const w = protobuf.Writer.create();
    w.uint32(tag(1, 0)).int64(IR_VERSION); // ModelProto.ir_version
    w.uint32(tag(2, 2)).string("anymc3d"); // producer_name
    w.uint32(tag(7, 2)).fork(); // graph
    for (const node of nodes) writeNode(w.uint32(tag(1, 2)).fork(), node).ldelim();
    w.uint32(tag(2, 2)).string("backbone");
    for (const [name, initializer] of this.#initializers) if (used.has(name)) writeTensor(w.uint32(tag(5, 2)).fork(), initializer).ldelim();
    for (const input of inputs) writeValueInfo(w.uint32(tag(11, 2)).fork(), input).ldelim();
    for (const output of outputs) writeValueInfo(w.uint32(tag(12, 2)).fork(), output).ldelim();
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

function writeValueInfo(w: Writer, { name, shape, element = "float32" }: ValueInfo): Writer {
  w.uint32(tag(1, 2)).string(name);
  w.uint32(tag(2, 2)).fork().uint32(tag(1, 2)).fork(); // type.tensor_type
  w.uint32(tag(1, 0)).int32(ELEMENT[element]); // elem_type
  if (!shape) return w.ldelim().ldelim();
  w.uint32(tag(2, 2)).fork(); // shape
  for (const n of shape) {
    w.uint32(tag(1, 2)).fork();
    if (typeof n === "number") w.uint32(tag(1, 0)).int64(n);
    else w.uint32(tag(2, 2)).string(n);
    w.ldelim();
  }
  return w.ldelim().ldelim().ldelim();
}
