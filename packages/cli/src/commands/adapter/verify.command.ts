// anymc3d adapter verify: its words and options.

import { engineOption } from "../../options/engine.js";
import type { CliCommand } from "../command.js";

export const adapterVerifyCommand: CliCommand = {
  name: "adapter verify",
  define: (command) =>
    command
      .description("check an adapter's folder before publishing: schema, tensors, conformance, metrics, card, package.json")
      .argument("<folder>")
      .addOption(engineOption())
      .option("--backbone <folder>", "the backbone's folder or package; default: the one the adapter names")
      .option("--json", "print one JSON object")
      .option("--verbose", "show where an error came from")
      .action(async (folder, flags) => (await import("./verify.js")).verify(folder, flags)),
};
