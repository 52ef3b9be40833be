// TfjsEngine: a backbone's weights on one TensorFlow.js backend, run forwards and backwards chunk by chunk.

import {
  AnyMC3DError,
  type Backbone,
  type Chunk,
  type Encoded,
  type EncodeWants,
  encodeInChunks,
  type FoldedBackbone,
  type FoldedLora,
  foldLora,
  inChunks,
  type LoraTensors,
  patchGrid,
  patchPositions,
  prefixTokens,
  ropeTables,
  type Slices,
  type TokenGradient,
  type TrainableEngine,
  unfoldLoraGradient,
  type Warning,
} from "@anymc3d/core";
import * as tf from "@tensorflow/tfjs-core";
import type { Device, TfjsBackend } from "./device.js";
import { backwardChunk, largestWeight, type Plan, planRun } from "./limits.js";
import { exclusively } from "./queue.js";
import { type ForwardInput, forward, type GridTables, lastInputGradient, loraGradient } from "./vit.js";
import { type DeviceBackbone, type DeviceLora, LoraCache, uploadBackbone } from "./weights.js";

/**
 * Patches per run of encode(). Measured on 2 cores at 64 patches a slice (README): wasm 145, 119, 112 ms a slice in chunks of 1, 4, 16, so 4 to 8
 * keep progress fine-grained at little cost; cpu gains nothing. webgl and webgpu were measured on a software renderer only
 * (chunks of 4 beat 1); real graphics processors want more work at once.
 */
const PATCHES: Record<TfjsBackend, number> = { webgpu: 1024, webgl: 1024, wasm: 512, cpu: 128, tensorflow: 1024 };

/** Slices per run for slices of so many patches, before device limits. */
export function defaultChunk(backend: TfjsBackend, patches: number): number {
  return Math.max(1, Math.min(16, Math.round(PATCHES[backend] / patches)));
}

type Source = Pick<Backbone, "name" | "hash" | "spec" | "tensors">;

export class TfjsEngine implements TrainableEngine {
  readonly id: string;
  readonly precision = "fp32";
  readonly backbone: Pick<Backbone, "name" | "hash" | "spec">;
  readonly warnings: readonly Warning[];
  readonly #source: Pick<Backbone, "spec" | "tensors">;
  readonly #device: Device;
  readonly #weights: DeviceBackbone;
  readonly #chunk: number | undefined;
  readonly #prefix: Float32Array;
  readonly #folded = new WeakMap<LoraTensors, ReadonlyMap<string, FoldedLora>>();
  readonly #loras = new LoraCache();
  #tables: { key: string; tables: GridTables } | undefined;
  #disposed: Promise<void> | undefined;

  private constructor(source: Source, device: Device, weights: DeviceBackbone, options: { chunk?: number; warnings: readonly Warning[] }) {
    this.id = device.id;
    this.backbone = { name: source.name, hash: source.hash, spec: source.spec };
    this.warnings = options.warnings;
    this.#source = source;
    this.#device = device;
    this.#weights = weights;
    this.#chunk = options.chunk;
    this.#prefix = prefixTokens(source);
  }

  /**
   * Uploads the weights. Not self-tested yet.
   * @throws AnyMC3DError `DEVICE_LIMIT` where a single matrix is larger than the device allows
   */
  static async upload(source: Source, folded: FoldedBackbone, device: Device, options: { chunk?: number; warnings: readonly Warning[] }): Promise<TfjsEngine> {
    const need = largestWeight(source.spec);
    const { limit } = device;
    if (limit && need > limit.values) {
      throw new AnyMC3DError(
        "DEVICE_LIMIT",
        `${device.id}: the backbone's largest matrix has ${need} float32 values; this device allows ${limit.values} (${limit.name}). Use another backend, for example "wasm".`,
      );
    }
    const weights = await exclusively(async () => {
      await device.activate();
      return tf.tidy(() => uploadBackbone(source.spec, folded) as DeviceBackbone & tf.TensorContainerObject);
    });
    return new TfjsEngine(source, device, weights, options);
  }

  async encode(slices: Slices, lora: LoraTensors | undefined, want: EncodeWants, signal?: AbortSignal): Promise<Encoded> {
    const { plan } = this.#prepare(slices, lora, signal);
    const run = (chunk: Chunk) => this.#onDevice(() => download(forward({ ...this.#inputOf(chunk, lora, plan), want })));
    return encodeInChunks({ spec: this.#source.spec, slices, size: plan.chunk, want, signal, run });
  }

  /** Keeps nothing of an `encode()`: every chunk runs forwards, then backwards, so that memory does not grow with the number of slices. */
  async backward(slices: Slices, lora: LoraTensors, dCls: Float32Array, dPatches?: Float32Array, signal?: AbortSignal): Promise<LoraTensors> {
    const { spec } = this.#source;
    const { plan, patches } = this.#prepare(slices, lora, signal, true);
    const [clsSize, patchSize] = [spec.width, patches * spec.width];
    checkLength("dCls", dCls, slices.count, clsSize);
    if (dPatches) checkLength("dPatches", dPatches, slices.count, patchSize);
    const sums = zeros(lora, this.#foldedOf(lora));
    const compute = async (chunk: Chunk): Promise<Record<string, Float32Array>> => {
      const input = this.#inputOf(chunk, lora, plan);
      const found = loraGradient(input as typeof input & { lora: DeviceLora }, rowsOf(dCls, chunk, clsSize), dPatches && rowsOf(dPatches, chunk, patchSize));
      return download(Object.fromEntries([...found].flatMap(([map, { a, b }]) => [[`${map}.a`, a] as const, [`${map}.b`, b] as const])));
    };
    const take = (part: Record<string, Float32Array>) => {
      for (const [map, { a, b }] of sums) {
        add(a, part[`${map}.a`]);
        add(b, part[`${map}.b`]);
      }
    };
    await inChunks({ spec, slices, size: plan.chunk, signal, run: (chunk) => this.#onDevice(() => compute(chunk)), take });
    return unfoldLoraGradient(this.#source, lora, sums);
  }

  async tokenGradient(slices: Slices, lora: LoraTensors | undefined, dCls: Float32Array, signal?: AbortSignal): Promise<TokenGradient> {
    const { spec } = this.#source;
    const { plan, patches } = this.#prepare(slices, lora, signal);
    checkLength("dCls", dCls, slices.count, spec.width);
    const size = patches * spec.width;
    const out = { tokens: new Float32Array(slices.count * size), gradient: new Float32Array(slices.count * size) };
    const compute = (chunk: Chunk) => download(lastInputGradient(this.#inputOf(chunk, lora, plan), rowsOf(dCls, chunk, spec.width)));
    const take = ({ tokens, gradient }: Record<"tokens" | "gradient", Float32Array>, { start }: Chunk) => {
      out.tokens.set(tokens, start * size);
      out.gradient.set(gradient, start * size);
    };
    await inChunks({ spec, slices, size: plan.chunk, signal, run: (chunk) => this.#onDevice(() => compute(chunk)), take });
    return out;
  }

  /** What can be refused before the first slice is read; the chunks to run in. */
  #prepare(slices: Slices, lora: LoraTensors | undefined, signal: AbortSignal | undefined, keeping = false): { plan: Plan; patches: number } {
    this.#assertUsable();
    signal?.throwIfAborted();
    const { spec } = this.#source;
    const [rows, columns] = patchGrid(spec, slices.height, slices.width);
    if (lora) this.#foldedOf(lora);
    const patches = rows * columns;
    const usual = defaultChunk(this.#device.backend, patches);
    const chunk = this.#chunk ?? (keeping ? backwardChunk(spec, patches, usual) : usual);
    return { plan: planRun(spec, patches, { layout: this.#device.layout, chunk }, this.#device.limit), patches };
  }

  /** Runs `work` when it is this engine's turn, with its device current and watched. */
  #onDevice<T>(work: () => Promise<T>): Promise<T> {
    return exclusively(async () => {
      this.#assertUsable();
      await this.#device.activate();
      try {
        // Async: a fault in the midst of it must reach watch() as a rejection.
        const result = await this.#device.watch(async () => work());
        this.#device.assertPresent();
        return result;
      } catch (error) {
        this.#device.assertPresent();
        throw error;
      }
    });
  }

  #inputOf(chunk: Chunk, lora: LoraTensors | undefined, { layout }: Plan): Omit<ForwardInput, "want"> {
    return {
      spec: this.#source.spec,
      weights: this.#weights,
      lora: lora && this.#loras.get(lora, this.#foldedOf(lora)),
      layout,
      count: chunk.count,
      patches: chunk.patches,
      prefix: this.#prefix,
      tables: this.#tablesFor(chunk.rows, chunk.columns),
    };
  }

  /** @throws AnyMC3DError `LORA_SHAPE` */
  #foldedOf(lora: LoraTensors): ReadonlyMap<string, FoldedLora> {
    const known = this.#folded.get(lora);
    if (known) return known;
    const folded = foldLora(this.#source, lora);
    this.#folded.set(lora, folded);
    return folded;
  }

  #tablesFor(rows: number, columns: number): GridTables {
    const key = `${rows}×${columns}`;
    if (this.#tables?.key === key) return this.#tables.tables;
    const { spec } = this.#source;
    const rope = ropeTables(spec, rows, columns);
    const tables = rope ? { rope } : { position: patchPositions(this.#source, rows, columns) };
    this.#tables = { key, tables };
    return tables;
  }

  /** Takes the adapters off the device; they come back when needed. */
  async releaseLoras(): Promise<void> {
    await exclusively(async () => this.#loras.clear());
  }

  #assertUsable(): void {
    if (this.#disposed) throw new AnyMC3DError("ENGINE_DISPOSED", `engine ${this.id} was disposed; create a new one`);
  }

  dispose(): Promise<void> {
    this.#disposed ??= exclusively(async () => {
      try {
        this.#loras.clear();
        tf.dispose(this.#weights as DeviceBackbone & tf.TensorContainerObject);
      } catch (error) {
        // A lost device has already freed everything.
        if (!isLost(this.#device)) throw error;
      }
    });
    return this.#disposed;
  }
}

type Values<T> = { [K in keyof T]: T[K] extends tf.Tensor ? Float32Array : Float32Array | undefined };

/** Values of tensors, which are disposed whether that works or not. */
async function download<T extends object>(tensors: T): Promise<Values<T>> {
  try {
    const values = Object.entries<tf.Tensor>(tensors as Record<string, tf.Tensor>).map(async ([name, x]) => [name, await x.data<"float32">()]);
    return Object.fromEntries(await Promise.all(values)) as Values<T>;
  } finally {
    tf.dispose(tensors as tf.TensorContainer);
  }
}

function checkLength(name: string, gradient: Float32Array, count: number, size: number): void {
  if (gradient.length === count * size) return;
  throw new AnyMC3DError("INPUT_SHAPE", `${name} holds ${gradient.length} values, expected ${count * size}: ${size} for each of ${count} slices`);
}

const rowsOf = (values: Float32Array, { start, count }: Chunk, size: number) => values.subarray(start * size, (start + count) * size);

function add(sum: Float32Array, part: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] += part[i];
}

/** A zero gradient for every adapted map. */
function zeros(lora: LoraTensors, folded: ReadonlyMap<string, FoldedLora>): Map<string, { a: Float32Array; b: Float32Array }> {
  const adapted = [...folded].filter(([map]) => lora.tensors.has(`${map}.A`));
  return new Map(adapted.map(([map, { a, b }]) => [map, { a: new Float32Array(a.length), b: new Float32Array(b.length) }]));
}

function isLost(device: Device): boolean {
  try {
    device.assertPresent();
    return false;
  } catch {
    return true;
  }
}
