// Labels judged one by one: AUROC and its like, by probability. Shared by yes/no labels and classes.

import { type Task, taskKind, type Warning } from "@anymc3d/core";
import { atBound } from "../metrics/calibration.js";
import { auroc, type BootstrapOptions, evaluateLabel, meanDefined } from "../metrics/metrics.js";
import { nearChance } from "./doubts.js";
import type { CaseError, Labels, Measured, ScoreColumn, Scored } from "./task-training.js";

/** Labels as far as they are judged. */
export type JudgedLabels = readonly { readonly id: string; readonly name: string; readonly threshold?: number }[];

const THRESHOLD = 0.5;

/** AUROC of each label over the cases that have it. */
export const aurocColumns = (labels: JudgedLabels): ScoreColumn[] =>
  labels.map(({ id }, i) => ({
    id,
    title: id,
    of: (cases) => {
      const known = cases.filter((scored) => scored.labels.has(id));
      return auroc(
        known.map((scored) => scored.labels.get(id) as number),
        known.map(({ scores }) => scores[i]),
      );
    },
  }));

export function measureLabels(task: Task, cases: readonly Scored[], options: BootstrapOptions): Measured[] {
  const probabilities = cases.map(({ logits }) => taskKind(task).probabilities(task, logits));
  return (task.labels as JudgedLabels).map(({ id, name, threshold = THRESHOLD }, i) => {
    const known = cases.flatMap(({ group, labels }, c) => {
      const label = labels.get(id);
      return label === undefined ? [] : [{ group, label, probability: probabilities[c][i] }];
    });
    const { n, positives, ...figures } = evaluateLabel(known, threshold, options);
    return { id, name, n, positives, figures };
  });
}

/** Fewer of either class in validation, and an AUROC is an anecdote. */
const FEW = 5;

export function labelDoubts(measured: readonly Measured[], temperatures: readonly number[]): Warning[] {
  return measured.flatMap(({ id, n, positives = 0, figures: { auroc } }, i) => [
    ...(Math.min(positives, n - positives) < FEW
      ? [{ code: "FEW_CASES" as const, message: `${id}: validation has ${positives} positive and ${n - positives} negative cases; its figures say little` }]
      : []),
    ...nearChance(id, auroc, "its AUROC", "what guessing gives", 0.5),
    ...calibrationDoubts(id, temperatures[i]),
  ]);
}

export const calibrationDoubts = (id: string, temperature: number): Warning[] =>
  atBound(temperature)
    ? [
        {
          code: "NOT_CALIBRATED" as const,
          message: `${id}: no temperature makes its probabilities match the validation frequencies (the best lies at the bound, ${Number(temperature.toPrecision(2))}); do not read them as probabilities`,
        },
      ]
    : [];

/** Over the labels whose AUROC is defined. */
export const meanAuroc = (measured: readonly Measured[]): number | null => meanDefined(measured.map(({ figures }) => figures.auroc.value));

export const meanAurocLine = (mean: number | null): string => `mean AUROC ${mean === null ? "undefined" : mean.toFixed(3)}`;

/** A scalar's sign, a label, is the one that does better than chance in training. */
export function signedScalar(labels: JudgedLabels, trained: readonly { readonly labels: Labels; readonly scalar: number }[]) {
  const cases = trained.map(({ labels: known, scalar }) => ({ labels: known, scores: labels.map(() => scalar) }));
  const signs = aurocColumns(labels).map((column) => ((column.of(cases) ?? THRESHOLD) < THRESHOLD ? -1 : 1));
  return (scalar: number) => signs.map((sign) => sign * scalar);
}

/** How far each known label's probability is from its truth. */
export function labelErrors(task: Task, logits: Float32Array, truth: Labels): CaseError[] {
  const probabilities = taskKind(task).probabilities(task, logits);
  return task.labels.flatMap(({ id }, i) => {
    const label = truth.get(id);
    if (label === undefined) return [];
    const said = `${label ? "present" : "absent"}, probability ${(100 * probabilities[i]).toFixed(1)} %`;
    return [{ label: id, error: Math.abs(label - probabilities[i]), said }];
  });
}

/** Logits, then probabilities, one a label. */
export const logitColumns = (labels: JudgedLabels): string[] => [...labels.map(({ id }) => `logit_${id}`), ...labels.map(({ id }) => `probability_${id}`)];
