// anymc3d registry site: its words and options.

import { addRegistryFlags } from "../../options/registry.js";
import type { CliCommand } from "../command.js";

export const registrySiteCommand: CliCommand = {
  name: "registry site",
  define: (command) =>
    addRegistryFlags(command.description("write the marketplace page of a registry as static files: search, cards, figures, versions"))
      .requiredOption("--out <folder>", "where index.html goes")
      .option("--title <text>")
      .option("--public-url <url>", "the registry's address as readers reach it; default: --registry")
      .option("--try <url>", "the browser app; {adapter} becomes name@version")
      .option("--verbose", "show where an error came from")
      .action(async (flags) => (await import("./site.js")).registrySite(flags)),
};
