// Multilabel tasks: several labels, each yes or no by itself.

import * as z from "zod";
import { commonFaults } from "./labels.js";
import type { TaskKind } from "./task-kind.js";
import { yesNo, yesNoFields } from "./yes-no.js";

const schema = z.strictObject({ kind: z.literal("multilabel"), ...yesNoFields }).describe("Several labels, each yes or no (a sigmoid and a threshold each).");

export const multilabel = {
  ...yesNo,
  id: "multilabel",
  text: "several labels, each yes or no",
  schema,
  faults: (task) => commonFaults(task, task.labels.length),
} satisfies TaskKind<z.infer<typeof schema>>;
