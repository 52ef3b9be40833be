// Adapters of the kinds of task that no bundled adapter has: the lung-nodule adapter's LoRA and query under another task and a made head, with a
// conformance vector of their own. What they answer means nothing; that the page shows what the SDK gives is what they are for.
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AdapterManifest, checkConformance, type Engine, loadAdapter, type Task, type Tensor, taskKind } from "@anymc3d/core";
import { readTensors, writeSafetensors } from "@anymc3d/core/engine";
import { conformanceLogits, weightsHash, withDoubts } from "@anymc3d/core/learn";

const BUNDLED = fileURLToPath(new URL("../../../packages/adapters-lung-nodule/", import.meta.url));

export interface MadeAdapter {
  readonly name: string;
  readonly title: string;
  readonly task: Task;
  /** Of the made head: rows of the bundled head's weight, times a factor; boundaries or offsets. */
  readonly rows: readonly { readonly row: number; readonly factor: number }[];
  readonly bias: readonly number[];
  /** Of its labels; default: none are stated. */
  readonly figures?: AdapterManifest["metrics"][number]["labels"];
}

const conformal = (quantile: number) => ({ coverage: 0.9, quantiles: [quantile], n: [120] });

export const MADE_ADAPTERS: readonly MadeAdapter[] = [
  {
    name: "adapter-made-appearance",
    title: "Appearance of a nodule (made for tests)",
    task: {
      kind: "multiclass",
      labels: [
        { id: "solid", name: "Solid" },
        { id: "part-solid", name: "Part solid" },
        { id: "ground-glass", name: "Ground glass" },
      ],
      conformal: conformal(0.9),
    },
    rows: [
      { row: 0, factor: 0.3 },
      { row: 1, factor: 0.3 },
      { row: 4, factor: 0.3 },
    ],
    bias: [0, 0, 0],
  },
  {
    name: "adapter-made-malignancy",
    title: "Malignancy rating of a nodule (made for tests)",
    task: {
      kind: "ordinal",
      labels: [
        { id: "highly-unlikely", name: "Highly unlikely", value: 1 },
        { id: "moderately-unlikely", name: "Moderately unlikely", value: 2 },
        { id: "indeterminate", name: "Indeterminate", value: 3 },
        { id: "moderately-suspicious", name: "Moderately suspicious", value: 4 },
        { id: "highly-suspicious", name: "Highly suspicious", value: 5 },
      ],
      conformal: conformal(0.8),
    },
    rows: [{ row: 0, factor: 0.4 }],
    bias: [3, 1.5, 0, -1.5],
  },
  {
    name: "adapter-made-diameter",
    title: "Largest diameter of a nodule (made for tests)",
    task: { kind: "regression", labels: [{ id: "diameter", name: "Largest diameter", unit: "mm", range: [3, 30] }], conformal: conformal(3.1) },
    rows: [{ row: 1, factor: 1.5 }],
    bias: [10],
  },
  {
    name: "adapter-made-doubtful",
    title: "Findings that were hardly learned (made for tests)",
    task: { kind: "multilabel", labels: ["swapped", "guessed", "rare", "sound"].map((id) => ({ id, name: `${id} finding`, threshold: 0.5 })) },
    rows: [0, 1, 2, 3].map((row) => ({ row, factor: 1 })),
    bias: [0, 0, 0, 0],
    figures: [
      { id: "swapped", n: 100, positives: 50, auroc: 0.31, interval: [0.2, 0.42] },
      { id: "guessed", n: 100, positives: 50, auroc: 0.55, interval: [0.44, 0.66] },
      { id: "rare", n: 100, positives: 2, auroc: 0.9, interval: [0.7, 1] },
      { id: "sound", n: 100, positives: 50, auroc: 0.9, interval: [0.82, 0.96] },
    ],
  },
];

/** Writes an adapter package into a folder that does not exist. @returns the largest difference of a logit that its conformance vector found */
export async function makeAdapter({ name, title, task, rows, bias, figures }: MadeAdapter, folder: string, engine: Engine): Promise<number> {
  await cp(BUNDLED, folder, { recursive: true, filter: (path) => !/\/(run|compare)$/.test(path) });
  const tensors = new Map(readTensors(await readFile(join(folder, "weights.safetensors"))));
  const { data, shape } = tensors.get("head.weight") as Tensor;
  const width = shape[1];
  tensors.set("head.weight", {
    shape: [rows.length, width],
    data: Float32Array.from(rows.flatMap(({ row, factor }) => Array.from(data.subarray(row * width, (row + 1) * width), (weight) => factor * weight))),
  });
  tensors.set("head.bias", { shape: [bias.length], data: Float32Array.from(bias) });
  const weights = writeSafetensors(tensors);
  const bundled = JSON.parse(await readFile(join(folder, "adapter.json"), "utf8"));
  const tolerance = taskKind(task).tolerance(task);
  const hash = await weightsHash(weights);
  const manifest = (logits: readonly number[]) => ({
    ...bundled,
    schemaVersion: 2,
    weights: { ...bundled.weights, hash },
    name,
    title,
    task,
    metrics: figures ? [withDoubts({ dataset: "made", split: "val", date: "2026-01-02", seed: 0, madeBy: "this test", labels: [...figures] })] : [],
    modules: { ...bundled.modules, head: taskKind(task).head },
    conformance: { seed: 7, tolerance, logits },
  });
  const logits = await conformanceLogits(await loadAdapter(manifest(Array(taskKind(task).outputs(task)).fill(0)), weights), engine);
  const made = manifest(logits.map((logit) => Number(logit.toFixed(5))));
  await writeFile(join(folder, "weights.safetensors"), weights);
  await writeFile(join(folder, "adapter.json"), `${JSON.stringify(made, null, 2)}\n`);
  const packed = await readFile(join(folder, "package.json"), "utf8");
  await writeFile(join(folder, "package.json"), packed.replaceAll("@anymc3d/adapter-lung-nodule", name).replaceAll("Lung nodule findings (CT)", title));
  return checkConformance(await loadAdapter(made, weights), engine);
}
