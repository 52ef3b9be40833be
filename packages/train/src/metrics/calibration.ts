// Temperatures that make probabilities match frequencies, and thresholds that turn them into decisions; both from validation cases.

import type { Tensor, Tensors } from "@anymc3d/core";
import { softmax } from "@anymc3d/core/learn";
import type { TrainingOptions } from "../config.js";
import { softplus } from "../learning/losses.js";

const SMALLEST = 0.05;
const LARGEST = 20;

/** Whether a temperature is where the search ends, so that the best one lies beyond: the probabilities are not calibrated. */
export const atBound = (temperature: number): boolean => temperature < 1.001 * SMALLEST || temperature > 0.999 * LARGEST;

/** Minimum of a unimodal function of log T by golden section, T in [.05, 20]. */
export function bestTemperature(cost: (temperature: number) => number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [Math.log(SMALLEST), Math.log(LARGEST)];
  for (let i = 0; i < 60; i++) {
    const [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
    if (cost(Math.exp(a)) < cost(Math.exp(b))) high = b;
    else low = a;
  }
  return Math.exp((low + high) / 2);
}

/**
 * Temperature scaling (Guo et al. 2017): the T that minimises the binary cross-entropy of sigmoid(logit/T). It cannot turn an answer around.
 * @returns T in [.05, 20]; 1 where only one class is present
 */
export function sigmoidTemperature(logits: readonly number[], labels: readonly number[]): number {
  if (!labels.includes(0) || !labels.includes(1)) return 1;
  return bestTemperature((t) => logits.reduce((sum, logit, i) => sum + softplus(logit / t) - (labels[i] * logit) / t, 0));
}

/** The same for softmax over classes: one T that minimises the negative log-likelihood. @param classes index of each case's true class */
export function softmaxTemperature(logits: readonly Float32Array[], classes: readonly number[]): number {
  if (logits.length === 0) return 1;
  return bestTemperature((t) => logits.reduce((sum, row, i) => sum - Math.log(Math.max(1e-12, softmax(row.map((value) => value / t))[classes[i]])), 0));
}

/** Divides the head's rows by the temperatures, one an output, so that its logits come out scaled; a row that all outputs share by the first. */
export function foldTemperatures(tensors: Tensors, temperatures: readonly number[]): Map<string, Tensor> {
  const scaled = new Map(tensors);
  for (const name of ["head.weight", "head.bias"]) {
    const { shape, data } = tensors.get(name) as Tensor;
    const size = data.length / shape[0];
    scaled.set(name, { shape, data: data.map((value, i) => value / temperatures[Math.floor(i / size)]) });
  }
  return scaled;
}

/** A decision threshold, and what it gives on the cases that it was chosen on. */
export interface Decision {
  /** Positive at probability ≥ threshold. */
  readonly threshold: number;
  /** Null where only one class is present. */
  readonly sensitivity: number | null;
  /** Null where only one class is present. */
  readonly specificity: number | null;
}

/**
 * The decision threshold: the largest sensitivity + specificity (Youden 1950), or the highest one that reaches a sensitivity.
 * It lies midway between neighbouring probabilities, the lowest one's other neighbour being 0: on no case's own, which another machine may compute a
 * hair lower.
 * @returns 0.5 where only one class is present
 */
export function chooseThreshold(probabilities: readonly number[], labels: readonly number[], rule: NonNullable<TrainingOptions["threshold"]>): Decision {
  const positives = labels.filter((label) => label === 1).length;
  const negatives = labels.length - positives;
  if (!positives || !negatives) return { threshold: 0.5, sensitivity: null, specificity: null };
  const sorted = [...new Set(probabilities)].sort((a, b) => b - a);
  const candidates = sorted.map((value, i) => {
    const threshold = (value + (sorted[i + 1] ?? 0)) / 2;
    const called = labels.filter((_, c) => probabilities[c] >= threshold);
    const hits = called.filter((label) => label === 1).length;
    return { threshold, sensitivity: hits / positives, specificity: 1 - (called.length - hits) / negatives };
  });
  if (rule !== "youden") return candidates.find(({ sensitivity }) => sensitivity >= rule.sensitivity) ?? candidates[candidates.length - 1];
  return candidates.reduce((best, next) => (next.sensitivity + next.specificity > best.sensitivity + best.specificity + 1e-12 ? next : best));
}
