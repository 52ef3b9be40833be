// Makes packages/adapter-lung-nodule from tensors trained with PyTorch: weights.safetensors and adapter.json with its conformance vector.
// usage: node scripts/make-lung-nodule.mjs ADAPTER.safetensors [EVALUATION.json]     (npm run build first)
// EVALUATION.json: what `anymc3d evaluate labels.csv --adapter lung-nodule --split val --json` printed; without it no metrics are written.
import { readFile, writeFile } from "node:fs/promises";
import { conformanceLogits, loadAdapter, loadBackbone, readTensors, writeSafetensors } from "../packages/core/dist/index.js";
import { createOnnxEngine } from "../packages/engine-onnx/dist/index.js";

const [source, evaluation] = process.argv.slice(2);
if (!source) throw new Error("usage: node scripts/make-lung-nodule.mjs ADAPTER.safetensors [EVALUATION.json]");
const packages = new URL("../packages/", import.meta.url);
const read = (path) => readFile(new URL(path, packages));

const backbone = await loadBackbone(JSON.parse(await read("backbone-dinov2-small/backbone.json")), await read("backbone-dinov2-small/weights.safetensors"));
const weights = writeSafetensors(readTensors(await readFile(source)));
const template = JSON.parse(await readFile(new URL("lung-nodule.manifest.json", import.meta.url)));
const labels = template.task.labels.length;
const manifest = {
  ...template,
  backbone: { name: backbone.name, hash: backbone.hash },
  metrics: evaluation ? [metricsOf(JSON.parse(await readFile(evaluation)))] : [],
  conformance: { ...template.conformance, logits: new Array(labels).fill(0) },
};

function metricsOf(report) {
  return {
    dataset: "LIDC-IDRI nodule crops (794 nodules, CC BY 3.0)",
    split: report.split,
    date: report.date,
    seed: report.seed,
    madeBy: report.madeBy,
    labels: report.labels.map(({ id, n, positives, auroc }) => ({ id, n, positives, auroc: auroc.value, interval: auroc.interval })),
  };
}

const engine = await createOnnxEngine(backbone);
const logits = await conformanceLogits(await loadAdapter(manifest, weights), engine);
await engine.dispose();
manifest.conformance.logits = logits.map((value) => Number(value.toFixed(5)));
await writeFile(new URL("adapter-lung-nodule/weights.safetensors", packages), weights);
await writeFile(new URL("adapter-lung-nodule/adapter.json", packages), `${JSON.stringify(manifest, null, 2)}\n`);
console.log(`${weights.length} bytes, conformance logits ${manifest.conformance.logits.join(", ")}`);
