// How much does an answer depend on the exact point? Validation nodules, their region marked in the middle and some millimetres off.
// usage: node benchmarks/regions.mjs [--adapter FOLDER] [--data LABELS.csv] [--limit N] [--draws N] [--threads N] [--json]     (npm run build first)
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { seededRandom } from "@anymc3d/core/learn";
import { readVolume } from "@anymc3d/io";
import { createClassifier, openAdapter } from "../packages/sdk/dist/index.js";
import { auroc } from "../packages/train/dist/index.js";
import { parseLabels } from "../packages/train/dist/node.js";

/** How far points are off, mm. */
const OFF = [2, 5, 10];
const WHOLE = "the crop as it is";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values } = parseArgs({
  options: {
    adapter: { type: "string", default: here("../packages/adapters-lung-nodule") },
    data: { type: "string", default: here("../../shared/data/lung-nodule/labels.csv") },
    limit: { type: "string", default: "1000" },
    draws: { type: "string", default: "1" },
    threads: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
  },
});

const adapter = await openAdapter(values.adapter);
const { kind, labels } = adapter.manifest.task;
const rows = parseLabels(await readFile(values.data, "utf8"), { file: values.data, task: { kind, labels }, split: "val" }).slice(0, Number(values.limit));
const classifier = await createClassifier({ threads: Number(values.threads) });
const random = seededRandom(0);
/** By name of the region: one entry a nodule and draw, { labels, probabilities, outside, refused }. */
const found = new Map();
for (const [n, row] of rows.entries()) {
  for (const [name, entry] of await entriesOf(row)) found.set(name, [...(found.get(name) ?? []), entry]);
  if (process.stderr.isTTY || n % 10 === 9) console.error(`${n + 1} of ${rows.length}`);
}
const { id: engine } = classifier.engine;
await classifier.dispose();

const reference = found.get(WHOLE);
const table = [...found].map(([name, entries]) => {
  const answered = entries.filter(({ probabilities }) => probabilities);
  const moved = answered.flatMap(({ probabilities, row }) =>
    probabilities.map((p, i) => Math.abs(p - reference.find((each) => each.row === row).probabilities[i])),
  );
  return {
    name,
    n: entries.length,
    refused: entries.length - answered.length,
    outside: mean(entries.map(({ outside }) => outside)),
    auroc: labels.map(({ id }) => {
      const known = answered.filter(({ labels: truth }) => truth.has(id));
      return auroc(
        known.map(({ labels: truth }) => truth.get(id)),
        known.map(({ probabilities }) => probabilities[labels.findIndex((label) => label.id === id)]),
      );
    }),
    moved: { median: quantile(moved, 0.5), p95: quantile(moved, 0.95) },
  };
});
const result = { adapter: adapter.manifest.version, machine: { cpu: cpus()[0].model, node: process.version, engine }, nodules: rows.length, table };
if (values.json) console.log(JSON.stringify(result, undefined, 1));
else print(result);

/** [name of the region, its entry] of a nodule; the middle of the crop is the middle of the nodule. */
async function entriesOf(row) {
  const volume = await readVolume(join(dirname(values.data), "images", `${row.id}.nii.gz`), { modality: "CT" });
  const { shape, affine } = volume;
  const spacing = [0, 1, 2].map((axis) => Math.hypot(affine[axis], affine[4 + axis], affine[8 + axis]));
  const own = shape.map((length, axis) => length * spacing[axis]);
  const middle = shape.map((length) => (length - 1) / 2);
  const entries = [[WHOLE, await answer(volume, row)]];
  for (const [name, size] of [
    ["box as large as the crop", own],
    ["the adapter's default box", adapter.manifest.input.roi.size],
  ]) {
    for (const mm of [0, ...OFF]) {
      for (let draw = 0; draw < (mm === 0 ? 1 : Number(values.draws)); draw++) {
        const way = direction();
        const point = middle.map((index, axis) => index + (mm * way[axis]) / spacing[axis]);
        entries.push([`${name}, ${mm} mm off`, await answer(volume, row, { point, space: "voxel", size: [...size] }, { point, spacing, size })]);
      }
    }
  }
  return entries;
}

/** What the adapter says of a region; nothing where it refuses it (too little is left of it in the crop). */
async function answer(volume, row, roi, box) {
  const outside = box ? 1 - inside(volume.shape, box) : 0;
  try {
    const { labels: answers } = await classifier.classify(volume, adapter, { ...(roi && { roi }) });
    return { row: row.id, labels: row.labels, outside, probabilities: answers.map(({ probability }) => probability) };
  } catch (error) {
    if (!/^(INPUT|REGION)_/.test(error.code)) throw error;
    return { row: row.id, labels: row.labels, outside };
  }
}

/** Share of a box that lies in the crop; the rest would be padding. */
function inside(shape, { point, spacing, size }) {
  return shape.reduce((share, length, axis) => {
    const half = size[axis] / spacing[axis] / 2;
    const [low, high] = [Math.max(-0.5, point[axis] - half), Math.min(length - 0.5, point[axis] + half)];
    return (share * Math.max(0, high - low)) / (2 * half);
  }, 1);
}

/** Uniform on the sphere. */
function direction() {
  const z = 2 * random() - 1;
  const angle = 2 * Math.PI * random();
  const radius = Math.sqrt(1 - z * z);
  return [radius * Math.cos(angle), radius * Math.sin(angle), z];
}

function mean(numbers) {
  return numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}

function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

function print({ nodules, machine, table: lines }) {
  console.log(`${nodules} validation nodules, ${machine.engine}, ${machine.cpu}\n`);
  console.log(`| region | refused | outside | ${labels.map(({ id }) => id).join(" | ")} | mean | moved, median | 95 % |`);
  console.log(`| --- | --- | --- | ${labels.map(() => "---").join(" | ")} | --- | --- | --- |`);
  for (const { name, refused, outside, auroc: areas, moved } of lines)
    console.log(
      `| ${name} | ${refused} | ${(100 * outside).toFixed(0)} % | ${areas.map((area) => area?.toFixed(3) ?? "–").join(" | ")} | ${mean(areas).toFixed(3)} | ${moved.median.toFixed(3)} | ${moved.p95.toFixed(3)} |`,
    );
}
