// Is the heatmap where the answer is? Attention and Grad-CAM on validation nodules against their masks, against chance and against a blob in the middle.
// usage: node benchmarks/localisation.mjs [--adapter FOLDER] [--data LABELS.csv] [--limit N]     (npm run build first)
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { seededRandom } from "@anymc3d/core";
import { readVolume } from "@anymc3d/io";
import { createClassifier, openAdapter } from "../packages/sdk/dist/index.js";
import { parseLabels } from "../packages/train/dist/node.js";
import { centreMap, pointing } from "./localisation-measures.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values } = parseArgs({
  options: {
    adapter: { type: "string", default: here("../packages/adapter-lung-nodule") },
    data: { type: "string", default: here("../../shared/data/lung-nodule/labels.csv") },
    limit: { type: "string", default: "1000" },
  },
});

const adapter = await openAdapter(values.adapter);
const { kind, labels } = adapter.manifest.task;
const folder = dirname(values.data);
const rows = parseLabels(await readFile(values.data, "utf8"), { file: values.data, kind, labels, split: "val" }).slice(0, Number(values.limit));
const classifier = await createClassifier();
/** Measures by method: { group, mass, hit, chance }. */
const found = new Map();
const seconds = { attention: 0, gradcam: 0 };
let maps = 0;

for (const row of rows) {
  const volume = await readVolume(join(folder, "images", `${row.id}.nii.gz`), { modality: "CT" });
  const mask = (await readVolume(join(folder, "masks", `${row.id}.nii.gz`))).data;
  const chance = mask.reduce((sum, value) => sum + (value > 0 ? 1 : 0), 0) / mask.length;
  const note = (method, heat) => found.set(method, [...(found.get(method) ?? []), { group: row.group, chance, ...pointing(heat, mask) }]);
  note("blob in the middle", centreMap(volume.shape));
  const heat = async (method, label) => {
    const start = performance.now();
    const { heatmap } = await classifier.classify(volume, adapter, { heatmap: { method, label } });
    seconds[method] += (performance.now() - start) / 1000;
    return heatmap.data;
  };
  note("attention", await heat("attention"));
  for (const { id } of labels) {
    // Grad-CAM shows what speaks for a label; it is asked where the label is there, and for the first label everywhere.
    const present = row.labels.get(id) === 1;
    if (!present && id !== labels[0].id) continue;
    const map = await heat("gradcam", id);
    maps++;
    if (id === labels[0].id) note(`gradcam, ${id}, all`, map);
    if (present) note(`gradcam, ${id}, where it is there`, map);
  }
}
await classifier.dispose();

console.log(
  `${adapter.manifest.name} ${adapter.manifest.version}, ${rows.length} validation nodules; mean [95 % interval, bootstrap over patients, 1,000 resamples]`,
);
console.log("| map | n | mass inside the mask | pointing game | chance | all heat 0 |\n| --- | --- | --- | --- | --- | --- |");
for (const [method, all] of found) {
  const known = all.filter(({ mass }) => !Number.isNaN(mass));
  const cells = ["mass", "hit", "chance"].map((key) => interval(known, key));
  console.log(`| ${method} | ${known.length} | ${cells.join(" | ")} | ${all.length - known.length} |`);
}
console.log(`seconds a volume: attention ${(seconds.attention / rows.length).toFixed(2)}, gradcam ${(seconds.gradcam / maps).toFixed(2)}`);

function interval(cases, key) {
  const groups = [...new Set(cases.map(({ group }) => group))].map((group) => cases.filter((each) => each.group === group));
  const mean = (list) => list.reduce((sum, each) => sum + each[key], 0) / list.length;
  const random = seededRandom(1);
  const means = Array.from({ length: 1000 }, () => mean(groups.flatMap(() => groups[Math.floor(random() * groups.length)]))).sort((a, b) => a - b);
  return `${mean(cases).toFixed(3)} [${means[25].toFixed(3)}–${means[974].toFixed(3)}]`;
}
