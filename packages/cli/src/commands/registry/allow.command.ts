// anymc3d registry allow: its words and options.

import type { CliCommand } from "../command.js";

export const registryAllowCommand: CliCommand = {
  name: "registry allow",
  define: (command) =>
    command
      .description("on the machine of a private registry: who may publish a package, or in a scope, or belongs to a group")
      .argument("<what>", "@lab/adapter-x, @lab or group:team")
      .argument("<account...>", "names of accounts, or group:team")
      .option("--storage <folder>", "the registry's folder", "anymc3d-registry")
      .option("--remove", "no longer")
      .option("--json", "print one JSON object")
      .option("--verbose", "show where an error came from")
      .action(async (what, accounts, flags) => (await import("./start.js")).allowAccounts(what, accounts, flags)),
};
