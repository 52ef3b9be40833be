// createOnnxEngine(): a backbone in one or two ONNX Runtime sessions (without and with LoRA inputs), run chunk by chunk.

import {
  AnyMC3DError,
  type Backbone,
  type Chunk,
  type Encoded,
  type EncodeWants,
  encodeInChunks,
  foldBackbone,
  foldLora,
  inChunks,
  isAnyMC3DError,
  type LoraTensors,
  loraMaps,
  type Precision,
  patchGrid,
  patchPositions,
  prefixTokens,
  ropeTables,
  runSelfTest,
  type Slices,
  type TokenGradient,
  type TrainableEngine,
  unfoldLoraGradient,
  type Warning,
} from "@anymc3d/core";
import type { InferenceSession, Tensor } from "onnxruntime-common";
import { type GradientTarget, trainingGraphs, vitGraph } from "./graph/vit-graph.js";
import { type Device, inNode, loadRuntime, type Runtime } from "./runtime.js";
import { type Activations, type Feeds, TrainingSessions } from "./training.js";

/** Options of `createOnnxEngine()`. */
export interface OnnxEngineOptions {
  /** Default: `cpu` in Node, `wasm` in browsers. `webgpu` and `cuda` need the runtime's provider for them. */
  readonly device?: Device;
  /** Which build of ONNX Runtime; default onnxruntime-node in Node (if installed), onnxruntime-web elsewhere. */
  readonly runtime?: Runtime["name"];
  /** `int8` quantises the blocks' linear maps: about twice as fast on CPUs with int8 products, logits move by up to about 0.5. Default `fp32`. */
  readonly precision?: Precision;
  /** CPU threads; default in Node: ONNX Runtime's choice, one per physical core; in a worker of a cross-origin isolated page: all of up to 4 cores, half of more; else one. */
  readonly threads?: number;
  /** Slices per run; default chosen from the slice size, see `defaultChunk`. */
  readonly chunk?: number;
  /** Bytes of activations that `encode()` may keep for `backward()`; beyond them they are computed again. Default 1.5 GiB. */
  readonly activationBudget?: number;
  /** Browsers: where onnxruntime-web's .wasm and .mjs files are served from, a URL prefix. Default: beside the bundle. */
  readonly wasmPaths?: string;
}

/**
 * Creates an engine and tests it against the backbone's stored answer.
 * @throws AnyMC3DError `ENGINE_UNAVAILABLE`, `ENGINE_SELF_TEST`, `ASSET_INVALID` when a server answers something else for a .wasm file
 */
export async function createOnnxEngine(backbone: Backbone, options: OnnxEngineOptions = {}): Promise<TrainableEngine> {
  const device = options.device ?? (options.runtime === "onnxruntime-web" || !inNode ? "wasm" : "cpu");
  const runtime = await loadRuntime(device, options.runtime);
  const engine = new OnnxEngine(backbone, runtime, device === "cpu" && runtime.name === "onnxruntime-web" ? "wasm" : device, options);
  try {
    await engine.ready({ lora: true, patches: false });
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

/**
 * Threads wait instead of spinning between runs: each session has its own, and those of one would take the cores from another.
 * Measured (docs/decisions/0009): training 5 to 10 % faster, 32 slices of 112×112 unchanged, a single one 5 % slower.
 */
const QUIET = { session: { intra_op: { allow_spinning: "0" } } };

/** Sessions come in kinds, each made when first needed: a graph without LoRA, or without patch tokens, costs nothing for them. */
interface Variant {
  readonly lora: boolean;
  readonly patches: boolean;
}

/** Activations kept by `encode()` for one `backward()`. */
interface Kept {
  readonly lora: LoraTensors;
  readonly sessions: TrainingSessions;
  /** By the chunk's first slice. */
  readonly chunks: Map<number, { readonly count: number; readonly feeds: Feeds; readonly activations: Activations }>;
}

/** Training sessions of one kind of graph. The newest two are held: a view's, and with patch tokens or Grad-CAM another. */
const HELD_TRAINING = 2;

class OnnxEngine implements TrainableEngine {
  readonly id: string;
  readonly precision: Precision;
  readonly backbone: Pick<Backbone, "name" | "hash" | "spec">;
  readonly warnings: readonly Warning[];
  readonly #source: Pick<Backbone, "spec" | "tensors" | "selfTest">;
  readonly #runtime: Runtime;
  readonly #device: Device;
  readonly #options: OnnxEngineOptions;
  readonly #sessions = new Map<string, Promise<InferenceSession>>();
  readonly #ready = new Map<string, Promise<void>>();
  readonly #training = new Map<string, TrainingSessions>();
  readonly #kept = new Map<Slices, Kept>();
  #keptBytes = 0;
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
    const key = JSON.stringify(variant);
    const known = this.#ready.get(key);
    if (known) return known;
    const encode: TrainableEngine["encode"] = (slices, lora) => this.#encode(slices, lora, { patches: variant.patches });
    const tested = runSelfTest({ id: this.id, precision: this.precision, encode }, this.#source, [variant.lora ? "lora" : "plain"]);
    this.#ready.set(key, tested);
    return tested;
  }

  async encode(slices: Slices, lora: LoraTensors | undefined, want: EncodeWants, signal?: AbortSignal): Promise<Encoded> {
    this.#assertUsable();
    if (want.keep && want.attention)
      throw new AnyMC3DError("OPTION_INVALID", "activations are kept for training, attention is for heatmaps: ask for one of them");
    await this.ready({ lora: lora !== undefined, patches: want.patches === true });
    return this.#encode(slices, lora, want, signal);
  }

  async #encode(slices: Slices, lora: LoraTensors | undefined, want: EncodeWants, signal?: AbortSignal): Promise<Encoded> {
    const loraFeeds = lora && this.#feedsOf(lora);
    const keeper = want.keep && lora ? this.#keeper(slices, lora, want.patches === true) : undefined;
    return encodeInChunks({
      spec: this.backbone.spec,
      slices,
      size: this.#chunkSize(slices),
      want,
      signal,
      run: (chunk) =>
        this.#exclusively(() => (keeper && this.#mayKeep() ? this.#runKept(chunk, loraFeeds as Feeds, keeper, want) : this.#run(chunk, loraFeeds, want))),
    });
  }

  #chunkSize({ height, width }: Slices): number {
    const [rows, columns] = patchGrid(this.backbone.spec, height, width);
    return this.#options.chunk ?? defaultChunk(rows * columns);
  }

  async backward(slices: Slices, lora: LoraTensors, dCls: Float32Array, dPatches?: Float32Array, signal?: AbortSignal): Promise<LoraTensors> {
    const sums = new Map<string, Float32Array>();
    const sessions = this.#trainingSessions("lora", lora, dPatches !== undefined);
    const kept = this.#takeKept(slices, lora, sessions);
    const add = (results: Feeds) => {
      for (const [name, { data }] of Object.entries(results)) {
        const sum = sums.get(name);
        if (!sum) sums.set(name, (data as Float32Array).slice());
        else for (let i = 0; i < sum.length; i++) sum[i] += (data as Float32Array)[i];
      }
    };
    await this.#backwardInChunks({ slices, lora, dCls, dPatches, signal, sessions, kept, outputs: [], take: (results) => add(results) });
    const folded = new Map<string, { a: Float32Array; b: Float32Array }>();
    for (const map of adaptedMaps(this.#source, lora))
      folded.set(map, { a: sums.get(`d.lora.${map}.a`) as Float32Array, b: sums.get(`d.lora.${map}.b`) as Float32Array });
    return unfoldLoraGradient(this.#source, lora, folded);
  }

  async tokenGradient(slices: Slices, lora: LoraTensors | undefined, dCls: Float32Array, signal?: AbortSignal): Promise<TokenGradient> {
    const [rows, columns] = patchGrid(this.backbone.spec, slices.height, slices.width);
    const size = rows * columns * this.backbone.spec.width;
    const out = { tokens: new Float32Array(slices.count * size), gradient: new Float32Array(slices.count * size) };
    const take = (results: Feeds, { start }: Chunk) => {
      out.tokens.set(results.input.data as Float32Array, start * size);
      out.gradient.set(results["d.input"].data as Float32Array, start * size);
    };
    await this.#backwardInChunks({ slices, lora, dCls, signal, sessions: this.#trainingSessions("tokens", lora, false), outputs: ["input"], take });
    return out;
  }

  /** Backward over the chunks whose activations were kept as they were, over the others after running forward again. */
  async #backwardInChunks(work: {
    readonly slices: Slices;
    readonly lora: LoraTensors | undefined;
    readonly dCls: Float32Array;
    readonly dPatches?: Float32Array;
    readonly signal?: AbortSignal;
    readonly sessions: TrainingSessions;
    readonly kept?: Kept;
    /** Of the forward model. */
    readonly outputs: readonly string[];
    take(results: Feeds, chunk: Chunk): void;
  }): Promise<void> {
    this.#assertUsable();
    const { slices, lora, dCls, dPatches, signal, sessions, kept, outputs, take } = work;
    const { width, patch } = this.backbone.spec;
    const patches = (slices.height * slices.width) / patch ** 2;
    assertLength("dCls", dCls, slices.count * width);
    if (dPatches) assertLength("dPatches", dPatches, slices.count * patches * width);
    const loraFeeds = lora && this.#feedsOf(lora, true);
    const run = async (chunk: Chunk): Promise<Feeds> => {
      const seeds: Feeds = { "d.cls": this.#tensor(part(dCls, chunk, width), [chunk.count, width]) };
      if (dPatches) seeds["d.tokens"] = this.#tensor(part(dPatches, chunk, patches * width), [chunk.count, patches, width]);
      const held = kept?.chunks.get(chunk.start);
      if (held?.count === chunk.count) {
        kept?.chunks.delete(chunk.start);
        this.#keptBytes -= held.activations.bytes;
        return sessions.backward({ ...held.feeds, ...seeds }, held.activations);
      }
      const feeds = { ...this.#chunkFeeds(chunk), ...loraFeeds };
      const { results, activations } = await sessions.forward(feeds, outputs);
      return { ...results, ...(await sessions.backward({ ...feeds, ...seeds }, activations)) };
    };
    try {
      await inChunks({ spec: this.backbone.spec, slices, size: this.#chunkSize(slices), signal, run: (chunk) => this.#exclusively(() => run(chunk)), take });
    } finally {
      if (kept) this.#letGo(kept);
    }
  }

  #trainingSessions(target: GradientTarget, lora: LoraTensors | undefined, patches: boolean): TrainingSessions {
    this.#assertUsable();
    if (this.precision !== "fp32") throw new AnyMC3DError("OPTION_INVALID", `${this.id} runs in ${this.precision}; gradients need an fp32 engine`);
    const adapted = lora ? adaptedMaps(this.#source, lora) : [];
    // The rank, too: sessions reuse output buffers, whose shapes follow from it.
    const key = `${target} ${patches} ${lora?.rank ?? 0} ${adapted.join()}`;
    const known = this.#training.get(key);
    this.#training.delete(key);
    const sessions =
      known ??
      new TrainingSessions(trainingGraphs(this.backbone.spec, foldBackbone(this.#source), { adapted, patches }, target), {
        create: (model) => this.#createSession(model),
        tensor: (data, shape) => this.#tensor(data, shape),
        reusesOutputs: this.#runtime.name === "onnxruntime-node",
      });
    this.#training.set(key, sessions);
    for (const [oldest, old] of this.#training) {
      if (this.#training.size <= HELD_TRAINING) break;
      this.#training.delete(oldest);
      for (const [slices, kept] of this.#kept) if (kept.sessions === old) this.#takeKept(slices, kept.lora, undefined);
      void this.#exclusively(() => old.dispose());
    }
    return sessions;
  }

  #keeper(slices: Slices, lora: LoraTensors, patches: boolean): Kept {
    const sessions = this.#trainingSessions("lora", lora, patches);
    this.#takeKept(slices, lora, undefined);
    const kept: Kept = { lora, sessions, chunks: new Map() };
    this.#kept.set(slices, kept);
    return kept;
  }

  /** Room for another chunk, guessed to be as large as those before it. */
  #mayKeep(): boolean {
    const chunks = [...this.#kept.values()].reduce((sum, kept) => sum + kept.chunks.size, 0);
    const next = chunks ? this.#keptBytes / chunks : 1;
    return this.#keptBytes + next <= (this.#options.activationBudget ?? 1.5 * 2 ** 30);
  }

  /** The activations kept for these slices and this LoRA; those that do not fit are let go. */
  #takeKept(slices: Slices, lora: LoraTensors, sessions: TrainingSessions | undefined): Kept | undefined {
    const kept = this.#kept.get(slices);
    if (!kept) return undefined;
    this.#kept.delete(slices);
    if (kept.lora === lora && kept.sessions === sessions) return kept;
    this.#letGo(kept);
    return undefined;
  }

  #letGo({ chunks, sessions }: Kept): void {
    for (const { activations } of chunks.values()) {
      this.#keptBytes -= activations.bytes;
      sessions.release(activations);
    }
    chunks.clear();
  }

  async #runKept(chunk: Chunk, loraFeeds: Feeds, kept: Kept, want: EncodeWants): Promise<Encoded> {
    this.#assertUsable();
    const feeds = { ...this.#chunkFeeds(chunk), ...pick(loraFeeds, adaptedMaps(this.#source, kept.lora)) };
    const { results, activations } = await kept.sessions.forward(feeds, ["cls", ...(want.patches ? ["tokens"] : [])]);
    kept.chunks.set(chunk.start, { count: chunk.count, feeds, activations });
    this.#keptBytes += activations.bytes;
    return { cls: results.cls.data as Float32Array, patches: results.tokens?.data as Float32Array | undefined };
  }

  /** One run at a time: sessions of the WebAssembly build share one memory and refuse to overlap. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #run(chunk: Chunk, loraFeeds: Feeds | undefined, want: EncodeWants): Promise<Encoded> {
    this.#assertUsable();
    const session = await this.#session({ lora: loraFeeds !== undefined, patches: want.patches === true });
    const fetches = ["cls", ...(want.attention ? ["attention"] : []), ...(want.patches ? ["tokens"] : [])];
    const results = await session.run({ ...this.#chunkFeeds(chunk), ...loraFeeds }, fetches);
    return {
      cls: results.cls.data as Float32Array,
      attention: results.attention?.data as Float32Array | undefined,
      patches: results.tokens?.data as Float32Array | undefined,
    };
  }

  #chunkFeeds(chunk: Chunk): Feeds {
    const patches = chunk.rows * chunk.columns;
    return {
      patches: this.#tensor(chunk.patches, [chunk.count, patches, chunk.patches.length / chunk.count / patches]),
      prefix: this.#prefix(chunk.count),
      ...this.#positionFeeds(chunk.rows, chunk.columns),
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

  /** LoRA inputs of all maps, zeros where one is not adapted; or of the adapted ones only. */
  #feedsOf(lora: LoraTensors, adaptedOnly = false): Feeds {
    const known = this.#loraFeeds.get(lora);
    if (known) return adaptedOnly ? pick(known, adaptedMaps(this.#source, lora)) : known;
    const feeds: Feeds = {};
    for (const [map, { a, b, in: into, out, rank }] of foldLora(this.#source, lora)) {
      feeds[`lora.${map}.a`] = this.#tensor(a, [into, rank]);
      feeds[`lora.${map}.b`] = this.#tensor(b, [rank, out]);
    }
    this.#loraFeeds.set(lora, feeds);
    return this.#feedsOf(lora, adaptedOnly);
  }

  #session(variant: Variant): Promise<InferenceSession> {
    const key = JSON.stringify(variant);
    const known = this.#sessions.get(key);
    if (known) return known;
    const adapted = variant.lora ? [...loraMaps(this.backbone.spec).keys()] : [];
    const { precision = "fp32" } = this.#options;
    const created = this.#createSession(vitGraph(this.backbone.spec, foldBackbone(this.#source), { adapted, precision, patches: variant.patches }));
    this.#sessions.set(key, created);
    return created;
  }

  async #createSession(model: Uint8Array): Promise<InferenceSession> {
    const { ort, name } = this.#runtime;
    const { threads, wasmPaths } = this.#options;
    const provider = this.#device;
    if (name === "onnxruntime-web") {
      if (wasmPaths) ort.env.wasm.wasmPaths = asFolder(wasmPaths);
      const count = inNode ? threads : browserThreads(threads);
      if (count) ort.env.wasm.numThreads = count;
    }
    try {
      return await ort.InferenceSession.create(model, {
        executionProviders: [provider],
        graphOptimizationLevel: "all",
        ...(name === "onnxruntime-node" ? { extra: QUIET, ...(threads ? { intraOpNumThreads: threads } : {}) } : {}),
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
    this.#kept.clear();
    for (const sessions of this.#training.values()) await sessions.dispose();
    this.#training.clear();
  }
}

/** Maps that a LoRA adapts, in the backbone's order. */
function adaptedMaps(backbone: Pick<Backbone, "spec">, lora: LoraTensors): string[] {
  return [...loraMaps(backbone.spec).keys()].filter((map) => lora.tensors.has(`${map}.A`));
}

function pick(feeds: Feeds, maps: readonly string[]): Feeds {
  return Object.fromEntries(maps.flatMap((map) => ["a", "b"].map((side) => [`lora.${map}.${side}`, feeds[`lora.${map}.${side}`]])));
}

/** The chunk's share of values that lie `size` a slice. */
function part(values: Float32Array, { start, count }: Chunk, size: number): Float32Array {
  return values.subarray(start * size, (start + count) * size);
}

function assertLength(name: string, values: Float32Array, expected: number): void {
  if (values.length !== expected) throw new AnyMC3DError("INPUT_SHAPE", `${name} holds ${values.length} values, expected ${expected}`);
}

/**
 * Threads in a browser, never more than there are cores. One where the page is not cross-origin isolated, and by default on a page's own thread, which
 * ONNX Runtime's threads may start from the wrong script of a bundle; in a worker all of up to 4 cores, of more the half (two logical cores share a
 * physical one), 8 at most.
 */
function browserThreads(wanted: number | undefined): number {
  // WebKit may say that it is isolated and have no shared memory all the same.
  if (!globalThis.crossOriginIsolated || typeof SharedArrayBuffer === "undefined") return 1;
  const cores = navigator.hardwareConcurrency;
  const inPage = "document" in globalThis;
  return Math.min(cores, wanted ?? (inPage ? 1 : cores <= 4 ? cores : Math.min(8, Math.ceil(cores / 2))));
}

const asFolder = (address: string): string => (address.endsWith("/") ? address : `${address}/`);

/** How browsers say, inside of ONNX Runtime's own words, that a file could not be fetched. */
const UNFETCHED = /failed to fetch|networkerror|load failed|importing a module|imported module/i;

/** Why a session did not start, in words that help. */
async function explainStart(error: unknown, id: string, wasmPaths: string | undefined): Promise<unknown> {
  if (isAnyMC3DError(error)) return error;
  const text = String(error);
  if (/Content Security Policy/i.test(text))
    return new AnyMC3DError("ENGINE_UNAVAILABLE", `${id}: the page's Content-Security-Policy forbids WebAssembly; add 'wasm-unsafe-eval' to script-src.`, {
      cause: error,
      details: { engine: id, reason: "policy" },
    });
  if (/magic word|fell off end|Incorrect response MIME|Failed to fetch dynamically imported|wasm.*(404|text\/html)/i.test(text)) {
    const found = wasmPaths ? await probe(new URL("ort-wasm-simd-threaded.wasm", new URL(asFolder(wasmPaths), globalThis.location?.href)).href) : "";
    return new AnyMC3DError(
      "ASSET_INVALID",
      `${id}: onnxruntime-web's .wasm file did not load${found}. Serve the files of onnxruntime-web/dist and name the folder with the option wasmPaths. Reason: ${text}`,
      { cause: error, details: { engine: id, reason: UNFETCHED.test(text) ? "network" : "content" } },
    );
  }
  if (/bad_alloc|out of memory|memory allocation|Array buffer allocation/i.test(text)) {
    return new AnyMC3DError("OUT_OF_MEMORY", `${id}: the backbone does not fit the memory of this device. Reason: ${text}`, { cause: error });
  }
  return new AnyMC3DError("ENGINE_UNAVAILABLE", `${id} could not start. Choose another device${inNode ? ", or run `anymc3d doctor`" : ""}. Reason: ${text}`, {
    cause: error,
    details: { engine: id, ...(UNFETCHED.test(text) && { reason: "network" }) },
  });
}

async function probe(url: string): Promise<string> {
  try {
    const response = await fetch(url, { method: "HEAD" });
    return `: ${url} answered ${response.status} ${response.headers.get("content-type") ?? "without content type"}`;
  } catch {
    return `: ${url} could not be reached`;
  }
}
