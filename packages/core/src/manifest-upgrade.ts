// adapter.json of version 1 in the form of version 2.

import { TASK_KINDS } from "./tasks/index.js";

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** A manifest of version 1 in the fields of version 2, its version left as it is; what is not one is returned as it came. */
export function fromVersion1(json: unknown): unknown {
  return isObject(json) ? { ...json, task: withoutIdleThresholds(json.task) } : json;
}

/**
 * adapter.json of version 1 as version 2, for the file.
 * @param json checked by `parseAdapterManifest`
 * @param weightsHash of the tensors beside it, see `weightsHash`
 */
export function upgradeManifest(json: Json, weightsHash: string): Json {
  const { schemaVersion: _, task, backbone, ...rest } = json;
  const { name, version, title, description, ...others } = rest;
  const upgraded = {
    schemaVersion: 2,
    name,
    version,
    title,
    description,
    task: withoutIdleThresholds(task),
    weights: { hash: weightsHash },
    backbone,
    ...others,
  };
  return "$schema" in json ? { $schema: json.$schema, ...upgraded } : upgraded;
}

/** Version 1 let labels have a threshold that decides nothing, where one class of several is right. @returns `task` without it */
function withoutIdleThresholds(task: unknown): unknown {
  const kind = isObject(task) && TASK_KINDS.find(({ id }) => id === task.kind);
  if (!isObject(task) || !kind || !Array.isArray(task.labels) || "threshold" in kind.schema.shape.labels.element.shape) return task;
  return { ...task, labels: task.labels.map((label) => (isObject(label) ? without(label, "threshold") : label)) };
}

function without(object: Json, key: string): Json {
  const { [key]: _, ...rest } = object;
  return rest;
}
