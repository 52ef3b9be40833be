// TfjsEngine: a backbone's weights on one TensorFlow.js backend, run chunk by chunk.

import {
  AnyMC3DError,
  type Backbone,
  type Chunk,
  type Encoded,
  type EncodeWants,
  type Engine,
  encodeInChunks,
  type FoldedBackbone,
  type FoldedLora,
  foldLora,
  type LoraTensors,
  patchGrid,
  patchPositions,
  prefixTokens,
  ropeTables,
  type Slices,
  type Warning,
} from "@anymc3d/core";
import * as tf from "@tensorflow/tfjs-core";
import type { Device, TfjsBackend } from "./device.js";
import { largestWeight, type Plan, planRun } from "./limits.js";
import { exclusively } from "./queue.js";
import { forward, type GridTables } from "./vit.js";
import { type DeviceBackbone, LoraCache, uploadBackbone } from "./weights.js";

/**
 * Patches per run. Measured on 2 cores at 64 patches a slice (README): wasm 145, 119, 112 ms a slice in chunks of 1, 4, 16, so 4 to 8
 * keep progress fine-grained at little cost; cpu gains nothing. webgl and webgpu were measured on a software renderer only
 * (chunks of 4 beat 1); real graphics processors want more work at once.
 */
const PATCHES: Record<TfjsBackend, number> = { webgpu: 1024, webgl: 1024, wasm: 512, cpu: 128, tensorflow: 1024 };

/** Slices per run for slices of so many patches, before device limits. */
export function defaultChunk(backend: TfjsBackend, patches: number): number {
  return Math.max(1, Math.min(16, Math.round(PATCHES[backend] / patches)));
}

type Source = Pick<Backbone, "name" | "hash" | "spec" | "tensors">;

export class TfjsEngine implements Engine {
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
    this.#assertUsable();
    signal?.throwIfAborted();
    const { spec } = this.#source;
    const [rows, columns] = patchGrid(spec, slices.height, slices.width);
    if (lora) this.#foldedOf(lora);
    const patches = rows * columns;
    const wanted = { layout: this.#device.layout, chunk: this.#chunk ?? defaultChunk(this.#device.backend, patches) };
    const plan = planRun(spec, patches, wanted, this.#device.limit);
    return encodeInChunks({ spec, slices, size: plan.chunk, want, signal, run: (chunk) => exclusively(() => this.#run(chunk, lora, plan, want)) });
  }

  async #run(chunk: Chunk, lora: LoraTensors | undefined, plan: Plan, want: EncodeWants): Promise<Encoded> {
    this.#assertUsable();
    await this.#device.activate();
    try {
      const encoded = await this.#device.watch(() => this.#compute(chunk, lora, plan, want));
      this.#device.assertPresent();
      return encoded;
    } catch (error) {
      this.#device.assertPresent();
      throw error;
    }
  }

  async #compute(chunk: Chunk, lora: LoraTensors | undefined, { layout }: Plan, want: EncodeWants): Promise<Encoded> {
    const outputs = forward({
      spec: this.#source.spec,
      weights: this.#weights,
      lora: lora && this.#loras.get(lora, this.#foldedOf(lora)),
      layout,
      count: chunk.count,
      patches: chunk.patches,
      prefix: this.#prefix,
      tables: this.#tablesFor(chunk.rows, chunk.columns),
      want,
    });
    try {
      const download = (tensor: tf.Tensor | undefined) => tensor?.data<"float32">();
      const [cls, attention, patches] = await Promise.all([outputs.cls.data<"float32">(), download(outputs.attention), download(outputs.patches)]);
      return { cls, attention, patches };
    } finally {
      tf.dispose(outputs as tf.TensorContainerObject & typeof outputs);
    }
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

function isLost(device: Device): boolean {
  try {
    device.assertPresent();
    return false;
  } catch {
    return true;
  }
}
