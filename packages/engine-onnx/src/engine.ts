// createOnnxEngine(): a backbone in one or two ONNX Runtime sessions (without and with LoRA inputs), run chunk by chunk.

import {
  AnyMC3DError,
  type Backbone,
  type Chunk,
  type Encoded,
  type EncodeWants,
  type Engine,
  encodeInChunks,
  foldBackbone,
  foldLora,
  isAnyMC3DError,
  type LoraTensors,
  type Precision,
  patchPositions,
  prefixTokens,
  ropeTables,
  runSelfTest,
  type Slices,
  type Warning,
} from "@anymc3d/core";
import type { InferenceSession, Tensor } from "onnxruntime-common";
import { type Device, inNode, loadRuntime, type Runtime } from "./runtime.js";
import { vitGraph } from "./vit-graph.js";

export interface OnnxEngineOptions {
  /** Default: `cpu` in Node, `wasm` in browsers. `webgpu` and `cuda` need the runtime's provider for them. */
  readonly device?: Device;
  /** Which build of ONNX Runtime; default onnxruntime-node in Node (if installed), onnxruntime-web elsewhere. */
  readonly runtime?: Runtime["name"];
  /** `int8` quantises the blocks' linear maps: about twice as fast on CPUs with int8 products, logits move by up to about 0.5. Default `fp32`. */
  readonly precision?: Precision;
  /** CPU threads; default: ONNX Runtime's choice, one per physical core (WebAssembly: one unless the page is cross-origin isolated). */
  readonly threads?: number;
  /** Slices per run; default chosen from the slice size, see `defaultChunk`. */
  readonly chunk?: number;
  /** Browsers: where onnxruntime-web's .wasm and .mjs files are served from, a URL prefix. Default: beside the bundle. */
  readonly wasmPaths?: string;
}

/**
 * Creates an engine and tests it against the backbone's stored answer.
 * @throws AnyMC3DError `ENGINE_UNAVAILABLE`, `ENGINE_SELF_TEST`, `ASSET_INVALID` when a server answers something else for a .wasm file
 */
export async function createOnnxEngine(backbone: Backbone, options: OnnxEngineOptions = {}): Promise<Engine> {
  const device = options.device ?? (options.runtime === "onnxruntime-web" || !inNode ? "wasm" : "cpu");
  const runtime = await loadRuntime(device, options.runtime);
  const engine = new OnnxEngine(backbone, runtime, device === "cpu" && runtime.name === "onnxruntime-web" ? "wasm" : device, options);
  try {
    await engine.ready("lora");
  } catch (error) {
    await engine.dispose();
    throw error;
  }
  return engine;
}

/**
 * Slices per run: about 1,024 patches keep both cores busy, and stay small enough for progress, abort and memory.
 * On 2 cores 1 to 16 slices of 224×224 a run do not differ beyond the noise (`benchmarks/encode.mjs --chunk`).
 */
export function defaultChunk(patches: number): number {
  return Math.max(1, Math.min(16, Math.round(1024 / patches)));
}

type Feeds = Record<string, Tensor>;
/** Sessions come in two kinds, each made when first needed: a graph without LoRA costs nothing for it. */
type Variant = "plain" | "lora";

class OnnxEngine implements Engine {
  readonly id: string;
  readonly precision: Precision;
  readonly backbone: Pick<Backbone, "name" | "hash" | "spec">;
  readonly warnings: readonly Warning[];
  readonly #source: Pick<Backbone, "spec" | "tensors" | "selfTest">;
  readonly #runtime: Runtime;
  readonly #device: Device;
  readonly #options: OnnxEngineOptions;
  readonly #sessions = new Map<Variant, Promise<InferenceSession>>();
  readonly #ready = new Map<Variant, Promise<void>>();
  readonly #loraFeeds = new WeakMap<LoraTensors, Feeds>();
  #positions: { key: string; feeds: Feeds } | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  constructor(backbone: Backbone, runtime: Runtime, device: Device, options: OnnxEngineOptions) {
    this.id = `${runtime.name}/${device}`;
    this.precision = options.precision ?? "fp32";
    this.backbone = { name: backbone.name, hash: backbone.hash, spec: backbone.spec };
    this.#source = backbone;
    this.warnings = backbone.selfTest
      ? runtime.warnings
      : [...runtime.warnings, { code: "NO_SELF_TEST", message: `backbone ${backbone.name} has no stored self-test; the device was not checked` }];
    this.#runtime = runtime;
    this.#device = device;
    this.#options = options;
  }

  /** Makes a variant's session and tests it, once. */
  ready(variant: Variant): Promise<void> {
    const known = this.#ready.get(variant);
    if (known) return known;
    const untested = { id: this.id, precision: this.precision, encode: this.#encode.bind(this) };
    const tested = runSelfTest(untested, this.#source, [variant]);
    this.#ready.set(variant, tested);
    return tested;
  }

  async encode(slices: Slices, lora: LoraTensors | undefined, want: EncodeWants, signal?: AbortSignal): Promise<Encoded> {
    this.#assertUsable();
    await this.ready(lora ? "lora" : "plain");
    return this.#encode(slices, lora, want, signal);
  }

  async #encode(slices: Slices, lora: LoraTensors | undefined, want: EncodeWants, signal?: AbortSignal): Promise<Encoded> {
    const patches = (slices.height * slices.width) / this.backbone.spec.patch ** 2;
    const loraFeeds = lora && this.#feedsOf(lora);
    return encodeInChunks({
      spec: this.backbone.spec,
      slices,
      size: this.#options.chunk ?? defaultChunk(patches),
      want,
      signal,
      run: (chunk) => this.#exclusively(() => this.#run(chunk, loraFeeds, want)),
    });
  }

  /** One run at a time: sessions of the WebAssembly build share one memory and refuse to overlap. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #run(chunk: Chunk, loraFeeds: Feeds | undefined, want: EncodeWants): Promise<Encoded> {
    this.#assertUsable();
    const session = await this.#session(loraFeeds ? "lora" : "plain");
    const patches = chunk.rows * chunk.columns;
    const feeds: Feeds = {
      patches: this.#tensor(chunk.patches, [chunk.count, patches, chunk.patches.length / chunk.count / patches]),
      prefix: this.#prefix(chunk.count),
      ...this.#positionFeeds(chunk.rows, chunk.columns),
      ...loraFeeds,
    };
    const fetches = ["cls", ...(want.attention ? ["attention"] : []), ...(want.patches ? ["tokens"] : [])];
    const results = await session.run(feeds, fetches);
    return {
      cls: results.cls.data as Float32Array,
      attention: results.attention?.data as Float32Array | undefined,
      patches: results.tokens?.data as Float32Array | undefined,
    };
  }

  #tensor(data: Float32Array, shape: readonly number[]): Tensor {
    return new this.#runtime.ort.Tensor("float32", data, shape);
  }

  #prefix(count: number): Tensor {
    const one = prefixTokens(this.#source);
    const all = new Float32Array(count * one.length);
    for (let n = 0; n < count; n++) all.set(one, n * one.length);
    return this.#tensor(all, [count, 1 + this.backbone.spec.registers, this.backbone.spec.width]);
  }

  #positionFeeds(rows: number, columns: number): Feeds {
    const key = `${rows}×${columns}`;
    if (this.#positions?.key === key) return this.#positions.feeds;
    const { spec } = this.backbone;
    const rope = ropeTables(spec, rows, columns);
    const shape = [1 + spec.registers + rows * columns, spec.width / spec.heads];
    const feeds: Feeds = rope
      ? { cos: this.#tensor(rope.cos, shape), sin: this.#tensor(rope.sin, shape) }
      : { position: this.#tensor(patchPositions(this.#source, rows, columns), [rows * columns, spec.width]) };
    this.#positions = { key, feeds };
    return feeds;
  }

  #feedsOf(lora: LoraTensors): Feeds {
    const known = this.#loraFeeds.get(lora);
    if (known) return known;
    const feeds: Feeds = {};
    for (const [map, { a, b, in: into, out, rank }] of foldLora(this.#source, lora)) {
      feeds[`lora.${map}.a`] = this.#tensor(a, [into, rank]);
      feeds[`lora.${map}.b`] = this.#tensor(b, [rank, out]);
    }
    this.#loraFeeds.set(lora, feeds);
    return feeds;
  }

  #session(variant: Variant): Promise<InferenceSession> {
    const known = this.#sessions.get(variant);
    if (known) return known;
    const created = this.#createSession(variant);
    this.#sessions.set(variant, created);
    return created;
  }

  async #createSession(variant: Variant): Promise<InferenceSession> {
    const { ort, name } = this.#runtime;
    const { threads, wasmPaths, precision = "fp32" } = this.#options;
    const provider = this.#device;
    if (name === "onnxruntime-web") {
      if (wasmPaths) ort.env.wasm.wasmPaths = wasmPaths;
      if (threads) ort.env.wasm.numThreads = threads;
    }
    const model = vitGraph(this.backbone.spec, foldBackbone(this.#source), { lora: variant === "lora", precision });
    try {
      return await ort.InferenceSession.create(model, {
        executionProviders: [provider],
        graphOptimizationLevel: "all",
        ...(threads && name === "onnxruntime-node" ? { intraOpNumThreads: threads } : {}),
        logSeverityLevel: 4,
      });
    } catch (error) {
      throw await explainStart(error, this.id, wasmPaths);
    }
  }

  #assertUsable(): void {
    if (this.#disposed) throw new AnyMC3DError("ENGINE_DISPOSED", `engine ${this.id} was disposed; create a new one`);
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#queue;
    for (const session of this.#sessions.values()) await session.then((s) => s.release()).catch(() => undefined);
    this.#sessions.clear();
  }
}

/** Why a session did not start, in words that help. */
async function explainStart(error: unknown, id: string, wasmPaths: string | undefined): Promise<unknown> {
  if (isAnyMC3DError(error)) return error;
  const text = String(error);
  if (/magic word|Incorrect response MIME|Failed to fetch dynamically imported|wasm.*(404|text\/html)/i.test(text)) {
    const found = wasmPaths ? await probe(new URL("ort-wasm-simd-threaded.wasm", new URL(wasmPaths, globalThis.location?.href)).href) : "";
    return new AnyMC3DError(
      "ASSET_INVALID",
      `${id}: onnxruntime-web's .wasm file did not load${found}. Serve the files of onnxruntime-web/dist and name the folder with the option wasmPaths. Reason: ${text}`,
      { cause: error },
    );
  }
  if (/bad_alloc|out of memory|memory allocation|Array buffer allocation/i.test(text)) {
    return new AnyMC3DError("OUT_OF_MEMORY", `${id}: the backbone does not fit the memory of this device. Reason: ${text}`, { cause: error });
  }
  return new AnyMC3DError("ENGINE_UNAVAILABLE", `${id} could not start. Choose another device, or run \`anymc3d doctor\`. Reason: ${text}`, { cause: error });
}

async function probe(url: string): Promise<string> {
  try {
    const response = await fetch(url, { method: "HEAD" });
    return `: ${url} answered ${response.status} ${response.headers.get("content-type") ?? "without content type"}`;
  } catch {
    return `: ${url} could not be reached`;
  }
}
