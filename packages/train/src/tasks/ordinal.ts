// Ordinal tasks in training: proportional odds over ordered classes; agreement by quadratic weighted κ, errors on the classes' own values.

import type { Task } from "@anymc3d/core";
import { classValues, cumulativeProbabilities } from "@anymc3d/core/learn";
import { evenBoundaries, inOrder, ordinalLoss } from "../learning/ordinal-loss.js";
import { bestTemperature } from "../metrics/calibration.js";
import { agreement } from "../metrics/decisions.js";
import { quadraticKappa } from "../metrics/ordered.js";
import { figureOf, groupsOf } from "../metrics/score.js";
import { linearFit, meanAbsoluteError } from "../metrics/values.js";
import { orderedSections } from "../report/ordered-sections.js";
import { classColumn, classes, classOf, classWeights, decidedClass } from "./classes.js";
import { checkFlags } from "./flags.js";
import { calibrationDoubts } from "./label-figures.js";
import type { Judged, Labels, ScoreColumn, TaskTraining } from "./task-training.js";

type Ordinal = Extract<Task, { kind: "ordinal" }>;

const known = <C extends Pick<Judged, "labels">>(task: Ordinal, cases: readonly C[]): C[] => cases.filter(({ labels }) => classOf(task, labels) >= 0);

/** Place of the class whose value is nearest. */
function nearestClass(task: Ordinal, value: number): number {
  const away = classValues(task).map((own) => Math.abs(own - value));
  return away.indexOf(Math.min(...away));
}

/** Places of the true and of the decided classes, and the values that they stand for. @param scores the decided class's place */
function pairs(task: Ordinal, cases: readonly { readonly labels: Labels; readonly scores: ArrayLike<number> }[]) {
  const truth = cases.map(({ labels }) => classOf(task, labels));
  const found = cases.map(({ scores }) => scores[0]);
  const values = classValues(task);
  return { truth, found, values: [truth.map((at) => values[at]), found.map((at) => values[at])] as const };
}

const column = (task: Ordinal, id: string, title: string, figure: (found: ReturnType<typeof pairs>) => number | null): ScoreColumn => ({
  id,
  title,
  knows: (labels) => classOf(task, labels) >= 0,
  of: (cases) => figure(pairs(task, cases)),
});

const columns = (task: Ordinal): ScoreColumn[] => [
  column(task, "quadraticKappa", "quadratic weighted κ", ({ truth, found }) => quadraticKappa(truth, found, task.labels.length)),
  column(task, "meanAbsoluteError", "mean absolute error", ({ values }) => meanAbsoluteError(...values)),
];

const right = (task: Ordinal): ScoreColumn => column(task, "accuracy", "accuracy", ({ truth, found }) => agreement(truth, found));

export const ordinal = {
  ...classes,
  id: "ordinal",
  checkCounts({ labels }, training, validation, file) {
    checkFlags(training, file);
    const there = validation.filter(({ positives = 0 }) => positives > 0).length;
    if (there > 1) return [];
    return [
      {
        code: "ONE_CLASS",
        message: `${file}: validation has cases of ${there} of ${labels.length} classes: agreement is undefined and cannot choose the best epoch`,
      },
    ];
  },
  losses: ["proportional-odds"],
  // Weights would move the boundaries away from the classes' frequencies, and no temperature brings them back.
  classWeights: "none",
  objective(task, { classWeights: rule = "none" }, trained) {
    const weights = classWeights(task, rule, trained);
    return {
      terms: (truth) => (classOf(task, truth) < 0 ? 0 : 1),
      of(logits, truth) {
        const at = classOf(task, truth);
        if (at < 0) return { loss: 0, dLogits: new Float32Array(logits.length) };
        const { loss, dLogits } = ordinalLoss(logits, at);
        return { loss: weights[at] * loss, dLogits: dLogits.map((d) => weights[at] * d) };
      },
      finished: (tensors) => tensors,
    };
  },
  initialBias: ({ labels }) => evenBoundaries(labels.length),
  validBias: inOrder,
  scores: (task, logits) => [decidedClass(task, logits)],
  columns,
  chooses: () => ["quadraticKappa"],
  scoreName: "quadratic weighted κ",
  temperatures(task, cases) {
    const those = known(task, cases);
    const cost = (t: number) =>
      those.reduce((sum, { logits, labels }) => {
        const scaled = Array.from(logits, (value) => value / t);
        return sum + ordinalLoss(scaled, classOf(task, labels)).loss;
      }, 0);
    const temperature = those.length ? bestTemperature(cost) : 1;
    return task.labels.slice(1).map(() => temperature);
  },
  decisions: () => [],
  measure(task, cases, options) {
    const those = known(task, cases).map(({ group, labels, logits }) => ({ group, labels, scores: [decidedClass(task, logits)] }));
    const figures = [...columns(task), right(task)].map((own) => [own.id, figureOf([own], those, options)] as const);
    return [
      { id: classColumn(task), name: classColumn(task), n: those.length, groups: { all: new Set(groupsOf(those)).size }, figures: Object.fromEntries(figures) },
    ];
  },
  whole: () => undefined,
  calibrationDoubts: (task, [temperature]) => calibrationDoubts(classColumn(task), temperature),
  stated: ["quadraticKappa", "meanAbsoluteError"],
  baseline(task, trained) {
    const those = known(task, trained);
    const values = classValues(task);
    const { slope, intercept } = linearFit(
      those.map(({ scalar }) => scalar),
      those.map(({ labels }) => values[classOf(task, labels)]),
    );
    return (scalar) => [nearestClass(task, intercept + slope * scalar)];
  },
  constant(task, trained) {
    const places = known(task, trained)
      .map(({ labels }) => classOf(task, labels))
      .sort((a, b) => a - b);
    return { name: "median of training", scores: [places[Math.floor((places.length - 1) / 2)]] };
  },
  errors(task, logits, truth) {
    const at = classOf(task, truth);
    if (at < 0) return [];
    const values = classValues(task);
    const probabilities = cumulativeProbabilities(logits);
    const expected = values.reduce((sum, value, i) => sum + value * probabilities[i], 0);
    const said = `class ${task.labels[at].id}, decided ${task.labels[decidedClass(task, logits)].id}, expected value ${expected.toFixed(2)}`;
    return [{ label: classColumn(task), error: Math.abs(values[at] - expected), said }];
  },
  reportSections: (parts) => orderedSections(parts),
  cardLabels: (task) => ({
    title: "Classes, in their order",
    head: ["id", "name", "value"],
    rows: task.labels.map(({ id, name }, i) => [id, name, String(classValues(task)[i])]),
  }),
  predictionColumns: ({ labels }) => ["decided", "value", ...labels.map(({ id }) => `probability_${id}`), "set"],
  predictionCells: (_, { labels, value = Number.NaN, set = [] }) => [
    labels.find(({ positive }) => positive)?.id ?? "",
    value,
    ...labels.map(({ probability }) => probability),
    set.join(" "),
  ],
  example: (names) => ({
    task: { kind: "ordinal", labels: names.map((id) => ({ id, name: id })) },
    description: `Which of ${names.join(", ")}, from the lowest to the highest, a volume shows.`,
    columns: ["label"],
    rows: [[names[0]], [names[1] ?? names[0]]],
  }),
} satisfies TaskTraining<Ordinal>;
