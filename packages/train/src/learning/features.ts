// Frozen features: where neither LoRA nor augmentation changes them, a case's embeddings are computed once and kept.

import type { TrainableEngine } from "@anymc3d/core";
import type { TrainConfig } from "../config.js";
import type { TrainCase } from "../data/cases.js";
import { evaluationSample } from "./samples.js";

/** CLS embeddings of all slices of a case, [slices, D] a view; computed at the first call, held from then on (1.5 kB a slice at D = 384). */
export type FrozenFeatures = (each: TrainCase, signal?: AbortSignal) => Promise<readonly Float32Array[]>;

/** Whether every epoch would compute the same embeddings. */
export function isFrozen({ modules, training }: TrainConfig): boolean {
  return modules.lora === null && training.augment === false;
}

/** Features by the bare backbone and the configuration's views; share it among runs that differ in neither. */
export function frozenFeatures(config: TrainConfig, engine: TrainableEngine): FrozenFeatures {
  const held = new Map<string, readonly Float32Array[]>();
  return async (each, signal) => {
    const known = held.get(each.id);
    if (known) return known;
    const cls: Float32Array[] = [];
    for (const { slices } of await evaluationSample(each, config, engine.backbone.spec, signal)) {
      cls.push((await engine.encode(slices, undefined, {}, signal)).cls);
    }
    held.set(each.id, cls);
    return cls;
  };
}
