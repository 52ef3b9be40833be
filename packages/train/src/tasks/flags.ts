// Labels and classes as 0 and 1: their cells, counts and what must be among them. Shared by all kinds whose answers are labels.

import { AnyMC3DError, type Warning } from "@anymc3d/core";
import type { Fail, LabelCount, Labels } from "./task-training.js";

type Labelled = readonly { readonly id: string }[];

/** 0, 1, 1.0 or blank, with or without spaces around (also inside quotes). */
export function flag(cell: string, column: string, fail: Fail): [string, 0 | 1][] {
  const text = cell.trim();
  if (text === "") return [];
  return /^[01](\.0*)?$/.test(text) ? [[column, Number(text) as 0 | 1]] : fail(`"${text}" is not 0, 1 or blank`, column);
}

/** A row of 0, 1 and NaN (unknown), one a label. */
export function flagRow(row: ArrayLike<number>, labels: Labelled, fail: Fail): Map<string, number> {
  const wrong = Array.from(row).find((value) => value !== 0 && value !== 1 && !Number.isNaN(value));
  if (wrong !== undefined) fail(`is ${wrong}; expected 0 or 1`);
  return new Map(labels.flatMap(({ id }, label) => (Number.isNaN(row[label]) ? [] : [[id, row[label]] as const])));
}

/** Ids of what is there. */
export const positives = (labels: Labels): string[] => [...labels].flatMap(([id, value]) => (value === 1 ? [id] : []));

export function flagCounts(labels: Labelled, cases: readonly { readonly labels: Labels }[]): LabelCount[] {
  return labels.map(({ id }) => {
    const count = (value: number | undefined) => cases.filter((trainCase) => trainCase.labels.get(id) === value).length;
    const [there, not, unknown] = [count(1), count(0), count(undefined)];
    return { id, positives: there, negatives: not, unknown, text: `${id}: ${there} of ${there + not}${unknown ? ` (${unknown} unknown)` : ""}` };
  });
}

const oneClass = (counts: readonly LabelCount[]) => counts.filter(({ positives, negatives }) => positives === 0 || negatives === 0);
const shown = ({ id, positives, negatives, unknown }: LabelCount) => `${id} (${positives} positive, ${negatives} negative, ${unknown} unknown)`;

/** @throws AnyMC3DError `LABELS_INVALID` naming every label of which training has one class only */
export function checkFlags(training: readonly LabelCount[], file: string): void {
  const unlearnable = oneClass(training);
  if (unlearnable.length === 0) return;
  throw new AnyMC3DError(
    "LABELS_INVALID",
    `${file}: training cases of one class only for ${unlearnable.map(shown).join(", ")}. A label needs positive and negative cases; add some, move some from another split, or drop it.`,
  );
}

/** `ONE_CLASS`: labels whose validation cases are all positive or all negative, so that their AUROC is undefined. */
export const unjudged = (validation: readonly LabelCount[], file: string): Warning[] =>
  oneClass(validation).map((label) => ({
    code: "ONE_CLASS",
    message: `${file}: validation cases of one class only for ${shown(label)}: its AUROC is undefined and cannot choose the best epoch. Give validation positive and negative cases of it, or drop it`,
  }));
