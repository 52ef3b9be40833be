// What the labels of all kinds of task have in common, and what a manifest holds of conformal calibration.

import * as z from "zod";
import { line, paragraphs, value } from "../schema-fields.js";

/** Fields of a label in a manifest. */
export const labelFields = {
  id: z
    .string()
    .max(200)
    .regex(/^[a-z0-9][a-z0-9_-]*$/)
    .refine((id) => !(id in {}), "a name that every object has")
    .describe("Lower-case letters, digits, - and _; what programs and columns of labels.csv call it."),
  name: line.describe("What people read."),
  description: paragraphs.optional().describe("What it means, where the name does not say it."),
  snomed: z
    .string()
    .regex(/^\d{6,18}$/)
    .optional()
    .describe("SNOMED CT concept id."),
};

/** `task.column` of classes. */
export const column = line
  .optional()
  .describe("Column of labels.csv that holds the class, by id, name or value; default: `label`. For training and evaluation.");

/** A label as far as all kinds agree; `threshold` only where the kind has it. */
export type TaskLabel = z.infer<z.ZodObject<typeof labelFields>> & { readonly threshold?: number };

/** Labels with fields of the kind's own. */
export const labelsOf = <T extends z.ZodObject>(label: T) => z.array(label).min(1).max(10_000);

/** Who a label is, in a result. */
export const identity = ({ id, name, snomed }: TaskLabel) => ({ id, name, ...(snomed ? { snomed } : {}) });

/** `task.conformal` of a manifest. */
export const conformal = z
  .strictObject({
    coverage: z.number().gt(0).lt(1).describe("Share of cases whose truth sets and intervals are to hold, 0.9 for example."),
    quantiles: z
      .array(value.min(0))
      .min(1)
      .describe(
        "Of the calibration cases' scores. Quantities: of the absolute errors, in the unit. Classes: of 1 - probability of the true answer; binary and multilabel tasks have one a label, others one.",
      ),
    n: z.array(z.int().min(1)).min(1).describe("Calibration cases of each quantile."),
  })
  .optional()
  .describe("Split conformal calibration, by which results get prediction sets and intervals; training fills it in. Absent: results have none.");

export type Conformal = z.infer<typeof conformal>;

/** What speaks against a task's calibration and its labels' ids. @param quantiles how many there must be */
export function commonFaults({ labels, conformal }: { labels: readonly TaskLabel[]; conformal?: Conformal }, quantiles: number): string[] {
  const faults: string[] = [];
  if (new Set(labels.map(({ id }) => id)).size !== labels.length) faults.push("task.labels: two labels share an id");
  for (const list of ["quantiles", "n"] as const)
    if (conformal && conformal[list].length !== quantiles) faults.push(`task.conformal.${list} has ${conformal[list].length} values, expected ${quantiles}`);
  return faults;
}
