// anymc3d adapter publish: its words and options.

import { engineOption } from "../../options/engine.js";
import type { CliCommand } from "../command.js";

export const adapterPublishCommand: CliCommand = {
  name: "adapter publish",
  define: (command) =>
    command
      .description("check an adapter's folder, show what would be published, and with --yes publish it by npm")
      .argument("<folder>")
      .option("--registry <url>", "default: npm's own setting")
      .option("--access <access>", "public or restricted; default: as npm decides (publishConfig, .npmrc, restricted for a new package in a scope)")
      .option("--tag <tag>", "default: as npm decides, latest")
      .option("--provenance", "state where it was built, where the CI offers it")
      .option("--yes", "publish; without it nothing leaves the machine")
      .addOption(engineOption())
      .option("--backbone <folder>", "the backbone's folder or package; default: the one the adapter names")
      .option("--json", "print one JSON object")
      .option("--verbose", "show where an error came from")
      .action(async (folder, flags) => (await import("./publish.js")).publish(folder, flags)),
};
