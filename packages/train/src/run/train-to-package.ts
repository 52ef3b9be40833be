// Labelled volumes and a configuration in, an adapter package out; with a comparison, its variants beside it.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Backbone, Engine } from "@anymc3d/core";
import { writeWhole } from "@anymc3d/node-files/write-whole";
import packageJson from "../../package.json" with { type: "json" };
import { checkFits, type TrainConfig } from "../config.js";
import { looksOf } from "../data/looks.js";
import { type FrozenFeatures, frozenFeatures } from "../learning/features.js";
import { type TrainOutcome, train } from "../learning/loop.js";
import { writeCheckpoint } from "../learning/state.js";
import { type ComparedModel, type Contender, compare, comparedWhat, comparisonTable, contender, sizeBaselines } from "../metrics/compare.js";
import { calibratedLogits } from "../metrics/judged.js";
import { withBaselines } from "../package/baselines.js";
import { type MadeAdapter, makeAdapter } from "../package/make-adapter.js";
import { type AdapterFiles, checkPackageFolder, writeAdapterPackage } from "../package/package-folder.js";
import { verifyAdapter } from "../package/verify.js";
import { trainingReport } from "../report/report.js";
import { worstCases } from "../report/worst-cases.js";
import { taskTraining } from "../tasks/index.js";
import { defaultVariants, variantConfig } from "../variants.js";
import type { TrainedPackage } from "./events.js";
import { type DataOptions, readData, type TrainData } from "./read-data.js";
import { readTask, type TrainingOverrides } from "./read-task.js";
import { checkRunFolder, openRunFolder, type RunFolder } from "./run-folder.js";
import { fingerprintOf, startingState } from "./starting-state.js";
import { trainingLines } from "./training-lines.js";

/** Options of `trainToPackage()`. */
export interface TrainToPackageOptions extends DataOptions {
  /** Path of a task.json, or its content. */
  readonly config: unknown;
  /** In place of the configuration's `training`. */
  readonly training?: TrainingOverrides;
  /** Folder of the package: a new one, or one that holds this package already. Checkpoints, the log and the report go to its folder run/. */
  readonly out: string;
  /** Gives the frozen backbone; asked once configuration and folder were found good. `openBackbone` of `@anymc3d/sdk` does. */
  readonly backbone: () => Promise<Backbone>;
  /** Starts the engine; asked once the data was found good. It is disposed of at the end. `createEngine` of `@anymc3d/sdk` does. */
  readonly engine: (backbone: Backbone) => Promise<Engine>;
  /** Go on with the run in `out`, if there is one. Default false: a run that is there is refused. */
  readonly resume?: boolean;
  /** Also train variants (`head-only`, `mean-pooling`, `last-K`, `rank-R`, `no-masks`, …, several by +) and hold all against size-only baselines; true: the default ones. */
  readonly compare?: true | readonly string[];
  /** Program and version, for metrics and report. Default: this package's. */
  readonly madeBy?: string;
}

/** What `trainToPackage()` gives. */
export interface TrainToPackageResult extends TrainedPackage {
  readonly manifest: MadeAdapter["manifest"];
  /** Where a comparison was asked for: the package, its variants, the size-only baselines. */
  readonly compared?: readonly ComparedModel[];
}

interface Job {
  readonly options: TrainToPackageOptions;
  readonly engine: Engine;
  /** Of the backbone's package. */
  readonly backboneVersion: string | undefined;
  /** For the variants that learn on frozen features. */
  readonly features: FrozenFeatures;
  readonly data: TrainData;
}

interface Trained {
  readonly files: AdapterFiles;
  readonly contender: Contender;
  readonly written: TrainedPackage;
}

/**
 * Trains an adapter and writes its package. What is wrong with configuration, folder or data is found before anything is trained. An abort
 * (`signal`) stores a checkpoint first; `resume` goes on from it, and ends in the same weights as a run that was never stopped.
 * @throws AnyMC3DError `CONFIG_INVALID`, `FILE_NOT_FOUND`, `LABELS_INVALID`, `DATA_INVALID`, `OUTPUT_NOT_WRITABLE`, `RUN_LOCKED`,
 * `CHECKPOINT_INVALID`, `TRAINING_DIVERGED`; the engine's own; the signal's reason after an abort
 */
export async function trainToPackage(options: TrainToPackageOptions): Promise<TrainToPackageResult> {
  const { out, onEvent } = options;
  const config = await readTask(options.config, options.training);
  const variants = variantsOf(config, options.compare);
  await checkPackageFolder(out, config.name);
  for (const folder of foldersOf(out, variants)) await checkRunFolder(folder, options.resume);
  const backbone = await options.backbone();
  const where = typeof options.config === "string" ? options.config : "the configuration";
  for (const checked of [config, ...(variants?.values() ?? [])]) checkFits(checked, backbone.spec, where);
  const data = await readData(config, options);
  const engine = await options.engine(backbone);
  try {
    const job: Job = { options, engine, backboneVersion: backbone.version, features: frozenFeatures(config, engine), data };
    const trained = await trainOne(job, config, out);
    const compared = variants && (await compareWith(job, config, trained, variants));
    if (!compared) return { ...trained.written, manifest: trained.files.manifest };
    const { models, manifest } = compared;
    onEvent?.({ type: "compared", models, what: comparedWhat(config.task), table: comparisonTable(models, config.task) });
    return { ...trained.written, manifest, compared: models };
  } finally {
    await engine.dispose();
  }
}

function variantsOf(config: TrainConfig, asked: TrainToPackageOptions["compare"]): Map<string, TrainConfig> | undefined {
  if (!asked) return undefined;
  const names = asked === true ? defaultVariants(config) : asked;
  return new Map(names.map((name) => [name, variantConfig(config, name)]));
}

const variantFolder = (out: string, name: string): string => join(out, "compare", name);

const foldersOf = (out: string, variants: ReadonlyMap<string, TrainConfig> | undefined): string[] => [
  out,
  ...[...(variants?.keys() ?? [])].map((name) => variantFolder(out, name)),
];

/** Trains one configuration into a folder, or goes on with what is there, and writes its package. */
async function trainOne(job: Job, config: TrainConfig, out: string, variant?: string): Promise<Trained> {
  const { options, engine, backboneVersion, data } = job;
  const folder = await openRunFolder(out);
  try {
    const outcome = await learn(job, config, { out, folder, variant });
    const made = await makeAdapter({
      config,
      outcome,
      volumes: data.volumes,
      trained: data.summary.find(({ split }) => split === "train")?.labels,
      engine,
      madeBy: madeBy(options),
      date: new Date().toISOString().slice(0, 10),
    });
    const { manifest, weights } = made;
    const training = trainingLines(config, data, outcome, engine.id);
    const files = { manifest, weights, backboneVersion, training, comparison: await earlierComparison(out, config.task, ownContender(config, outcome, made)) };
    await writeAdapterPackage(out, files);
    await folder.writeReport(await reportOf(job, config, outcome, made));
    const checks = variant ? [] : await verifyAdapter(out, async () => engine);
    const report = join(out, "run", "report.html");
    const { measured, whole, coverage, warnings } = made;
    const written = { out, checks, keptEpoch: outcome.keptEpoch, measured, ...(whole && { whole }), coverage, warnings, report };
    options.onEvent?.({ type: "done", ...(variant && { variant }), ...written });
    return { files, contender: ownContender(config, outcome, made, variant), written };
  } finally {
    await folder.release();
  }
}

/** The package itself, or a variant, by the logits that its adapter gives. */
function ownContender({ task }: TrainConfig, { tensors, predictions }: TrainOutcome, made: MadeAdapter, name = "as configured"): Contender {
  const calibrated = predictions.map((prediction) => ({ ...prediction, logits: calibratedLogits(prediction, made) }));
  return contender(name, tensors, calibrated, task);
}

const madeBy = ({ madeBy = `@anymc3d/train ${packageJson.version}` }: TrainToPackageOptions): string => madeBy;

/** The training itself, with its splits, checkpoints and log in the run's folder. */
async function learn(
  { options: { resume = false, signal, onEvent }, engine, features, data }: Job,
  config: TrainConfig,
  { out, folder, variant }: { out: string; folder: RunFolder; variant?: string },
): Promise<TrainOutcome> {
  const { cases } = data;
  const fingerprint = fingerprintOf(config, data, engine.backbone.hash);
  const state = await startingState(folder, { out, resume, config, engine, fingerprint });
  let logged = state.history.length;
  await folder.writeSplits(cases);
  return train({
    config,
    cases,
    engine,
    state,
    features,
    signal,
    onEvent: (event) => onEvent?.(variant ? { variant, ...event } : event),
    onCheckpoint: async (now) => {
      await folder.writeCheckpoint(writeCheckpoint(now, fingerprint));
      while (logged < now.history.length) await folder.log(now.history[logged++]);
    },
  });
}

/** The HTML report, with the cases that went most wrong. */
async function reportOf({ options, engine, data }: Job, config: TrainConfig, outcome: TrainOutcome, made: MadeAdapter): Promise<string> {
  const worst = await worstCases(outcome.predictions, made, engine, { signal: options.signal });
  const { name, hash } = engine.backbone;
  const versions = [
    ["made by", madeBy(options)],
    ["engine", engine.id],
    ["backbone", `${name}, ${hash}`],
    ["adapter", made.adapter.hash],
    ["Node", process.version],
    ["made", made.manifest.metrics[0].date],
  ] as const;
  const { summary, skipped, volumes } = data;
  return trainingReport({ config, summary, skipped, looks: looksOf(volumes), outcome, made, worst, versions });
}

const COMPARISON = "comparison.json";

/**
 * The table of an earlier comparison in this folder, so that a run that only goes on does not lose it. None where it is of another task or format, or
 * where its first row is no longer what the adapter gives: a card says a figure once.
 */
async function earlierComparison(out: string, task: TrainConfig["task"], own: Contender): Promise<string | undefined> {
  const models: unknown = await readFile(join(out, "compare", COMPARISON), "utf8")
    .then(JSON.parse)
    .catch(() => undefined);
  const ids = taskTraining(task)
    .columns(task)
    .map(({ id }) => id);
  const fits = (model?: Partial<ComparedModel>) => model?.score !== undefined && ids.every((id) => model.figures?.[id] !== undefined);
  if (!Array.isArray(models) || models.length === 0 || !models.every(fits)) return undefined;
  const row = (first: ComparedModel) => comparisonTable([first], task);
  return row(models[0]) === row(compare([own], task)[0]) ? comparisonTable(models, task) : undefined;
}

/** Trains the variants beside the package, and writes the table of all and of the size-only baselines into its card. */
async function compareWith(job: Job, config: TrainConfig, trained: Trained, variants: ReadonlyMap<string, TrainConfig>) {
  const { out, signal, onEvent } = job.options;
  const folder = join(out, "compare");
  const contenders = [trained.contender];
  for (const [name, variant] of variants) contenders.push((await trainOne(job, variant, variantFolder(out, name), name)).contender);
  const onProgress = (done: number, total: number) => onEvent?.({ type: "reading", done, total });
  contenders.push(...(await sizeBaselines(job.data.cases, config, { signal, onProgress })));
  const models = compare(contenders, config.task);
  await writeWhole(join(folder, COMPARISON), `${JSON.stringify(models, null, 2)}\n`);
  const manifest = withBaselines(trained.files.manifest, models);
  await writeAdapterPackage(out, { ...trained.files, manifest, comparison: comparisonTable(models, config.task) });
  return { models, manifest };
}
