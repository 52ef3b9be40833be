// Multiclass tasks in training: softmax over classes without an order.

import { type Task, taskKind } from "@anymc3d/core";
import { softmaxLoss } from "../learning/losses.js";
import { softmaxTemperature } from "../metrics/calibration.js";
import { topOneAccuracy } from "../metrics/metrics.js";
import { classSections } from "../report/label-sections.js";
import { classes, classOf, classWeights } from "./classes.js";
import { checkFlags, unjudged } from "./flags.js";
import { aurocColumns, labelDoubts, labelErrors, logitColumns, meanAuroc, meanAurocLine, measureLabels, signedScalar } from "./label-figures.js";
import type { TaskTraining } from "./task-training.js";

type Multiclass = Extract<Task, { kind: "multiclass" }>;

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
  scores: (task, logits) => taskKind(task).probabilities(task, logits),
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
  measure: (task, cases, options) => measureLabels(task, cases, options),
  doubts: (_, measured, temperatures) => labelDoubts(measured, temperatures),
  summary(task, cases, measured) {
    const known = cases.filter(({ labels }) => classOf(task, labels) >= 0);
    const mean = meanAuroc(measured);
    const top = topOneAccuracy(
      known.map(({ labels }) => classOf(task, labels)),
      known.map(({ logits }) => Array.from(taskKind(task).probabilities(task, logits))),
    );
    return {
      json: { meanAuroc: mean, topOneAccuracy: top },
      lines: [meanAurocLine(mean), `most probable class right ${top === null ? "undefined" : top.toFixed(3)}`],
    };
  },
  stated: [],
  nonconformity(task, { logits, labels }) {
    const at = classOf(task, labels);
    return [at < 0 ? undefined : 1 - taskKind(task).probabilities(task, logits)[at]];
  },
  baseline: ({ labels }, trained) => signedScalar(labels, trained),
  errors: (task, logits, truth) => labelErrors(task, logits, truth),
  reportSections: (parts) => classSections(parts),
  cardLabels: ({ labels }) => ({
    title: "Classes",
    head: ["id", "name"],
    rows: labels.map(({ id, name }) => [id, name]),
  }),
  predictionColumns: ({ labels }) => logitColumns(labels),
  predictionCells: (_, { labels }) => [...labels.map(({ logit = Number.NaN }) => logit), ...labels.map(({ probability }) => probability)],
  example: (names) => ({
    task: { kind: "multiclass", labels: names.map((id) => ({ id, name: id })) },
    description: `Which of ${names.join(", ")} a volume shows.`,
    columns: ["label"],
    rows: [[names[0]], [names[1] ?? names[0]]],
  }),
} satisfies TaskTraining<Multiclass>;
