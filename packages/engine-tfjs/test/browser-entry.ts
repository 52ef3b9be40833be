// What chromium.browser.test.ts puts under the conformance page: the engine, and situations that only a browser has.
import { type Backbone, isAnyMC3DError } from "@anymc3d/core";
import { encode, selfTestInput } from "@anymc3d/core/engine";
import { gradients, loadTiny, type TinyBackbone } from "@anymc3d/core/testing";
import * as tf from "@tensorflow/tfjs-core";
import { relativeError } from "../../core/src/engine/selftest.js";
import { createTfjsEngine, type TfjsBackend } from "../src/index.js";

export * from "../src/index.js";

const tiny = (): Promise<TinyBackbone> => loadTiny(async (path) => new Uint8Array(await (await fetch(`/fixtures/${path}`)).arrayBuffer()), "tiny-dinov2");

async function refusal(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.catch((reason: unknown) => reason);
  return isAnyMC3DError(error) ? { code: error.code, message: error.message } : { code: "none", message: String(error) };
}

async function tensorCounts(backend: TfjsBackend) {
  const { backbone, slices } = await tiny();
  const count = () => tf.engine().state.numTensors;
  const before = count();
  const engine = await createTfjsEngine(backbone, { backend });
  const created = count();
  await encode(engine, slices, undefined, { attention: true, patches: true });
  const encoded = count();
  const { lora } = selfTestInput(backbone.spec, 5);
  await encode(engine, slices, lora, {});
  const adapted = count();
  const dCls = new Float32Array(slices.count * backbone.spec.width).fill(1);
  await gradients(engine, slices, lora, { dCls });
  await gradients(engine, slices, lora, { dCls, targets: ["lora", "tokens"] });
  (await engine.forward(slices, lora, { gradients: ["lora"] })).release();
  const trained = count();
  await engine.dispose();
  return { before, created, encoded, adapted, trained, disposed: count() };
}

interface GraphicsBackend {
  readonly gpgpu?: { readonly gl: WebGLRenderingContext };
  readonly device?: { destroy(): void; readonly lost: Promise<unknown> };
}

async function loseDevice(backend: TfjsBackend) {
  const { backbone, slices, cls } = await tiny();
  const engine = await createTfjsEngine(backbone, { backend });
  const { gpgpu, device } = tf.backend() as GraphicsBackend;
  gpgpu?.gl.getExtension("WEBGL_lose_context")?.loseContext();
  device?.destroy();
  await device?.lost;
  const error = await refusal(encode(engine, slices, undefined, {}));
  const dCls = new Float32Array(cls.length).fill(1);
  const backward = await refusal(gradients(engine, slices, selfTestInput(backbone.spec, 5).lora, { dCls }));
  await engine.dispose();
  const next = await createTfjsEngine(backbone, { backend });
  const again = relativeError((await encode(next, slices, undefined, {})).cls, cls);
  await next.dispose();
  return { ...error, backward: backward.code, again };
}

async function wrongFolder(wasmPaths: string) {
  const { backbone } = await tiny();
  const error = await refusal(createTfjsEngine(backbone, { backend: "wasm", wasmPaths }));
  const { id } = await createTfjsEngine(backbone, { backend: "wasm" });
  return { ...error, again: id };
}

async function defaultEngine() {
  const { backbone }: { backbone: Backbone } = await tiny();
  const { id, warnings } = await createTfjsEngine(backbone);
  return { id, warnings };
}

/** Added to the page's `anymc3d`. */
export const pageTools = { tensorCounts, loseDevice, wrongFolder, defaultEngine };
