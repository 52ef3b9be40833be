// Which case trains and which validates: by the data set's own names, else by a hash of the group; a group is never split.

import { AnyMC3DError, own } from "@anymc3d/core";
import { positives } from "../tasks/flags.js";
import type { TrainCase } from "./cases.js";
import { firstOfNear, groupName } from "./names.js";
import { textHash } from "./text-hash.js";

/** The part of a data set that a case is of. Test cases are not looked at in training. */
export type Split = TrainCase["split"];

const NAMES: Readonly<Record<string, Split>> = {
  train: "train",
  training: "train",
  val: "val",
  valid: "val",
  validation: "val",
  dev: "val",
  test: "test",
};

/** A split's name as it is meant: `val` for validation, in any case; a name that is none of ours as it stands. */
export const splitName = (text: string): string => own(NAMES, text.toLowerCase()) ?? text;

export interface SplitRow {
  readonly group: string;
  /** As a case's. */
  readonly labels: ReadonlyMap<string, number>;
  readonly split?: string;
  /** Line of the file, for messages. */
  readonly line: number;
}

/** How rows are split. */
export interface SplitOptions {
  /** What to call the file in errors. */
  readonly file: string;
  readonly seed: number;
  /** Share of the groups that validate where the file names no splits. Default 0.2. */
  readonly share?: number;
  /** Names of what a case is, by its labels; groups of the same are spread over both splits. Default: the labels that are 1. */
  readonly strata?: (labels: SplitRow["labels"]) => readonly string[];
}

/**
 * The split of every row: by its name (train, training; val, valid, validation, dev; test), or, where no row names one, by {@link drawSplits}.
 * @throws AnyMC3DError `LABELS_INVALID` for another name, or names in some rows only
 */
export function assignSplits(rows: readonly SplitRow[], options: SplitOptions): Split[] {
  const { file } = options;
  const blank = rows.filter(({ split }) => split === undefined);
  if (blank.length === rows.length) {
    const drawn = drawSplits(rows, options);
    return rows.map(({ group }) => drawn.get(group) as Split);
  }
  if (blank.length) {
    const lines = blank.map(({ line }) => line);
    throw new AnyMC3DError(
      "LABELS_INVALID",
      `${file}: ${blank.length} of ${rows.length} rows have no split (line ${first(lines)}). Fill them in, or remove the split column for an automatic one.`,
      { details: { file, lines, column: "split" } },
    );
  }
  return rows.map(({ split = "", line }) => {
    const known = own(NAMES, split.toLowerCase());
    if (known === undefined) {
      throw new AnyMC3DError("LABELS_INVALID", `${file}: line ${line}, column split: "${split}" is none of ${Object.keys(NAMES).join(", ")}.`, {
        details: { file, lines: [line], column: "split" },
      });
    }
    return known;
  });
}

const first = (items: readonly unknown[], most = 5): string => items.slice(0, most).join(", ") + (items.length > most ? ", …" : "");

/**
 * Splits groups into training and validation, at least one each: of the groups with the same labels the share with the smallest hashes of `seed:group`
 * validates, rounded so that the whole has the share. Depends on the seed, the groups' names and their labels, never on the order.
 * @param rows one a case; a group's label is positive where one of its cases is
 * @throws AnyMC3DError `DATA_INVALID` for fewer than two groups, `OPTION_INVALID` for a share that is not between 0 and 1
 */
export function drawSplits(
  rows: readonly Pick<SplitRow, "group" | "labels">[],
  { file, seed, share = 0.2, strata: strataOf = positives }: SplitOptions,
): Map<string, "train" | "val"> {
  if (!(share > 0 && share < 1)) throw new AnyMC3DError("OPTION_INVALID", `The validation share is ${share}; give a number between 0 and 1.`);
  // Names that are nearly the same may be one patient: they go to the same side.
  const first = firstOfNear(rows.map(({ group }) => group));
  const labelled = new Map<string, Set<string>>();
  for (const row of rows) {
    const { labels } = row;
    const group = first.get(row.group) as string;
    const found = labelled.get(group) ?? new Set();
    for (const stratum of strataOf(labels)) found.add(stratum);
    labelled.set(group, found);
  }
  if (labelled.size < 2) {
    const found = `${labelled.size} group(s), which cannot be split into training and validation`;
    throw new AnyMC3DError("DATA_INVALID", `${file}: ${found}. A group (the patient) is never split; give at least two.`);
  }
  const strata = [...labelled].map(([group, ids]) => ({ group, stratum: [...ids].sort().join(), hash: textHash(`${seed}:${group}`) }));
  strata.sort((a, b) => order(a.stratum, b.stratum) || a.hash - b.hash || order(a.group, b.group));
  const wanted = Math.min(strata.length - 1, Math.max(1, Math.round(share * strata.length)));
  const before = (i: number) => Math.floor((i * wanted) / strata.length + 0.5);
  const drawn = new Map(
    strata.map(({ group, stratum }, i) => {
      const start = strata.findIndex((other) => other.stratum === stratum);
      const end = strata.findLastIndex((other) => other.stratum === stratum) + 1;
      return [group, i - start < before(end) - before(start) ? ("val" as const) : ("train" as const)];
    }),
  );
  return new Map([...first].map(([group, near]) => [group, drawn.get(near) as "train" | "val"]));
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Refuses cases that could not be trained and judged on: no training or no validation set, an id twice, a group in two splits.
 * @param file what to call the data in errors
 * @throws AnyMC3DError `DATA_INVALID`
 */
export function checkSplits(cases: readonly Pick<TrainCase, "id" | "group" | "split">[], file: string): void {
  const fail = (what: string): never => {
    throw new AnyMC3DError("DATA_INVALID", `${file}: ${what}`);
  };
  for (const [split, name] of [
    ["train", "training"],
    ["val", "validation"],
  ] as const) {
    // biome-ignore format: a table
    if (cases.some((trainCase) => trainCase.split === split)) continue;
    const found = [...new Set(cases.map((trainCase) => trainCase.split))].join(", ") || "no case at all";
    fail(`no ${name} set (found ${found}). Mark cases as ${split}, or leave the splits out for an automatic one.`);
  }
  const ids = new Set<string>();
  const splits = new Map<string, Split>();
  for (const { id, split, ...trainCase } of cases) {
    const group = groupName(trainCase.group);
    if (ids.has(id)) fail(`two cases share the id "${id}"; ids must differ.`);
    ids.add(id);
    const other = splits.get(group);
    if (other !== undefined && other !== split) fail(`group "${group}" is in ${other} and in ${split}; a patient must be in one split only.`);
    splits.set(group, split);
  }
}
