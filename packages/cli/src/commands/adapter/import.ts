// anymc3d adapter import: LoRA that PEFT wrote, with query and head tensors → an adapter package.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Adapter, type AdapterManifest, AnyMC3DError, type Backbone, type Engine, loadAdapter, type Tensor, type Tensors, taskKind } from "@anymc3d/core";
import { encode, readTensors, selfTestInput, writeSafetensors } from "@anymc3d/core/engine";
import { bindAdapter, conformanceLogits, weightsHash, withDoubts } from "@anymc3d/core/learn";
import { newFolder } from "@anymc3d/node-files/new-folder";
import { checkFolderTarget } from "@anymc3d/node-files/target";
import { createEngine, openBackbone } from "@anymc3d/sdk";
import { importHead, importPeft, manifestParts, type PeftFolder, type PeftImport, parseTrainConfig, pixelLogits, type TrainConfig } from "@anymc3d/train";
import { writeAdapterPackage } from "@anymc3d/train/node";
import { readBytes, readJson } from "../../data/read-file.js";
import { pc, print, printErr } from "../../output/terminal.js";

export interface ImportFlags {
  config: string;
  lora?: string[];
  head?: string;
  out: string;
  backbone?: string;
  metrics?: string;
  expect?: string;
  tolerance: number;
}

const CONFORMANCE = { seed: 7 } as const;

export async function importAdapter(flags: ImportFlags): Promise<void> {
  const out = resolve(flags.out);
  if (existsSync(out)) throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${out} exists already; choose a new folder`);
  await checkFolderTarget(out);
  const config = parseTrainConfig(await readJson(flags.config), flags.config);
  const backbone = await openBackbone(flags.backbone);
  const { lora, tensors, warnings } = await readModules(flags, config, backbone);
  const weights = writeSafetensors(tensors);
  const draft = { ...manifestOf(config, backbone, lora, flags.metrics ? await readJson(flags.metrics) : []), weights: { hash: await weightsHash(weights) } };
  const engine = await createEngine(backbone, { engine: "auto" });
  try {
    const adapter = await loadAdapter(draft, weights);
    bindAdapter(adapter, backbone);
    await checkEffect(adapter, engine);
    const difference = flags.expect ? await checkExpected(adapter, engine, flags.expect, flags.tolerance) : undefined;
    const logits = (await conformanceLogits(adapter, engine)).map((value) => Number(value.toFixed(5)));
    const manifest = { ...draft, metrics: adapter.manifest.metrics.map(withDoubts), conformance: { ...draft.conformance, logits } };
    await newFolder(out, (unfinished) => writeAdapterPackage(unfinished, { manifest, weights, backboneVersion: backbone.version }));
    for (const { message } of [...warnings, ...notes(config, flags)]) printErr(`${pc.yellow("warning")} ${message}`);
    print(`${out}: ${summary(manifest, tensors)}${difference === undefined ? "" : `; logits as expected, off by ${difference.toExponential(1)}`}`);
  } finally {
    await engine.dispose();
  }
}

/** LoRA of every view and the other tensors; without LoRA only where task.json says so. */
async function readModules(
  flags: ImportFlags,
  config: TrainConfig,
  backbone: Backbone,
): Promise<Omit<PeftImport, "lora"> & { lora: PeftImport["lora"] | null }> {
  const folders = flags.lora ?? [];
  const head = { name: flags.head ?? "", tensors: flags.head ? await readTensorFile(flags.head) : new Map<string, Tensor>() };
  if (folders.length === 0 && config.modules.lora === null) return { lora: null, tensors: importHead(head), warnings: [] };
  const views = config.input.views.length;
  if (folders.length !== views)
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `${flags.config} has ${views} view(s), --lora names ${folders.length} folder(s): one a view is needed, in the same order. An adapter without LoRA has "modules": {"lora": null, …} in its config.`,
    );
  return importPeft(await Promise.all(folders.map(readPeftFolder)), head, backbone.spec);
}

async function readPeftFolder(folder: string): Promise<PeftFolder> {
  const path = join(folder, "adapter_model.safetensors");
  if (!existsSync(path) && existsSync(join(folder, "adapter_model.bin")))
    throw new AnyMC3DError(
      "FILE_NOT_FOUND",
      `${path} is missing, adapter_model.bin is there: pickle files are not read. Save again with save_pretrained(folder).`,
    );
  return { name: folder, config: await readJson(join(folder, "adapter_config.json")), tensors: await readTensorFile(path) };
}

async function readTensorFile(path: string): Promise<Tensors> {
  return readTensors(await readBytes(path), path);
}

/** The manifest but for the conformance logits. Thresholds that task.json leaves open are 0.5. */
function manifestOf(config: TrainConfig, backbone: Backbone, lora: PeftImport["lora"] | null, metrics: unknown): AdapterManifest {
  const parts = manifestParts(config);
  const { task, modules } = parts;
  return {
    ...parts,
    task: taskKind(task).completed(task).task,
    backbone: { name: backbone.name, hash: backbone.hash },
    modules: { ...modules, lora },
    metrics: [metrics].flat() as AdapterManifest["metrics"],
    intendedUse: config.intendedUse ?? "Research use only; not a medical device.",
    limits: config.limits.length ? config.limits : ["Imported from PyTorch; what it was trained and measured on is not stated here."],
    conformance: { ...CONFORMANCE, tolerance: taskKind(task).tolerance(task), logits: new Array(taskKind(task).outputs(task)).fill(0) },
  };
}

/** A LoRA that is not zero must move the backbone's answer: weights that were read but not used would not. */
async function checkEffect(adapter: Adapter, engine: Engine): Promise<void> {
  const { slices } = selfTestInput(engine.backbone.spec, CONFORMANCE.seed);
  const bare = (await encode(engine, slices, undefined, {})).cls;
  for (const [v, { lora }] of bindAdapter(adapter, engine.backbone).views.entries()) {
    const zero = !lora || [...lora.tensors].every(([name, { data }]) => !name.endsWith(".B") || data.every((value) => value === 0));
    if (zero) continue;
    const { cls } = await encode(engine, slices, lora, {});
    if (cls.every((value, i) => value === bare[i]))
      throw new AnyMC3DError(
        "ENGINE_FAILED",
        `view ${v}: the LoRA is not zero, yet the backbone answers as without it. Its values may be too small for float32; train longer, or check the file.`,
      );
  }
}

/** @returns the largest difference of a logit */
async function checkExpected(adapter: Adapter, engine: Engine, path: string, tolerance: number): Promise<number> {
  const expected = await readTensorFile(path);
  const views = adapter.manifest.input.views;
  const pixels = views.map((_, v) => expected.get(`views.${v}.pixels`) ?? (v === 0 ? expected.get("pixels") : undefined));
  const right = expected.get("logits")?.data;
  if (!right || pixels.some((tensor) => !tensor))
    throw new AnyMC3DError(
      "INPUT_MISSING",
      `${path} holds ${[...expected.keys()].join(", ")}; needed are "logits" [labels] and "pixels" [slices, 3, height, width], with several views "views.0.pixels", "views.1.pixels", …`,
      { details: { expected: ["logits", "pixels"], found: [...expected.keys()], missing: ["logits", "pixels"].filter((name) => !expected.has(name)) } },
    );
  const found = await pixelLogits(adapter, engine, pixels as Tensor[]);
  const difference = right.length === found.length ? Math.max(...found.map((value, i) => Math.abs(value - right[i]))) : Number.POSITIVE_INFINITY;
  if (difference <= tolerance) return difference;
  throw new AnyMC3DError(
    "CONFORMANCE_FAILED",
    `${path}: the imported adapter's logits are [${show(found)}], expected [${show(right)}], ${tolerance} apart at most. Usual causes: another backbone than the one trained on, or one not rounded to float16 like ours, pixels not normalised by its mean and sd, dropout active (call eval()), another pooling or head.`,
    { details: { engine: engine.id, found: [...found], expected: [...right], allowed: tolerance } },
  );
}

const show = (logits: Float32Array): string => [...logits].map((value) => value.toFixed(4)).join(", ");

function notes(config: TrainConfig, { expect }: ImportFlags): { message: string }[] {
  const open = config.input.views.flatMap((view, v) => (view.expect ? [] : [v]));
  const messages: string[] = [];
  if (open.length) messages.push(`input.views ${open.join(", ")}: no "expect" in the config, so no input is refused for its modality, values or size`);
  messages.push(...taskKind(config.task).completed(config.task).notes);
  if (!expect) messages.push("not compared with PyTorch's logits; --expect does it");
  return messages.map((message) => ({ message }));
}

function summary({ name, modules: { lora } }: AdapterManifest, tensors: Tensors): string {
  const parameters = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  const maps = lora ? `LoRA of rank ${lora.rank} on ${lora.targets.join(", ")}${lora.lastBlocks ? ` of the last ${lora.lastBlocks} blocks` : ""}` : "no LoRA";
  return `${name}, ${maps}, ${parameters} parameters`;
}
