// Several models and size-only baselines on the same validation cases: figures by column, what chooses among them, and the paired difference from the first.

import type { Tensors } from "@anymc3d/core";
import type { Task, TrainConfig } from "../config.js";
import type { TrainCase } from "../data/cases.js";
import type { Prediction } from "../learning/loop.js";
import { markdownTable } from "../report/markdown.js";
import { taskTraining } from "../tasks/index.js";
import { HEAD_ONLY } from "../variants.js";
import { type SizeScalars, sizeScalars } from "./baselines.js";
import { type Estimate, estimate } from "./metrics.js";
import { figureOf, groupsOf, knownTo, meanScore } from "./score.js";

/** Scores of one model on validation, as its task's kind has them: of labels higher is more positive, of classes the decided one, of a quantity the value. */
export interface Contender {
  readonly name: string;
  /** Trained numbers; 0 for a baseline. */
  readonly parameters: number;
  readonly scored: readonly { readonly trainCase: TrainCase; readonly scores: ArrayLike<number> }[];
}

/** One row of a comparison: a model's validation figures beside the others' on the same cases. */
export interface ComparedModel {
  readonly name: string;
  readonly parameters: number;
  /** By column of the task's kind: AUROC by label id, or κ, errors. */
  readonly figures: Readonly<Record<string, Estimate>>;
  /** What the best epoch is chosen by, larger is better: the mean AUROC of the labels where it is defined, κ, R². */
  readonly score: Estimate;
  /** Of the score, this minus the first, on the same resamples; null for the first. */
  readonly difference: Estimate | null;
}

/** A model's trained tensors and validation predictions, calibrated as the adapter is, as a contender. */
export function contender(name: string, tensors: Tensors, predictions: readonly Prediction[], task: Task): Contender {
  const parameters = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  const scored = predictions.map(({ trainCase, logits }) => ({ trainCase, scores: taskTraining(task).scores(task, logits) }));
  return { name, parameters, scored };
}

/** Columns whose mean chooses. */
function choosingColumns(task: Task) {
  const kind = taskTraining(task);
  return kind.columns(task).filter(({ id }) => kind.chooses(task).includes(id));
}

/**
 * Compares contenders that scored the same cases.
 * Intervals: 95 % percentile bootstrap over groups, the same resamples for all; a difference whose interval holds 0 may be chance.
 */
export function compare(contenders: readonly Contender[], task: Task): ComparedModel[] {
  const chosen = choosingColumns(task);
  const scored = contenders.map((one) => one.scored.map(({ trainCase: { group, labels }, scores }) => ({ group, labels, scores })));
  const scores = scored.map((cases) => {
    const known = knownTo(chosen, cases);
    return (indices: readonly number[]) => meanScore(chosen, indices.map((i) => known[i])); // biome-ignore format: a line
  });
  return contenders.map(({ name, parameters }, c) => {
    const figures = taskTraining(task)
      .columns(task)
      .map((column) => [column.id, figureOf([column], scored[c])] as const);
    const minusFirst = (indices: readonly number[]) => {
      const [own, first] = [scores[c](indices), scores[0](indices)];
      return own === null || first === null ? null : own - first;
    };
    return {
      name,
      parameters,
      figures: Object.fromEntries(figures),
      score: figureOf(chosen, scored[c]),
      difference: c === 0 ? null : estimate(groupsOf(knownTo(chosen, scored[c])), minusFirst),
    };
  });
}

/**
 * What size alone tells: each scalar that all cases have, fitted to the labels on training cases alone (of labels its sign, of ordered classes and
 * quantities a line); and, where it says something, the same answer for every case.
 */
export async function sizeBaselines(
  cases: readonly TrainCase[],
  config: TrainConfig,
  { signal, onProgress }: { readonly signal?: AbortSignal; readonly onProgress?: (done: number, total: number) => void } = {},
): Promise<Contender[]> {
  const kind = taskTraining(config.task);
  const used = cases.filter(({ split }) => split !== "test");
  const scalars = new Map<TrainCase, SizeScalars>();
  for (const trainCase of used) {
    signal?.throwIfAborted();
    scalars.set(trainCase, await sizeScalars(trainCase, config, signal));
    onProgress?.(scalars.size, used.length);
  }
  const names = new Set(used.flatMap((trainCase) => [...(scalars.get(trainCase) as SizeScalars).keys()]));
  const shared = [...names].filter((name) => used.every((trainCase) => scalars.get(trainCase)?.has(name)));
  const value = (trainCase: TrainCase, name: string) => scalars.get(trainCase)?.get(name) as number;
  const [trained, validation] = (["train", "val"] as const).map((wanted) => used.filter(({ split }) => split === wanted));
  const baselines = shared.map((name) => {
    const fitted = kind.baseline(
      config.task,
      trained.map((trainCase) => ({ labels: trainCase.labels, scalar: value(trainCase, name) })),
    );
    return { name, parameters: 0, scored: validation.map((trainCase) => ({ trainCase, scores: fitted(value(trainCase, name)) })) };
  });
  const constant = kind.constant?.(config.task, trained);
  if (!constant) return baselines;
  return [...baselines, { name: constant.name, parameters: 0, scored: validation.map((trainCase) => ({ trainCase, scores: constant.scores })) }];
}

/** What the table's figures are: "AUROC"; "figures" where there are several. */
export const comparedWhat = (task: Task): string => (taskTraining(task).stated.length ? "figures" : taskTraining(task).scoreName);

/** A Markdown table. */
export function comparisonTable(models: readonly ComparedModel[], task: Task): string {
  const kind = taskTraining(task);
  const columns = kind.columns(task);
  const several = kind.chooses(task).length > 1;
  const difference = kind.chooses(task).length < columns.length ? `difference from the first in ${kind.scoreName}` : "difference from the first";
  const head = ["model", "trained numbers", ...columns.map(({ title }) => title), ...(several ? ["mean"] : []), difference];
  const rows = models.map(({ name, parameters, figures, score, difference }) => [
    name,
    parameters ? parameters.toLocaleString("en") : "none",
    ...columns.map(({ id }) => estimateText(figures[id])),
    ...(several ? [estimateText(score)] : []),
    difference ? estimateText(difference, true) : "",
  ]);
  const table = markdownTable(head, rows);
  return models.some(({ name }) => name.includes("head-only")) ? `${table}\n\n${HEAD_ONLY}` : table;
}

function estimateText({ value, interval }: Estimate, signed = false): string {
  const text = (x: number) => `${signed && x > 0 ? "+" : ""}${x.toFixed(3)}`;
  if (value === null) return "undefined";
  return interval ? `${text(value)} [${text(interval[0])} to ${text(interval[1])}]` : text(value);
}
