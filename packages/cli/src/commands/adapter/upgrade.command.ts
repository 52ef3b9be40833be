// anymc3d adapter upgrade: its words and options.

import type { CliCommand } from "../command.js";

export const adapterUpgradeCommand: CliCommand = {
  name: "adapter upgrade",
  define: (command) =>
    command
      .description("write adapter.json anew in today's version, the weights beside it pinned by their hash")
      .argument("<folder>")
      .option("--verbose", "show where an error came from")
      .action(async (folder) => (await import("./upgrade.js")).upgradeAdapter(folder)),
};
