// What anymc3d evaluate writes for people and tables: its figures as lines of text, its predictions as CSV.

import type { ClassifyResult, Task } from "@anymc3d/core";
import { type ClassTable, type coverageIn, FIGURES, type Measured, taskTraining } from "@anymc3d/train";
import { sheetLine } from "@anymc3d/train/node";

/** Header and a row a label: cells under each other. */
export function figureLines(rows: readonly Measured[]): string[] {
  const names = Object.keys(rows[0].figures);
  const positive = rows.some(({ positives }) => positives !== undefined);
  const cells = [
    ["label", "n", ...(positive ? ["positive"] : []), ...names.map((name) => FIGURES[name])],
    ...rows.map((row) => [row.name, String(row.n), ...(positive ? [String(row.positives)] : []), ...names.map((name) => estimateText(row, name))]),
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  return cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join("  "));
}

/** Why a figure of decisions is undefined. */
const UNDEFINED: Readonly<Partial<Record<string, string>>> = { ppv: "nothing was decided positive", f1: "nothing is positive, and nothing was decided so" };

function estimateText({ n, positives, figures, units }: Measured, name: string): string {
  const { value, interval } = figures[name];
  if (value === null) return `undefined (${n === 0 ? "no case" : (UNDEFINED[name] ?? (positives === undefined ? "all alike" : "one class only"))})`;
  const unit = units?.[name] ? ` ${units[name]}` : "";
  return `${value.toFixed(3)}${interval ? ` [${interval.map((edge) => edge.toFixed(3)).join("–")}]` : ""}${unit}`;
}

/** Figures of all labels together: "macro F1 0.576 [0.410–0.720]". */
export const wholeLines = (whole: Measured | undefined): string[] =>
  whole ? Object.keys(whole.figures).map((name) => `${FIGURES[name]} ${estimateText(whole, name)}, of ${whole.n} case${whole.n === 1 ? "" : "s"}`) : [];

/** Which class was taken for which: truths as rows, decisions as columns. */
export function classLines(found: ClassTable | undefined): string[] {
  if (!found) return [];
  const { classes, counts } = found;
  const cells = [["true class \\ decided", ...classes], ...counts.map((row, i) => [classes[i], ...row.map(String)])];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  return cells.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  "));
}

/** "size: made to hold the truth in 90 % of cases, held it in 8 of 10, 4.20 mm wide on average". */
export const coverageLines = (task: Task, coverage: ReturnType<typeof coverageIn>): string[] =>
  coverage.map(({ id, target, held, n, size }) => {
    const large = size === null ? "" : `, ${size.toFixed(2)} ${taskTraining(task).sizeUnit(task)} on average`;
    return `${id}: made to hold the truth in ${Math.round(100 * target)} % of cases, held it in ${held} of ${n}${large}`;
  });

interface Row {
  readonly id: string;
  readonly group: string;
  readonly labels: ReadonlyMap<string, number>;
}

/** A volume, the truth of it, and what an adapter says. */
export interface Prediction {
  readonly row: Row;
  readonly result: Pick<ClassifyResult, "labels" | "logits" | "value" | "set" | "interval" | "outside">;
}

/** A volume that no figure counts, and the code of what went wrong. */
export interface Failed {
  readonly row: Row;
  readonly code: string;
}

/**
 * A row a volume: id, group, what the adapter gives and decides, the truth (blank where unknown), and the code of what went wrong, where something did:
 * then there is no answer, and no figure counts the row. Where answers were forced past refusals, the codes of these, too.
 */
export function predictionsCsv(task: Task, predictions: readonly (Prediction | Failed)[]): string {
  const kind = taskTraining(task);
  const columns = kind.predictionColumns(task);
  const someForced = predictions.some((one) => "result" in one && one.result.outside);
  const forced = (one: Prediction | Failed): string[] =>
    someForced ? ["result" in one ? [...new Set(one.result.outside?.map(({ code }) => code))].join(" ") : ""] : [];
  const lines = predictions.map((one) => {
    const cells = "result" in one ? kind.predictionCells(task, one.result) : columns.map(() => "");
    return sheetLine([one.row.id, one.row.group, ...cells, ...kind.truthCells(task, one.row.labels), "code" in one ? one.code : "", ...forced(one)]);
  });
  const header = sheetLine(["id", "group", ...columns, ...kind.truthColumns(task), "error", ...(someForced ? ["outside"] : [])]);
  return `${[header, ...lines].join("\n")}\n`;
}
