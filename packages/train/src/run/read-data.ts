// Every case of a training, read and checked once before anything is trained.

import { readFile } from "node:fs/promises";
import { AnyMC3DError, type Warning } from "@anymc3d/core";
import type { ReadOptions } from "@anymc3d/io";
import type { TrainConfig } from "../config.js";
import type { TrainCase } from "../data/cases.js";
import { type CaseFault, checkCases } from "../data/check-cases.js";
import { csvCases } from "../data/csv-cases.js";
import type { VolumeFacts } from "../data/looks.js";
import { nearNameWarnings } from "../data/names.js";
import { npzCases } from "../data/npz-cases.js";
import { checkSplits } from "../data/splits.js";
import { checkLabels, type SplitSummary, summariseCases } from "../data/summary.js";
import type { TrainToPackageEvent } from "./events.js";

/** Where the cases come from, and how they are read. */
export interface DataOptions {
  /** A labels.csv, an .npz in MedMNIST's layout, or cases of the program's own with their splits. */
  readonly data: string | readonly TrainCase[];
  /** How volumes are read. */
  readonly read?: ReadOptions;
  /** Leave out cases that cannot be used, instead of refusing all. Default false. */
  readonly skipBad?: boolean;
  /** Bring masks on another grid onto their image's, by nearest neighbour. Default false. */
  readonly resampleMasks?: boolean;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainToPackageEvent) => void;
}

/** What is trained on, and what is known of it. */
export interface TrainData {
  readonly cases: readonly TrainCase[];
  /** Of the training volumes. */
  readonly volumes: readonly VolumeFacts[];
  readonly summary: readonly SplitSummary[];
  /** Left out. */
  readonly skipped: readonly CaseFault[];
  /** By id: hash of what was read of a case. */
  readonly contents: ReadonlyMap<string, string>;
}

/**
 * Reads and checks all cases that train or validate.
 * @throws AnyMC3DError `DATA_INVALID` where cases cannot be used (the event `faults` before it lists them) or no training or validation set is left; as `csvCases`, `npzCases`
 */
export async function readData(config: TrainConfig, options: DataOptions): Promise<TrainData> {
  const { data, skipBad = false, signal, onEvent } = options;
  const { task, input } = config;
  const file = typeof data === "string" ? data : "the cases";
  const found = await findCases(config, options);
  checkSplits(found.cases, file);
  const wanted = found.cases.filter(({ split }) => split !== "test");
  const apart = found.cases.filter(({ split }) => split === "test");
  const onProgress = (done: number, total: number) => onEvent?.({ type: "reading", done, total });
  const checked = await checkCases(wanted, { views: input.views, apart, signal, onProgress });
  const { faults } = checked;
  if (faults.length) onEvent?.({ type: "faults", faults, skipped: skipBad });
  if (faults.length && !skipBad) throw unusable(faults);
  checkSplits(checked.cases, file);
  const summary = summariseCases(checked.cases, task, checked.emptyMasks);
  onEvent?.({ type: "data", splits: summary, skipped: faults, warnings: [...found.warnings, ...checked.warnings, ...checkLabels(summary, task, file)] });
  const volumes = checked.volumes.filter(({ split }) => split === "train");
  return { cases: checked.cases, volumes, summary, skipped: faults, contents: checked.contents };
}

async function findCases(
  { task, training, input }: TrainConfig,
  { data, read, resampleMasks }: DataOptions,
): Promise<{ cases: readonly TrainCase[]; warnings: readonly Warning[] }> {
  if (typeof data !== "string") {
    const groups = data.map(({ group }) => group);
    return { cases: data, warnings: nearNameWarnings(groups, "the cases") };
  }
  const sources = input.views.map(({ source }) => source);
  if (!data.endsWith(".npz")) return csvCases(data, { task, sources, seed: training.seed, masks: training.masks !== null, resampleMasks, read });
  const bytes = await readFile(data).catch((cause: Error) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${data}: ${cause.message}`, { cause });
  });
  return { cases: npzCases(bytes, { task, file: data, source: sources[0], modality: read?.modality }), warnings: [] };
}

/** Names a few; the event before it has all. */
function unusable(faults: readonly CaseFault[]): AnyMC3DError {
  const named = faults.slice(0, 5).map(({ id, code }) => `${id} (${code})`);
  const list = [...named, ...(faults.length > named.length ? ["…"] : [])].join(", ");
  return new AnyMC3DError(
    "DATA_INVALID",
    `${faults.length} case(s) cannot be used: ${list}. Mend them, or leave them out with --skip-bad (in a program: skipBad).`,
  );
}
