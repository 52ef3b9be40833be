// The loss of ordered classes under proportional odds, and what keeps the boundaries between them in order.

import type { Tensor } from "@anymc3d/core";
import { sigmoid } from "@anymc3d/core/learn";
import { softplus } from "./losses.js";

/** Least distance of two boundaries, in logits: none closes, so that no class's probability is 0. */
const GAP = 1e-2;

/**
 * Negative log-likelihood of the true class (McCullagh 1980): logit k is that of P(class > k), a class's probability the difference of two sigmoids,
 * σ(a) - σ(b) = σ(a)·σ(-b)·(1 - e^(b-a)). The likelihood, rather than a sum of binary cross-entropies over the boundaries, because the probabilities,
 * sets and expected values of a result are made of just these differences.
 * @param logits [classes - 1], falling
 * @param truth index of the class
 */
export function ordinalLoss(logits: ArrayLike<number>, truth: number): { loss: number; dLogits: Float32Array } {
  const dLogits = new Float32Array(logits.length);
  let loss = 0;
  const above = truth > 0 ? logits[truth - 1] : undefined;
  const below = truth < logits.length ? logits[truth] : undefined;
  if (above !== undefined) {
    loss += softplus(-above);
    dLogits[truth - 1] -= sigmoid(-above);
  }
  if (below !== undefined) {
    loss += softplus(below);
    dLogits[truth] += sigmoid(below);
  }
  if (above !== undefined && below !== undefined) {
    const apart = Math.max(above - below, GAP / 2);
    loss -= Math.log(-Math.expm1(-apart));
    const push = 1 / Math.expm1(apart);
    dLogits[truth - 1] -= push;
    dLogits[truth] += push;
  }
  return { loss, dLogits };
}

/** Biases that give each of the classes the same probability where the score is 0: logits of P(class > k). @returns [classes - 1] */
export const evenBoundaries = (classes: number): Float32Array => Float32Array.from({ length: classes - 1 }, (_, k) => Math.log((classes - 1 - k) / (k + 1)));

/** The biases, each at least {@link GAP} below the one before: the projection after an optimiser's step. */
export function inOrder({ shape, data }: Tensor): Tensor {
  const falling = Float32Array.from(data);
  for (let k = 1; k < falling.length; k++) falling[k] = Math.min(falling[k], falling[k - 1] - GAP);
  return { shape, data: falling };
}
