// Finds ONNX Runtime: the native build in Node, the WebAssembly build elsewhere.

import { AnyMC3DError } from "@anymc3d/core";
import type { Env, InferenceSession, TensorConstructor } from "onnxruntime-common";

/** The part of ONNX Runtime's module that an engine uses. */
interface Ort {
  readonly InferenceSession: { create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession> };
  readonly Tensor: TensorConstructor;
  readonly env: Env;
}

export interface Runtime {
  readonly name: "onnxruntime-node" | "onnxruntime-web";
  readonly ort: Ort;
}

/** Where ONNX Runtime computes. */
export type Device = "cpu" | "wasm" | "webgpu" | "cuda";

export const inNode = typeof process !== "undefined" && Boolean(process.versions?.node);

async function importWeb(device: Device): Promise<Ort> {
  if (inNode) {
    // Hidden from bundlers, which would ship this build's own .wasm files to browsers that never load them.
    const name = "onnxruntime-web";
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as Ort;
  }
  if (device === "webgpu") return (await import("onnxruntime-web/webgpu")) as unknown as Ort;
  return (await import("onnxruntime-web/wasm")) as unknown as Ort;
}

async function importNative(): Promise<Ort> {
  // Medical data stays on the machine: ONNX Runtime's usage reports (on by default, and they read the command line) are switched
  // off before the library loads. Whoever wants them sets ORT_DISABLE_TELEMETRY=0.
  process.env.ORT_DISABLE_TELEMETRY ??= "1";
  // Hidden from bundlers: a browser build must not try to resolve the native package.
  const name = "onnxruntime-node";
  const module = await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
  return (module.default ?? module) as Ort;
}

/**
 * Loads the runtime for a device: the native build in Node, the WebAssembly build for the device `wasm` and in browsers.
 * @throws AnyMC3DError `ENGINE_UNAVAILABLE`
 */
export async function loadRuntime(device: Device, wanted?: Runtime["name"]): Promise<Runtime> {
  const native = wanted ? wanted === "onnxruntime-node" : inNode && device !== "wasm";
  if (!native) return { name: "onnxruntime-web", ort: await importWeb(device) };
  try {
    return { name: "onnxruntime-node", ort: await importNative() };
  } catch (cause) {
    throw new AnyMC3DError("ENGINE_UNAVAILABLE", `onnxruntime-node, which ${device} needs, could not be loaded. Reason: ${String(cause)}`, {
      cause,
      details: { engine: `onnxruntime-node/${device}`, reason: "package" },
    });
  }
}
