// How far the float16-rounded backbone's tokens are from the float32 checkpoint's.
// usage: node benchmarks/rounding.mjs CHECKPOINT_FOLDER PIXELS.safetensors     (PIXELS holds "112x112.pixels"; npm run build first)
import { readFile } from "node:fs/promises";
import { encode, readTensors, slicesOf, specFromHuggingFace, tensorsFromHuggingFace } from "@anymc3d/core/engine";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { backbone as openBackbone } from "./load.mjs";

const [checkpoint, reference] = process.argv.slice(2);
const spec = specFromHuggingFace(JSON.parse(await readFile(`${checkpoint}/config.json`, "utf8")));
const exact = { name: "fp32", hash: "fp32", spec, tensors: tensorsFromHuggingFace(spec, readTensors(await readFile(`${checkpoint}/model.safetensors`))) };
const tensors = readTensors(await readFile(reference));
const engines = [await createOnnxEngine(exact), await createOnnxEngine(await openBackbone())];
for (const size of ["112x112", "98x140", "224x224"]) {
  const { shape, data } = tensors.get(`${size}.pixels`);
  const [a, b] = await Promise.all(engines.map((engine) => encode(engine, slicesOf(data, shape[2], shape[3]), undefined, { patches: true })));
  console.log(
    `${size}: CLS cosine ${cosine(a.cls, b.cls).toFixed(7)}, largest difference ${largest(a.cls, b.cls).toFixed(4)}; patch tokens cosine ${cosine(a.patches, b.patches).toFixed(7)}, largest difference ${largest(a.patches, b.patches).toFixed(4)} (values reach ${Math.max(...a.patches).toFixed(1)})`,
  );
}
for (const engine of engines) await engine.dispose();

function cosine(a, b) {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / Math.sqrt(aa * bb);
}

function largest(a, b) {
  return a.reduce((top, value, i) => Math.max(top, Math.abs(value - b[i])), 0);
}
