// Binary tasks in training: one label, 0 or 1.

import type { Task } from "@anymc3d/core";
import { ANY_COLUMN } from "../data/columns.js";
import { flag } from "./flags.js";
import type { TaskTraining } from "./task-training.js";
import { yesNo } from "./yes-no.js";

export const binary = {
  ...yesNo,
  id: "binary",
  labelColumns: ({ labels: [{ id }] }) => [id],
  rowReader({ labels: [{ id }] }, columns, fail) {
    const column = columns.includes(id) ? id : columns.includes(ANY_COLUMN) ? ANY_COLUMN : fail(`no column for ${id}; found ${columns.join(", ")}`);
    return (cells, failRow) => new Map(flag(cells[column], column, failRow).map(([, value]) => [id, value]));
  },
  example: (names) => ({
    task: { kind: "binary", labels: names.map((id) => ({ id, name: id })) },
    description: `Whether a volume shows ${names.join(", ")}.`,
    columns: names,
    rows: [names.map(() => 1), names.map(() => 0)],
  }),
} satisfies TaskTraining<Extract<Task, { kind: "binary" }>>;
