// anymc3d train: labelled volumes and a task.json in, an adapter package out; with --compare, its ablations beside it.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AnyMC3DError, isAbortError, type TrainableEngine } from "@anymc3d/core";
import { createEngine, type EngineChoice, openBackbone } from "@anymc3d/sdk";
import {
  type Contender,
  checkFits,
  compare,
  comparisonTable,
  contender,
  defaultVariants,
  type Fingerprint,
  type FrozenFeatures,
  frozenFeatures,
  initialState,
  looksOf,
  makeAdapter,
  type ReportParts,
  readCheckpoint,
  sizeBaselines,
  type TrainConfig,
  type TrainOutcome,
  train,
  trainingReport,
  variantConfig,
  worstCases,
  writeCheckpoint,
} from "@anymc3d/train";
import { type AdapterFiles, checkPackageFolder, openRunFolder, type RunFolder, replaceFile, verifyAdapter, writeAdapterPackage } from "@anymc3d/train/node";
import packageJson from "../../package.json" with { type: "json" };
import { readCases, readConfig, type TrainData } from "../data/train-data.js";
import { interruptSignal } from "../interrupt.js";
import type { EngineFlags, ReadFlags } from "../options/engine.js";
import { type Reporter, reporter } from "../output/train-reporter.js";

export interface TrainFlags extends ReadFlags, Pick<EngineFlags, "engine" | "threads" | "backbone"> {
  config: string;
  out: string;
  resume?: boolean;
  skipBad?: boolean;
  resampleMasks?: boolean;
  /** Variants, separated by commas; true: the default ones. */
  compare?: string | true;
  epochs?: number;
  seed?: number;
  json?: boolean;
}

interface Job {
  readonly flags: TrainFlags;
  readonly engine: TrainableEngine;
  readonly backboneVersion: string | undefined;
  /** For the variants that learn on frozen features. */
  readonly features: FrozenFeatures;
  readonly data: TrainData;
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

interface Trained {
  readonly files: AdapterFiles;
  readonly contender: Contender;
}

export async function trainAdapter(data: string, flags: TrainFlags): Promise<void> {
  const signal = interruptSignal();
  const report = reporter(flags.json ?? false);
  const config = await readConfig(flags);
  const variants = variantsOf(config, flags.compare);
  await checkPackageFolder(flags.out, config.name);
  const backbone = await openBackbone(flags.backbone, { signal });
  for (const each of [config, ...(variants?.values() ?? [])]) checkFits(each, backbone.spec, flags.config);
  const read = await readCases(data, config, flags, report, signal);
  const engine: TrainableEngine = await createEngine(backbone, { engine: flags.engine as EngineChoice, threads: flags.threads });
  const job: Job = { flags, engine, backboneVersion: backbone.version, features: frozenFeatures(config, engine), data: read, report, signal };
  try {
    const trained = await trainOne(job, "as configured", config, flags.out);
    if (variants) await compareWith(job, config, trained, variants);
  } catch (error) {
    report.clear();
    if (isAbortError(error)) process.stderr.write(`stopped; go on with --resume\n`);
    throw error;
  } finally {
    await engine.dispose();
  }
}

/** Trains one configuration into a folder, or goes on with what is there, and writes its package. */
async function trainOne(job: Job, name: string, config: TrainConfig, out: string): Promise<Trained> {
  const { flags, engine, backboneVersion, features, data, report, signal } = job;
  const { cases, volumes } = data;
  const folder = await openRunFolder(out);
  try {
    const fingerprint = fingerprintOf(config, data, engine.backbone.hash);
    const state = await startingState(folder, flags, out, config, engine, fingerprint);
    let logged = state.history.length;
    await folder.writeSplits(cases);
    const outcome = await train({
      config,
      cases,
      engine,
      state,
      features,
      signal,
      onEvent: report.event,
      onCheckpoint: async (now) => {
        await folder.writeCheckpoint(writeCheckpoint(now, fingerprint));
        while (logged < now.history.length) await folder.log(now.history[logged++]);
      },
    });
    const date = new Date().toISOString().slice(0, 10);
    const made = await makeAdapter({ config, outcome, volumes, engine, madeBy: `anymc3d ${packageJson.version}`, date });
    const comparison = await earlierComparison(out, config.task);
    const files = { manifest: made.manifest, weights: made.weights, backboneVersion, training: trainingLines(config, data, outcome, engine.id), comparison };
    await writeAdapterPackage(out, files);
    const html = await reportOf({ ...job, config, outcome, made });
    await folder.writeReport(html);
    const checks = out === flags.out ? await verifyAdapter(out, async () => engine) : [];
    report.done({ out, checks, keptEpoch: outcome.keptEpoch, labels: made.labels, warnings: made.warnings, report: join(out, "run", "report.html") });
    return { files, contender: contender(name, outcome.tensors, outcome.predictions, config.task) };
  } finally {
    await folder.release();
  }
}

/** The HTML report, with the cases that went most wrong. */
async function reportOf({ config, engine, outcome, made, data, signal }: Job & Pick<ReportParts, "config" | "outcome" | "made">): Promise<string> {
  const worst = await worstCases(outcome.predictions, made, engine, { signal });
  const { name, hash } = engine.backbone;
  const versions = [
    ["anymc3d", packageJson.version],
    ["engine", engine.id],
    ["backbone", `${name}, ${hash}`],
    ["adapter", made.adapter.hash],
    ["Node", process.version],
    ["made", made.manifest.metrics[0].date],
  ] as const;
  const { summary, skipped, volumes } = data;
  return trainingReport({ config, summary, skipped, looks: looksOf(volumes), outcome, made, worst, versions });
}

function variantsOf(config: TrainConfig, compare: TrainFlags["compare"]): Map<string, TrainConfig> | undefined {
  if (!compare) return undefined;
  const named = compare === true ? defaultVariants(config) : compare.split(",").map((name) => name.trim());
  return new Map(named.map((name) => [name, variantConfig(config, name)]));
}

const COMPARISON = "comparison.json";

/** The table of an earlier comparison in this folder, so that a run that only goes on does not lose it. */
async function earlierComparison(out: string, task: TrainConfig["task"]): Promise<string | undefined> {
  const text = await readFile(join(out, "compare", COMPARISON), "utf8").catch(() => undefined);
  return text === undefined ? undefined : comparisonTable(JSON.parse(text), task);
}

/** Trains the variants beside the package, and writes the table of all and of the size-only baselines into its card. */
async function compareWith(job: Job, config: TrainConfig, trained: Trained, variants: ReadonlyMap<string, TrainConfig>): Promise<void> {
  const { flags, report, signal } = job;
  const folder = join(flags.out, "compare");
  const contenders = [trained.contender];
  for (const [name, variant] of variants) {
    report.variant(name);
    contenders.push((await trainOne(job, name, variant, join(folder, name))).contender);
  }
  contenders.push(...(await sizeBaselines(job.data.cases, config, { signal, onProgress: report.reading })));
  const models = compare(contenders, config.task, config.training.seed);
  await replaceFile(join(folder, COMPARISON), `${JSON.stringify(models, null, 2)}\n`);
  await writeAdapterPackage(flags.out, { ...trained.files, comparison: comparisonTable(models, config.task) });
  report.compared(models, config.task);
}

/** What a checkpoint belongs to: all that the weights follow from. Texts, thresholds and calibration may change under a finished run. */
function fingerprintOf({ task, input, modules, training }: TrainConfig, { cases, contents }: TrainData, backbone: string): Fingerprint {
  const { threshold: _, calibrate: __, ...settings } = training;
  const parts = {
    labels: [task.kind, task.labels.map(({ id }) => id)],
    views: input.views.map(({ expect: _, ...view }) => view),
    modules,
    training: settings,
    "cases, splits or labels": cases.map(({ id, split, labels }) => [id, split, [...labels]]),
    "images or masks, or how they are read": cases.map(({ id }) => contents.get(id)),
    backbone,
  };
  const hash = (part: unknown) => createHash("sha256").update(JSON.stringify(part)).digest("hex");
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, hash(part)]));
}

async function startingState(folder: RunFolder, { resume }: TrainFlags, out: string, config: TrainConfig, engine: TrainableEngine, fingerprint: Fingerprint) {
  const bytes = await folder.readCheckpoint();
  if (!bytes) return initialState(config, engine.backbone.spec);
  const path = join(out, "run", "checkpoint.safetensors");
  if (!resume) throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${path} is there from an earlier run: go on with it by --resume, or choose another --out`);
  return readCheckpoint(bytes, fingerprint, path);
}

function keptText({ training: { keep, epochs, patience } }: TrainConfig, { keptEpoch, history }: TrainOutcome): string {
  const defined = history.some(({ meanAuroc }) => meanAuroc !== null);
  const why = keep === "last" ? "the last one" : defined ? "best mean validation AUROC" : "the last one: validation AUROC was undefined";
  const stopped = history.length < epochs ? `, stopped there of ${epochs} after ${patience} without a better one` : "";
  return `epoch ${keptEpoch} of ${history.length} was kept (${why}${stopped})`;
}

function trainingLines(config: TrainConfig, { cases, skipped }: TrainData, outcome: TrainOutcome, engine: string): string[] {
  const { training, modules } = config;
  const count = (split: string) => cases.filter((each) => each.split === split).length;
  return [
    `${count("train")} cases for training, ${count("val")} for validation; ${keptText(config, outcome)}`,
    ...(skipped.length ? [`left out because they could not be used: ${skipped.map(({ id, code }) => `${id} (${code})`).join(", ")}`] : []),
    modules.lora
      ? `LoRA rank ${modules.lora.rank}, alpha ${modules.lora.alpha}, on ${modules.lora.targets.join(", ")}${modules.lora.lastBlocks ? ` of the last ${modules.lora.lastBlocks} blocks` : ""}`
      : "frozen features, head only",
    `AdamW, learning rates ${modules.lora ? `${training.learningRate.lora} (LoRA) and ` : ""}${training.learningRate.head} (head, queries), ${training.batch} volumes a step, seed ${training.seed}, ${engine}`,
    training.masks ? `pixel-level supervision by masks, weight ${training.masks.weight}` : "no pixel-level supervision",
    "thresholds, temperatures and the kept epoch were chosen on the validation cases that the metrics are from: on new data expect somewhat less",
  ];
}
