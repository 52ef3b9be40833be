// What an adapter says of a validation case, calibrated.

import { type Outcome, taskKind } from "@anymc3d/core";
import type { Prediction } from "../learning/loop.js";
import { calibratedLogits } from "../metrics/judged.js";
import type { MadeAdapter } from "../package/make-adapter.js";

/** The result's own answer: probabilities, decisions, value. */
export const calibratedOutcome = (prediction: Pick<Prediction, "logits">, made: Pick<MadeAdapter, "manifest" | "temperatures">): Outcome =>
  taskKind(made.manifest.task).outcome(made.manifest.task, calibratedLogits(prediction, made));
