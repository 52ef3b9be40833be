// TfjsEngine: a backbone's weights on one TensorFlow.js backend, run forwards and backwards chunk by chunk.

import {
  AnyMC3DError,
  type Backbone,
  type Encoded,
  type Engine,
  type Forward,
  type ForwardWants,
  type LoraTensors,
  type Slices,
  type Warning,
} from "@anymc3d/core";
import {
  ActivationBudget,
  type Chunk,
  type ChunkGradients,
  type ChunkSeeds,
  type FoldedBackbone,
  type FoldedLora,
  foldLora,
  forwardInChunks,
  type KeptChunk,
  patchGrid,
  patchPositions,
  prefixTokens,
  ropeTables,
} from "@anymc3d/core/engine";
import * as tf from "@tensorflow/tfjs-core";
import type { Device, TfjsBackend } from "./device.js";
import { backwardChunk, KEPT_BYTES, largestWeight, type Plan, planRun } from "./limits.js";
import { exclusively } from "./queue.js";
import { type ForwardInput, type ForwardOutput, forward, forwardKept, type GridTables, type WayBack } from "./vit.js";
import { type DeviceBackbone, LoraCache, uploadBackbone } from "./weights.js";

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

interface UploadOptions {
  readonly chunk?: number;
  readonly activationBudget?: number;
  readonly warnings: readonly Warning[];
}

type Source = Pick<Backbone, "name" | "hash" | "spec" | "tensors">;

/** A chunk's recorded pass on the device. */
interface KeptPass extends KeptChunk {
  readonly way: WayBack;
}

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
  readonly #kept = new Set<KeptPass>();
  readonly #budget: ActivationBudget;
  #tables: { key: string; tables: GridTables } | undefined;
  #disposed: Promise<void> | undefined;

  private constructor(source: Source, device: Device, weights: DeviceBackbone, options: UploadOptions) {
    this.id = device.id;
    this.backbone = { name: source.name, hash: source.hash, spec: source.spec };
    this.warnings = options.warnings;
    this.#source = source;
    this.#device = device;
    this.#weights = weights;
    this.#chunk = options.chunk;
    this.#budget = new ActivationBudget(options.activationBudget ?? KEPT_BYTES);
    this.#prefix = prefixTokens(source);
  }

  /**
   * Uploads the weights. Not self-tested yet.
   * @throws AnyMC3DError `DEVICE_LIMIT` where a single matrix is larger than the device allows
   */
  static async upload(source: Source, folded: FoldedBackbone, device: Device, options: UploadOptions): Promise<TfjsEngine> {
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

  async forward(slices: Slices, lora: LoraTensors | undefined, want: ForwardWants, signal?: AbortSignal): Promise<Forward> {
    const { gradients = [] } = want;
    const plan = this.#prepare(slices, lora, signal, gradients.includes("lora"));
    const run = async (chunk: Chunk, keep: boolean) => {
      const input = this.#inputOf(chunk, lora, plan, want);
      if (!keep) return { encoded: (await download(forward(input))) as Encoded };
      const { output, way } = forwardKept(input, gradients);
      const kept = this.#keep(way, lora);
      try {
        return { encoded: (await download(output)) as Encoded, kept };
      } catch (error) {
        kept.free();
        throw error;
      }
    };
    return forwardInChunks<KeptPass>({
      backbone: this.#source,
      slices,
      lora,
      want,
      signal,
      size: plan.chunk,
      budget: this.#budget,
      forward: (chunk, keep) => this.#onDevice(() => run(chunk, keep)),
      backward: (from, seeds) => this.#onDevice(() => this.#backward("way" in from ? from : this.#again(from, lora, plan, want), seeds)),
    });
  }

  /** The chunk's pass recorded, for its gradients alone. */
  #again(chunk: Chunk, lora: LoraTensors | undefined, plan: Plan, { patches, from, gradients = [] }: ForwardWants): KeptPass {
    const { output, way } = forwardKept(this.#inputOf(chunk, lora, plan, { patches, from }), gradients);
    tf.dispose(output as ForwardOutput & tf.TensorContainerObject);
    return this.#keep(way, lora);
  }

  async #backward(kept: KeptPass, { dCls, dPatches }: ChunkSeeds): Promise<ChunkGradients> {
    try {
      const { lora, tokens } = kept.way.back(dCls, dPatches);
      const flat = Object.fromEntries(Object.entries(lora).flatMap(([map, { a, b }]) => [[`${map}.a`, a] as const, [`${map}.b`, b] as const]));
      const { tokens: dTokens, ...pairs } = await download<Record<string, tf.Tensor>>({ ...flat, ...(tokens && { tokens }) });
      return { lora: new Map(Object.keys(lora).map((map) => [map, { a: pairs[`${map}.a`], b: pairs[`${map}.b`] }])), tokens: dTokens };
    } finally {
      kept.free();
    }
  }

  /** What is kept of a chunk stays on the device, its adapter with it. */
  #keep(way: WayBack, lora: LoraTensors | undefined): KeptPass {
    const letGo = lora && this.#loras.hold(lora);
    const kept: KeptPass = {
      way,
      bytes: way.bytes,
      free: () => {
        if (!this.#kept.delete(kept)) return;
        letGo?.();
        this.#unlessLost(() => way.dispose());
      },
    };
    this.#kept.add(kept);
    return kept;
  }

  /** What can be refused before the first slice is read; the chunks to run in. */
  #prepare(slices: Slices, lora: LoraTensors | undefined, signal: AbortSignal | undefined, training: boolean): Plan {
    this.#assertUsable();
    signal?.throwIfAborted();
    const { spec } = this.#source;
    const [rows, columns] = patchGrid(spec, slices.height, slices.width);
    if (lora) this.#foldedOf(lora);
    const patches = rows * columns;
    const usual = defaultChunk(this.#device.backend, patches);
    const chunk = this.#chunk ?? (training ? backwardChunk(spec, patches, usual) : usual);
    return planRun(spec, patches, { layout: this.#device.layout, chunk }, this.#device.limit);
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

  #inputOf(chunk: Chunk, lora: LoraTensors | undefined, { layout }: Plan, want: Omit<ForwardWants, "gradients">): ForwardInput {
    const { attention, patches, lastInput, from, until } = want;
    return {
      spec: this.#source.spec,
      weights: this.#weights,
      lora: lora && this.#loras.get(lora, this.#foldedOf(lora)),
      layout,
      count: chunk.count,
      patches: chunk.patches,
      states: chunk.states,
      prefix: this.#prefix,
      tables: this.#tablesFor(chunk.rows, chunk.columns),
      want: { attention, patches, lastInput, from: from?.block, until },
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
      for (const kept of this.#kept) kept.free();
      this.#unlessLost(() => {
        this.#loras.clear();
        tf.dispose(this.#weights as DeviceBackbone & tf.TensorContainerObject);
      });
    });
    return this.#disposed;
  }

  /** A lost device has already freed everything. */
  #unlessLost(free: () => void): void {
    try {
      free();
    } catch (error) {
      if (!isLost(this.#device)) throw error;
    }
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

function isLost(device: Device): boolean {
  try {
    device.assertPresent();
    return false;
  } catch {
    return true;
  }
}
