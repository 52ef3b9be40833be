// Every case of a training, read and checked once before anything is trained.

import { readFile } from "node:fs/promises";
import { AnyMC3DError, type Warning } from "@anymc3d/core";
import type { ReadOptions } from "@anymc3d/io";
import type { TrainConfig } from "../config.js";
import type { TrainCase } from "../data/cases.js";
import { type CaseFault, type CheckedCases, checkCases } from "../data/check-cases.js";
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
  const volumes = checked.volumes.filter(({ split }) => split === "train");
  onEvent?.({
    type: "data",
    splits: summary,
    skipped: faults,
    warnings: [...found.warnings, ...checked.warnings, ...checkLabels(summary, task, file), ...valueNotes(config, checked, volumes)],
  });
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
  if (!data.endsWith(".npz")) {
    const reach = training.augment ? training.augment.region.mm : 0;
    return csvCases(data, { task, sources, seed: training.seed, masks: training.masks !== null, resampleMasks, read, roi: input.roi, reach });
  }
  const bytes = await readFile(data).catch((cause: Error) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${data}: ${cause.message}`, { cause });
  });
  return { cases: npzCases(bytes, { task, file: data, source: sources[0], modality: read?.modality }), warnings: [] };
}

/** Masks with other numbers than 0 and 1; volumes that look like segmentations of several labels, which the configuration does not declare. */
function valueNotes({ input }: TrainConfig, { maskNotes }: CheckedCases, volumes: readonly VolumeFacts[]): Warning[] {
  const masks = [...maskNotes].map(
    ([what, ids]): Warning => ({ code: "MASK_VALUES", message: `the masks of ${ids.length} case(s), ${ids[0]} the first, ${what}` }),
  );
  const sources = new Set(input.views.filter(({ labels }) => !labels).map(({ source }) => source));
  const undeclared = [...sources].flatMap((source): Warning[] => {
    const own = volumes.filter((fact) => fact.source === source);
    const numbers = [...new Set(own.flatMap(({ labels = [] }) => labels))].sort((a, b) => a - b);
    if (own.length === 0 || numbers.length < 3 || numbers[0] !== 0 || own.some(({ labels }) => !labels)) return [];
    const known = `"labels": { "known": [${numbers.join(", ")}] }`;
    return [
      {
        code: "LABELS_MIXED",
        message: `"${source}" holds the whole numbers ${numbers.join(", ")} alone: if these are labels, declare ${known} in its views, or they are mixed like grey values`,
      },
    ];
  });
  return [...masks, ...undeclared];
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
