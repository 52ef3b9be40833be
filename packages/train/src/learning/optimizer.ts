// AdamW with two parameter groups, gradient clipping, and the learning rate's course: linear warm-up, then half a cosine.

import type { Tensors } from "@anymc3d/core";
import type { TrainingOptions } from "../config.js";

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** First and second moments by tensor name, and the steps taken. */
export interface Moments {
  step: number;
  readonly first: Map<string, Float32Array>;
  readonly second: Map<string, Float32Array>;
}

/** The optimiser's state before its first step. */
export function zeroMoments(tensors: Tensors): Moments {
  const zeros = () => new Map([...tensors].map(([name, { data }]) => [name, new Float32Array(data.length)]));
  return { step: 0, first: zeros(), second: zeros() };
}

const isLora = (name: string) => name.includes(".lora.");

/** Factor of the learning rate at a step, from 0: rises over `warmup` of the steps, then falls along half a cosine to 0. */
export function schedule(step: number, steps: number, warmup: number): number {
  const rising = Math.round(warmup * steps);
  if (step < rising) return (step + 1) / rising;
  return 0.5 * (1 + Math.cos((Math.PI * (step - rising)) / Math.max(1, steps - rising)));
}

/** Scales gradients down to a norm; returns the norm they had. */
export function clip(gradients: ReadonlyMap<string, Float32Array>, most: number | null): number {
  let squares = 0;
  for (const values of gradients.values()) for (const value of values) squares += value * value;
  const norm = Math.sqrt(squares);
  if (most !== null && norm > most) for (const values of gradients.values()) for (let i = 0; i < values.length; i++) values[i] *= most / norm;
  return norm;
}

/**
 * One step of AdamW (Loshchilov & Hutter 2019), decoupled weight decay, β .9 and .999, ε 1e-8, as torch.optim.AdamW.
 * @returns new tensors; the old ones stay as they are
 */
export function adamW(
  tensors: Tensors,
  gradients: ReadonlyMap<string, Float32Array>,
  moments: Moments,
  { learningRate, weightDecay }: Pick<TrainingOptions, "learningRate" | "weightDecay">,
  factor: number,
): Map<string, { shape: readonly number[]; data: Float32Array }> {
  moments.step++;
  const [correct1, correct2] = [1 - BETA1 ** moments.step, 1 - BETA2 ** moments.step];
  const next = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [name, { shape, data }] of tensors) {
    const group = isLora(name) ? "lora" : "head";
    const rate = factor * learningRate[group];
    const [g, m, v] = [gradients.get(name) as Float32Array, moments.first.get(name) as Float32Array, moments.second.get(name) as Float32Array];
    const moved = new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) {
      m[i] = BETA1 * m[i] + (1 - BETA1) * g[i];
      v[i] = BETA2 * v[i] + (1 - BETA2) * g[i] * g[i];
      moved[i] = data[i] * (1 - rate * weightDecay[group]) - (rate * (m[i] / correct1)) / (Math.sqrt(v[i] / correct2) + EPSILON);
    }
    next.set(name, { shape, data: moved });
  }
  return next;
}
