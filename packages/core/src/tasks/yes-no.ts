// What binary and multilabel tasks share: each label is there or not, by a sigmoid and a threshold of its own.

import * as z from "zod";
import { yesNoSet } from "../conformal.js";
import { sigmoid } from "../pool.js";
import { type Conformal, conformal, identity, labelFields, labelsOf } from "./labels.js";
import type { Outcome, TaskKind } from "./task-kind.js";

const label = z.strictObject({
  ...labelFields,
  threshold: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("Decision threshold on the probability; `positive` is probability ≥ threshold. adapter.json must have it; training finds it."),
});

export interface YesNoTask {
  readonly labels: readonly z.infer<typeof label>[];
  readonly conformal?: Conformal;
}

/** Fields of `task` beside its kind. */
export const yesNoFields = { labels: labelsOf(label).describe("In the order of the head's rows."), conformal };

const THRESHOLD = 0.5;

/** All of a kind but its name, its schema and how many labels it may have. */
export const yesNo = {
  head: "linear",
  unfinished: ({ labels }: YesNoTask) => (labels.some(({ threshold }) => threshold === undefined) ? ["task.labels: every label needs a threshold"] : []),
  completed<T extends YesNoTask>(task: T) {
    const open = task.labels.some(({ threshold }) => threshold === undefined);
    const labels = task.labels.map((each) => ({ ...each, threshold: each.threshold ?? THRESHOLD }));
    return { task: { ...task, labels }, notes: open ? [`labels without a threshold got ${THRESHOLD}; choose one on validation data`] : [] };
  },
  withThresholds<T extends YesNoTask>(task: T, thresholds: readonly number[]) {
    return { ...task, labels: task.labels.map((each, i) => ({ ...each, threshold: thresholds[i] })) };
  },
  outputs: ({ labels }: YesNoTask) => labels.length,
  quantiles: ({ labels }: YesNoTask) => labels.length,
  probabilities: (_: YesNoTask, logits: ArrayLike<number>) => Float32Array.from(logits, sigmoid),
  outcome({ labels, conformal }: YesNoTask, logits: ArrayLike<number>): Outcome {
    const results = labels.map((each, i) => {
      const probability = sigmoid(logits[i]);
      const threshold = each.threshold ?? THRESHOLD;
      const set = conformal ? { set: yesNoSet(probability, conformal.quantiles[i]) } : {};
      return { ...identity(each), probability, logit: logits[i], threshold, positive: probability >= threshold, ...set };
    });
    return { labels: results, ...(conformal ? { coverage: conformal.coverage } : {}) };
  },
  heatmapLabels: ({ labels }: YesNoTask) => labels.map(({ id }) => id),
  heatmapGradient: ({ labels }: YesNoTask, logits: ArrayLike<number>, label?: string) => oneLogit(labels, logits, label),
  tolerance: () => 0.01,
  mostTolerance: 1,
} satisfies Omit<TaskKind<YesNoTask & { kind: string }>, "id" | "text" | "schema" | "faults">;

/** 1 at the label's logit, 0 elsewhere. @param label its id; absent: that of the largest logit */
export function oneLogit(labels: readonly { readonly id: string }[], logits: ArrayLike<number>, label?: string): Float32Array {
  const values = Array.from(logits);
  const chosen = label === undefined ? values.indexOf(Math.max(...values)) : labels.findIndex(({ id }) => id === label);
  return Float32Array.from(values, (_, i) => (i === chosen ? 1 : 0));
}
