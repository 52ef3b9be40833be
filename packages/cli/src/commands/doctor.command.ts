// anymc3d doctor: its words and options.

import type { CliCommand } from "./command.js";

export const doctorCommand: CliCommand = {
  name: "doctor",
  define: (command) =>
    command
      .description("which engines run here, whether they compute rightly, and how fast")
      .option("--json", "print one JSON object")
      .option("--verbose", "show where an error came from")
      .action(async (flags) => (await import("./doctor.js")).doctor(flags)),
};
