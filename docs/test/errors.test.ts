// The page of errors and warnings is what the tables of codes say; every code is in use. `npx vitest run docs/test/errors -u` writes its tables anew.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ERRORS, type ErrorEntry, WARNINGS, type WarningEntry } from "@anymc3d/core/errors";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const PAGE = join(root, "docs/errors.md");

/** Which headings of the page list what. */
const ERRORS_OF: Readonly<Record<string, readonly ErrorEntry["about"][]>> = {
  "Reading files": ["file", "memory"],
  "Input and adapter do not fit": ["input", "adapter", "backbone"],
  Engines: ["engine", "network"],
  "Training and files of one's own": ["training", "output", "option"],
  Registries: ["registry"],
};
const WARNINGS_OF: Readonly<Record<string, readonly WarningEntry["about"][]>> = {
  "Warnings of results": ["engine", "input", "adapter"],
  "Warnings of readers": ["file"],
  "Warnings of training and import": ["training"],
  "Warnings of registries": ["registry"],
};

const row = (...cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const table = (head: readonly string[], rows: readonly string[]): string => [row(...head), row(...head.map(() => "---")), ...rows].join("\n");

function errorTable(about: readonly string[]): string {
  const rows = (Object.entries(ERRORS) as [string, ErrorEntry][])
    .filter(([, entry]) => about.includes(entry.about))
    .map(([code, { happened, todo, warnable }]) => row(`\`${code}\`${warnable ? " *" : ""}`, happened, todo));
  return table(["code", "happened", "what to do"], rows);
}

/** Codes that follow each other with the same words share a row. */
function warningTable(about: readonly string[]): string {
  const rows: { codes: string[]; says: string; todo: string }[] = [];
  for (const [code, entry] of Object.entries(WARNINGS)) {
    if (!about.includes(entry.about)) continue;
    const before = rows.at(-1);
    if (before?.says === entry.says && before.todo === entry.todo) before.codes.push(`\`${code}\``);
    else rows.push({ codes: [`\`${code}\``], says: entry.says, todo: entry.todo });
  }
  return table(
    ["code", "what it says", "what to do"],
    rows.map(({ codes, says, todo }) => row(codes.join(", "), says, todo)),
  );
}

/** The page with its tables as they should be. */
const written = (page: string): string =>
  page.replaceAll(/(^## (.+)\n(?:(?!^## )[\s\S])*?<div class="codes">\n\n)[\s\S]*?(?=\n\n<\/div>)/gm, (_, before: string, heading: string) => {
    const [errors, warnings] = [ERRORS_OF[heading], WARNINGS_OF[heading]];
    expect(errors ?? warnings, `a table under "${heading}"`).toBeDefined();
    return before + (errors ? errorTable(errors) : warningTable(warnings));
  });

test("docs/errors.md is what the tables say", async () => {
  const page = readFileSync(PAGE, "utf8");
  await expect(written(page)).toMatchFileSnapshot(PAGE);
});

test("every code is on the page once", () => {
  const page = readFileSync(PAGE, "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  const listed = rows.flatMap((line) => [...line.split(" | ")[0].matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code));
  expect(listed.sort()).toEqual([...Object.keys(ERRORS), ...Object.keys(WARNINGS)].sort());
});

/** The text of all sources that can run into a user's program, but for the tables. */
function sources(): string {
  const folders = [...readdirSync(join(root, "packages")).map((name) => `packages/${name}/src`), "registry/src"];
  return folders
    .flatMap((folder) => {
      try {
        return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
          .filter((name) => name.endsWith(".ts") && !/errors[\\/](codes|warnings)\.ts$/.test(name))
          .map((name) => readFileSync(join(root, folder, name), "utf8"));
      } catch {
        return []; // a package of data
      }
    })
    .join("\n");
}

test("every code is one that some source gives", () => {
  const text = sources();
  const unused = [...Object.keys(ERRORS), ...Object.keys(WARNINGS)].filter((code) => !new RegExp(`"${code}"`).test(text));
  expect(unused).toEqual([]);
});
