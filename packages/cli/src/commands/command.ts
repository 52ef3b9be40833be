// What the table of commands holds of each.

import type { Command } from "commander";

export interface CliCommand {
  /** As it is typed: "classify", "adapter new". */
  readonly name: string;
  /** Its description, arguments, options and action. The work is imported in the action, so that help and completion answer at once. */
  define(command: Command): Command;
}
