// Writes what answers.py needs to answer: canonical tensors, self-test inputs, the tiny families' stored tokens.
// usage: node scripts/reference/inputs.mjs WORK ADAPTER.safetensors     (build @anymc3d/core first)
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { readTensors, selfTestInput, writeSafetensors } from "../../packages/core/dist/engine.js";
import { loadTiny, TINY_FAMILIES } from "../../packages/core/dist/testing/index.js";

const [work, adapter] = process.argv.slice(2);
const SEED = 20;
const packages = new URL("../../packages/", import.meta.url);

async function writeCase(name, spec, tensors) {
  const folder = `${work}/${name}`;
  await mkdir(folder, { recursive: true });
  const { slices, lora } = selfTestInput(spec, SEED);
  const side = 4 * spec.patch;
  const given = new Map([["pixels", { shape: [1, 3, side, side], data: await slices.read(0, 1) }]]);
  for (const [key, tensor] of lora.tensors) given.set(`lora.${key}`, tensor);
  await writeFile(`${folder}/case.json`, JSON.stringify({ spec, seed: SEED }));
  await writeFile(`${folder}/backbone.safetensors`, writeSafetensors(tensors));
  await writeFile(`${folder}/input.safetensors`, writeSafetensors(given));
}

const fixtures = (path) =>
  path === "self-tests.json" ? Promise.resolve(new TextEncoder().encode("{}")) : readFile(new URL(`core/fixtures/${path}`, packages));
for (const family of TINY_FAMILIES) {
  const { backbone } = await loadTiny(fixtures, family);
  await writeCase(family, backbone.spec, backbone.tensors);
  await copyFile(new URL(`core/fixtures/${family}/expected.safetensors`, packages), `${work}/${family}/expected.safetensors`);
}
const manifest = JSON.parse(await readFile(new URL("backbone-dinov2-small/backbone.json", packages), "utf8"));
await writeCase("dinov2-small", manifest.spec, readTensors(await readFile(new URL("backbone-dinov2-small/weights.safetensors", packages))));
const lora = new Map();
for (const [key, tensor] of readTensors(await readFile(adapter))) if (key.startsWith("views.0.lora.")) lora.set(key.slice(13), tensor);
await writeFile(`${work}/dinov2-small/adapter-lora.safetensors`, writeSafetensors(lora));
