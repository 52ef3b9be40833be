// anymc3d evaluate: its words and options.

import { addEngineFlags } from "../options/engine.js";
import { addRegistryFlags } from "../options/registry.js";
import { wholeNumber } from "../options/values.js";
import type { CliCommand } from "./command.js";

export const evaluateCommand: CliCommand = {
  name: "evaluate",
  define: (command) =>
    addRegistryFlags(
      addEngineFlags(command.description("measure an adapter on labelled volumes").argument("<data>", "labels.csv, or an .npz in MedMNIST's layout")),
    )
      .requiredOption("--adapter <adapter>", "a folder, a name (lung-nodule), a name with a range (lung-nodule@^1), a .tgz or its address")
      .option("--split <split>", "only this split; an .npz needs one: train, val or test")
      .option("--splits <file>", "a table of id and split instead of the split column, such as run/splits.csv of a training")
      .option("--predictions <file>", "write what the adapter gives for every volume, and the truth, as CSV")
      .option("--resume", "go on with an evaluation that was stopped: volumes that have an answer are not computed again")
      .option("--keep <file>", "where answers are kept as they are made; default: beside --predictions, else in the cache, until all is done")
      .option("--no-keep", "keep no answers")
      .option("--quiet", "do not tell how far it is")
      .option("--samples <n>", "bootstrap resamples for the 95 % intervals", wholeNumber(100), 1000)
      .option("--seed <n>", "of the bootstrap; the default is that of cards and reports", wholeNumber(0), 0)
      .option("--json", "print one JSON object")
      .action(async (csv, flags) => (await import("./evaluate.js")).evaluate(csv, flags)),
};
