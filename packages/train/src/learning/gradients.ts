// Gradients of an adapter's tensors, by name, summed over the studies of a step.

import type { Tensor, Tensors } from "@anymc3d/core";
import type { StudyGradient, StudyModules } from "@anymc3d/core/learn";

export type Gradients = ReadonlyMap<string, Float32Array>;

/** Adds values to a gradient; one that is not trained is passed over. */
export function add(gradients: Gradients, name: string, values: Float32Array): void {
  const sum = gradients.get(name);
  if (sum) for (let i = 0; i < sum.length; i++) sum[i] += values[i];
}

/** Queries and head out of the adapter's tensors. */
export function studyModules(tensors: Tensors, views: number): StudyModules {
  const data = (name: string) => tensors.get(name)?.data;
  return {
    views: Array.from({ length: views }, (_, v) => ({ query: data(`views.${v}.pool.query`) })),
    fusion: data("fusion.query"),
    head: { weight: tensors.get("head.weight") as Tensor, bias: tensors.get("head.bias") as Tensor },
  };
}

/** Adds the gradients of queries and head. */
export function addStudy(gradients: Gradients, { queries, fusion, head }: StudyGradient): void {
  queries.forEach((query, v) => {
    if (query) add(gradients, `views.${v}.pool.query`, query);
  });
  if (fusion) add(gradients, "fusion.query", fusion);
  add(gradients, "head.weight", head.weight);
  add(gradients, "head.bias", head.bias);
}
