// Multiclass tasks in training: softmax over classes without an order.

import type { Task } from "@anymc3d/core";
import { softmaxLoss } from "../learning/losses.js";
import { softmaxTemperature } from "../metrics/calibration.js";
import { agreement, macroF1 } from "../metrics/decisions.js";
import { estimate } from "../metrics/metrics.js";
import { figureOf, groupsOf } from "../metrics/score.js";
import { classSections } from "../report/label-sections.js";
import { classColumn, classes, classOf, classWeights, decidedPairs } from "./classes.js";
import { checkFlags, unjudged } from "./flags.js";
import { aurocColumns, calibrationDoubts, labelErrors, logitColumns, measureLabels, OF_CLASS, signedScalar } from "./label-figures.js";
import type { TaskTraining } from "./task-training.js";

type Multiclass = Extract<Task, { kind: "multiclass" }>;

/**
 * Log-odds of each class, in double precision: the order of the probabilities, without the ties of those that are so near to 1 that single precision
 * has no other number for them.
 */
function logOdds(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  return values.map((own, i) => {
    const others = values.filter((_, j) => j !== i);
    const top = Math.max(...others);
    return own - top - Math.log(others.reduce((sum, value) => sum + Math.exp(value - top), 0));
  });
}

export const multiclass = {
  ...classes,
  id: "multiclass",
  checkCounts(_, training, validation, file) {
    checkFlags(training, file);
    return unjudged(validation, file);
  },
  losses: ["cross-entropy", "focal"],
  classWeights: "sqrt",
  objective(task, { loss = "cross-entropy", focal, classWeights: rule = "sqrt" }, trained) {
    const weights = classWeights(task, rule, trained);
    const shape = loss === "focal" ? focal : { gamma: 0, alpha: null };
    return {
      terms: () => 1,
      of: (logits, truth) => softmaxLoss(logits, classOf(task, truth), shape, weights),
      finished: (tensors) => tensors,
    };
  },
  reordered: true,
  scores: (_, logits) => logOdds(logits),
  columns: ({ labels }) => aurocColumns(labels),
  chooses: ({ labels }) => labels.map(({ id }) => id),
  scoreName: "AUROC",
  temperatures(task, cases) {
    const known = cases.filter(({ labels }) => classOf(task, labels) >= 0);
    const temperature = softmaxTemperature(
      known.map(({ logits }) => Float32Array.from(logits)),
      known.map(({ labels }) => classOf(task, labels)),
    );
    return task.labels.map(() => temperature);
  },
  decisions: () => [],
  measure: (task, cases, options) => measureLabels(task, cases, { scoresOf: logOdds, decided: OF_CLASS }, options),
  whole(task, cases, options) {
    const known = cases.filter(({ labels }) => classOf(task, labels) >= 0);
    const { truth, found } = decidedPairs(task, known);
    const decided = (of: (truth: number[], found: number[]) => number | null) =>
      estimate(groupsOf(known), (indices) => of(indices.map((i) => truth[i]), indices.map((i) => found[i])), options); // biome-ignore format: a line
    const scored = known.map(({ logits, ...one }) => ({ ...one, scores: logOdds(logits) }));
    const figures = { topOneAccuracy: decided(agreement), macroF1: decided(macroF1), meanAuroc: figureOf(aurocColumns(task.labels), scored, options) };
    return { id: classColumn(task), name: "all classes", n: known.length, figures };
  },
  calibrationDoubts: (task, [temperature]) => calibrationDoubts(classColumn(task), temperature),
  stated: [],
  baseline: ({ labels }, trained) => signedScalar(labels, trained),
  errors: (task, logits, truth) => labelErrors(task, logits, truth),
  reportSections: (parts) => classSections(parts),
  cardLabels: ({ labels }) => ({
    title: "Classes",
    head: ["id", "name"],
    rows: labels.map(({ id, name }) => [id, name]),
  }),
  predictionColumns: ({ labels }) => [...logitColumns(labels), "decided"],
  predictionCells: (_, { labels }) => [
    ...labels.map(({ logit = Number.NaN }) => logit),
    ...labels.map(({ probability }) => probability),
    labels.find(({ positive }) => positive)?.id ?? "",
  ],
  example: (names) => ({
    task: { kind: "multiclass", labels: names.map((id) => ({ id, name: id })) },
    description: `Which of ${names.join(", ")} a volume shows.`,
    columns: ["label"],
    rows: [[names[0]], [names[1] ?? names[0]]],
  }),
} satisfies TaskTraining<Multiclass>;
