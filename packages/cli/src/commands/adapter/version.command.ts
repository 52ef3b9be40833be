// anymc3d adapter version: its words and options.

import type { CliCommand } from "../command.js";

export const adapterVersionCommand: CliCommand = {
  name: "adapter version",
  define: (command) =>
    command
      .description("set an adapter's version in package.json, adapter.json and the card, in all of them or in none")
      .argument("<folder>")
      .argument("<version>", "patch, minor, major, or the version itself, such as 1.2.0")
      .option("--json", "print one JSON object")
      .option("--verbose", "show where an error came from")
      .action(async (folder, version, flags) => (await import("./version.js")).setVersion(folder, version, flags)),
};
