// A TensorFlow.js backend as a device: loading it, starting it, making it current, its limits, and whether it is still there.

import { AnyMC3DError, isAnyMC3DError } from "@anymc3d/core";
import * as tf from "@tensorflow/tfjs-core";
import { registerBlockKernel } from "./block-kernel.js";
import { bufferLimit, type DeviceLimit, type Layout, textureLimit } from "./limits.js";
import { blobWorkersRun, checkWasmFile, inNode, type WasmPaths, wasmFiles } from "./wasm-files.js";

/** TensorFlow.js's backends; `tensorflow` is tfjs-node. */
export type TfjsBackend = "webgpu" | "webgl" | "wasm" | "cpu" | "tensorflow";

export const BACKENDS: readonly TfjsBackend[] = ["webgpu", "webgl", "wasm", "cpu", "tensorflow"];

export const engineId = (backend: TfjsBackend) => (backend === "tensorflow" ? "tfjs-node/tensorflow" : `tfjs/${backend}`);

/** What to do where a backend does not start. */
const ADVICE: Record<TfjsBackend, string> = {
  webgpu:
    "This needs a browser with WebGPU and a graphics driver it accepts; in Node, `navigator.gpu` (npm package webgpu) must exist before. Use backend webgl or wasm instead.",
  webgl: "This needs a browser with WebGL and 32-bit float textures. Use backend wasm instead.",
  wasm: "Use backend cpu instead, or the package @anymc3d/engine-onnx.",
  cpu: "Install @tensorflow/tfjs-backend-cpu, or use the package @anymc3d/engine-onnx.",
  tensorflow: "Install @tensorflow/tfjs-node (or @tensorflow/tfjs-node-gpu) under Node 20 or 22, or use the package @anymc3d/engine-onnx.",
};

const unavailable = (backend: TfjsBackend, reason: unknown) =>
  new AnyMC3DError("ENGINE_UNAVAILABLE", `${engineId(backend)} could not start: ${(reason as Partial<Error>)?.message ?? String(reason)}. ${ADVICE[backend]}`, {
    cause: reason,
  });

/** Parts of TensorFlow.js's backend objects that its types do not state. */
interface Internals {
  readonly gpgpu?: { readonly gl: WebGLRenderingContext };
  readonly adapterInfo?: { readonly vendor?: string; readonly architecture?: string };
  readonly device?: Gpu;
}

interface GpuError {
  readonly message: string;
}

interface Gpu {
  readonly limits: { readonly maxStorageBufferBindingSize: number; readonly maxBufferSize: number };
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  pushErrorScope(filter: "out-of-memory" | "validation"): void;
  popErrorScope(): Promise<GpuError | null>;
}

/** GPU devices known to be lost, and why. */
const lostGpus = new WeakMap<Gpu, string>();
const watchedGpus = new WeakSet<Gpu>();

export class Device {
  readonly backend: TfjsBackend;
  readonly id: string;
  readonly layout: Layout;
  readonly limit: DeviceLimit | undefined;
  readonly #instance: tf.KernelBackend;

  constructor(backend: TfjsBackend, instance: tf.KernelBackend) {
    const { gpgpu, device } = instance as Internals;
    this.backend = backend;
    this.id = engineId(backend);
    this.layout = backend === "wasm" || backend === "cpu" ? "flat" : "batched";
    this.#instance = instance;
    if (backend === "webgl" && gpgpu) this.limit = textureLimit(gpgpu.gl.getParameter(gpgpu.gl.MAX_TEXTURE_SIZE) as number);
    if (backend === "webgpu" && device) {
      this.limit = bufferLimit(device.limits);
      watchLoss(device);
    }
  }

  /** The name of the program that plays the graphics processor where there is none; several times slower than WebAssembly. */
  get softwareRenderer(): string | undefined {
    const { gpgpu, adapterInfo } = this.#instance as Internals;
    const name = gpgpu ? rendererOf(gpgpu.gl) : `${adapterInfo?.vendor ?? ""} ${adapterInfo?.architecture ?? ""}`;
    return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name) ? name.trim() : undefined;
  }

  /** Makes this device TensorFlow.js's current one. To be called under {@link exclusively}. */
  async activate(): Promise<void> {
    this.assertPresent();
    if (tf.getBackend() !== this.backend) await tf.setBackend(this.backend);
    if (tf.backend() !== this.#instance) throw this.#lost("the backend was replaced");
  }

  /** @throws AnyMC3DError `DEVICE_LOST` when the graphics device was lost */
  assertPresent(): void {
    const reason = lossOf(this.#instance);
    if (reason !== undefined) throw this.#lost(reason);
  }

  /** Runs work; WebGPU reports a failed allocation or command beside the work, not through it. */
  async watch<T>(work: () => Promise<T>): Promise<T> {
    const gpu = (this.#instance as Internals).device;
    if (this.backend !== "webgpu" || !gpu) return work();
    gpu.pushErrorScope("out-of-memory");
    gpu.pushErrorScope("validation");
    const result = await work().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    const [invalid, memory] = await Promise.all([gpu.popErrorScope(), gpu.popErrorScope()]).catch(() => [null, null]);
    this.assertPresent();
    if (memory) throw new AnyMC3DError("OUT_OF_MEMORY", `${this.id}: ${memory.message}`);
    if ("error" in result) throw result.error;
    if (invalid) throw new AnyMC3DError("ENGINE_FAILED", `${this.id}: ${invalid.message}`);
    return result.value;
  }

  #lost(reason: string): AnyMC3DError {
    return new AnyMC3DError(
      "DEVICE_LOST",
      `${this.id} lost its device: ${reason}. Create a new engine; if it happens again, use smaller chunks or another backend.`,
    );
  }
}

function rendererOf(gl: WebGLRenderingContext): string {
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  return String(gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}

function watchLoss(gpu: Gpu): void {
  if (watchedGpus.has(gpu)) return;
  watchedGpus.add(gpu);
  void gpu.lost.then(({ reason, message }) => lostGpus.set(gpu, message || reason || "no reason given"));
}

function lossOf(instance: tf.KernelBackend): string | undefined {
  const { gpgpu, device } = instance as Internals;
  if (gpgpu?.gl.isContextLost?.()) return "the WebGL context was lost";
  return device && lostGpus.get(device);
}

/** Imports the package that registers a backend. */
async function load(backend: TfjsBackend, wasmPaths: WasmPaths | undefined): Promise<void> {
  if (backend === "webgpu") {
    if (!(globalThis.navigator as { gpu?: unknown } | undefined)?.gpu) throw new Error("there is no navigator.gpu here");
    await import("@tensorflow/tfjs-backend-webgpu");
  } else if (backend === "webgl") {
    await import("@tensorflow/tfjs-backend-webgl");
  } else if (backend === "cpu") {
    await import("@tensorflow/tfjs-backend-cpu");
  } else if (backend === "wasm") {
    await loadWasm(wasmPaths);
  } else {
    await loadNative();
  }
}

async function loadWasm(paths: WasmPaths | undefined): Promise<void> {
  const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
  registerBlockKernel();
  if (isStarted("wasm")) return;
  // Its threads start from blob: addresses; where a policy forbids that, it would wait for them for ever.
  if (!inNode && globalThis.crossOriginIsolated && !(await blobWorkersRun())) tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  const files = await wasmFiles(paths);
  await checkWasmFile(files);
  setWasmPaths(files);
}

async function loadNative(): Promise<void> {
  if (!inNode) throw new Error("tfjs-node runs in Node only");
  const reasons: string[] = [];
  // Names in variables: optional packages that neither bundlers nor TypeScript shall look for.
  for (const name of ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"]) {
    try {
      await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
      return;
    } catch (reason) {
      reasons.push(`${name}: ${reason instanceof Error ? reason.message.split("\n")[0] : String(reason)}`);
    }
  }
  throw new Error(reasons.join("; "));
}

type Registry = Readonly<Record<string, tf.KernelBackend | undefined>>;
const instanceOf = (backend: TfjsBackend) => (tf.engine() as unknown as { registry: Registry }).registry[backend];
const isStarted = (backend: TfjsBackend) => instanceOf(backend) !== undefined;

/** Starts a backend again whose device was lost, and lets the reason of a failure out, which TensorFlow.js only logs. */
function registerAgain(backend: TfjsBackend, onFailure: (reason: unknown) => void): void {
  const factory = tf.findBackendFactory(backend);
  if (!factory) throw new Error("this environment does not offer it");
  tf.removeBackend(backend);
  tf.registerBackend(backend, async () => {
    try {
      return await factory();
    } catch (reason) {
      onFailure(reason);
      throw reason;
    }
  });
}

/**
 * Loads and starts a backend, or takes the running one. To be called under {@link exclusively}.
 * @throws AnyMC3DError `ENGINE_UNAVAILABLE`, `ASSET_INVALID`
 */
export async function startDevice(backend: TfjsBackend, wasmPaths?: WasmPaths): Promise<Device> {
  try {
    await load(backend, wasmPaths);
    await start(backend);
    if (backend === "webgl" && !tf.env().getBool("WEBGL_RENDER_FLOAT32_ENABLED")) throw new Error("its textures hold 16-bit floats only");
    return new Device(backend, tf.backend());
  } catch (error) {
    throw isAnyMC3DError(error) ? error : unavailable(backend, error);
  }
}

async function start(backend: TfjsBackend): Promise<void> {
  const running = instanceOf(backend);
  const previous = tf.getBackend();
  let reason: unknown;
  if (!running || lossOf(running) !== undefined) registerAgain(backend, (r) => (reason = r));
  if (tf.getBackend() === backend && running) return;
  if (await tf.setBackend(backend)) return;
  if (previous && previous !== backend) await tf.setBackend(previous);
  throw reason ?? new Error("TensorFlow.js gave no reason");
}
