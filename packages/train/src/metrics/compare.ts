// Several models and size-only baselines on the same validation cases: AUROC by label, their mean, and the paired difference from the first.

import type { Tensors } from "@anymc3d/core";
import type { Task, TrainConfig } from "../config.js";
import type { TrainCase } from "../data/cases.js";
import type { Prediction } from "../learning/loop.js";
import { HEAD_ONLY } from "../variants.js";
import { type SizeScalars, sizeScalars } from "./baselines.js";
import { auroc, bootstrap, type Estimate } from "./metrics.js";

/** Scores of one model on validation, higher is more positive. */
export interface Contender {
  readonly name: string;
  /** Trained numbers; 0 for a baseline. */
  readonly parameters: number;
  readonly scored: readonly { readonly trainCase: TrainCase /** One a label. */; readonly scores: ArrayLike<number> }[];
}

/** One row of a comparison: a model's validation AUROC beside the others' on the same cases. */
export interface ComparedModel {
  readonly name: string;
  readonly parameters: number;
  /** By label id. */
  readonly auroc: Readonly<Record<string, Estimate>>;
  /** Of the labels whose AUROC is defined. */
  readonly mean: Estimate;
  /** Of the mean AUROC, this minus the first, on the same resamples; null for the first. */
  readonly difference: Estimate | null;
}

/** A model's trained tensors and validation predictions as a contender. */
export function contender(name: string, tensors: Tensors, predictions: readonly Prediction[], task: Task): Contender {
  const parameters = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  const scored = predictions.map(({ trainCase, logits, probabilities }) => ({ trainCase, scores: task.kind === "multiclass" ? probabilities : logits }));
  return { name, parameters, scored };
}

/**
 * Compares contenders that scored the same cases.
 * Intervals: 95 % percentile bootstrap over groups, 1,000 resamples, the same ones for all; a difference whose interval holds 0 may be chance.
 */
export function compare(contenders: readonly Contender[], { labels }: Task, seed: number): ComparedModel[] {
  const means = contenders.map((contender) => meanAuroc(contender, labels));
  return contenders.map(({ name, parameters, scored }, c) => {
    const groups = scored.map(({ trainCase }) => trainCase.group);
    const all = scored.map((_, i) => i);
    const estimate = (statistic: (indices: readonly number[]) => number | null): Estimate => {
      const value = statistic(all);
      return { value, interval: value === null ? null : bootstrap(groups, statistic, { seed }) };
    };
    const byLabel = labels.map(({ id }, l) => [id, estimate((indices) => labelAuroc(scored, id, l, indices))] as const);
    const minusFirst = (indices: readonly number[]) => {
      const [own, first] = [means[c](indices), means[0](indices)];
      return own === null || first === null ? null : own - first;
    };
    return { name, parameters, auroc: Object.fromEntries(byLabel), mean: estimate(means[c]), difference: c === 0 ? null : estimate(minusFirst) };
  });
}

function meanAuroc({ scored }: Contender, labels: Task["labels"]) {
  return (indices: readonly number[]): number | null => {
    const defined = labels.flatMap(({ id }, l) => labelAuroc(scored, id, l, indices) ?? []);
    return defined.length ? defined.reduce((a, b) => a + b, 0) / defined.length : null;
  };
}

function labelAuroc(scored: Contender["scored"], id: string, l: number, indices: readonly number[]): number | null {
  const known = indices.filter((i) => scored[i].trainCase.labels.has(id));
  return auroc(
    known.map((i) => scored[i].trainCase.labels.get(id) as number),
    known.map((i) => scored[i].scores[l]),
  );
}

/** Size-only baselines: each scalar that all cases have; its sign, a label, is the one that does better than chance in training. */
export async function sizeBaselines(
  cases: readonly TrainCase[],
  config: TrainConfig,
  { signal, onProgress }: { readonly signal?: AbortSignal; readonly onProgress?: (done: number, total: number) => void } = {},
): Promise<Contender[]> {
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
  return shared.map((name) => {
    const trained = used
      .filter(({ split }) => split === "train")
      .map((trainCase) => ({ trainCase, scores: config.task.labels.map(() => value(trainCase, name)) }));
    const all = trained.map((_, i) => i);
    const signs = config.task.labels.map(({ id }, l) => ((labelAuroc(trained, id, l, all) ?? 0.5) < 0.5 ? -1 : 1));
    const validation = used.filter(({ split }) => split === "val");
    return { name, parameters: 0, scored: validation.map((trainCase) => ({ trainCase, scores: signs.map((sign) => sign * value(trainCase, name)) })) };
  });
}

/** A Markdown table. */
export function comparisonTable(models: readonly ComparedModel[], { labels }: Task): string {
  const several = labels.length > 1;
  const head = ["model", "trained numbers", ...labels.map(({ id }) => id), ...(several ? ["mean"] : []), "difference from the first"];
  const rows = models.map(({ name, parameters, auroc, mean, difference }) => [
    name,
    parameters ? parameters.toLocaleString("en") : "size only",
    ...labels.map(({ id }) => estimateText(auroc[id])),
    ...(several ? [estimateText(mean)] : []),
    difference ? estimateText(difference, true) : "",
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const table = [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
  return models.some(({ name }) => name.includes("head-only")) ? `${table}\n\n${HEAD_ONLY}` : table;
}

function estimateText({ value, interval }: Estimate, signed = false): string {
  const text = (x: number) => `${signed && x > 0 ? "+" : ""}${x.toFixed(3)}`;
  if (value === null) return "undefined";
  return interval ? `${text(value)} [${text(interval[0])} to ${text(interval[1])}]` : text(value);
}
