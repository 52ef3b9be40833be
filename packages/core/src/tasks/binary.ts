// Binary tasks: one label, yes or no.

import * as z from "zod";
import { commonFaults } from "./labels.js";
import type { TaskKind } from "./task-kind.js";
import { yesNo, yesNoFields } from "./yes-no.js";

const text = "one label, yes or no";
const schema = z.strictObject({ kind: z.literal("binary"), ...yesNoFields }).describe(`${text[0].toUpperCase()}${text.slice(1)} (sigmoid, threshold).`);

export const binary = {
  ...yesNo,
  id: "binary",
  text,
  schema,
  faults: (task) => [
    ...(task.labels.length === 1 ? [] : [`task: binary has one label, found ${task.labels.length}`]),
    ...commonFaults(task, task.labels.length),
  ],
} satisfies TaskKind<z.infer<typeof schema>>;
