// createTfjsEngine(): picks a backend, uploads the backbone, and trusts the result only after its self-test.

import { AnyMC3DError, type Backbone, type Engine, type ErrorCode, isAnyMC3DError, type Warning } from "@anymc3d/core";
import { type FoldedBackbone, foldBackbone, runSelfTest } from "@anymc3d/core/engine";
import { BACKENDS, engineId, startDevice, type TfjsBackend } from "./device.js";
import { TfjsEngine } from "./engine.js";
import { exclusively } from "./queue.js";
import type { WasmPaths } from "./wasm-files.js";

/** Options of `createTfjsEngine()`. */
export interface TfjsEngineOptions {
  /**
   * Default: the first of webgpu, webgl, wasm and cpu that starts and passes the self-test; graphics emulated in software is
   * passed over. `tensorflow` needs @tensorflow/tfjs-node(-gpu).
   */
  readonly backend?: TfjsBackend;
  /** Also take graphics emulated in software, which are slower than `wasm`. Default: only where `backend` names them. */
  readonly emulated?: boolean;
  /** Slices per run; default chosen from the slice size, see `defaultChunk`. */
  readonly chunk?: number;
  /** Bytes of activations that forwards may keep for their way back; beyond them they are computed again. Default 256 MiB. */
  readonly activationBudget?: number;
  /** Where tfjs-wasm's three .wasm files are: a folder, or an address for each file name. Default: the installed package, or what the bundler emitted. */
  readonly wasmPaths?: WasmPaths;
  /** Stops the creation between its steps. */
  readonly signal?: AbortSignal;
}

const ORDER: readonly TfjsBackend[] = ["webgpu", "webgl", "wasm", "cpu"];

/** Faults of a backend, after which the next one is tried. Others are faults of the input. */
const PASS_OVER: readonly ErrorCode[] = [
  "ENGINE_UNAVAILABLE",
  "ENGINE_SELF_TEST",
  "ENGINE_FAILED",
  "DEVICE_LOST",
  "DEVICE_LIMIT",
  "OUT_OF_MEMORY",
  "ASSET_INVALID",
];

/**
 * Creates an engine and tests it against the backbone's stored answer.
 * @throws AnyMC3DError `ENGINE_UNAVAILABLE`, `ENGINE_SELF_TEST`, `DEVICE_LIMIT`, `OPTION_INVALID`,
 * `ASSET_INVALID` when something else than a .wasm file lies at its address; the signal's reason after an abort
 */
export async function createTfjsEngine(backbone: Backbone, options: TfjsEngineOptions = {}): Promise<Engine> {
  checkOptions(options);
  const fold = once(() => foldBackbone(backbone));
  if (options.backend) return createOn(options.backend, backbone, fold, options, []);
  const passedOver: { backend: TfjsBackend; error: AnyMC3DError }[] = [];
  for (const backend of ORDER) {
    const warnings = passedOver.map((p) => ({ code: "ENGINE_FALLBACK" as const, message: `${engineId(p.backend)} was passed over. ${p.error.message}` }));
    try {
      return await createOn(backend, backbone, fold, options, warnings);
    } catch (error) {
      if (!isAnyMC3DError(error) || !PASS_OVER.includes(error.code)) throw error;
      passedOver.push({ backend, error });
    }
  }
  const wrong = passedOver.find(({ error }) => error.code === "ENGINE_SELF_TEST");
  throw (
    wrong?.error ?? new AnyMC3DError("ENGINE_UNAVAILABLE", `no TensorFlow.js backend works here. ${passedOver.map(({ error }) => error.message).join(" ")}`)
  );
}

function checkOptions({ backend, chunk }: TfjsEngineOptions): void {
  if (backend !== undefined && !BACKENDS.includes(backend)) {
    throw new AnyMC3DError("OPTION_INVALID", `option backend is "${String(backend)}", expected one of ${BACKENDS.join(", ")}`);
  }
  if (chunk !== undefined && !(Number.isInteger(chunk) && chunk > 0)) {
    throw new AnyMC3DError("OPTION_INVALID", `option chunk is ${String(chunk)}, expected a whole number of slices, at least 1`);
  }
}

async function createOn(
  backend: TfjsBackend,
  backbone: Backbone,
  fold: () => FoldedBackbone,
  options: TfjsEngineOptions,
  warnings: readonly Warning[],
): Promise<Engine> {
  const { chunk, activationBudget, signal, wasmPaths, emulated = options.backend !== undefined } = options;
  signal?.throwIfAborted();
  const device = await exclusively(() => startDevice(backend, wasmPaths));
  signal?.throwIfAborted();
  if (!emulated && device.softwareRenderer) {
    throw new AnyMC3DError(
      "ENGINE_UNAVAILABLE",
      `${device.id} is emulated by the processor here (${device.softwareRenderer}), which is slower than tfjs/wasm. Name the backend to use it all the same.`,
    );
  }
  const untested = { code: "NO_SELF_TEST" as const, message: `backbone ${backbone.name} has no stored self-test; the device was not checked` };
  const engine = await TfjsEngine.upload(backbone, fold(), device, {
    chunk,
    activationBudget,
    warnings: backbone.selfTest ? warnings : [...warnings, untested],
  });
  try {
    signal?.throwIfAborted();
    await runSelfTest(engine, backbone);
    signal?.throwIfAborted();
    await engine.releaseLoras();
    return engine;
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
