// anymc3d train: its words and options.

import { engineOption } from "../options/engine.js";
import { addReadFlags } from "../options/read.js";
import { wholeNumber } from "../options/values.js";
import type { CliCommand } from "./command.js";

export const trainCommand: CliCommand = {
  name: "train",
  define: (command) =>
    addReadFlags(
      command.description("train an adapter on labelled volumes and write its package").argument("<data>", "labels.csv, or an .npz in MedMNIST's layout"),
    )
      .requiredOption("--config <file>", "task.json: task, labels, input, training; see docs/train-an-adapter.md")
      .requiredOption("--out <folder>", "where the package goes; checkpoints and the log go to its folder run/")
      .option("--resume", "go on with the run in --out")
      .option("--skip-bad", "leave out cases that cannot be used, instead of stopping")
      .option("--resample-masks", "bring masks on another grid onto their image's, by nearest neighbour")
      .option("--epochs <n>", "instead of training.epochs", wholeNumber(1))
      .option("--seed <n>", "instead of training.seed", wholeNumber(0))
      .option("--compare [variants]", "also train head-only, mean-pooling, last-K, rank-R, no-masks, … (a,b+c) and hold all against size-only baselines")
      .addOption(engineOption())
      .option("--threads <n>", "CPU threads", wholeNumber(1))
      .option("--backbone <folder>", "another backbone's folder or package; default: DINOv2 ViT-S/14")
      .option("--json", "one JSON object a line: data, features, step, validate, epoch, done, compared")
      .option("--quiet", "do not tell how far it is between epochs")
      .option("--verbose", "show where an error came from")
      .action(async (data, flags) => (await import("./train.js")).trainAdapter(data, flags)),
};
