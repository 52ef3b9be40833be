// anymc3d adapter remove: its words and options.

import type { CliCommand } from "../command.js";

export const adapterRemoveCommand: CliCommand = {
  name: "adapter remove",
  define: (command) =>
    command
      .description("take adapters out of anymc3d.lock.json")
      .argument("<adapters...>")
      .option("--verbose", "show where an error came from")
      .action(async (names) => (await import("./add.js")).removeAdapters(names)),
};
