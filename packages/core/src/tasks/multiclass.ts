// Multiclass tasks: exactly one of several classes, without an order among them.

import * as z from "zod";
import { classSet } from "../conformal.js";
import { softmax } from "../pool.js";
import { column, commonFaults, conformal, identity, labelFields, labelsOf } from "./labels.js";
import type { TaskKind } from "./task-kind.js";
import { oneLogit } from "./yes-no.js";

const schema = z
  .strictObject({
    kind: z.literal("multiclass"),
    labels: labelsOf(z.strictObject(labelFields)).describe("The classes, in the order of the head's rows."),
    column,
    conformal,
  })
  .describe("Exactly one of several classes (softmax; the most probable one is decided for).");

type Multiclass = z.infer<typeof schema>;

export const multiclass = {
  id: "multiclass",
  text: "exactly one of several classes",
  schema,
  head: "linear",
  faults: (task) => [...(task.labels.length < 2 ? ["task: multiclass needs at least two labels"] : []), ...commonFaults(task, 1)],
  unfinished: () => [],
  completed: (task) => ({ task, notes: [] }),
  withThresholds: (task) => task,
  outputs: ({ labels }) => labels.length,
  quantiles: () => 1,
  probabilities: (_, logits) => softmax(logits),
  outcome({ labels, conformal }, logits) {
    const probabilities = softmax(logits);
    const values = Array.from(logits);
    const top = values.indexOf(Math.max(...values));
    return {
      labels: labels.map((each, i) => ({ ...identity(each), probability: probabilities[i], logit: logits[i], positive: i === top })),
      ...(conformal ? { set: classSet(probabilities, conformal.quantiles[0]).map((i) => labels[i].id), coverage: conformal.coverage } : {}),
    };
  },
  heatmapLabels: ({ labels }) => labels.map(({ id }) => id),
  heatmapGradient: ({ labels }, logits, label) => oneLogit(labels, logits, label),
  tolerance: () => 0.01,
  mostTolerance: 1,
} satisfies TaskKind<Multiclass>;
