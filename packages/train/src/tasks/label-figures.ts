// Labels judged one by one: AUROC and its like by scores, sensitivity and its like by the decisions that results carry. Shared by yes/no labels and classes.

import { type Task, taskKind, type Warning } from "@anymc3d/core";
import { atBound } from "../metrics/calibration.js";
import { agreement, type Confusion, confusion, f1, predictiveValue, sensitivity, specificity } from "../metrics/decisions.js";
import { auroc, averagePrecision, type BootstrapOptions, brier, estimate } from "../metrics/metrics.js";
import { figureOf, groupsOf, scoreOf } from "../metrics/score.js";
import type { CaseError, Labels, Measured, ScoreColumn, Scored } from "./task-training.js";

/** Labels as far as they are judged. */
export type JudgedLabels = readonly { readonly id: string; readonly name: string; readonly threshold?: number }[];

/** A figure of each label's scores over the cases that have it. */
const scoreColumns = (labels: JudgedLabels, figure: (truth: number[], scores: number[]) => number | null): ScoreColumn[] =>
  labels.map(({ id }, i) => ({
    id,
    title: id,
    knows: (truth) => truth.has(id),
    of: (cases) =>
      figure(
        cases.map((scored) => scored.labels.get(id) as number),
        cases.map(({ scores }) => scores[i]),
      ),
  }));

/** AUROC of each label. */
export const aurocColumns = (labels: JudgedLabels): ScoreColumn[] => scoreColumns(labels, auroc);

/** Figures of a label's decisions, by the names of {@link FIGURES}. */
type DecisionFigures = Readonly<Record<string, (counts: Confusion) => number | null>>;

/** Of labels with a threshold each. */
export const AT_THRESHOLD: DecisionFigures = { sensitivity, specificity, f1 };
/** Of a class against the others, by the class that is decided for. */
export const OF_CLASS: DecisionFigures = { sensitivity, ppv: predictiveValue, f1 };

/** @param scoresOf as the kind's `scores` @param decided figures by decisions, beside the share of right ones */
export function measureLabels(
  task: Task,
  cases: readonly Scored[],
  { scoresOf, decided }: { readonly scoresOf: (logits: Float32Array) => ArrayLike<number>; readonly decided: DecisionFigures },
  options: BootstrapOptions,
): Measured[] {
  const judged = cases.map(({ group, labels, logits }) => {
    const own = Float32Array.from(logits);
    return { group, labels, scores: scoresOf(own), answers: taskKind(task).outcome(task, own).labels };
  });
  const byScores = { auroc: aurocColumns(task.labels), averagePrecision: scoreColumns(task.labels, averagePrecision) };
  return task.labels.map(({ id, name }, i) => {
    const known = judged.flatMap(({ group, labels, answers }) => {
      const truth = labels.get(id);
      return truth === undefined ? [] : [{ group, truth, found: Number(answers[i].positive), probability: answers[i].probability }];
    });
    const figure = (of: (cases: typeof known) => number | null) => estimate(groupsOf(known), (indices) => of(indices.map((at) => known[at])), options);
    const truths = (some: typeof known) => some.map(({ truth }) => truth);
    const founds = (some: typeof known) => some.map(({ found }) => found);
    const figures = {
      auroc: figureOf([byScores.auroc[i]], judged, options),
      averagePrecision: figureOf([byScores.averagePrecision[i]], judged, options),
      ...Object.fromEntries(Object.entries(decided).map(([own, of]) => [own, figure((some) => of(confusion(truths(some), founds(some))))])),
      accuracy: figure((some) => agreement(truths(some), founds(some))),
      brier: figure((some) => brier(truths(some), some.map(({ probability }) => probability))), // biome-ignore format: a line
    };
    const groupsWith = (some: typeof known) => new Set(groupsOf(some)).size;
    const groups = {
      all: groupsWith(known),
      positives: groupsWith(known.filter(({ truth }) => truth === 1)),
      negatives: groupsWith(known.filter(({ truth }) => truth === 0)),
    };
    return { id, name, n: known.length, groups, positives: truths(known).reduce((sum, truth) => sum + truth, 0), figures };
  });
}

/** What speaks against a label's probabilities. */
export const calibrationDoubts = (id: string, temperature: number): Warning[] =>
  atBound(temperature)
    ? [
        {
          code: "NOT_CALIBRATED" as const,
          message: `${id}: no temperature makes its probabilities match the validation frequencies (the best lies at the bound, ${Number(temperature.toPrecision(2))}); do not read them as probabilities`,
        },
      ]
    : [];

/** A scalar's sign, a label, is the one that does better than chance in training. */
export function signedScalar(labels: JudgedLabels, trained: readonly { readonly labels: Labels; readonly scalar: number }[]) {
  const cases = trained.map(({ labels: known, scalar }) => ({ labels: known, scores: labels.map(() => scalar) }));
  const signs = aurocColumns(labels).map((column) => ((scoreOf(column, cases) ?? 0.5) < 0.5 ? -1 : 1));
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
