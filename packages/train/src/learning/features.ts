// Frozen features: where no LoRA changes them, a case's embeddings are computed once, of all slices and without augmentation, and kept.

import type { Engine } from "@anymc3d/core";
import { encode } from "@anymc3d/core/engine";
import type { TrainConfig } from "../config.js";
import type { TrainCase } from "../data/cases.js";
import { evaluationSample } from "./samples.js";

/** CLS embeddings of all slices of a case, [slices, D] a view; computed at the first call, held from then on (1.5 kB a slice at D = 384). */
export type FrozenFeatures = (trainCase: TrainCase, signal?: AbortSignal) => Promise<readonly Float32Array[]>;

/** Whether the backbone's embeddings are learned on as they are: augmentation is for what LoRA learns. */
export const isFrozen = ({ modules }: TrainConfig): boolean => modules.lora === null;

/** Features by the bare backbone and the configuration's views; share it among runs that differ in neither. */
export function frozenFeatures(config: TrainConfig, engine: Engine): FrozenFeatures {
  const held = new Map<string, readonly Float32Array[]>();
  return async (trainCase, signal) => {
    const known = held.get(trainCase.id);
    if (known) return known;
    const cls: Float32Array[] = [];
    for (const { slices } of await evaluationSample(trainCase, config, engine.backbone.spec, signal)) {
      cls.push((await encode(engine, slices, undefined, {}, signal)).cls);
    }
    held.set(trainCase.id, cls);
    return cls;
  };
}
