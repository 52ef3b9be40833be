// What binary and multilabel tasks share in training: each label is there or not, by a sigmoid, a temperature and a threshold of its own.

import { type Outcome, type Task, taskKind } from "@anymc3d/core";
import { sigmoidLoss } from "../learning/losses.js";
import { chooseThreshold, sigmoidTemperature } from "../metrics/calibration.js";
import { figureOf, knownTo } from "../metrics/score.js";
import { thresholdSections } from "../report/label-sections.js";
import { checkFlags, flagCounts, flagRow, positives, unjudged } from "./flags.js";
import { AT_THRESHOLD, aurocColumns, calibrationDoubts, type JudgedLabels, labelErrors, logitColumns, measureLabels, signedScalar } from "./label-figures.js";
import type { Labels, Scored, TaskTraining } from "./task-training.js";

type YesNo = Extract<Task, { kind: "binary" | "multilabel" }>;

const known = (cases: readonly Scored[], id: string) => cases.filter(({ labels }) => labels.has(id));
const truthOf = (cases: readonly Scored[], id: string) => cases.map(({ labels }) => labels.get(id) as number);

/** Weight of a label's positives among the training cases that have it: negatives/positives, or its root. */
function positiveWeight(id: string, rule: "sqrt" | "balanced" | "none", trained: readonly { readonly labels: Labels }[]): number {
  if (rule === "none") return 1;
  const cases = trained.filter(({ labels }) => labels.has(id));
  const there = cases.filter(({ labels }) => labels.get(id) === 1).length;
  const ratio = (cases.length - there) / there;
  return rule === "sqrt" ? Math.sqrt(ratio) : ratio;
}

/** All of a kind but its name, its columns of labels.csv and its example. */
export const yesNo = {
  arrayReader: ({ labels }: YesNo) => ({ columns: labels.length, read: (row, fail) => flagRow(row, labels, fail) }),
  strata: () => positives,
  counts: ({ labels }: YesNo, cases) => flagCounts(labels, cases),
  checkCounts(_, training, validation, file) {
    checkFlags(training, file);
    return unjudged(validation, file);
  },
  losses: ["bce", "focal"],
  classWeights: "sqrt",
  threshold: "youden",
  calibrated: true,
  objective({ labels }: YesNo, { loss = "bce", focal, classWeights = "sqrt" }, trained) {
    const weights = labels.map(({ id }) => positiveWeight(id, classWeights, trained));
    const shape = loss === "focal" ? focal : { gamma: 0, alpha: null };
    const targets = (truth: Labels) => labels.map(({ id }) => truth.get(id));
    return {
      terms: (truth) => labels.filter(({ id }) => truth.has(id)).length,
      of: (logits, truth) => sigmoidLoss(logits, targets(truth), shape, weights),
      finished: (tensors) => tensors,
    };
  },
  scores: (_, logits) => logits,
  columns: ({ labels }: YesNo) => aurocColumns(labels),
  chooses: ({ labels }: YesNo) => labels.map(({ id }) => id),
  scoreName: "AUROC",
  temperatures: ({ labels }: YesNo, cases) =>
    labels.map(({ id }, i) => {
      const those = known(cases, id);
      return sigmoidTemperature(
        those.map(({ logits }) => logits[i]),
        truthOf(those, id),
      );
    }),
  decisions(task: YesNo, cases, rule) {
    const probabilities = cases.map(({ logits }) => taskKind(task).probabilities(task, logits));
    return task.labels.map(({ id }, i) => {
      const those = cases.flatMap(({ labels }, c) => (labels.has(id) ? [c] : []));
      return chooseThreshold(
        those.map((c) => probabilities[c][i]),
        those.map((c) => cases[c].labels.get(id) as number),
        rule,
      );
    });
  },
  measure: (task: YesNo, cases, options) =>
    measureLabels(task, cases, { scoresOf: (logits) => logits, decided: AT_THRESHOLD }, options).map((row, i) => ({
      ...row,
      threshold: taskKind(task).outcome(task, new Float32Array(task.labels.length)).labels[i].threshold,
    })),
  whole(task: YesNo, cases, options) {
    if (task.labels.length < 2) return undefined;
    const columns = aurocColumns(task.labels);
    const scored = knownTo(columns, cases.map(({ logits, ...one }) => ({ ...one, scores: logits }))); // biome-ignore format: a line
    return { id: "all", name: "all labels", n: scored.length, figures: { meanAuroc: figureOf(columns, scored, options) } };
  },
  calibrationDoubts: ({ labels }: YesNo, temperatures) => labels.flatMap(({ id }, i) => calibrationDoubts(id, temperatures[i])),
  stated: [],
  quantileIds: ({ labels }: YesNo) => labels.map(({ id }) => id),
  nonconformity(task: YesNo, { logits, labels }) {
    const probabilities = taskKind(task).probabilities(task, logits);
    return task.labels.map(({ id }, i) => {
      const label = labels.get(id);
      return label === undefined ? undefined : 1 - (label ? probabilities[i] : 1 - probabilities[i]);
    });
  },
  held: (_, { labels }: Outcome, truth) =>
    labels.map(({ id, set = [] }) => {
      const label = truth.get(id);
      return label === undefined ? undefined : { held: set.includes(label ? "yes" : "no"), size: set.length };
    }),
  sizeUnit: () => "answers in a set",
  baseline: ({ labels }: YesNo, trained) => signedScalar(labels, trained),
  errors: (task: YesNo, logits, truth) => labelErrors(task, logits, truth),
  reportSections: (parts) => thresholdSections(parts),
  cardLabels: ({ labels }: YesNo) => ({
    title: "Labels",
    head: ["id", "name", "decision threshold"],
    rows: (labels as JudgedLabels).map(({ id, name, threshold }) => [id, name, threshold?.toFixed(3) ?? "-"]),
  }),
  predictionColumns: ({ labels }: YesNo) => [...logitColumns(labels), ...labels.map(({ id }) => `decided_${id}`)],
  predictionCells: (_, { labels }: Outcome) => [
    ...labels.map(({ logit = Number.NaN }) => logit),
    ...labels.map(({ probability }) => probability),
    ...labels.map(({ positive }) => Number(positive)),
  ],
  truthColumns: ({ labels }: YesNo) => labels.map(({ id }) => `truth_${id}`),
  truthCells: ({ labels }: YesNo, truth: Labels) => labels.map(({ id }) => truth.get(id) ?? ""),
} satisfies Omit<TaskTraining<YesNo>, "id" | "labelColumns" | "rowReader" | "example">;
