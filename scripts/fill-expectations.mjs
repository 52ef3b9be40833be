// Fills `expect.percentiles` and `labels` of the shipped adapters' adapter.json from their training volumes, as training does.
// usage: node scripts/fill-expectations.mjs [DATA_FOLDER]     (build core, io and train first; default ../shared/data)
import { readFile, writeFile } from "node:fs/promises";
import { checkCases, filledIn, npzCases } from "../packages/train/dist/index.js";
import { csvCases } from "../packages/train/dist/node.js";

const root = process.argv[2] ?? new URL("../../shared/data", import.meta.url).pathname;
const DATA = {
  "lung-nodule": "lung-nodule/labels.csv",
  "adrenal-shape": "adrenal/adrenalmnist3d_64_trainval.npz",
  "vessel-aneurysm": "vessel/vesselmnist3d_64_trainval.npz",
};

async function casesOf(path, { task, input }) {
  const source = input.views[0].source;
  if (path.endsWith(".npz")) return npzCases(await readFile(path), { task, file: path, source });
  return (await csvCases(path, { task, sources: [source], masks: false, read: { modality: input.views[0].expect.modality?.[0] } })).cases;
}

for (const [name, data] of Object.entries(DATA)) {
  const folder = new URL(`../packages/adapters-${name}/`, import.meta.url);
  const manifest = JSON.parse(await readFile(new URL("adapter.json", folder), "utf8"));
  const cases = (await casesOf(`${root}/${data}`, manifest)).filter(({ split }) => split === "train");
  const { volumes, faults } = await checkCases(cases, { views: manifest.input.views });
  if (faults.length) throw new Error(`${name}: ${faults.length} case(s) cannot be read, ${faults[0].message}`);
  // As if they had not been filled in yet.
  manifest.input.views = manifest.input.views.map(({ labels, expect: { percentiles, ...expect }, ...view }) => filledIn({ ...view, expect }, volumes));
  await writeFile(new URL("adapter.json", folder), `${JSON.stringify(manifest, null, 2)}\n`);
  console.log(`${name}: ${volumes.length} volumes, ${JSON.stringify(manifest.input.views[0].expect.percentiles)}`);
}
