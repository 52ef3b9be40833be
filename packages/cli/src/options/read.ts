// Options of the commands that read a volume: those of the reader's own table that have a flag.

import { READ_OPTIONS, type ReadOption, type ReadOptions } from "@anymc3d/io/options";
import { type Command, Option } from "commander";
import { triple, upperCase, wholeNumber } from "./values.js";

/** How a value of each kind is read from the command line; words are taken as they are. */
const PARSE: Readonly<Partial<Record<ReadOption["input"], (text: string) => unknown>>> = { number: wholeNumber(0), code: upperCase, lengths: triple };

const flagged = () =>
  Object.entries(READ_OPTIONS as Readonly<Record<string, ReadOption>>).flatMap(([name, option]) => (option.flag ? [{ name, option, flag: option.flag }] : []));

export function addReadFlags(command: Command): Command {
  for (const { option, flag } of flagged()) {
    const added = new Option(`--${flag.name} <${flag.value}>`, option.text);
    const parse = PARSE[option.input];
    if (parse) added.argParser(parse);
    if (option.choices) added.choices(option.choices);
    command.addOption(added);
  }
  return command;
}

/** The reader's options, out of a command's. */
export function readOptions(flags: object): ReadOptions {
  const given = flags as Readonly<Record<string, unknown>>;
  return Object.fromEntries(flagged().flatMap(({ name, flag }) => (given[flag.name] === undefined ? [] : [[name, given[flag.name]]])));
}
