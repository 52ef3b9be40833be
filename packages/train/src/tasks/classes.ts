// What tasks of classes share in training, ordered or not: exactly one class is right; its cells, counts and sets.

import { type Outcome, type Task, taskKind } from "@anymc3d/core";
import { classAt, classChoices, type Named } from "../data/classes.js";
import { ANY_COLUMN } from "../data/columns.js";
import { crossTable } from "../metrics/decisions.js";
import { flag, flagCounts, positives } from "./flags.js";
import type { ClassTable, Fail, Labels, Scored } from "./task-training.js";

/** A task of classes, as far as they agree. */
export interface Classes {
  readonly labels: readonly Named[];
  /** Of labels.csv; default: `label`. */
  readonly column?: string;
}

/** Place of the true class; -1 where it is unknown. */
export const classOf = ({ labels }: Classes, truth: Labels): number => labels.findIndex(({ id }) => truth.get(id) === 1);

/** What the class is called: its column of labels.csv. */
export const classColumn = ({ column = ANY_COLUMN }: Classes): string => column;

/** Place of the class that a result decides for. */
export const decidedClass = (task: Task, logits: ArrayLike<number>): number =>
  taskKind(task)
    .outcome(task, logits)
    .labels.findIndex(({ positive }) => positive);

/** Places of the true and of the decided classes, of the cases whose class is known. */
export function decidedPairs(task: Task, cases: readonly Scored[]): { readonly truth: readonly number[]; readonly found: readonly number[] } {
  const known = cases.filter(({ labels }) => classOf(task, labels) >= 0);
  return { truth: known.map(({ labels }) => classOf(task, labels)), found: known.map(({ logits }) => decidedClass(task, logits)) };
}

const oneHot = (labels: readonly Named[], at: number): Map<string, number> => new Map(labels.map(({ id }, i) => [id, i === at ? 1 : 0]));

/** One column with the class, or one of 0 and 1 a class. */
function rowReader(task: Classes, columns: readonly string[], fail: Fail): (cells: Readonly<Record<string, string>>, fail: Fail) => Map<string, number> {
  const { labels, column = ANY_COLUMN } = task;
  if (columns.includes(column) && (task.column !== undefined || labels.some(({ id }) => !columns.includes(id)))) {
    return (cells, failRow) => {
      const text = cells[column].trim();
      if (text === "") return new Map();
      const at = classAt(text, labels);
      return at < 0 ? failRow(`"${text}" is none of ${classChoices(labels)}`, column) : oneHot(labels, at);
    };
  }
  const missing = task.column !== undefined ? [column] : labels.flatMap(({ id }) => (columns.includes(id) ? [] : [id]));
  if (missing.length) fail(`no column for ${missing.join(", ")}; found ${columns.join(", ")}`);
  return (cells, failRow) => {
    const values = new Map(labels.flatMap(({ id }) => flag(cells[id], id, failRow)));
    const ones = positives(values).length;
    if (ones > 1 || (ones === 0 && values.size === labels.length)) failRow(`${ones} of ${labels.map(({ id }) => id).join(", ")} are 1; one class must be`);
    return values;
  };
}

/** Of a kind of classes: labels, and conformal sets of them. */
export const classes = {
  labelColumns: ({ labels, column }: Classes) => (column === undefined ? labels.map(({ id }) => id) : [column]),
  rowReader,
  arrayReader: ({ labels }: Classes) => ({
    columns: 1,
    read([value]: number[], fail: Fail) {
      if (Number.isNaN(value)) return new Map<string, number>();
      const at = classAt(String(value), labels);
      return at < 0 ? fail(`is ${value}; expected one of ${classChoices(labels)}`) : oneHot(labels, at);
    },
  }),
  strata: () => positives,
  counts: ({ labels }: Classes, cases: readonly { readonly labels: Labels }[]) => flagCounts(labels, cases),
  threshold: undefined,
  calibrated: true,
  confusion(task: Task, cases: readonly Scored[]): ClassTable {
    const { truth, found } = decidedPairs(task, cases);
    return { classes: task.labels.map(({ id }) => id), counts: crossTable(truth, found, task.labels.length) };
  },
  quantileIds: (task: Classes) => [classColumn(task)],
  nonconformity(task: Task, { logits, labels }: Scored) {
    const at = classOf(task, labels);
    return [at < 0 ? undefined : 1 - taskKind(task).probabilities(task, logits)[at]];
  },
  held(task: Classes, { set = [] }: Outcome, truth: Labels) {
    const at = classOf(task, truth);
    return [at < 0 ? undefined : { held: set.includes(task.labels[at].id), size: set.length }];
  },
  sizeUnit: () => "classes in a set",
  truthColumns: () => ["truth"],
  truthCells: (task: Classes, truth: Labels) => [task.labels[classOf(task, truth)]?.id ?? ""],
} as const;

/** Weight of each class among the training cases that say whether they are of it: cases/(classes·its cases), or its root. */
export function classWeights({ labels }: Classes, rule: "sqrt" | "balanced" | "none", trained: readonly { readonly labels: Labels }[]): number[] {
  return labels.map(({ id }) => {
    const known = trained.filter((trainCase) => trainCase.labels.has(id));
    const ratio = known.length / (labels.length * known.filter((trainCase) => trainCase.labels.get(id) === 1).length);
    return rule === "none" ? 1 : rule === "sqrt" ? Math.sqrt(ratio) : ratio;
  });
}
