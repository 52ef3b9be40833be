// Validation predictions as they are judged: with the temperatures by which the adapter's own logits are divided.

import { taskKind } from "@anymc3d/core";
import type { TrainConfig } from "../config.js";
import type { Prediction } from "../learning/loop.js";
import { taskTraining } from "../tasks/index.js";
import type { Scored } from "../tasks/task-training.js";

/** What an adapter with these temperatures gives for a case, [outputs of the head]. */
export const calibratedLogits = ({ logits }: Pick<Prediction, "logits">, { temperatures }: { readonly temperatures: readonly number[] }): Float32Array =>
  logits.map((value, i) => value / temperatures[i]);

/** Calibrates on the predictions themselves, unless the configuration says not to. @returns temperatures, one an output of the head, and the cases by them */
export function judgedCases(
  predictions: readonly Prediction[],
  { task, training }: Pick<TrainConfig, "task" | "training">,
): { readonly temperatures: readonly number[]; readonly cases: readonly (Scored & { readonly logits: Float32Array })[] } {
  const kind = taskTraining(task);
  const raw = predictions.map(({ trainCase: { group, labels }, logits }) => ({ group, labels, logits }));
  const temperatures = training.calibrate ? kind.temperatures(task, raw) : new Array<number>(taskKind(task).outputs(task)).fill(1);
  return { temperatures, cases: raw.map((one) => ({ ...one, logits: calibratedLogits(one, { temperatures }) })) };
}
