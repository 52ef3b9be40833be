// The table of task kinds. The manifest's union, the command line's choices and the documentation follow from it; a new kind is a file and a line here.

import type * as z from "zod";
import { unionOf } from "../kinds/union.js";
import { binary } from "./binary.js";
import { multiclass } from "./multiclass.js";
import { multilabel } from "./multilabel.js";
import { ordinal } from "./ordinal.js";
import { regression } from "./regression.js";
import type { TaskKind } from "./task-kind.js";

/** Every kind of task, in the order in which people are told of them. */
export const TASK_KINDS = [binary, multilabel, multiclass, ordinal, regression] as const;

/** `task` of adapter.json and task.json: one of the kinds' forms. */
export type Task = z.infer<(typeof TASK_KINDS)[number]["schema"]>;
/** `task.kind`. */
export type TaskKindId = Task["kind"];

/** The zod schema of `task`. */
export const taskSchema = unionOf(TASK_KINDS, "kind");

/** What is known of a task's kind. */
export function taskKind(task: Pick<Task, "kind">): TaskKind<Task> {
  return TASK_KINDS.find(({ id }) => id === task.kind) as unknown as TaskKind<Task>;
}
