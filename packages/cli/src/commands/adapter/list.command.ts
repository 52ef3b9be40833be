// anymc3d adapter list: its words and options.

import type { CliCommand } from "../command.js";

export const adapterListCommand: CliCommand = {
  name: "adapter list",
  define: (command) =>
    command
      .description("the adapters of this project: locked and installed")
      .option("--json", "print one JSON object")
      .option("--verbose", "show where an error came from")
      .action(async (flags) => (await import("./list.js")).listAdapters(flags)),
};
