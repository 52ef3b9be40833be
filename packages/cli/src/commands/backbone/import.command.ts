// anymc3d backbone import: its words and options.

import type { CliCommand } from "../command.js";

export const backboneImportCommand: CliCommand = {
  name: "backbone import",
  define: (command) =>
    command
      .description("import a Hugging Face folder (DINOv2, with registers, DINOv3 ViT, ViT) as a backbone")
      .argument("<folder>", "with config.json and model.safetensors (sharded too)")
      .requiredOption("--out <folder>", "a new folder for backbone.json and weights.safetensors")
      .option("--name <name>", "default: the folder's name")
      .option("--license <text>", "licence of the weights", "unknown")
      .option("--verbose", "show where an error came from")
      .action(async (folder, flags) => (await import("./import.js")).importBackbone(folder, flags)),
};
