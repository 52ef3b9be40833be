// anymc3d cache verify: its words and options.

import type { CliCommand } from "../command.js";

export const cacheVerifyCommand: CliCommand = {
  name: "cache verify",
  define: (command) =>
    command
      .description("remove what is damaged")
      .option("--json", "print one JSON object")
      .action(async (flags) => (await import("./cache.js")).verifyCache(flags)),
};
