// Which engine runs: the one asked for, or the best that passes its self-test where this runs, with a warning for each passed over.

import { AnyMC3DError, type Backbone, type ErrorCode, isAbortError, isAnyMC3DError, type Precision, type TrainableEngine, type Warning } from "@anymc3d/core";

/** `auto`, or an engine and its device. */
export type EngineChoice =
  | "auto"
  | "onnx/cpu"
  | "onnx/wasm"
  | "onnx/webgpu"
  | "onnx/cuda"
  | "tfjs/webgpu"
  | "tfjs/webgl"
  | "tfjs/wasm"
  | "tfjs/cpu"
  | "tfjs/tensorflow";

/** All that `engine` can be. Which of them run where: `anymc3d doctor`; in browsers onnx/wasm, onnx/webgpu, tfjs/webgpu, tfjs/webgl, tfjs/wasm, tfjs/cpu. */
export const ENGINE_CHOICES: readonly EngineChoice[] = [
  "auto",
  "onnx/cpu",
  "onnx/wasm",
  "onnx/webgpu",
  "onnx/cuda",
  "tfjs/webgpu",
  "tfjs/webgl",
  "tfjs/wasm",
  "tfjs/cpu",
  "tfjs/tensorflow",
];

/** Where and how the backbone runs. */
export interface EngineOptions {
  /** Default `auto`: ONNX Runtime in Node; in browsers WebGPU (not emulated in software), then ONNX Runtime's WebAssembly, WebGL, TensorFlow.js's WebAssembly. */
  readonly engine?: EngineChoice;
  /** `int8` (ONNX Runtime on CPUs only) about doubles the speed; logits move by up to about 0.5. Default `fp32`. */
  readonly precision?: Precision;
  /** CPU threads; default: the runtime's choice. */
  readonly threads?: number;
  /** Slices per run; default: by slice size. */
  readonly chunk?: number;
  /** Browsers: address of one folder with the .wasm files of onnxruntime-web and tfjs-backend-wasm; each engine looks for its own. Default: beside the bundle. */
  readonly wasmPaths?: string;
}

const inNode = typeof process !== "undefined" && Boolean(process.versions?.node);

function candidates(precision: Precision): EngineChoice[] {
  if (inNode) return ["onnx/cpu", "onnx/wasm"];
  if (precision === "int8") return ["onnx/wasm"];
  return ["tfjs/webgpu", "onnx/wasm", "tfjs/webgl", "tfjs/wasm"];
}

interface GpuAdapter {
  readonly isFallbackAdapter?: boolean;
  readonly info?: { readonly isFallbackAdapter?: boolean };
}

/** Why a browser's WebGPU is of no use, found out before TensorFlow.js is loaded for it. */
async function webgpuFault(): Promise<string | undefined> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<GpuAdapter | null> } };
  if (!gpu) return "this browser has no WebGPU, or the page is not served over https";
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (!adapter) return "no graphics processor here is open to WebGPU";
  return (adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter) ? "WebGPU is emulated in software here" : undefined;
}

async function start(
  choice: EngineChoice,
  backbone: Backbone,
  { engine, precision = "fp32", threads, chunk, wasmPaths }: EngineOptions,
): Promise<TrainableEngine> {
  const [kind, device] = choice.split("/");
  if (!inNode && (choice === "onnx/cpu" || choice === "onnx/cuda" || choice === "tfjs/tensorflow"))
    throw new AnyMC3DError("ENGINE_UNAVAILABLE", `engine ${choice} runs in Node only; in a browser there are auto, onnx/wasm, tfjs/webgpu, tfjs/webgl, …`);
  if (kind === "onnx") {
    const { createOnnxEngine } = await import("@anymc3d/engine-onnx");
    return createOnnxEngine(backbone, { device: device as "cpu", precision, threads, chunk, wasmPaths });
  }
  if (precision !== "fp32") throw new AnyMC3DError("OPTION_INVALID", `engine ${choice} runs in fp32 only; ${precision} needs onnx/cpu or onnx/wasm`);
  const { createTfjsEngine } = await import("@anymc3d/engine-tfjs");
  return createTfjsEngine(backbone, { backend: device as "wasm", emulated: engine === choice, chunk, wasmPaths });
}

/**
 * Creates the engine for a backbone.
 * @throws AnyMC3DError `ENGINE_UNAVAILABLE`, `ENGINE_SELF_TEST`, `OPTION_INVALID`
 */
export async function createEngine(backbone: Backbone, options: EngineOptions = {}): Promise<TrainableEngine> {
  const { engine: choice = "auto" } = options;
  if (!ENGINE_CHOICES.includes(choice)) throw new AnyMC3DError("OPTION_INVALID", `engine "${choice}" is not known; choose one of ${ENGINE_CHOICES.join(", ")}`);
  const { precision = "fp32", threads, chunk } = options;
  if (precision !== "fp32" && precision !== "int8")
    throw new AnyMC3DError("OPTION_INVALID", `precision is ${JSON.stringify(precision)}, expected "fp32" or "int8"`);
  for (const [name, value] of Object.entries({ threads, chunk })) {
    if (value !== undefined && !(Number.isInteger(value) && value > 0))
      throw new AnyMC3DError("OPTION_INVALID", `${name} is ${JSON.stringify(value)}, expected a whole number from 1`);
  }
  if (options.wasmPaths !== undefined && typeof options.wasmPaths !== "string")
    throw new AnyMC3DError("OPTION_INVALID", `wasmPaths is ${JSON.stringify(options.wasmPaths)}, expected the address of a folder`);
  if (choice !== "auto") return start(choice, backbone, options);
  const passedOver: Warning[] = [];
  const tried: ReturnType<typeof attempt>[] = [];
  let last: unknown;
  for (const candidate of candidates(precision)) {
    try {
      const fault = candidate === "tfjs/webgpu" ? await webgpuFault() : undefined;
      if (fault) throw new AnyMC3DError("ENGINE_UNAVAILABLE", fault);
      return withWarnings(await start(candidate, backbone, options), passedOver);
    } catch (error) {
      if (isAbortError(error)) throw error;
      last = error;
      tried.push(attempt(candidate, error));
      passedOver.push({ code: "ENGINE_FALLBACK", message: `${candidate} was passed over: ${(error as Error).message}` });
    }
  }
  if (passedOver.length === 1 && isAnyMC3DError(last)) throw last;
  throw new AnyMC3DError("ENGINE_UNAVAILABLE", `no engine could start. ${passedOver.map(({ message }) => message).join("\n")}`, {
    cause: last,
    details: { engine: choice, tried },
  });
}

/** What an attempt to start came to, as data. */
function attempt(engine: EngineChoice, error: unknown): { engine: EngineChoice; code: ErrorCode; reason?: "network" } {
  const code = isAnyMC3DError(error) ? error.code : "ENGINE_FAILED";
  const unfetched = (isAnyMC3DError(error, "ENGINE_UNAVAILABLE") || isAnyMC3DError(error, "ASSET_INVALID")) && error.details?.reason === "network";
  return { engine, code, ...(unfetched && { reason: "network" }) };
}

function withWarnings(engine: TrainableEngine, warnings: readonly Warning[]): TrainableEngine {
  if (warnings.length === 0) return engine;
  const { id, precision, backbone } = engine;
  return {
    id,
    precision,
    backbone,
    warnings: [...warnings, ...engine.warnings],
    encode: engine.encode.bind(engine),
    backward: engine.backward.bind(engine),
    tokenGradient: engine.tokenGradient.bind(engine),
    dispose: engine.dispose.bind(engine),
  };
}
