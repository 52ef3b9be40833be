// The public API is frozen, names of values and of types, entry point by entry point: a name added or removed shows here first.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as core from "@anymc3d/core";
import * as engine from "@anymc3d/core/engine";
import * as learn from "@anymc3d/core/learn";
import * as testing from "@anymc3d/core/testing";
import ts from "typescript";
import { expect, test } from "vitest";

const source = (entry: string) => fileURLToPath(new URL(`../src/${entry}.ts`, import.meta.url));
const ENTRIES: Record<string, string> = { core: "index", engine: "engine", learn: "learn", testing: "testing/index" };
const program = ts.createProgram(Object.values(ENTRIES).map(source), { target: ts.ScriptTarget.ES2022, moduleResolution: ts.ModuleResolutionKind.Bundler, noLib: true, types: [] }); // biome-ignore format: one line
const checker = program.getTypeChecker();

/** Names that an entry point exports and that are types alone. */
function typesOf(entry: string): string[] {
  const module = checker.getSymbolAtLocation(program.getSourceFile(source(ENTRIES[entry])) as ts.SourceFile) as ts.Symbol;
  const resolved = checker.getExportsOfModule(module).map((symbol) => ({
    name: symbol.name,
    of: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
  }));
  return resolved.filter(({ of }) => !(of.flags & ts.SymbolFlags.Value)).map(({ name }) => name).sort(); // biome-ignore format: one line
}

const frozen = JSON.parse(await readFile(new URL("./public-api.json", import.meta.url), "utf8"));

test.each(Object.entries({ core, engine, learn, testing }))("%s", (entry, module) => {
  expect({ values: Object.keys(module).sort(), types: typesOf(entry) }).toEqual(frozen[entry]);
});

test("package.json exports these entry points, errors and the schema", async () => {
  const { exports } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));
  expect(Object.keys(exports).sort()).toEqual([".", "./adapter.schema.json", "./engine", "./errors", "./learn", "./package.json", "./testing"]);
});
