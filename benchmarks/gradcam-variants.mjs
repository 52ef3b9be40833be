// Why Grad-CAM of a label points where it does: variants of it from the same tokens and gradients, and what the logit does without the nodule.
// usage: node benchmarks/gradcam-variants.mjs [--label ID] [--adapter FOLDER] [--data LABELS.csv] [--threads N]     (npm run build first)
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { classify } from "@anymc3d/core";
import { readVolume } from "@anymc3d/io";
import { createClassifier, openAdapter } from "../packages/sdk/dist/index.js";
import { parseLabels } from "../packages/train/dist/node.js";
import { grown, meanOverGroups, pointing, shareOf } from "./localisation-measures.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values } = parseArgs({
  options: {
    label: { type: "string", default: "calcified" },
    adapter: { type: "string", default: here("../packages/adapters-lung-nodule") },
    data: { type: "string", default: here("../../shared/data/lung-nodule/labels.csv") },
    threads: { type: "string", default: "1" },
  },
});
const LUNG = -850;

const adapter = await openAdapter(values.adapter);
const { kind, labels } = adapter.manifest.task;
const all = parseLabels(await readFile(values.data, "utf8"), { file: values.data, task: { kind, labels }, split: "val" });
const rows = all.filter((row) => row.labels.get(values.label) === 1);
const { engine } = await createClassifier({ threads: Number(values.threads) });
const { width } = engine.backbone.spec;
/** By variant: { group, mass, hit }; the other lists hold one number a nodule. */
const found = new Map();
const [chances, positive, norms, logits] = [[], [], [], []];

for (const { id, group } of rows) {
  const read = (folder, options) => readVolume(join(dirname(values.data), folder, `${id}.nii.gz`), options);
  const volume = await read("images", { modality: "CT" });
  const mask = (await read("masks")).data;
  chances.push({ group, share: shareOf(mask) });
  logits.push({ group, ...(await occluded(volume, grown(mask, volume.shape, volume.affine, 2))) });
  const { maps, heat } = await gradcam(volume);
  for (const [name, map] of Object.entries(maps)) found.set(name, [...(found.get(name) ?? []), { group, ...pointing(await heat(map), mask) }]);
  positive.push({ group, share: maps["Grad-CAM"].filter((value) => value > 0).length / maps["Grad-CAM"].length });
  const sorted = maps["the tokens' norm"].toSorted((a, b) => a - b);
  norms.push(sorted.at(-1) / sorted[sorted.length >> 1]);
}
await engine.dispose();

const cell = ({ mean, interval }, digits = 3) => `${mean.toFixed(digits)} [${interval.map((value) => value.toFixed(digits)).join(" to ")}]`;
console.log(
  `${adapter.manifest.name} ${adapter.manifest.version}, ${values.label}: ${rows.length} nodules of ${new Set(rows.map(({ group }) => group)).size} patients`,
);
console.log("| map | mass inside | pointing game |\n| --- | --- | --- |");
console.log(`| chance | ${cell(meanOverGroups(chances, ({ share }) => share))} | |`);
for (const [name, cases] of found) {
  const known = cases.filter(({ mass }) => !Number.isNaN(mass));
  console.log(`| ${name} | ${cell(meanOverGroups(known, ({ mass }) => mass))} | ${cell(meanOverGroups(known, ({ hit }) => hit))} |`);
}
console.log(`\npatches where Grad-CAM is above 0 before the ReLU: ${cell(meanOverGroups(positive, ({ share }) => share))}`);
const ratios = norms.toSorted((a, b) => a - b);
console.log(`largest token norm / median, a volume: median ${ratios[ratios.length >> 1].toFixed(2)}, largest ${ratios.at(-1).toFixed(2)}`);
for (const key of ["whole", "nodule out", "surroundings out", "same shape at the edge out"])
  console.log(
    `logit, ${key}: ${cell(
      meanOverGroups(logits, (each) => each[key]),
      2,
    )}`,
  );

/** The label's logit with parts of the volume set to lung. @param nodule 0 or 1, x fastest */
async function occluded(volume, nodule) {
  const nx = volume.shape[0];
  const left = nodule.reduce((least, inside, i) => (inside ? Math.min(least, i % nx) : least), nx);
  const edge = nodule.map((_, i) => (i % nx < nx - left && nodule[i + left] && !nodule[i] ? 1 : 0));
  const without = async (out) => {
    const data = Float32Array.from(volume.data, (value, i) => (out[i] ? LUNG : value));
    return (await classify({ ...volume, data }, adapter, { engine, checks: "warn" })).labels.find(({ id }) => id === values.label).logit;
  };
  return {
    whole: await without([]),
    "nodule out": await without(nodule),
    "surroundings out": await without(nodule.map((inside) => 1 - inside)),
    "same shape at the edge out": await without(edge),
  };
}

/** Maps over all patches of all slices before the ReLU, and how classify() turns one into heat on the volume's grid. */
async function gradcam(volume) {
  const run = async (forward) => {
    const { id, backbone, precision, warnings } = engine;
    const stand = { id, backbone, precision, warnings, forward };
    return (await classify(volume, adapter, { engine: stand, heatmap: { method: "gradcam", label: values.label } })).heatmap.data;
  };
  const parts = [];
  let patches = 0;
  await run(async (slices, ...rest) => {
    const forward = await engine.forward(slices, ...rest);
    const backward = async (...seeds) => {
      const found = await forward.backward(...seeds);
      patches = found.tokens.length / slices.count / width;
      parts.push({ tokens: forward.encoded.lastInput, gradient: found.tokens });
      return found;
    };
    return { ...forward, backward };
  });
  /** Tokens and gradients of which classify()'s own Grad-CAM is the map: one channel holds it, with weight 1. */
  const heat = (map) => {
    let from = 0;
    return run(async (slices, ...rest) => {
      const forward = await engine.forward(slices, ...rest);
      const [lastInput, tokens] = [new Float32Array(slices.count * patches * width), new Float32Array(slices.count * patches * width)];
      const backward = async () => {
        for (let i = 0; i < slices.count * patches; i++, from++) [lastInput[i * width], tokens[i * width]] = [map[from], 1];
        return { tokens };
      };
      return { ...forward, encoded: { ...forward.encoded, lastInput }, backward };
    });
  };
  const rowsOf = (key) => parts.flatMap((part) => Array.from({ length: part[key].length / width }, (_, i) => part[key].subarray(i * width, (i + 1) * width)));
  return { maps: variants(rowsOf("tokens"), rowsOf("gradient"), patches), heat };
}

/** @param tokens, gradients a row a patch, slice by slice */
function variants(tokens, gradients, patches) {
  const dot = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);
  const mean = (list) => Float64Array.from({ length: width }, (_, k) => list.reduce((sum, row) => sum + row[k], 0) / list.length);
  const bySlice = (list) => Array.from({ length: list.length / patches }, (_, s) => mean(list.slice(s * patches, (s + 1) * patches)));
  const [weights, centres, overall] = [bySlice(gradients), bySlice(tokens), mean(gradients)];
  const map = (value) => tokens.map((token, i) => value(token, i, Math.floor(i / patches)));
  const plain = map((token, _, s) => dot(token, weights[s]));
  const tops = weights.map((_, s) => Math.max(0, ...plain.slice(s * patches, (s + 1) * patches)));
  return {
    "Grad-CAM": plain,
    "every slice's map scaled to 1": map((_, i, s) => (tops[s] > 0 ? plain[i] / tops[s] : 0)),
    "tokens less their slice's mean": map((token, _, s) => dot(token, weights[s]) - dot(centres[s], weights[s])),
    "channel weights averaged over all slices": map((token) => dot(token, overall)),
    "gradients not averaged (HiResCAM)": map((token, i) => dot(token, gradients[i])),
    "the gradient's norm": map((_, i) => Math.sqrt(dot(gradients[i], gradients[i]))),
    "Grad-CAM, sign turned": plain.map((value) => -value),
    "the tokens' norm": map((token) => Math.sqrt(dot(token, token))),
  };
}
