// Which case trains and which validates: by the data set's own names, else by a hash of the group; a group is never split.

import { AnyMC3DError } from "@anymc3d/core";
import type { TrainCase } from "./cases.js";
import { textHash } from "./text-hash.js";

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

export interface SplitRow {
  readonly group: string;
  readonly split?: string;
  /** Line of the file, for messages. */
  readonly line: number;
}

export interface SplitOptions {
  /** What to call the file in errors. */
  readonly file: string;
  readonly seed: number;
  /** Share of the groups that validate where the file names no splits. Default 0.2. */
  readonly share?: number;
}

/**
 * The split of every row: by its name (train, training; val, valid, validation, dev; test), or, where no row names one, by {@link drawSplits}.
 * @throws AnyMC3DError `LABELS_INVALID` for another name, or names in some rows only
 */
export function assignSplits(rows: readonly SplitRow[], options: SplitOptions): Split[] {
  const { file } = options;
  const blank = rows.filter(({ split }) => split === undefined);
  if (blank.length === rows.length) {
    const drawn = drawSplits(
      rows.map(({ group }) => group),
      options,
    );
    return rows.map(({ group }) => drawn.get(group) as Split);
  }
  if (blank.length) {
    const lines = blank.map(({ line }) => line);
    throw new AnyMC3DError(
      "LABELS_INVALID",
      `${file}: ${blank.length} of ${rows.length} rows have no split (line ${first(lines)}). Fill them in, or remove the split column for an automatic one.`,
    );
  }
  return rows.map(({ split = "", line }) => {
    const known = NAMES[split.toLowerCase()];
    if (known === undefined) {
      throw new AnyMC3DError("LABELS_INVALID", `${file}: line ${line}, column split: "${split}" is none of ${Object.keys(NAMES).join(", ")}.`);
    }
    return known;
  });
}

const first = (items: readonly unknown[], most = 5): string => items.slice(0, most).join(", ") + (items.length > most ? ", …" : "");

/**
 * Splits groups into training and validation: the share with the smallest hashes of `seed:group` validates, at least one group.
 * Depends on the seed and the groups' names only, never on their order.
 * @param groups names; one that appears twice is one group
 * @throws AnyMC3DError `DATA_INVALID` for fewer than two groups, `OPTION_INVALID` for a share that is not between 0 and 1
 */
export function drawSplits(groups: readonly string[], { file, seed, share = 0.2 }: SplitOptions): Map<string, "train" | "val"> {
  if (!(share > 0 && share < 1)) throw new AnyMC3DError("OPTION_INVALID", `The validation share is ${share}; give a number between 0 and 1.`);
  const each = [...new Set(groups)].map((group) => ({ group, hash: textHash(`${seed}:${group}`) }));
  if (each.length < 2) {
    const found = `${each.length} group(s), which cannot be split into training and validation`;
    throw new AnyMC3DError("DATA_INVALID", `${file}: ${found}. A group (the patient) is never split; give at least two.`);
  }
  each.sort((a, b) => a.hash - b.hash || (a.group < b.group ? -1 : 1));
  const validating = Math.min(each.length - 1, Math.max(1, Math.round(share * each.length)));
  return new Map(each.map(({ group }, i) => [group, i < validating ? "val" : "train"]));
}

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
    if (cases.some((each) => each.split === split)) continue;
    const found = [...new Set(cases.map((each) => each.split))].join(", ") || "no case at all";
    fail(`no ${name} set (found ${found}). Mark cases as ${split}, or leave the splits out for an automatic one.`);
  }
  const ids = new Set<string>();
  const splits = new Map<string, Split>();
  for (const { id, group, split } of cases) {
    if (ids.has(id)) fail(`two cases share the id "${id}"; ids must differ.`);
    ids.add(id);
    const other = splits.get(group);
    if (other !== undefined && other !== split) fail(`group "${group}" is in ${other} and in ${split}; a patient must be in one split only.`);
    splits.set(group, split);
  }
}
