// What anymc3d train reads before it begins: the configuration, and every case once.

import { readFile } from "node:fs/promises";
import { AnyMC3DError } from "@anymc3d/core";
import {
  type CaseFault,
  checkCases,
  checkLabels,
  checkSplits,
  npzCases,
  parseTrainConfig,
  type SplitSummary,
  summariseCases,
  type TrainCase,
  type TrainConfig,
  type VolumeFacts,
} from "@anymc3d/train";
import { csvCases } from "@anymc3d/train/node";
import pc from "picocolors";
import type { TrainFlags } from "../commands/train.js";
import { readOptions } from "../options/engine.js";
import type { Reporter } from "../output/train-reporter.js";

export async function readConfig({ config: path, epochs, seed }: TrainFlags): Promise<TrainConfig> {
  const text = await readFile(path, "utf8").catch((cause: Error) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${path}: ${cause.message}. --config names a task.json; docs/train-an-adapter.md shows one.`, { cause });
  });
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new AnyMC3DError("CONFIG_INVALID", `${path}: not JSON: ${(cause as Error).message}`, { cause });
  }
  const config = parseTrainConfig(json, path);
  const flags = { ...(epochs !== undefined && { epochs }), ...(seed !== undefined && { seed }) };
  return parseTrainConfig({ ...config, training: { ...config.training, ...flags } }, `${path} with --epochs, --seed`);
}

/** What is trained on, and what is known of it. */
export interface TrainData {
  readonly cases: readonly TrainCase[];
  /** Of the training volumes. */
  readonly volumes: readonly VolumeFacts[];
  readonly summary: readonly SplitSummary[];
  /** Left out by --skip-bad. */
  readonly skipped: readonly CaseFault[];
  /** By id: hash of what was read of a case. */
  readonly contents: ReadonlyMap<string, string>;
}

export async function readCases(data: string, config: TrainConfig, flags: TrainFlags, report: Reporter, signal: AbortSignal): Promise<TrainData> {
  const { task, training, input } = config;
  const masks = training.masks !== null;
  const sources = config.input.views.map(({ source }) => source);
  const read = readOptions(flags);
  const found = data.endsWith(".npz")
    ? { cases: npzCases(await readBytes(data), { task, file: data, source: sources[0], modality: flags.modality }), warnings: [] }
    : await csvCases(data, { task, sources, seed: training.seed, masks, resampleMasks: flags.resampleMasks, read });
  checkSplits(found.cases, data);
  const wanted = found.cases.filter(({ split }) => split !== "test");
  const checked = await checkCases(wanted, { views: input.views, signal, onProgress: report.reading });
  if (checked.faults.length) refuseOrSkip(checked.faults, flags.skipBad ?? false, report);
  checkSplits(checked.cases, data);
  const summary = summariseCases(checked.cases, task, checked.emptyMasks);
  report.data(summary, checked.faults, [...found.warnings, ...checkLabels(summary, data)]);
  const volumes = checked.volumes.filter(({ split }) => split === "train");
  return { cases: checked.cases, volumes, summary, skipped: checked.faults, contents: checked.contents };
}

async function readBytes(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: Error) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${path}: ${cause.message}`, { cause });
  });
}

function refuseOrSkip(faults: readonly CaseFault[], skip: boolean, report: Reporter): void {
  report.clear();
  for (const { id, code, message } of faults) process.stderr.write(`${skip ? pc.yellow("skipped") : pc.red("error")} ${id} ${pc.dim(code)} ${message}\n`);
  if (!skip) throw new AnyMC3DError("DATA_INVALID", `${faults.length} case(s) cannot be used, listed above. Mend them, or leave them out with --skip-bad.`);
}
