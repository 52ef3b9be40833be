// Is the heatmap where the answer is? Attention and Grad-CAM on validation nodules against their masks, against chance and against a blob in the middle.
// usage: node benchmarks/localisation.mjs [--adapter FOLDER] [--data LABELS.csv] [--limit N] [--threads N] [--json]     (npm run build first)
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readVolume } from "@anymc3d/io";
import { createClassifier, openAdapter } from "../packages/sdk/dist/index.js";
import { parseLabels } from "../packages/train/dist/node.js";
import { centreMap, grown, meanOverGroups, pointing, shareOf } from "./localisation-measures.mjs";
import { spread } from "./statistics.mjs";

/** Tolerance of the second pointing game, mm. TorchRay's 15 pixels are 3 % of a photograph 500 wide; 3 % of the 56 mm that a slice shows are 1.7. */
const NEAR = 2;
const BLOB = "blob in the middle";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values } = parseArgs({
  options: {
    adapter: { type: "string", default: here("../packages/adapters-lung-nodule") },
    data: { type: "string", default: here("../../shared/data/lung-nodule/labels.csv") },
    limit: { type: "string", default: "1000" },
    threads: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});

const adapter = await openAdapter(values.adapter);
const { kind, labels } = adapter.manifest.task;
const rows = parseLabels(await readFile(values.data, "utf8"), { file: values.data, task: { kind, labels }, split: "val" }).slice(0, Number(values.limit));
const classifier = await createClassifier({ threads: Number(values.threads) });
/** One entry a map: { id, group, label, present, method, mass, hit, near, chance, chanceNear, blob, seconds }. */
const cases = [];
for (const row of rows) cases.push(...(await casesOf(row)));
const { id: engine } = classifier.engine;
await classifier.dispose();

const result = {
  adapter: { name: adapter.manifest.name, version: adapter.manifest.version, hash: adapter.hash },
  machine: { cpu: cpus()[0].model, node: process.version, engine, threads: Number(values.threads) },
  nodules: rows.length,
  nearMm: NEAR,
  rows: selections().map(([map, chosen]) => summary(map, chosen)),
  seconds: Object.fromEntries(["attention", "gradcam"].map((method) => [method, cases.filter((each) => each.method === method).map((each) => each.seconds)])),
};
if (values.json) console.log(JSON.stringify({ ...result, cases }, undefined, 1));
else print(result);

/** The measures of one nodule: blob, attention, Grad-CAM of every label that is there and of the first label in any case. */
async function casesOf({ id, group, labels: truth }) {
  const data = dirname(values.data);
  const volume = await readVolume(join(data, "images", `${id}.nii.gz`), { modality: "CT" });
  const mask = (await readVolume(join(data, "masks", `${id}.nii.gz`))).data;
  const maskNear = grown(mask, volume.shape, volume.affine, NEAR);
  const chances = { chance: shareOf(mask), chanceNear: shareOf(maskNear) };
  const measure = (heat) => ({ ...pointing(heat, mask), near: pointing(heat, maskNear).hit });
  const blob = measure(centreMap(volume.shape));
  const found = [{ id, group, method: BLOB, ...blob, ...chances, blob }];
  const classify = async (method, label, present) => {
    const start = performance.now();
    const { heatmap } = await classifier.classify(volume, adapter, { heatmap: { method, label } });
    const seconds = (performance.now() - start) / 1000;
    found.push({ id, group, method, label, present, ...measure(heatmap.data), ...chances, blob, seconds });
  };
  await classify("attention");
  for (const [i, label] of labels.entries()) {
    const present = truth.get(label.id) === 1;
    if (present || i === 0) await classify("gradcam", label.id, present);
  }
  return found;
}

/** The rows of the tables: [name, maps]. */
function selections() {
  const gradcam = cases.filter(({ method }) => method === "gradcam");
  const there = gradcam.filter(({ present }) => present);
  return [
    [BLOB, cases.filter(({ method }) => method === BLOB)],
    ["attention", cases.filter(({ method }) => method === "attention")],
    [`gradcam, ${labels[0].id}, all nodules`, gradcam.filter(({ label }) => label === labels[0].id)],
    ["gradcam, every label that is there", there],
    ...labels.map(({ id }) => [`gradcam, ${id}, where it is there`, there.filter(({ label }) => label === id)]),
  ].filter(([, chosen]) => chosen.length > 0);
}

function summary(map, chosen) {
  const known = chosen.filter(({ mass }) => !Number.isNaN(mass));
  const over = (value) => meanOverGroups(known, value);
  return {
    map,
    n: known.length,
    patients: new Set(known.map(({ group }) => group)).size,
    withoutHeat: chosen.length - known.length,
    mass: over((each) => each.mass),
    chance: over((each) => each.chance),
    massOverChance: over((each) => each.mass / each.chance),
    blobMass: over((each) => each.blob.mass),
    massMinusBlob: over((each) => each.mass - each.blob.mass),
    hit: over((each) => each.hit),
    blobHit: over((each) => each.blob.hit),
    near: over((each) => each.near),
    chanceNear: over((each) => each.chanceNear),
    blobNear: over((each) => each.blob.near),
  };
}

function print({ machine, rows: table, seconds }) {
  console.log(
    `${adapter.manifest.name} ${adapter.manifest.version}, ${rows.length} validation nodules; mean [95 % interval, bootstrap over patients, 1,000 resamples]`,
  );
  console.log(`${machine.cpu}, Node ${machine.node}, ${machine.engine}, ${machine.threads} thread(s)\n`);
  const cell = ({ mean, interval: [low, high] }, digits = 3) =>
    `${mean.toFixed(digits)} [${low.toFixed(digits)}${low < 0 ? " to " : "–"}${high.toFixed(digits)}]`;
  const line = (cells) => console.log(`| ${cells.join(" | ")} |`);
  const head = (cells) => [cells, cells.map(() => "---")].forEach(line);
  head(["map", "n (patients)", "mass inside", "chance", "mass / chance", "blob's mass, same nodules", "mass − blob's"]);
  for (const r of table)
    line([r.map, `${r.n} (${r.patients})`, cell(r.mass), cell(r.chance), cell(r.massOverChance, 1), cell(r.blobMass), cell(r.massMinusBlob)]);
  console.log();
  head(["map", "pointing game", "chance", "blob", `within ${NEAR} mm`, "chance", "blob"]);
  for (const r of table) line([r.map, ...[r.hit, r.chance, r.blobHit, r.near, r.chanceNear, r.blobNear].map((value) => cell(value))]);
  const empty = table.filter(({ withoutHeat }) => withoutHeat > 0).map(({ map, withoutHeat }) => `${map} ${withoutHeat}`);
  console.log(`\nmaps without any heat, left out: ${empty.join(", ") || "none"}`);
  for (const [method, all] of Object.entries(seconds))
    console.log(`seconds a volume, classification included, ${method}: ${spread(all, 2)}, ${all.length} maps`);
}
