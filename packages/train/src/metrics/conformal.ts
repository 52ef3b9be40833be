// Split conformal calibration on validation cases, and how often sets and intervals hold the truth, measured on cases that did not calibrate them.

import { type Outcome, type Task, taskKind } from "@anymc3d/core";
import { type Conformal, conformalQuantile, seededRandom } from "@anymc3d/core/learn";
import { taskTraining } from "../tasks/index.js";
import type { Labels, Scored } from "../tasks/task-training.js";

/** Share of cases whose truth the sets and intervals are to hold. */
export const COVERAGE = 0.9;
const SPLITS = 100;

/** How often the truth was held, over many splits of the validation cases. */
export interface Coverage {
  /** What the quantile is about: a label, the classes, the quantity. */
  readonly id: string;
  /** Share that was aimed at. */
  readonly nominal: number;
  /** Share of the measured halves' cases whose truth was held; mean and standard deviation over the splits. */
  readonly measured: number;
  readonly spread: number;
  /** Mean size of sets (labels in them) or intervals (in the unit). */
  readonly size: number;
  /** Cases whose truth is known. */
  readonly n: number;
  /** How calibration and measurement were kept apart, for people. */
  readonly how: string;
}

/**
 * `task.conformal` of a manifest, from all cases given.
 * @param cases with calibrated logits
 * @returns undefined where a quantile would be infinite: too few cases with a known truth for the promise
 */
export function calibrateConformal(task: Task, cases: readonly Scored[], coverage = COVERAGE): Conformal {
  const kind = taskTraining(task);
  const scores = cases.map((scored) => kind.nonconformity(task, scored));
  const known = kind.quantileIds(task).map((_, q) => scores.flatMap((own) => own[q] ?? []));
  const quantiles = known.map((own) => conformalQuantile(own, coverage));
  return quantiles.every(Number.isFinite) ? { coverage, quantiles, n: known.map(({ length }) => length) } : undefined;
}

/**
 * Coverage on cases that did not calibrate: the groups are halved at random a hundred times, one half calibrates, on the other it is measured what a
 * result's own sets and intervals hold.
 * @returns one a quantile that could be measured; none where half of the cases are too few to calibrate
 */
export function measureCoverage(
  task: Task,
  cases: readonly Scored[],
  { seed, splits = SPLITS }: { readonly seed: number; readonly splits?: number },
): Coverage[] {
  const kind = taskTraining(task);
  const random = seededRandom(seed);
  const groups = [...new Set(cases.map(({ group }) => group))];
  const rounds: { held: number; size: number }[][] = [];
  for (let split = 0; split < splits; split++) {
    const first = half(groups, random);
    const conformal = calibrateConformal(
      task,
      cases.filter(({ group }) => first.has(group)),
    );
    if (!conformal) continue;
    const others = cases.filter(({ group }) => !first.has(group));
    const judged = others.map(({ logits, labels }) => ({ outcome: taskKind(task).outcome({ ...task, conformal } as Task, logits), labels }));
    rounds.push(heldOf(task, judged).map(({ held, n, size }) => ({ held: held / n, size })));
  }
  if (rounds.length < splits / 2) return [];
  return kind.quantileIds(task).flatMap((id, q) => {
    const own = rounds.map((round) => round[q]).filter(({ held }) => !Number.isNaN(held));
    // All cases whose truth is known are of one group, which always calibrates.
    if (own.length === 0) return [];
    const held = mean(own.map((round) => round.held));
    const sd = Math.sqrt(mean(own.map((round) => (round.held - held) ** 2)));
    const n = cases.filter((scored) => kind.nonconformity(task, scored)[q] !== undefined).length;
    const how = `${n} cases halved by group ${own.length} times, calibrated on one half, measured on the other`;
    return { id, nominal: COVERAGE, measured: held, spread: sd, size: mean(own.map(({ size }) => size)), n, how };
  });
}

/** How many of a set of cases had their truth held. */
interface Held {
  readonly id: string;
  /** Cases whose truth was held, of `n` whose truth is known. */
  readonly held: number;
  readonly n: number;
  /** Mean size of sets or intervals over these; NaN without a case. */
  readonly size: number;
}

/** @param cases results with sets or intervals, and their truth @returns one a quantile */
function heldOf(task: Task, cases: readonly { readonly outcome: Outcome; readonly labels: Labels }[]): Held[] {
  const kind = taskTraining(task);
  const found = cases.map(({ outcome, labels }) => kind.held(task, outcome, labels));
  return kind.quantileIds(task).map((id, q) => {
    const known = found.flatMap((own) => own[q] ?? []);
    return { id, held: known.filter(({ held }) => held).length, n: known.length, size: mean(known.map(({ size }) => size)) };
  });
}

/**
 * How often an adapter's own sets or intervals held the truth in cases that are measured, such as those of `anymc3d evaluate`.
 * @param task with its conformal calibration
 * @returns one a quantile, `target` the share that was aimed at, `size` null without a case; none where the task has no calibration
 */
export function coverageIn(task: Task, cases: Parameters<typeof heldOf>[1]) {
  const { conformal } = task;
  if (!conformal) return [];
  return heldOf(task, cases).map(({ id, held, size, n }) => ({ id, target: conformal.coverage, held, size: n ? size : null, n }));
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Half of the groups, drawn without replacement. */
function half(groups: readonly string[], random: () => number): ReadonlySet<string> {
  const order = groups.map((group) => ({ group, key: random() })).sort((a, b) => a.key - b.key);
  return new Set(order.slice(0, Math.floor(groups.length / 2)).map(({ group }) => group));
}
