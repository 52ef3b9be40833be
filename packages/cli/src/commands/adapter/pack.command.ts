// anymc3d adapter pack: its words and options.

import { engineOption } from "../../options/engine.js";
import type { CliCommand } from "../command.js";

export const adapterPackCommand: CliCommand = {
  name: "adapter pack",
  define: (command) =>
    command
      .description("check an adapter's folder and make a .tgz of it, as publish would send it")
      .argument("<folder>")
      .option("--out <folder>", "where the file goes", ".")
      .addOption(engineOption())
      .option("--backbone <folder>", "the backbone's folder or package; default: the one the adapter names")
      .option("--json", "print one JSON object")
      .option("--verbose", "show where an error came from")
      .action(async (folder, flags) => (await import("./bundle.js")).packAdapter(folder, flags)),
};
