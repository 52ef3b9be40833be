// anymc3d adapter add: its words and options.

import { addRegistryFlags } from "../../options/registry.js";
import type { CliCommand } from "../command.js";

export const adapterAddCommand: CliCommand = {
  name: "adapter add",
  define: (command) =>
    addRegistryFlags(
      command
        .description("fetch adapters and their backbones, check them on this machine, and write them into anymc3d.lock.json")
        .argument("<adapters...>", "name, name@range, a .tgz or its address, a bundle (.zip)"),
    )
      .option("--json", "print one JSON object an adapter")
      .option("--verbose", "show where an error came from")
      .action(async (specs, flags) => (await import("./add.js")).addAdapters(specs, flags)),
};
