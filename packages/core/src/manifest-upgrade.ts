// adapter.json of earlier versions, in today's form.

import { TASK_KINDS } from "./tasks/index.js";

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** Version 1 let labels have a threshold that decides nothing, where one class of several is right. @returns `task` without it */
export function withoutIdleThresholds(task: unknown): unknown {
  const kind = isObject(task) && TASK_KINDS.find(({ id }) => id === task.kind);
  if (!isObject(task) || !kind || !Array.isArray(task.labels) || "threshold" in kind.schema.shape.labels.element.shape) return task;
  return { ...task, labels: task.labels.map((label) => (isObject(label) ? without(label, "threshold") : label)) };
}

function without(object: Json, key: string): Json {
  const { [key]: _, ...rest } = object;
  return rest;
}
