// labels.csv and the files it names → cases. Files are read when a case is loaded, not here.

import { readFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { AnyMC3DError, isAnyMC3DError, type Region, type Volume, type Warning } from "@anymc3d/core";
import { reworded } from "@anymc3d/core/errors";
import { roiKind } from "@anymc3d/core/learn";
import { chosenRegion, type Grid, type ReadOptions, readRegions, readVolume } from "@anymc3d/io";
import type { Task, TrainConfig } from "../config.js";
import { taskTraining } from "../tasks/index.js";
import type { Shift, TrainCase } from "./cases.js";
import { decodeTable, imagePaths, type LabelRow, maskPath, parseLabels } from "./labels.js";
import { maskOnGrid } from "./mask-grid.js";
import { groupName } from "./names.js";
import { ownPath, withoutFolders } from "./own-paths.js";
import { withoutPatient } from "./patients.js";
import type { RowRegion } from "./region-columns.js";
import { boxOf, movedRegion, type Surroundings, withSurroundings } from "./region-of-study.js";
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
  /** What the task looks at; rows about a region are cut out of their study by it. Default: the region as it is marked. */
  readonly roi?: TrainConfig["input"]["roi"];
  /** Mm around a region that are kept for cases whose box is moved. Default 0. */
  readonly reach?: number;
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
  const memory = regionMemory();
  const cases = useful.map(({ row, split }) => toCase(row, split, csv, options, memory));
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

function toCase(row: LabelRow, split: Split, csv: string, options: CsvCasesOptions, memory: RegionMemory): TrainCase {
  const folder = dirname(resolve(csv));
  const sources = [...new Set(options.sources)];
  const paths = pathsOrError(row, sources, folder);
  const mask = (options.masks ?? true) ? maskPath(row, folder) : undefined;
  const { region } = row;
  const marked = region && "file" in region ? resolve(folder, region.file) : undefined;
  const known = [...(paths instanceof Error ? [] : Object.values(paths)), ...(mask === undefined ? [] : [mask]), ...(marked === undefined ? [] : [marked])];
  const told = async <T>(work: () => Promise<T>): Promise<T> =>
    work().catch((cause: unknown) => {
      throw isAnyMC3DError(cause) ? reworded(cause, withoutFolders(cause.message, folder, known)) : cause;
    });
  const study = async (signal?: AbortSignal): Promise<Record<string, Volume>> => {
    if (paths instanceof Error) throw paths;
    const volumes: Record<string, Volume> = {};
    for (const source of sources) volumes[source] = await readVolume(paths[source], { ...options.read, identity: true, signal });
    return volumes;
  };
  const onGrid = async (path: string, grid: Grid, signal?: AbortSignal): Promise<Volume> =>
    maskOnGrid(await readVolume(path, { maxBytes: options.read?.maxBytes, signal }), grid, path, options.resampleMasks);
  const stripped = async (volumes: Readonly<Record<string, Volume>>): Promise<Record<string, Volume>> =>
    Object.fromEntries(await Promise.all(Object.entries(volumes).map(async ([source, volume]) => [source, await withoutPatient(volume)] as const)));
  const whole = () => {
    let grid: Grid | undefined;
    const load = async (signal?: AbortSignal) => {
      const volumes = await stripped(await study(signal));
      const { shape, affine } = volumes[sources[0]];
      grid = { shape, affine };
      return volumes;
    };
    return { load, loadMask: async (path: string, signal?: AbortSignal) => onGrid(path, grid ?? (await load(signal))[sources[0]], signal) };
  };
  const ofRegion = (place: RowRegion) => {
    const cut = (signal?: AbortSignal) =>
      memory.kept(row.id, async () => {
        const volumes = await memory.study(JSON.stringify(paths), () => study(signal));
        const first = volumes[sources[0]];
        const wanted: Region = "point" in place ? place : chosenRegion(await memory.file(marked as string, signal), first, place.label);
        const { roi = { kind: "whole" }, reach = 0 } = options;
        const cuts = Object.entries(volumes).map(([source, volume]) => [source, withSurroundings(volume, wanted, roi, reach)] as const);
        const own = cuts[0][1];
        if (mask !== undefined && options.roi && roiKind(options.roi).image)
          throw new AnyMC3DError(
            "DATA_INVALID",
            `${mask}: the task looks at the shape of a label, which a mask says nothing more of; leave the mask column out`,
          );
        const outline = mask === undefined ? undefined : boxOf(await onGrid(mask, first, signal), own.first, own.volume.shape);
        return { volumes: Object.fromEntries(cuts), mask: outline && { ...own, volume: outline } };
      });
    return {
      load: async (signal?: AbortSignal, shift?: Shift) => {
        const { volumes } = await cut(signal);
        return stripped(Object.fromEntries(sources.map((source) => [source, movedRegion(volumes[source], shift)])));
      },
      loadMask: async (_: string, signal?: AbortSignal, shift?: Shift) => movedRegion((await cut(signal)).mask as Surroundings, shift),
    };
  };
  const { load, loadMask } = region ? ofRegion(region) : whole();
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
    load: (signal, shift) => told(() => load(signal, shift)),
    ...(mask !== undefined && { loadMask: (signal?: AbortSignal, shift?: Shift) => told(() => loadMask(mask, signal, shift)) }),
  };
}

interface CutCase {
  readonly volumes: Readonly<Record<string, Surroundings>>;
  readonly mask?: Surroundings;
}

/** Regions kept in memory, bytes: cases beyond it are read from their files each time. */
const MOST_KEPT = 2 ** 30;

/** What is kept of studies that rows are about regions of: every region with its surroundings, and the last study and file of regions that was read. */
function regionMemory() {
  const cuts = new Map<string, CutCase>();
  let left = MOST_KEPT;
  let last: { readonly key: string; readonly volumes: Promise<Record<string, Volume>> } | undefined;
  let marks: { readonly path: string; readonly file: ReturnType<typeof readRegions> } | undefined;
  return {
    async kept(id: string, cut: () => Promise<CutCase>): Promise<CutCase> {
      const known = cuts.get(id);
      if (known) return known;
      const made = await cut();
      const bytes = [...Object.values(made.volumes), ...(made.mask ? [made.mask] : [])].reduce((sum, { volume }) => sum + volume.data.byteLength, 0);
      if (bytes > left) return made;
      left -= bytes;
      cuts.set(id, made);
      return made;
    },
    async study(key: string, read: () => Promise<Record<string, Volume>>): Promise<Record<string, Volume>> {
      if (last?.key !== key) last = { key, volumes: read() };
      const { volumes } = last;
      return volumes.catch((error) => {
        last = undefined;
        throw error;
      });
    },
    async file(path: string, signal?: AbortSignal) {
      if (marks?.path !== path) marks = { path, file: readRegions(path, { signal }) };
      return marks.file.catch((error) => {
        marks = undefined;
        throw error;
      });
    },
  };
}

type RegionMemory = ReturnType<typeof regionMemory>;

/** A file that is not there belongs to its case, and shows when that is loaded; a fault of the table is one of all. */
function pathsOrError(row: LabelRow, sources: readonly string[], folder: string): Record<string, string> | AnyMC3DError {
  try {
    return imagePaths(row, sources, folder);
  } catch (error) {
    if (isAnyMC3DError(error) && error.code === "FILE_NOT_FOUND") return error;
    throw error;
  }
}
