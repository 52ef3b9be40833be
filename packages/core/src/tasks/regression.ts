// Regression tasks: one quantity, as a number in a unit.

import * as z from "zod";
import { intervalAbout, withinRange } from "../conformal.js";
import { line, value } from "../schema-fields.js";
import { commonFaults, conformal, identity, labelFields, labelsOf } from "./labels.js";
import type { TaskKind } from "./task-kind.js";

const schema = z
  .strictObject({
    kind: z.literal("regression"),
    labels: labelsOf(
      z.strictObject({
        ...labelFields,
        unit: line.max(40).describe("Of its values, as UCUM writes it: `mm`, `mL`, `a` (years), `1` for a pure number."),
        range: z
          .tuple([value, value])
          .refine(([low, high]) => low < high, "low must be below high")
          .optional()
          .describe("[low, high] that values plausibly have, in the unit; a result outside carries a warning, and intervals end there."),
      }),
    ).describe("The quantity: one entry."),
    conformal,
  })
  .describe("A quantity, as a number in a unit; the head gives it as it is.");

type Regression = z.infer<typeof schema>;

const SHARE = 0.01;

export const regression = {
  id: "regression",
  text: "one quantity, a number in a unit",
  schema,
  head: "linear",
  faults: (task) => [
    ...(task.labels.length === 1 ? [] : [`task: regression has one label, the quantity, found ${task.labels.length}`]),
    ...commonFaults(task, 1),
  ],
  unfinished: () => [],
  completed: (task) => ({ task, notes: [] }),
  withThresholds: (task) => task,
  outputs: () => 1,
  quantiles: () => 1,
  probabilities: () => new Float32Array(0),
  outcome({ labels: [quantity], conformal }, logits) {
    const { unit, range } = quantity;
    const value = logits[0];
    const outside = range && (value < range[0] || value > range[1]);
    return {
      labels: [],
      quantity: identity(quantity),
      value,
      unit,
      ...(conformal ? { interval: withinRange(intervalAbout(value, conformal.quantiles[0]), range), coverage: conformal.coverage } : {}),
      ...(outside
        ? {
            warnings: [
              {
                code: "VALUE_IMPLAUSIBLE",
                message: `${quantity.name} came out as ${Number(value.toPrecision(4))} ${unit}, plausible are ${range.join(" to ")} ${unit}`,
              },
            ],
          }
        : {}),
    };
  },
  heatmapLabels: ({ labels }) => labels.map(({ id }) => id),
  heatmapGradient: () => Float32Array.of(1),
  // A hundredth of what values differ by; without a training set, of the plausible range as if it were four standard deviations wide.
  tolerance: ({ labels: [{ range }] }, spread = range ? (range[1] - range[0]) / 4 : 1) => SHARE * spread,
  mostTolerance: 1e9,
} satisfies TaskKind<Regression>;
