// What browser.mjs opens in Chromium: this engine, transformers.js and onnxruntime-web alone, on the same slices.
import { loadBackbone } from "@anymc3d/core";
import { encode, slicesOf } from "@anymc3d/core/engine";
import { createOnnxEngine } from "@anymc3d/engine-onnx";

const bytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
const [MEAN, STD] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]; // biome-ignore format: a line

/** The same random bytes as images [side, side, 3] and as normalised pixels [count, 3, side, side]. */
function input(count, side) {
  const images = Array.from({ length: count }, () => Uint8ClampedArray.from({ length: 3 * side * side }, () => Math.random() * 256));
  const pixels = new Float32Array(count * 3 * side * side);
  images.forEach((image, n) => {
    for (let i = 0; i < side * side; i++) for (let c = 0; c < 3; c++) pixels[(n * 3 + c) * side * side + i] = (image[3 * i + c] / 255 - MEAN[c]) / STD[c];
  });
  return { images, pixels };
}

globalThis.startBenchmark = async ({ count, side, threads, precision }) => {
  const { env, pipeline, RawImage } = await import("@huggingface/transformers");
  const ort = await import("onnxruntime-web/wasm");
  const { images, pixels } = input(count, side);
  const backbone = await loadBackbone(await (await fetch("/backbone/backbone.json")).json(), await bytes("/backbone/weights.safetensors"));
  const engine = await createOnnxEngine(backbone, { device: "wasm", threads, precision, wasmPaths: "/ort/" });
  env.allowLocalModels = true;
  env.allowRemoteModels = false;
  env.localModelPath = "/models/";
  env.backends.onnx.wasm.wasmPaths = "/transformers-ort/";
  env.backends.onnx.wasm.numThreads = threads;
  const extractor = await pipeline("image-feature-extraction", "dinov2-small", { device: "wasm", dtype: "fp32" });
  ort.env.wasm.wasmPaths = "/ort/";
  ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create("/models/dinov2-small/onnx/model.onnx", { executionProviders: ["wasm"] });
  const raw = images.map((image) => new RawImage(image, side, side, 3));
  const cls = {};
  const first = (hidden) => Float32Array.from({ length: 384 }, (_, i) => hidden[i]);
  const contestants = {
    "@anymc3d/engine-onnx": async () => {
      cls.own = first((await encode(engine, slicesOf(pixels, side, side), undefined, {})).cls);
    },
    "transformers.js": async () => {
      cls.transformers = first((await extractor(raw)).data);
    },
    "onnxruntime-web": async () => {
      const { last_hidden_state } = await session.run({ pixel_values: new ort.Tensor("float32", pixels, [count, 3, side, side]) });
      cls.ort = first(last_hidden_state.data);
    },
  };
  globalThis.time = async (name) => {
    const start = performance.now();
    await contestants[name]();
    return performance.now() - start;
  };
  /** Largest difference of the first slice's class token from onnxruntime-web's, as a share of its largest value. */
  globalThis.differences = () => {
    const largest = Math.max(...cls.ort.map(Math.abs));
    return Object.fromEntries(["own", "transformers"].map((name) => [name, Math.max(...cls[name].map((v, i) => Math.abs(v - cls.ort[i]))) / largest]));
  };
  return { engine: engine.id, precision: engine.precision, isolated: globalThis.crossOriginIsolated, names: Object.keys(contestants) };
};
