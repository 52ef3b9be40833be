// The lines of the project's sources, for tests that ask where something is written.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export interface SourceLine {
  readonly file: string;
  readonly line: string;
}

/** All but comments, of all packages, the registry and the page. @param but files to leave out */
export function linesOfSource(but: RegExp): SourceLine[] {
  const packages = readdirSync(path.join(root, "packages")).map((name) => `packages/${name}/src`);
  return [...packages, "registry/src", "apps/web/src"].flatMap((folder) => filesIn(folder)).flatMap((file) => (but.test(file) ? [] : linesOf(file)));
}

function filesIn(folder: string): string[] {
  try {
    const found = readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" });
    return found.map((name) => `${folder}/${name.replaceAll("\\", "/")}`).filter((name) => /\.(?:ts|tsx|js|mjs)$/.test(name));
  } catch {
    return [];
  }
}

function linesOf(file: string): SourceLine[] {
  const text = readFileSync(path.join(root, file), "utf8");
  return text.split("\n").flatMap((line) => (/^\s*(?:\/\/|\/\*|\*)/.test(line) ? [] : [{ file, line: line.trim() }]));
}
