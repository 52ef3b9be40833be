// createOnnxEngine(): a backbone on ONNX Runtime, chunk by chunk, forwards and backwards.

import {
  AnyMC3DError,
  type Backbone,
  type Engine,
  type Forward,
  type ForwardWants,
  type LoraTensors,
  type Precision,
  type Slices,
  type Warning,
} from "@anymc3d/core";
import { ActivationBudget, forwardInChunks, patchGrid, runSelfTest } from "@anymc3d/core/engine";
import { backwardChunk } from "./backward.js";
import { FeedMaker } from "./feeds.js";
import { forwardChunk, type KeptActivations, type Parts } from "./forward.js";
import { type Device, inNode, loadRuntime, type Runtime } from "./runtime.js";
import { Sessions } from "./sessions.js";

/** Options of `createOnnxEngine()`. */
export interface OnnxEngineOptions {
  /** Default: `cpu` in Node, `wasm` in browsers. `webgpu` and `cuda` need the runtime's provider for them. */
  readonly device?: Device;
  /** Which build of ONNX Runtime; default: onnxruntime-web for the device `wasm` and in browsers, else onnxruntime-node. */
  readonly runtime?: Runtime["name"];
  /** `int8` quantises the blocks' linear maps: about twice as fast on CPUs with int8 products, logits move by up to about 0.7. Default `fp32`. */
  readonly precision?: Precision;
  /** CPU threads; default in Node: ONNX Runtime's choice, one per physical core; in a worker of a cross-origin isolated page: all of up to 4 cores, half of more; else one. */
  readonly threads?: number;
  /** Slices per run; default chosen from the slice size, see `defaultChunk`. */
  readonly chunk?: number;
  /** Bytes of activations that forwards may keep for their way back; beyond them they are computed again. Default 1.5 GiB. */
  readonly activationBudget?: number;
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
  const engine = new OnnxEngine(backbone, runtime, runtime.name === "onnxruntime-web" && device === "cpu" ? "wasm" : device, options);
  try {
    await engine.ready({ lora: true, patches: false, lastInput: false, tokens: false });
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

/** A graph without LoRA, or without patch tokens, costs nothing for them; each is tested when first needed. */
interface Variant {
  readonly lora: boolean;
  readonly patches: boolean;
  readonly lastInput: boolean;
  /** Whether activations are kept for the gradient of tokens, as Grad-CAM does with a pass that also classifies. */
  readonly tokens: boolean;
}

const BUDGET = 1.5 * 2 ** 30;

class OnnxEngine implements Engine {
  readonly id: string;
  readonly precision: Precision;
  readonly backbone: Pick<Backbone, "name" | "hash" | "spec">;
  readonly warnings: readonly Warning[];
  readonly #source: Pick<Backbone, "spec" | "tensors" | "selfTest">;
  readonly #parts: Parts;
  readonly #budget: ActivationBudget;
  readonly #chunk: number | undefined;
  readonly #ready = new Map<string, Promise<void>>();
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  constructor(backbone: Backbone, runtime: Runtime, device: Device, options: OnnxEngineOptions) {
    const { precision = "fp32", threads, wasmPaths, chunk, activationBudget = BUDGET } = options;
    this.id = `${runtime.name}/${device}`;
    this.precision = precision;
    this.backbone = { name: backbone.name, hash: backbone.hash, spec: backbone.spec };
    this.warnings = backbone.selfTest
      ? []
      : [{ code: "NO_SELF_TEST", message: `backbone ${backbone.name} has no stored self-test; the device was not checked` }];
    this.#source = backbone;
    const sessions = new Sessions(backbone, { runtime, device, precision, threads, wasmPaths });
    this.#parts = { source: backbone, sessions, feeds: new FeedMaker(backbone, runtime.ort.Tensor) };
    this.#budget = new ActivationBudget(activationBudget);
    this.#chunk = chunk;
  }

  /** Makes a variant's sessions and tests them, once. */
  ready(variant: Variant): Promise<void> {
    const key = JSON.stringify(variant);
    const known = this.#ready.get(key);
    if (known) return known;
    const { patches, lastInput, tokens } = variant;
    const want: ForwardWants = { patches, lastInput, ...(tokens && { gradients: ["tokens"] }) };
    const forward: Engine["forward"] = (slices, lora) => this.#forward(slices, lora, want);
    const tested = runSelfTest({ id: this.id, precision: this.precision, forward }, this.#source, [variant.lora ? "lora" : "plain"]);
    this.#ready.set(key, tested);
    return tested;
  }

  async forward(slices: Slices, lora: LoraTensors | undefined, want: ForwardWants, signal?: AbortSignal): Promise<Forward> {
    this.#assertUsable();
    const { gradients = [], from, until, patches = false, lastInput = false } = want;
    if (gradients.length && this.precision !== "fp32")
      throw new AnyMC3DError("OPTION_INVALID", `${this.id} runs in ${this.precision}; gradients need an fp32 engine`);
    // Without the first or the last blocks there is no stored answer; the same operations were tested when the engine was made.
    if (!from && until === undefined) await this.ready({ lora: lora !== undefined, patches, lastInput, tokens: gradients.join() === "tokens" });
    return this.#forward(slices, lora, want, signal);
  }

  async #forward(slices: Slices, lora: LoraTensors | undefined, want: ForwardWants, signal?: AbortSignal): Promise<Forward> {
    const [rows, columns] = patchGrid(this.backbone.spec, slices.height, slices.width);
    if (lora) this.#parts.feeds.check(lora);
    const pass = { lora, want };
    return forwardInChunks<KeptActivations>({
      backbone: this.#source,
      slices,
      lora,
      want,
      signal,
      size: this.#chunk ?? defaultChunk(rows * columns),
      budget: this.#budget,
      forward: (chunk, keep) => this.#exclusively(() => forwardChunk(this.#parts, pass, chunk, keep)),
      backward: (from, seeds) => this.#exclusively(() => backwardChunk(this.#parts, pass, from, seeds)),
    });
  }

  /** One run at a time: sessions of the WebAssembly build share one memory and refuse to overlap. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(async () => {
      this.#assertUsable();
      const result = await work();
      await this.#parts.sessions.trim();
      return result;
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  #assertUsable(): void {
    if (this.#disposed) throw new AnyMC3DError("ENGINE_DISPOSED", `engine ${this.id} was disposed; create a new one`);
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#queue;
    await this.#parts.sessions.dispose();
  }
}
