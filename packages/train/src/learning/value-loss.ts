// Losses of a value, in standard deviations of the training set, and the normalisation that brings values there and back.

import type { Tensor, Tensors } from "@anymc3d/core";

/** Half the squared error; `huber`: beyond an error of 1 its absolute value less a half (Huber 1964), so that a far value does not outweigh all others. */
export function valueLoss(found: number, truth: number, kind: "huber" | "squared"): { loss: number; slope: number } {
  const error = found - truth;
  if (kind === "squared" || Math.abs(error) <= 1) return { loss: error ** 2 / 2, slope: error };
  return { loss: Math.abs(error) - 0.5, slope: Math.sign(error) };
}

/** Mean and population standard deviation of a training set's values. */
export interface Normalisation {
  readonly mean: number;
  readonly sd: number;
}

export function normalisationOf(values: readonly number[]): Normalisation {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, sd: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}

/** A head that gives normalised values → one that gives the values themselves. */
export function inUnits(tensors: Tensors, { mean, sd }: Normalisation): Map<string, Tensor> {
  const scaled = new Map(tensors);
  for (const [name, offset] of [
    ["head.weight", 0],
    ["head.bias", mean],
  ] as const) {
    const { shape, data } = tensors.get(name) as Tensor;
    scaled.set(name, { shape, data: data.map((value) => offset + sd * value) });
  }
  return scaled;
}
