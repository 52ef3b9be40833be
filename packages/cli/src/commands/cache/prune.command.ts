// anymc3d cache prune: its words and options.

import { wholeNumber } from "../../options/values.js";
import type { CliCommand } from "../command.js";

export const cachePruneCommand: CliCommand = {
  name: "cache prune",
  define: (command) =>
    command
      .description("remove what was not used for longest")
      .option("--max-size <MB>", "what may stay", wholeNumber(0), 0)
      .option("--json", "print one JSON object")
      .action(async (flags) => (await import("./cache.js")).pruneCache(flags)),
};
