// labels.csv and the files it names → cases. Files are read when a case is loaded, not here.

import { readFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { AnyMC3DError, isAnyMC3DError, type Volume, type Warning } from "@anymc3d/core";
import { reworded } from "@anymc3d/core/errors";
import { type Grid, type ReadOptions, readVolume } from "@anymc3d/io";
import type { Task } from "../config.js";
import { taskTraining } from "../tasks/index.js";
import type { TrainCase } from "./cases.js";
import { decodeTable, imagePaths, type LabelRow, maskPath, parseLabels } from "./labels.js";
import { maskOnGrid } from "./mask-grid.js";
import { groupName } from "./names.js";
import { ownPath, withoutFolders } from "./own-paths.js";
import { withoutPatient } from "./patients.js";
import { assignSplits, checkSplits, type Split } from "./splits.js";

/** Options of `csvCases()`. */
export interface CsvCasesOptions {
  readonly task: Task;
  /** The sources of the views; the only one may come from `path` or images/ID.*, several need `path:SOURCE` columns. */
  readonly sources: readonly string[];
  /** Of the automatic split. Default 0. */
  readonly seed?: number;
  /** Share of the groups that validate where the file names no splits. Default 0.2. */
  readonly validationShare?: number;
  readonly read?: Pick<ReadOptions, "modality" | "frame" | "channel" | "maxBytes">;
  /** false: the mask column is not looked at. Default true. */
  readonly masks?: boolean;
  /** Bring masks on another grid onto their image's, by nearest neighbour, instead of refusing them. Default false. */
  readonly resampleMasks?: boolean;
}

/** The cases of a table, and what one should know of it. */
export interface CsvCases {
  readonly cases: TrainCase[];
  readonly warnings: Warning[];
}

/**
 * The cases of a labels file. Rows with neither a label nor a mask are left out, with a warning.
 * Missing files show when a case is loaded, so that one check can list all of them.
 * @param csv path of the file; `path`, `path:SOURCE` and `mask` are relative to its folder
 * @throws AnyMC3DError `FILE_NOT_FOUND` (the CSV), `LABELS_INVALID`, `DATA_INVALID` (no training or no validation set)
 */
export async function csvCases(csv: string, options: CsvCasesOptions): Promise<CsvCases> {
  const { task, seed = 0, validationShare, masks = true } = options;
  const bytes = await readFile(csv).catch((cause: Error) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${csv}: ${cause.message}`, { cause });
  });
  const warnings: Warning[] = [];
  const rows = parseLabels(decodeTable(bytes), { file: csv, task, onWarning: (warning) => warnings.push(warning) });
  const strata = taskTraining(task).strata(
    task,
    rows.map(({ labels }) => labels),
  );
  const splits = assignSplits(rows, { file: csv, seed, share: validationShare, strata });
  const all = rows.map((row, i) => ({ row, split: splits[i] }));
  const useful = all.filter(({ row }) => row.labels.size > 0 || (masks && maskPath(row, dirname(resolve(csv))) !== undefined));
  const cases = useful.map(({ row, split }) => toCase(row, split, csv, options));
  checkSplits(cases, csv);
  return { cases, warnings: [...tableWarnings(rows, useful.length, csv), ...warnings] };
}

function tableWarnings(rows: readonly LabelRow[], useful: number, csv: string): Warning[] {
  const left = rows.length - useful;
  return [
    ...(left ? [{ code: "NO_LABEL" as const, message: `${csv}: ${left} of ${rows.length} rows have no label of this task and are left out` }] : []),
    ...(rows.every(({ id, group }) => group === groupName(id))
      ? [
          {
            code: "NO_GROUPS" as const,
            message: `${csv}: no group column, so every row counts as a patient of its own. If a patient has several rows, name the patient in a column "group"`,
          },
        ]
      : []),
  ];
}

function toCase(row: LabelRow, split: Split, csv: string, options: CsvCasesOptions): TrainCase {
  const folder = dirname(resolve(csv));
  const sources = [...new Set(options.sources)];
  const paths = pathsOrError(row, sources, folder);
  const mask = (options.masks ?? true) ? maskPath(row, folder) : undefined;
  const known = [...(paths instanceof Error ? [] : Object.values(paths)), ...(mask === undefined ? [] : [mask])];
  const told = async <T>(work: () => Promise<T>): Promise<T> =>
    work().catch((cause: unknown) => {
      throw isAnyMC3DError(cause) ? reworded(cause, withoutFolders(cause.message, folder, known)) : cause;
    });
  let grid: Grid | undefined;
  const load = async (signal?: AbortSignal): Promise<Record<string, Volume>> => {
    if (paths instanceof Error) throw paths;
    const volumes: Record<string, Volume> = {};
    for (const source of sources) volumes[source] = await withoutPatient(await readVolume(paths[source], { ...options.read, identity: true, signal }));
    const { shape, affine } = volumes[sources[0]];
    grid = { shape, affine };
    return volumes;
  };
  const loadMask = async (path: string, signal?: AbortSignal): Promise<Volume> => {
    const volume = await readVolume(path, { maxBytes: options.read?.maxBytes, signal });
    return maskOnGrid(volume, grid ?? (await load(signal))[sources[0]], path, options.resampleMasks);
  };
  return {
    id: row.id,
    group: row.group,
    split,
    labels: row.labels,
    origin:
      paths instanceof Error
        ? `${basename(csv)} line ${row.line}`
        : Object.values(paths)
            .map((path) => ownPath(path, folder))
            .join(", "),
    load: (signal) => told(() => load(signal)),
    ...(mask !== undefined && { loadMask: (signal?: AbortSignal) => told(() => loadMask(mask, signal)) }),
  };
}

/** A file that is not there belongs to its case, and shows when that is loaded; a fault of the table is one of all. */
function pathsOrError(row: LabelRow, sources: readonly string[], folder: string): Record<string, string> | AnyMC3DError {
  try {
    return imagePaths(row, sources, folder);
  } catch (error) {
    if (isAnyMC3DError(error) && error.code === "FILE_NOT_FOUND") return error;
    throw error;
  }
}
