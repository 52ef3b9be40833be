// What was chosen on the validation cases that the figures are from, in a sentence.

import type { TrainConfig } from "../config.js";
import { taskTraining } from "../tasks/index.js";

/** @param figures what they are called: "metrics" */
export function chosenText({ task, training: { keep, calibrate } }: TrainConfig, figures: string): string {
  const { calibrated, threshold } = taskTraining(task);
  const chosen = [
    ...(keep === "best" ? ["the kept epoch"] : []),
    ...(calibrate && calibrated ? ["temperatures"] : []),
    ...(threshold ? ["thresholds"] : []),
    "prediction sets or intervals",
  ];
  const list = chosen.length > 1 ? `${chosen.slice(0, -1).join(", ")} and ${chosen.at(-1)}` : chosen[0];
  return `${list[0].toUpperCase()}${list.slice(1)} come from the validation cases that the ${figures} are from, too: on new data expect somewhat less.`;
}
