// labels.csv: which volumes, which labels, which split, which patient.

import { existsSync, readdirSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, normalize, resolve } from "node:path";
import { AnyMC3DError, isAnyMC3DError, type Warning } from "@anymc3d/core";
import { harmless, isHarmless } from "@anymc3d/core/errors";
import { scanEndings } from "@anymc3d/io";
import { parse } from "csv-parse/sync";
import type { Task } from "../config.js";
import { taskTraining } from "../tasks/index.js";
import type { Fail } from "../tasks/task-training.js";
import { RESERVED_COLUMNS } from "./columns.js";
import { groupName, nearNameWarnings, trimmed } from "./names.js";
import { ownIds } from "./own-paths.js";
import { checkRegionColumns, type RowRegion, rowRegion } from "./region-columns.js";
import { splitName } from "./splits.js";

/** One row of labels.csv, read. */
export interface LabelRow {
  /** Text as it stands: 0001, 001 and 1 are three. A path that serves as one is without the folders above the CSV's. */
  readonly id: string;
  /** Relative to the CSV's folder, if the file has a `path` column. */
  readonly path?: string;
  /** By source, relative to the CSV's folder: the `path:SOURCE` columns. */
  readonly paths: ReadonlyMap<string, string>;
  /** The segmentation, relative to the CSV's folder; null where the cell is blank; absent without a `mask` column: then see {@link maskPath}. */
  readonly mask?: string | null;
  /** What of the study it is about; absent: the whole of it. */
  readonly region?: RowRegion;
  /** The patient; where the file has no `group` column the id, or of regions of one study its path. */
  readonly group: string;
  /** `train`, `val` or `test` where it means that, else as it stands. */
  readonly split?: string;
  /** By label id; absent where the cell is blank. Labels and classes: 0 or 1; quantities: the value. */
  readonly labels: ReadonlyMap<string, number>;
  /** Line of the file, from 1. */
  readonly line: number;
}

/** How a table of labels is read. */
export interface LabelsOptions {
  /** What to call the file in errors. */
  readonly file: string;
  readonly task: Task;
  /** Only rows of this split, by any of its names. */
  readonly split?: string;
  /** Splits by id, instead of the file's own; rows without one are left out. */
  readonly splits?: ReadonlyMap<string, string>;
  /** Told of groups whose names are nearly the same, of any split. */
  readonly onWarning?: (warning: Warning) => void;
}

type Fields = Record<string, string>;

/**
 * Reads a labels file: `id` or `path`; what the task's kind reads (one column a label; or a single column with the class's id, name or value;
 * or a quantity's column); optional `split`, `group`, `mask` (a path) and a region of the study: `x`, `y`, `z` with `space` and perhaps `roi_size` (mm),
 * or `roi` (a file) with `roi_label`. Several rows may then be about one study.
 * Studies of several volumes have an `id` and a `path:SOURCE` column a source.
 * @throws AnyMC3DError `LABELS_INVALID` naming file, line, column and value
 */
export function parseLabels(text: string, options: LabelsOptions): LabelRow[] {
  const records = parseCsv(text, options.file);
  if (records.length === 0) fail(options, "no rows");
  const columns = Object.keys(records[0].record);
  checkColumns(columns, options);
  checkRegionColumns(columns, taskTraining(options.task).labelColumns(options.task), (what) => fail(options, what));
  if (!columns.includes("id") && !columns.includes("path")) fail(options, `neither an id nor a path column among ${columns.join(", ")}`);
  checkGroups(records, options);
  const read = taskTraining(options.task).rowReader(options.task, columns, (what) => fail(options, what));
  const absolute = records.flatMap(({ record }) => (!record.id && record.path && isAbsolute(record.path) ? [record.path] : []));
  const ids = ownIds(absolute, dirname(resolve(options.file)));
  const all = records.map(({ record, info }) => toRow({ ...record, id: record.id || (ids.get(record.path) ?? record.path) }, info.lines, read, options));
  const rows = options.splits ? all.flatMap((row) => withSplit(row, options.splits?.get(row.id))) : all;
  if (rows.length === 0) fail(options, "no id of it is in the file of splits");
  checkRows(rows, options);
  const groupedById = rows.every(({ id, group }) => group === groupName(id));
  for (const warning of nearNameWarnings(
    rows.map(({ group }) => group),
    options.file,
    groupedById ? "ids" : "groups",
  ))
    options.onWarning?.(warning);
  const chosen = options.split === undefined ? rows : rows.filter(({ split }) => split === splitName(options.split as string));
  for (const warning of listedTwice(chosen, options.file)) options.onWarning?.(warning);
  if (options.split === undefined) return rows;
  const splits = [...new Set(rows.map(({ split }) => split ?? "(none)"))];
  if (chosen.length === 0)
    fail(
      options,
      `no row of split "${options.split}"; there are ${splits.join(", ")}${splits.join() === "(none)" ? ". Where anymc3d train drew the splits, its run/splits.csv has them (--splits)" : ""}`,
    );
  return chosen;
}

const withSplit = (row: LabelRow, split: string | undefined): LabelRow[] => (split === undefined ? [] : [{ ...row, split: splitName(split) }]);

/**
 * Splits by id: a table with the columns id and split, as `anymc3d train` writes it (run/splits.csv).
 * @throws AnyMC3DError `LABELS_INVALID`
 */
export function parseSplits(text: string, file: string): Map<string, string> {
  const rows = parseCsv(text, file).map(({ record, info }) => {
    if (!record.id || !record.split) fail({ file }, `line ${info.lines}: no id or no split; the table has the columns id and split`);
    return [record.id, record.split] as const;
  });
  return new Map(rows);
}

function fail({ file }: { file: string }, what: string): never {
  throw new AnyMC3DError("LABELS_INVALID", `${file}: ${what}.`, { details: { file } });
}

interface TableRow {
  readonly record: Fields;
  readonly info: { readonly lines: number };
}

function parseCsv(text: string, file: string): TableRow[] {
  const columns = (cells: string[]) => {
    const header = cells.map(trimmed);
    const twice = header.find((name, i) => name !== "" && header.indexOf(name) !== i);
    if (twice !== undefined) fail({ file }, `column "${twice}" appears twice`);
    return header;
  };
  try {
    const { delimiter, from } = delimiterOf(text);
    // Spreadsheets add rows of nothing but separators.
    const rows = { from_line: from, info: true, trim: true, cast: trimmed, skip_empty_lines: true, skip_records_with_empty_values: true };
    return parse(text, { columns, delimiter, bom: true, ...rows }) as unknown as TableRow[];
  } catch (cause) {
    if (isAnyMC3DError(cause)) throw cause;
    throw new AnyMC3DError("LABELS_INVALID", `${file}: not a CSV table: ${(cause as Error).message}`, { cause, details: { file } });
  }
}

/**
 * Comma; semicolon or tab where the head has no comma, as spreadsheets write it where the comma is the decimal sign; or what a first line `sep=;` says.
 * @returns the separator, and the line from 1 at which the table begins
 */
function delimiterOf(text: string): { delimiter: string; from: number } {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  const named = /^sep=(.)$/i.exec(lines[0]);
  if (named) return { delimiter: named[1], from: 2 };
  const head = lines.find((line) => line.trim() !== "") ?? "";
  return { delimiter: [",", ";", "\t"].find((separator) => head.includes(separator)) ?? ",", from: 1 };
}

/** A labels file's text: UTF-8, or the UTF-16 of "Unicode text" by its byte order mark. */
export function decodeTable(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding = first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}

const PATIENT = /^(patient|subject|participant)([ _-]?(id|name|number))?$/i;

/** A column that is meant but not read would silently leave patients in two splits. */
function checkColumns(columns: readonly string[], options: LabelsOptions): void {
  const known = [...RESERVED_COLUMNS, ...taskTraining(options.task).labelColumns(options.task)];
  for (const column of columns) {
    if (known.includes(column)) continue;
    const meant = known.find((name) => name.toLowerCase() === column.toLowerCase());
    if (meant !== undefined && !columns.includes(meant)) fail(options, `column "${column}" is not read; call it "${meant}"`);
    if (PATIENT.test(column) && !columns.includes("group"))
      fail(
        options,
        `column "${column}" is not read; call it "group", so that no patient is in two splits (or remove it, if every row is a patient of its own)`,
      );
  }
}

function checkGroups(rows: readonly TableRow[], options: LabelsOptions): void {
  const blank = rows.find(({ record }) => record.group === "");
  if (blank && rows.some(({ record }) => record.group))
    fail(options, `line ${blank.info.lines}, column group: blank; name the patient of every row, or of none`);
}

type RowReader = (cells: Fields, fail: Fail) => Map<string, number>;

const SOURCE = "path:";

function toRow(record: Fields, line: number, read: RowReader, options: LabelsOptions): LabelRow {
  const { id } = record;
  if (!id) fail(options, `line ${line}: id is blank`);
  const sources = Object.keys(record).filter((column) => column.startsWith(SOURCE));
  const blank = sources.find((column) => !record[column]);
  const failHere: Fail = (what, column) => fail(options, `line ${line}${column === undefined ? "" : `, column ${column}`}: ${what}`);
  for (const column of ["id", "group", "split"] as const) {
    const hidden = [...(record[column] ?? "")].find((character) => !isHarmless(character));
    if (hidden !== undefined && !isHarmless(record[column])) failHere(`holds ${harmless(hidden)}, which is not seen; write the name without it`, column);
  }
  const region = rowRegion(record, failHere);
  if (blank !== undefined) fail(options, `line ${line}, column ${blank}: no path; a study needs all of its volumes`);
  return {
    id,
    path: record.path || undefined,
    paths: new Map(sources.map((column) => [column.slice(SOURCE.length), record[column]])),
    mask: record.mask === undefined ? undefined : record.mask || null,
    ...(region && { region }),
    group: groupName(record.group || (region && studyPath(record)) || id),
    split: record.split ? splitName(record.split) : undefined,
    labels: read(record, failHere),
    line,
  };
}

/** What the files of a study are called in the table, so that its rows can be told to be of one; undefined where they follow from the id. */
function studyPath(cells: Fields): string | undefined {
  const paths = [cells.path, ...Object.keys(cells).flatMap((column) => (column.startsWith(SOURCE) ? [cells[column]] : []))].filter(Boolean);
  return paths.length ? paths.map((path) => normalize(path)).join("\n") : undefined;
}

function checkRows(rows: readonly LabelRow[], options: LabelsOptions): void {
  const lines = new Map<string, number>();
  const splits = new Map<string, string | undefined>();
  for (const { id, group, split, line } of rows) {
    const before = lines.get(id);
    if (before !== undefined) fail(options, `lines ${before} and ${line} share the id "${id}"`);
    lines.set(id, line);
    if (splits.has(group) && splits.get(group) !== split)
      fail(
        options,
        `line ${line}: group "${group}" is in split ${splits.get(group) ?? "(none)"} and in ${split ?? "(none)"}; a patient must be in one split only`,
      );
    splits.set(group, split);
  }
  checkStudies(rows, options);
}

/** Regions of one study are of one patient. */
function checkStudies(rows: readonly LabelRow[], options: LabelsOptions): void {
  const known = new Map<string, LabelRow>();
  for (const row of rows) {
    const study = row.region && studyPath({ path: row.path ?? "", ...Object.fromEntries([...row.paths].map(([source, path]) => [SOURCE + source, path])) });
    if (study === undefined) continue;
    const before = known.get(study);
    if (before && before.group !== row.group)
      fail(options, `lines ${before.line} and ${row.line} are about one study, and in the groups "${before.group}" and "${row.group}"; a patient is one group`);
    known.set(study, before ?? row);
  }
}

/** `LISTED_TWICE`: rows of one file, as a whole or about one region of it. */
function listedTwice(rows: readonly LabelRow[], file: string): Warning[] {
  const first = new Map<string, LabelRow>();
  const pairs = rows.flatMap((row): string[] => {
    const named = [...(row.path === undefined ? [] : [row.path]), ...row.paths.values()];
    if (named.length === 0) return [];
    const key = JSON.stringify([named.map((path) => placeOf(resolve(dirname(resolve(file)), path))), row.region ?? null]);
    const before = first.get(key);
    first.set(key, before ?? row);
    return before ? [`lines ${before.line} and ${row.line} name one file, ${named.join(", ")}`] : [];
  });
  if (pairs.length === 0) return [];
  const told = pairs.slice(0, 5).join("; ") + (pairs.length > 5 ? `; and ${pairs.length - 5} more` : "");
  return [{ code: "LISTED_TWICE", message: `${file}: ${told}: each row counts as a case of its own; remove those that are too many` }];
}

/** Of all names of a file one, where it is there. */
function placeOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Of images and masks called by their id; "": a folder of DICOM files. */
const ENDINGS = [...scanEndings(), ""];
const listings = new Map<string, Set<string>>();

/**
 * The file of a row: its path, or images/ID with the ending of any format, or the folder images/ID, beside the CSV.
 * @throws AnyMC3DError `FILE_NOT_FOUND`, `LABELS_INVALID` where several files fit
 */
export function imagePath(row: Pick<LabelRow, "id" | "path">, folder: string): string {
  if (row.path) return resolve(folder, row.path);
  const images = join(folder, "images");
  const found = fileOf(row.id, images);
  if (found) return found;
  throw new AnyMC3DError(
    "FILE_NOT_FOUND",
    `${join(images, row.id)}.*: no such image (${ENDINGS.filter(Boolean).join(", ")}, or a folder). Put it there, or use a path column.`,
  );
}

/** The segmentation of a row: its `mask` cell, or, where there is no such column, masks/ID with any of those endings beside the CSV if it exists. */
export function maskPath(row: Pick<LabelRow, "id" | "mask">, folder: string): string | undefined {
  if (row.mask === undefined) return fileOf(row.id, join(folder, "masks"));
  return row.mask === null ? undefined : resolve(folder, row.mask);
}

/** FOLDER/ID with one of the endings, if it exists. */
function fileOf(id: string, folder: string): string | undefined {
  const known = listings.get(folder) ?? new Set(existsSync(folder) ? readdirSync(folder) : []);
  listings.set(folder, known);
  const found = ENDINGS.map((ending) => id + ending).filter((name) => known.has(name));
  if (found.length > 1)
    throw new AnyMC3DError("LABELS_INVALID", `${folder}: ${found.join(" and ")} both fit the id "${id}"; keep one, or name the file in the CSV.`);
  return found.length ? join(folder, found[0]) : undefined;
}

/**
 * The files of a row by source: its `path:SOURCE` columns, or, where there is one source, what {@link imagePath} finds.
 * @throws AnyMC3DError as {@link imagePath}; `LABELS_INVALID` where a source has no column
 */
export function imagePaths(row: Pick<LabelRow, "id" | "path" | "paths">, sources: readonly string[], folder: string): Record<string, string> {
  const missing = sources.filter((source) => !row.paths.has(source));
  if (missing.length === 0) return Object.fromEntries(sources.map((source) => [source, resolve(folder, row.paths.get(source) as string)]));
  if (sources.length === 1 && row.paths.size === 0) return { [sources[0]]: imagePath(row, folder) };
  const found = row.paths.size ? `found ${[...row.paths.keys()].map((source) => SOURCE + source).join(", ")}` : "found none of the kind";
  throw new AnyMC3DError(
    "LABELS_INVALID",
    `${folder}: the sources ${sources.join(", ")} need the columns ${sources.map((source) => SOURCE + source).join(", ")}; ${found}.`,
  );
}
