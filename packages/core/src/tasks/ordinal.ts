// Ordinal tasks: exactly one of several classes that have an order, such as a rating from 1 to 5.

import * as z from "zod";
import { contiguousSet } from "../conformal.js";
import { sigmoid } from "../pool.js";
import { value as number } from "../schema-fields.js";
import { column, commonFaults, conformal, identity, labelFields, labelsOf } from "./labels.js";
import type { TaskKind } from "./task-kind.js";

const schema = z
  .strictObject({
    kind: z.literal("ordinal"),
    labels: labelsOf(
      z.strictObject({
        ...labelFields,
        value: number
          .optional()
          .describe("The class as a number, above that of the class before; what `value` of a result is made of. Of all classes or of none: then 0, 1, 2, …"),
      }),
    ).describe("The classes, from the lowest to the highest."),
    column,
    conformal,
  })
  .describe(
    "Exactly one of several ordered classes (proportional odds: one score, and a boundary between each class and the next; the median class is decided for, and `value` is the expected class).",
  );

type Ordinal = z.infer<typeof schema>;

/** The classes' numbers: those declared, or their places from 0. */
export const classValues = ({ labels }: Pick<Ordinal, "labels">): number[] => labels.map(({ value }, i) => value ?? i);

/**
 * Proportional odds (McCullagh 1980): logit k is that of P(class > k), so a class's probability is the difference of two sigmoids,
 * σ(a) - σ(b) = σ(a)·σ(-b)·(1 - e^(b-a)), which does not cancel out in the tails.
 * @param logits [classes - 1], not increasing
 */
export function cumulativeProbabilities(logits: ArrayLike<number>): Float32Array {
  const last = logits.length;
  return Float32Array.from({ length: last + 1 }, (_, k) => {
    if (k === 0) return sigmoid(-logits[0]);
    if (k === last) return sigmoid(logits[last - 1]);
    return Math.max(0, sigmoid(logits[k - 1]) * sigmoid(-logits[k]) * -Math.expm1(logits[k] - logits[k - 1]));
  });
}

/** The median class, which makes the expected absolute error smallest: how many k have P(class > k) ≥ 0.5. */
export const medianClass = (logits: ArrayLike<number>): number => Array.from(logits).filter((logit) => logit >= 0).length;

export const ordinal = {
  id: "ordinal",
  text: "exactly one of several ordered classes",
  schema,
  head: "cumulative",
  faults(task) {
    const faults = commonFaults(task, 1);
    const values = task.labels.flatMap(({ value }) => value ?? []);
    if (task.labels.length < 2) faults.push("task: ordinal needs at least two labels");
    if (values.length > 0 && values.length < task.labels.length) faults.push("task.labels: either every class has a value or none");
    if (values.some((value, i) => i > 0 && value <= values[i - 1])) faults.push("task.labels: the classes' values must rise");
    return faults;
  },
  unfinished: () => [],
  completed: (task) => ({ task, notes: [] }),
  withThresholds: (task) => task,
  outputs: ({ labels }) => labels.length - 1,
  quantiles: () => 1,
  probabilities: (_, logits) => cumulativeProbabilities(logits),
  outcome(task, logits) {
    const { labels, conformal } = task;
    const probabilities = cumulativeProbabilities(logits);
    const decided = medianClass(logits);
    return {
      labels: labels.map((each, i) => ({ ...identity(each), probability: probabilities[i], positive: i === decided })),
      value: classValues(task).reduce((sum, value, i) => sum + value * probabilities[i], 0),
      ...(conformal ? { set: contiguousSet(probabilities, conformal.quantiles[0], decided).map((i) => labels[i].id), coverage: conformal.coverage } : {}),
    };
  },
  // What speaks for a higher class: every logit is the score plus a constant, so the first one's gradient is the score's.
  heatmapLabels: () => [],
  heatmapGradient: (_, logits) => Float32Array.from(logits, (_logit, i) => (i === 0 ? 1 : 0)),
  tolerance: () => 0.01,
  mostTolerance: 1,
} satisfies TaskKind<Ordinal>;
