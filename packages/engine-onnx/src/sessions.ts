// An engine's sessions, made when first needed: one for each graph that was wanted, and pairs that run forward and backward.

import type { Backbone, GradientTarget, Precision } from "@anymc3d/core";
import { foldBackbone } from "@anymc3d/core/engine";
import type { InferenceSession, Tensor } from "onnxruntime-common";
import { trainingGraphs, type VitGraphOptions, vitGraph } from "./graph/vit-graph.js";
import { type Device, inNode, type Runtime } from "./runtime.js";
import { asFolder, explainStart } from "./start-errors.js";
import { browserThreads, QUIET } from "./threads.js";
import { TrainingSessions } from "./training.js";

/** What sessions are made with. */
export interface SessionOptions {
  readonly runtime: Runtime;
  readonly device: Device;
  readonly precision: Precision;
  readonly threads?: number;
  readonly wasmPaths?: string;
}

/** Pairs that are held when nothing uses them: a view's, and with patch tokens or Grad-CAM another. */
const HELD_TRAINING = 2;

type Graph = Omit<VitGraphOptions, "precision">;

export class Sessions {
  readonly #source: Pick<Backbone, "spec" | "tensors">;
  readonly #options: SessionOptions;
  readonly #plain = new Map<string, Promise<InferenceSession>>();
  readonly #training = new Map<string, TrainingSessions>();

  constructor(source: Pick<Backbone, "spec" | "tensors">, options: SessionOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** The session of a graph; its `attention` is there whether wanted or not, so that one session does for both. */
  plain(graph: Graph): Promise<InferenceSession> {
    const key = JSON.stringify(graph);
    const known = this.#plain.get(key);
    if (known) return known;
    const created = this.#create(vitGraph(this.#source.spec, foldBackbone(this.#source), { ...graph, precision: this.#options.precision }));
    this.#plain.set(key, created);
    return created;
  }

  /**
   * The pair of a graph.
   * @param rank of the LoRA: output buffers that are used again have shapes that follow from it
   */
  training(graph: Omit<Graph, "until">, targets: readonly GradientTarget[], rank: number, tensor: (data: Float32Array, shape: readonly number[]) => Tensor) {
    const key = JSON.stringify([graph, [...targets].sort(), rank]);
    const known = this.#training.get(key);
    this.#training.delete(key);
    const sessions =
      known ??
      new TrainingSessions(trainingGraphs(this.#source.spec, foldBackbone(this.#source), graph, targets), {
        create: (model) => this.#create(model),
        tensor,
        // Of training alone, where one step's activations are as large as the next one's; else they would be held for nothing.
        reusesOutputs: this.#options.runtime.name === "onnxruntime-node" && targets.includes("lora"),
      });
    this.#training.set(key, sessions);
    return sessions;
  }

  /** Frees the pairs that were used least recently, those in use left out. */
  async trim(): Promise<void> {
    const idle = [...this.#training].filter(([, sessions]) => !sessions.inUse);
    for (const [key, sessions] of idle.slice(0, Math.max(0, this.#training.size - HELD_TRAINING))) {
      this.#training.delete(key);
      await sessions.dispose();
    }
  }

  async #create(model: Uint8Array): Promise<InferenceSession> {
    const { runtime, device, threads, wasmPaths } = this.#options;
    const { ort, name } = runtime;
    if (name === "onnxruntime-web") {
      if (wasmPaths) ort.env.wasm.wasmPaths = asFolder(wasmPaths);
      const count = inNode ? threads : browserThreads(threads);
      if (count) ort.env.wasm.numThreads = count;
    }
    try {
      return await ort.InferenceSession.create(model, {
        executionProviders: [device],
        graphOptimizationLevel: "all",
        ...(name === "onnxruntime-node" ? { extra: QUIET, ...(threads ? { intraOpNumThreads: threads } : {}) } : {}),
        logSeverityLevel: 4,
      });
    } catch (error) {
      throw await explainStart(error, `${name}/${device}`, wasmPaths);
    }
  }

  async dispose(): Promise<void> {
    for (const session of this.#plain.values()) await session.then((s) => s.release()).catch(() => undefined);
    for (const sessions of this.#training.values()) await sessions.dispose();
    this.#plain.clear();
    this.#training.clear();
  }
}
