// anymc3d adapter bundle: its words and options.

import { addRegistryFlags } from "../../options/registry.js";
import type { CliCommand } from "../command.js";

export const adapterBundleCommand: CliCommand = {
  name: "adapter bundle",
  define: (command) =>
    addRegistryFlags(command.description("adapters and their backbones as one file, for a machine without a network").argument("<adapters...>"))
      .requiredOption("--out <file>", "a .zip")
      .option("--force", "replace a file that exists")
      .option("--verbose", "show where an error came from")
      .action(async (specs, flags) => (await import("./bundle.js")).bundleAdapters(specs, flags)),
};
