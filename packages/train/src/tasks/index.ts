// The table of task kinds in training: a new kind is a file and a line here (and one in core's table).

import type { Task } from "@anymc3d/core";
import { binary } from "./binary.js";
import { multiclass } from "./multiclass.js";
import { multilabel } from "./multilabel.js";
import { ordinal } from "./ordinal.js";
import { regression } from "./regression.js";
import type { TaskTraining } from "./task-training.js";

/** Every kind of task that can be trained and evaluated. */
export const TASK_TRAININGS = [binary, multilabel, multiclass, ordinal, regression] as unknown as readonly TaskTraining[];

/** What training knows of a task's kind. */
export const taskTraining = ({ kind }: Pick<Task, "kind">): TaskTraining => TASK_TRAININGS.find(({ id }) => id === kind) as TaskTraining;
