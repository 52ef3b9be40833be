// anymc3d registry start: its words and options.

import { wholeNumber } from "../../options/values.js";
import type { CliCommand } from "../command.js";

export const registryStartCommand: CliCommand = {
  name: "registry start",
  define: (command) =>
    command
      .description("run an npm registry for adapters on this machine (needs verdaccio installed)")
      .option("--storage <folder>", "packages and accounts are kept here", "anymc3d-registry")
      .option("--port <n>", "0: a free one", wholeNumber(0), 4873)
      .option("--host <address>", "interface to listen on; 0.0.0.0 for all", "127.0.0.1")
      .option("--sign-up", "people may make themselves an account; default: nobody may any more", false)
      .option("--no-sign-up", "the default")
      .option("--no-public-read", "reading needs an account, too")
      .option("--json", "print one JSON object")
      .option("--verbose", "show where an error came from")
      .action(async (flags) => (await import("./start.js")).serveRegistry(flags)),
};
