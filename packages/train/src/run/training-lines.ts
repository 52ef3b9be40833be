// How an adapter was trained, in sentences for its card.

import type { TrainConfig } from "../config.js";
import type { TrainOutcome } from "../learning/loop.js";
import { chosenText } from "../report/chosen-text.js";
import { taskTraining } from "../tasks/index.js";
import type { TrainData } from "./read-data.js";

/** One line a sentence. @param engine its id */
export function trainingLines(config: TrainConfig, { cases, skipped }: TrainData, outcome: TrainOutcome, engine: string): string[] {
  const { training, modules } = config;
  const count = (split: string) => cases.filter((trainCase) => trainCase.split === split).length;
  return [
    `${count("train")} cases for training, ${count("val")} for validation; ${keptText(config, outcome)}`,
    ...(skipped.length ? [`left out because they could not be used: ${skipped.map(({ id, code }) => `${id} (${code})`).join(", ")}`] : []),
    modules.lora
      ? `LoRA rank ${modules.lora.rank}, alpha ${modules.lora.alpha}, on ${modules.lora.targets.join(", ")}${modules.lora.lastBlocks ? ` of the last ${modules.lora.lastBlocks} blocks` : ""}`
      : "frozen features, head only",
    `AdamW, learning rates ${modules.lora ? `${training.learningRate.lora} (LoRA) and ` : ""}${training.learningRate.head} (head, queries), ${training.batch} volumes a step, seed ${training.seed}, ${engine}`,
    training.masks ? `pixel-level supervision by masks, weight ${training.masks.weight}` : "no pixel-level supervision",
    chosenText(config, "metrics"),
  ];
}

function keptText({ task, training: { keep, epochs, patience } }: TrainConfig, { keptEpoch, history }: TrainOutcome): string {
  const defined = history.some(({ score }) => score !== null);
  const { scoreName } = taskTraining(task);
  const why = keep === "last" ? "the last one" : defined ? `best validation ${scoreName}` : `the last one: validation ${scoreName} was undefined`;
  const stopped = history.length < epochs ? `, stopped there of ${epochs} after ${patience} without a better one` : "";
  return `epoch ${keptEpoch} of ${history.length} was kept (${why}${stopped})`;
}
