// anymc3d adapter outdated: its words and options.

import { addRegistryFlags } from "../../options/registry.js";
import type { CliCommand } from "../command.js";

export const adapterOutdatedCommand: CliCommand = {
  name: "adapter outdated",
  define: (command) =>
    addRegistryFlags(command.description("locked adapters of which the registry has another version"))
      .option("--json", "print one JSON list")
      .option("--verbose", "show where an error came from")
      .action(async (flags) => (await import("./list.js")).outdatedAdapters(flags)),
};
