// What an adapter says of a case after calibration: its logits, and the probabilities of its labels.

import { taskKind } from "@anymc3d/core";
import type { Prediction } from "../learning/loop.js";
import type { MadeAdapter } from "../package/make-adapter.js";

type Calibrated = Pick<MadeAdapter, "manifest" | "temperatures">;

/** [outputs of the head] */
export const calibratedLogits = ({ logits }: Pick<Prediction, "logits">, { temperatures }: Pick<Calibrated, "temperatures">): Float32Array =>
  logits.map((value, i) => value / temperatures[i]);

/** One a label; none where the task is a quantity. */
export const calibratedProbabilities = (prediction: Pick<Prediction, "logits">, made: Calibrated): Float32Array =>
  taskKind(made.manifest.task).probabilities(made.manifest.task, calibratedLogits(prediction, made));
