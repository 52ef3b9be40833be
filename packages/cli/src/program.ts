// The program, made of the table of commands.

import tab from "@bomb.sh/tab/commander";
import { Command } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { COMMANDS, GROUPS } from "./commands/index.js";
import { writeErr, writeOut } from "./output/terminal.js";

export function createProgram(): Command {
  const program = new Command("anymc3d")
    .description("Classify 3D medical volumes with one frozen backbone and small adapters. Research use only; not a medical device.")
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({ writeOut, writeErr })
    .showHelpAfterError("(anymc3d --help shows the commands)")
    .addHelpText("after", "\nExit codes: 0 done, 1 something failed, 2 wrong usage, 130 interrupted.");

  const groups = new Map<string, Command>();
  for (const { name, define } of COMMANDS) {
    const [word, second] = name.split(" ");
    if (second === undefined) define(program.command(word).exitOverride());
    else define(groupOf(word, program, groups).command(second).exitOverride());
  }
  tab(program);
  return program;
}

/** The command that a group's commands belong to, made where the first of them is. */
function groupOf(word: string, program: Command, groups: Map<string, Command>): Command {
  const group = groups.get(word) ?? program.command(word).description(GROUPS[word]).exitOverride();
  groups.set(word, group);
  return group;
}
