// Messages are for people: what programs act on are codes and details. No source may look into the text of an error.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const FOLDERS = [
  "apps/web/src",
  "packages/sdk/src",
  "packages/cli/src",
  "packages/core/src",
  "packages/io/src",
  "packages/train/src",
  "packages/engine-onnx/src",
  "packages/engine-tfjs/src",
  "registry/src",
];

/** How a program looks into a message. */
const LOOKS = [
  /\bmessage\??\.(?:match|matchAll|includes|startsWith|endsWith|search|indexOf|split|slice|replace|replaceAll)\(/,
  /\.(?:test|exec)\((?:String\()?[\w.?() ]*\b(?:message|error|cause|reason)\)/,
  /\bmessage\s*[!=]==?\s*["'`]/,
];

/** Where it is right: text of others than this project, one place for each of them. */
const OTHERS: Readonly<Record<string, string>> = {
  "apps/web/src/errors/browser-texts.ts": "browsers",
  "packages/cli/src/output/failure.ts": "does not print the file's name twice",
  "packages/engine-tfjs/src/device.ts": "the first line of what TensorFlow.js says",
};

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return /\.[cm]?tsx?$/.test(name) ? [path] : [];
  });
}

test("no source looks into the text of an error, but for the words of others", () => {
  const found = new Map<string, string[]>();
  for (const path of FOLDERS.flatMap((folder) => sources(join(root, folder)))) {
    const lines = readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => LOOKS.some((look) => look.test(line)));
    if (lines.length > 0) found.set(relative(root, path), lines);
  }
  const wrong = [...found].filter(([path]) => !(path in OTHERS));
  expect(wrong).toEqual([]);
  expect(Object.keys(OTHERS).filter((path) => !found.has(path))).toEqual([]);
});

test.each([
  "const [, last] = /0 to (\\d+)/.exec(error.message) ?? [];",
  "if (/Failed to fetch/.test(error.message)) return;",
  'if (error.message.includes("frame")) ask();',
  "message.match(/x/)",
])("it would find %s", (line) => {
  expect(LOOKS.some((look) => look.test(line))).toBe(true);
});
