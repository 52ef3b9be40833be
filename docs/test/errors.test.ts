// The page of errors and warnings names every code that there is, and no other.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(path.join(root, "docs/errors.md"), "utf8");

/** Codes in the first column of the tables under headings that `wanted` picks. */
function codesUnder(wanted: (heading: string) => boolean): string[] {
  return page
    .split(/^## /m)
    .filter((part) => wanted(part.split("\n", 1)[0]))
    .flatMap((part) => [...part.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell]) => [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code)))
    .sort();
}

const isWarning = (heading: string) => heading.startsWith("Warnings");
const unique = (codes: readonly string[]) => [...new Set(codes)].sort();

/** The text of all sources that can run into a user's program. */
function sources(): string[] {
  const folders = [...readdirSync(path.join(root, "packages")).map((name) => `packages/${name}/src`), "registry/src"];
  return folders.flatMap((folder) => {
    try {
      return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts"))
        .map((name) => readFileSync(path.join(root, folder, name), "utf8"));
    } catch {
      return []; // a package of data
    }
  });
}

const union = /export type ErrorCode =([^;]*);/.exec(readFileSync(path.join(root, "packages/core/src/errors.ts"), "utf8"));
const errorCodes = [...(union?.[1] ?? "").matchAll(/"([A-Z_]+)"/g)].map(([, code]) => code).sort();

test("every ErrorCode has one row, and every row is one", () => {
  expect(errorCodes.length).toBeGreaterThan(50);
  expect(codesUnder((heading) => !isWarning(heading))).toEqual(errorCodes);
});

test("every warning's code has one row, and every row is one", () => {
  const written = unique(sources().flatMap((text) => [...text.matchAll(/\bcode: "([A-Z_]+)"/g)].map(([, code]) => code)));
  // Of the command line alone (told above the tables); of errors that are warnings where an adapter says so.
  const elsewhere = ["INTERRUPTED", "UNEXPECTED", "INPUT_MODALITY", "INPUT_VALUES", "REGISTRY_UNREACHABLE"];
  expect(written).toEqual(expect.arrayContaining(elsewhere));
  for (const code of elsewhere) expect(page).toContain(`\`${code}\``);
  expect(codesUnder(isWarning)).toEqual(written.filter((code) => !elsewhere.includes(code)));
});
