// The table of engines: which there are, where they run, how they are found out, loaded and helped. Everything that names engines derives from it.
// Loads no engine by itself, so that a command line can read it at its start.

import type { Backbone, Engine, Precision } from "@anymc3d/core";
import type { Device } from "@anymc3d/engine-onnx";
import type { TfjsBackend } from "@anymc3d/engine-tfjs";

export type Place = "node" | "browser";

/** Where this runs; a worker counts as a browser. */
export const here: Place = typeof process !== "undefined" && process.versions?.node ? "node" : "browser";

/** What an engine is loaded with. */
interface LoadOptions {
  readonly precision: Precision;
  readonly threads?: number;
  readonly chunk?: number;
  readonly wasmPaths?: string;
  /** Whether graphics emulated in software will do, because the engine was asked for by its name. */
  readonly named: boolean;
}

export interface EngineRow {
  readonly id: string;
  readonly runsIn: readonly Place[];
  /** Where `auto` tries it, in the order of the table. */
  readonly auto: readonly Place[];
  readonly precisions: readonly Precision[];
  /** Takes minutes a slice; not timed to see how it does. */
  readonly slow?: true;
  /** Why it is of no use here, found out before its library is loaded for it. */
  probe?(): Promise<string | undefined>;
  /** @throws AnyMC3DError as the engine's package does */
  load(backbone: Backbone, options: LoadOptions): Promise<Engine>;
  /** What to do where it does not start. */
  readonly advice?: string;
}

const onnx = (device: Device): EngineRow["load"] => {
  return async (backbone, { precision, threads, chunk, wasmPaths }) => {
    const { createOnnxEngine } = await import("@anymc3d/engine-onnx");
    return createOnnxEngine(backbone, { device, precision, threads, chunk, wasmPaths });
  };
};

const tfjs = (backend: TfjsBackend): EngineRow["load"] => {
  return async (backbone, { chunk, wasmPaths, named }) => {
    const { createTfjsEngine } = await import("@anymc3d/engine-tfjs");
    return createTfjsEngine(backbone, { backend, emulated: named, chunk, wasmPaths });
  };
};

const EVERYWHERE = ["node", "browser"] as const;
const BOTH = ["fp32", "int8"] as const;
const EXACT = ["fp32"] as const;

export const ENGINES = [
  {
    id: "onnx/cpu",
    runsIn: ["node"],
    auto: ["node"],
    precisions: BOTH,
    load: onnx("cpu"),
    advice:
      "`npm install --ignore-scripts onnxruntime-node` brings it: its install script would fetch CUDA files from outside the npm registry, and where that fails npm leaves the package out",
  },
  { id: "tfjs/webgpu", runsIn: EVERYWHERE, auto: ["browser"], precisions: EXACT, probe: webgpuFault, load: tfjs("webgpu") },
  { id: "onnx/wasm", runsIn: EVERYWHERE, auto: EVERYWHERE, precisions: BOTH, load: onnx("wasm") },
  { id: "tfjs/webgl", runsIn: ["browser"], auto: ["browser"], precisions: EXACT, load: tfjs("webgl") },
  { id: "tfjs/wasm", runsIn: EVERYWHERE, auto: ["browser"], precisions: EXACT, load: tfjs("wasm") },
  { id: "tfjs/cpu", runsIn: EVERYWHERE, auto: [], precisions: EXACT, slow: true, load: tfjs("cpu") },
  {
    id: "onnx/webgpu",
    runsIn: EVERYWHERE,
    auto: [],
    precisions: EXACT,
    load: onnx("webgpu"),
    advice: "it needs a GPU and its driver; not needed to classify",
  },
  {
    id: "onnx/cuda",
    runsIn: ["node"],
    auto: [],
    precisions: EXACT,
    load: onnx("cuda"),
    advice: "it needs an NVIDIA GPU, CUDA and onnxruntime-node's CUDA libraries; not needed to classify",
  },
  {
    id: "tfjs/tensorflow",
    runsIn: ["node"],
    auto: [],
    precisions: EXACT,
    load: tfjs("tensorflow"),
    advice: "`npm install @tensorflow/tfjs-node` (Node 20 or 22) brings it; not needed to classify",
  },
] as const satisfies readonly EngineRow[];

/** `auto`, or an engine and its device. */
export type EngineChoice = "auto" | (typeof ENGINES)[number]["id"];

const rows: readonly (EngineRow & { readonly id: EngineChoice })[] = ENGINES;

/** All that `engine` can be. Which of them run where: `anymc3d doctor`. */
export const ENGINE_CHOICES: readonly EngineChoice[] = ["auto", ...rows.map(({ id }) => id)];

/** The choices that make sense in a place. */
export function enginesIn(place: Place): readonly EngineChoice[] {
  return rows.filter(({ runsIn }) => runsIn.includes(place)).map(({ id }) => id);
}

/** Those worth trying out one by one where this runs, each with what to do where it does not start. */
export function enginesToExamine(): readonly { readonly id: EngineChoice; readonly advice?: string }[] {
  return rows.filter(({ runsIn, slow }) => runsIn.includes(here) && !slow);
}

/** @returns undefined for `auto` */
export function engineRow(choice: EngineChoice): EngineRow | undefined {
  return rows.find(({ id }) => id === choice);
}

/** What `auto` tries, one after the other. */
export function ladder(place: Place, precision: Precision): readonly EngineRow[] {
  return rows.filter(({ auto, precisions }) => auto.includes(place) && precisions.includes(precision));
}

interface GpuAdapter {
  readonly isFallbackAdapter?: boolean;
  readonly info?: { readonly isFallbackAdapter?: boolean };
}

/** Why WebGPU is of no use, found out before TensorFlow.js is loaded for it. */
async function webgpuFault(): Promise<string | undefined> {
  const { gpu } = (globalThis.navigator ?? {}) as { gpu?: { requestAdapter(): Promise<GpuAdapter | null> } };
  if (!gpu) return here === "node" ? "there is no navigator.gpu" : "this browser has no WebGPU, or the page is not served over https";
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (!adapter) return "no graphics processor here is open to WebGPU";
  return (adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter) ? "WebGPU is emulated in software here" : undefined;
}
