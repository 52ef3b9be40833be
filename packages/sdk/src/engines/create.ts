// createEngine(): the engine asked for, or the best that passes its self-test where this runs, with a warning for each passed over.

import { AnyMC3DError, type Backbone, type Engine, type ErrorCode, isAbortError, isAnyMC3DError, type Precision, type Warning } from "@anymc3d/core";
import { ENGINE_CHOICES, type EngineChoice, type EngineRow, engineRow, enginesIn, here, ladder } from "./table.js";

/** Where and how the backbone runs. */
export interface EngineOptions {
  /** Default `auto`: ONNX Runtime in Node; in browsers WebGPU (not emulated in software), then ONNX Runtime's WebAssembly, WebGL, TensorFlow.js's WebAssembly. */
  readonly engine?: EngineChoice;
  /** `int8` (ONNX Runtime on CPUs only) about doubles the speed; logits move by up to about 0.7. Default `fp32`. */
  readonly precision?: Precision;
  /** CPU threads; default: the runtime's choice. */
  readonly threads?: number;
  /** Slices per run; default: by slice size. */
  readonly chunk?: number;
  /** Browsers: address of one folder with the .wasm files of onnxruntime-web and tfjs-backend-wasm; each engine looks for its own. Default: beside the bundle. */
  readonly wasmPaths?: string;
}

/**
 * Creates the engine for a backbone.
 * @throws AnyMC3DError `ENGINE_UNAVAILABLE`, `ENGINE_SELF_TEST`, `OPTION_INVALID`
 */
export async function createEngine(backbone: Backbone, options: EngineOptions = {}): Promise<Engine> {
  checkEngineOptions(options);
  const row = engineRow(options.engine ?? "auto");
  return row ? start(row, backbone, options) : firstOf(ladder(here, options.precision ?? "fp32"), backbone, options);
}

/** @throws AnyMC3DError `OPTION_INVALID` */
function checkEngineOptions({ engine = "auto", precision = "fp32", threads, chunk, wasmPaths }: EngineOptions): void {
  const refuse = (message: string): never => {
    throw new AnyMC3DError("OPTION_INVALID", message);
  };
  if (!ENGINE_CHOICES.includes(engine)) refuse(`engine "${engine}" is not known; choose one of ${ENGINE_CHOICES.join(", ")}`);
  if (precision !== "fp32" && precision !== "int8") refuse(`precision is ${JSON.stringify(precision)}, expected "fp32" or "int8"`);
  for (const [name, value] of Object.entries({ threads, chunk }))
    if (value !== undefined && !(Number.isInteger(value) && value > 0)) refuse(`${name} is ${JSON.stringify(value)}, expected a whole number from 1`);
  if (wasmPaths !== undefined && typeof wasmPaths !== "string") refuse(`wasmPaths is ${JSON.stringify(wasmPaths)}, expected the address of a folder`);
}

async function start(row: EngineRow, backbone: Backbone, options: EngineOptions): Promise<Engine> {
  const { engine, precision = "fp32", threads, chunk, wasmPaths } = options;
  if (!row.runsIn.includes(here))
    throw new AnyMC3DError("ENGINE_UNAVAILABLE", `engine ${row.id} does not run ${here === "node" ? "in Node" : "in a browser"}; choose ${choicesHere()}`);
  if (!row.precisions.includes(precision)) {
    const others = ladderOf(precision);
    throw new AnyMC3DError("OPTION_INVALID", `engine ${row.id} runs in ${row.precisions.join(" and ")} only; ${precision} needs ${others}`);
  }
  try {
    return await row.load(backbone, { precision, threads, chunk, wasmPaths, named: engine === row.id });
  } catch (error) {
    if (!row.advice || !isAnyMC3DError(error, "ENGINE_UNAVAILABLE")) throw error;
    throw new AnyMC3DError("ENGINE_UNAVAILABLE", `${error.message} What helps: ${row.advice}.`, { cause: error, details: error.details });
  }
}

const choicesHere = () => ["auto", ...enginesIn(here)].join(", ");
const ladderOf = (precision: Precision) => ENGINE_CHOICES.filter((choice) => engineRow(choice)?.precisions.includes(precision)).join(" or ");

async function firstOf(rows: readonly EngineRow[], backbone: Backbone, options: EngineOptions): Promise<Engine> {
  const passedOver: Warning[] = [];
  const tried: ReturnType<typeof attempt>[] = [];
  let last: unknown;
  for (const row of rows) {
    try {
      const fault = await row.probe?.();
      if (fault) throw new AnyMC3DError("ENGINE_UNAVAILABLE", fault);
      return withWarnings(await start(row, backbone, options), passedOver);
    } catch (error) {
      if (isAbortError(error)) throw error;
      last = error;
      tried.push(attempt(row.id, error));
      passedOver.push({ code: "ENGINE_FALLBACK", message: `${row.id} was passed over: ${(error as Error).message}` });
    }
  }
  if (passedOver.length === 1 && isAnyMC3DError(last)) throw last;
  throw new AnyMC3DError("ENGINE_UNAVAILABLE", `no engine could start. ${passedOver.map(({ message }) => message).join("\n")}`, {
    cause: last,
    details: { engine: "auto", tried },
  });
}

/** What an attempt to start came to, as data. */
function attempt(engine: string, error: unknown): { engine: string; code: ErrorCode; reason?: "network" } {
  const code = isAnyMC3DError(error) ? error.code : "ENGINE_FAILED";
  const unfetched = (isAnyMC3DError(error, "ENGINE_UNAVAILABLE") || isAnyMC3DError(error, "ASSET_INVALID")) && error.details?.reason === "network";
  return { engine, code, ...(unfetched && { reason: "network" }) };
}

function withWarnings(engine: Engine, warnings: readonly Warning[]): Engine {
  if (warnings.length === 0) return engine;
  const { id, precision, backbone } = engine;
  return {
    id,
    precision,
    backbone,
    warnings: [...warnings, ...engine.warnings],
    forward: engine.forward.bind(engine),
    dispose: engine.dispose.bind(engine),
  };
}
