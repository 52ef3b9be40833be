// The table of commands is the only place that lists them: every definition is in it, the program has these and no others.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { COMMANDS, GROUPS } from "../src/commands/index.js";
import { createProgram } from "../src/program.js";

const source = fileURLToPath(new URL("../src", import.meta.url));
const files = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ name: name.split(path.sep).join("/"), text: readFileSync(path.join(source, name), "utf8") }));

const names = COMMANDS.map(({ name }) => name);

test("a command lies where its name says, and every definition is in the table, once", () => {
  const defined = files.flatMap(({ name }) => /^commands\/(.*)\.command\.ts$/.exec(name)?.[1].replace("/", " ") ?? []);
  expect([...names].sort()).toEqual(defined.sort());
});

test("the program has the table's commands, and no others", () => {
  // Completion is the library's own.
  const words = createProgram().commands.filter((command) => command.name() !== "complete");
  const all = words.flatMap((word) => (word.commands.length ? word.commands.map((command) => `${word.name()} ${command.name()}`) : [word.name()]));
  expect(all).toEqual(names);
  for (const word of words) expect(word.description()).not.toBe("");
  expect(Object.keys(GROUPS)).toEqual(words.filter(({ commands }) => commands.length).map((word) => word.name()));
});

test("nothing else makes commands or imports a command's definition", () => {
  const making = files.filter(({ text }) => /\.command\(/.test(text)).map(({ name }) => name);
  expect(making).toEqual(["program.ts"]);
  const importing = files.filter(({ text }) => /from "[^"]*\.command\.js"/.test(text)).map(({ name }) => name);
  expect(importing).toEqual(["commands/index.ts"]);
});
