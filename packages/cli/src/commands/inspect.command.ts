// anymc3d inspect: its words and options.

import { addReadFlags } from "../options/read.js";
import type { CliCommand } from "./command.js";

export const inspectCommand: CliCommand = {
  name: "inspect",
  define: (command) =>
    addReadFlags(command.description("what a file holds, the regions that it marks, and which installed adapters accept it").argument("<files...>"))
      .option("--adapter <adapter...>", "adapters to ask besides the installed ones")
      .option("--png <file>", "write a strip of axial slices, as a radiologist would see them")
      .option("--json", "one JSON object a file, one a line")
      .option("--verbose", "show where an error came from")
      .action(async (files, flags) => (await import("./inspect.js")).inspectFiles(files, flags)),
};
