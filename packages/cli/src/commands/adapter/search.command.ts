// anymc3d adapter search: its words and options.

import { addRegistryFlags } from "../../options/registry.js";
import { upperCase } from "../../options/values.js";
import type { CliCommand } from "../command.js";

export const adapterSearchCommand: CliCommand = {
  name: "adapter search",
  define: (command) =>
    addRegistryFlags(command.description("find adapters in the registry").argument("[words...]", "that name, title, labels or body parts hold"))
      .option("--modality <code>", "CT, MR, …", upperCase)
      .option("--body-part <part>")
      .option("--backbone <name>", "as dinov2-small")
      .option("--json", "print one JSON list")
      .option("--verbose", "show where an error came from")
      .action(async (words, flags) => (await import("./search.js")).searchAdapters(words, flags)),
};
