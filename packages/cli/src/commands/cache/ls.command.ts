// anymc3d cache ls: its words and options.

import type { CliCommand } from "../command.js";

export const cacheLsCommand: CliCommand = {
  name: "cache ls",
  define: (command) =>
    command
      .description("list them")
      .option("--json", "print one JSON object")
      .action(async (flags) => (await import("./cache.js")).listCache(flags)),
};
