// Losses of logits and their gradients, over the labels that are known.

import { sigmoid, softmax } from "@anymc3d/core/learn";

/** log(1 + eˣ), also where eˣ has no number. */
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** γ: how little cases count that are right already; α: weight of positives, null: as much as negatives. Cross-entropy: γ 0, α null. */
export interface FocalShape {
  readonly gamma: number;
  readonly alpha: number | null;
}

export interface Loss {
  /** Sum over the known labels. */
  readonly loss: number;
  /** d loss / d logits. */
  readonly dLogits: Float32Array;
}

/** -w·α·(1-p)^γ·log p of the right answer's probability p; γ = 0 and α = 1 is cross-entropy. Returns the loss and p·dLoss/dp. */
function focalTerm(p: number, gamma: number, factor: number): { loss: number; slope: number } {
  const safe = Math.max(p, 1e-12);
  const rest = (1 - safe) ** gamma;
  const fall = gamma === 0 ? 0 : gamma * (1 - safe) ** (gamma - 1) * safe * Math.log(safe);
  return { loss: -factor * rest * Math.log(safe), slope: factor * (fall - rest) };
}

/**
 * Focal loss (Lin et al. 2017) on sigmoids, label by label; with one logit it is a binary loss, not a softmax over one.
 * @param targets 0, 1 or undefined (unknown), one a logit
 * @param weights of each label's positives
 */
export function sigmoidLoss(
  logits: Float32Array,
  targets: readonly (number | undefined)[],
  { gamma, alpha: balance }: FocalShape,
  weights: readonly number[],
): Loss {
  const dLogits = new Float32Array(logits.length);
  let loss = 0;
  targets.forEach((target, i) => {
    if (target === undefined) return;
    const sign = target ? 1 : -1;
    const p = sigmoid(sign * logits[i]);
    const alpha = balance === null ? 1 : target ? balance : 1 - balance;
    const term = focalTerm(p, gamma, alpha * (target ? weights[i] : 1));
    loss += term.loss;
    // dp/dz = ±p(1-p)
    dLogits[i] = sign * (1 - p) * term.slope;
  });
  return { loss, dLogits };
}

/** The same on softmax. @param right index of the true class, below 0: unknown @param weights of the classes */
export function softmaxLoss(logits: Float32Array, right: number, { gamma, alpha }: FocalShape, weights: readonly number[]): Loss {
  if (right < 0) return { loss: 0, dLogits: new Float32Array(logits.length) };
  const shares = softmax(logits);
  const { loss, slope } = focalTerm(shares[right], gamma, (alpha ?? 1) * weights[right]);
  // dp_right/dz_i = p_right·([i = right] - p_i)
  return { loss, dLogits: shares.map((share, i) => slope * ((i === right ? 1 : 0) - share)) };
}

/**
 * Soft Dice plus binary cross-entropy of one volume's mask logits: 1 - (2Σpm + 1)/(Σp + Σm + 1) + mean BCE.
 * @param mask 0 … 1
 */
export function maskLoss(logits: Float32Array, mask: Float32Array): { loss: number; dLogits: Float32Array } {
  const n = logits.length;
  const p = logits.map(sigmoid);
  let [both, sum, entropy] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    both += p[i] * mask[i];
    sum += p[i] + mask[i];
    entropy += softplus(logits[i]) - logits[i] * mask[i];
  }
  const [top, bottom] = [2 * both + 1, sum + 1];
  // d/dp of the Dice term: -(2m·bottom - top)/bottom²
  const dLogits = p.map((value, i) => (-(2 * mask[i] * bottom - top) / bottom ** 2) * value * (1 - value) + (value - mask[i]) / n);
  return { loss: 1 - top / bottom + entropy / n, dLogits };
}
