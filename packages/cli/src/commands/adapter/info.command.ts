// anymc3d adapter info: its words and options.

import { addRegistryFlags } from "../../options/registry.js";
import type { CliCommand } from "../command.js";

export const adapterInfoCommand: CliCommand = {
  name: "adapter info",
  define: (command) =>
    addRegistryFlags(command.description("show an adapter's card: data, figures, limits, versions").argument("<adapter>"))
      .option("--json", "the manifest and the versions, as one JSON object")
      .option("--verbose", "show where an error came from")
      .action(async (spec, flags) => (await import("./search.js")).adapterInfo(spec, flags)),
};
