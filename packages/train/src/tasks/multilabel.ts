// Multilabel tasks in training: a column of 0 and 1 a label.

import type { Task } from "@anymc3d/core";
import { flag } from "./flags.js";
import type { TaskTraining } from "./task-training.js";
import { yesNo } from "./yes-no.js";

export const multilabel = {
  ...yesNo,
  id: "multilabel",
  labelColumns: ({ labels }) => labels.map(({ id }) => id),
  rowReader({ labels }, columns, fail) {
    const missing = labels.filter(({ id }) => !columns.includes(id));
    if (missing.length) fail(`no column for ${missing.map(({ id }) => id).join(", ")}; found ${columns.join(", ")}`);
    return (cells, failRow) => new Map(labels.flatMap(({ id }) => flag(cells[id], id, failRow)));
  },
  example: (names) => ({
    task: { kind: "multilabel", labels: names.map((id) => ({ id, name: id })) },
    description: `Whether a volume shows ${names.join(", ")}.`,
    columns: names,
    rows: [names.map(() => 1), names.map(() => 0)],
  }),
} satisfies TaskTraining<Extract<Task, { kind: "multilabel" }>>;
