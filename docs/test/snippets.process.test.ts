// What the pages show is run, or held against the packages: Node's snippets run, imports exist, commands and their options are known.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const bin = path.join(root, "packages/cli/bin/anymc3d.js");
const pages = ["README.md", "packages/sdk/README.md", "apps/web/README.md", ...["", "guide"].flatMap((folder) => pagesIn(path.join("docs", folder)))];

function pagesIn(folder: string): string[] {
  return readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => path.join(folder, name));
}

/** The code blocks of a page in one of these languages. */
function blocks(page: string, ...languages: string[]): string[] {
  const text = readFileSync(path.join(root, page), "utf8");
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].flatMap(([, language, code]) => (languages.includes(language) ? [code] : []));
}

const run = ["README.md", "docs/guide/node.md", "docs/errors.md"].flatMap((page) => blocks(page, "js").map((code, i) => [page, i + 1, code] as const));
describe("what is meant for Node runs", () => {
  test.each(run)("%s, snippet %i", (_page, _i, code) => {
    const folder = mkdtempSync(path.join(root, "docs/test/run-"));
    try {
      const file = code.includes("require(") ? "snippet.cjs" : "snippet.mjs";
      writeFileSync(path.join(folder, file), code);
      const said = execFileSync("node", [file], { cwd: folder, encoding: "utf8" });
      // PyTorch's answer on the sample, wherever a snippet prints it.
      if (code.includes("result.labels")) expect(said).toMatch(/Rated malignant 0\.936\d+ 0\.59\d+ true/);
      if (code.includes("no-such-file")) expect(said).toMatch(/^FILE_NOT_FOUND: /);
      else if (code.includes("error.code")) expect(said.trim()).toBe("INPUT_MODALITY");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const imports = pages.flatMap((page) =>
  blocks(page, "js", "ts").flatMap((code) =>
    [...code.matchAll(/^import (?:(\w+)(?:, )?)?(?:\{ ([^}]+) \})? ?from "(@anymc3d\/[^"]+)"/gm)].map(([, main, named = "", from]) => ({
      page,
      main,
      named,
      from,
    })),
  ),
);
test.each(imports)("$page: $from has $main $named", async ({ main, named, from }) => {
  // By node itself: what is published, not the sources that the tests use.
  const wanted = [...(main ? ["default"] : []), ...named.split(",").map((each) => each.trim()).filter((each) => each && !each.startsWith("type "))]; // biome-ignore format: a line
  const script = `import(${JSON.stringify(from)}).then((module) => console.log(JSON.stringify(Object.keys(module))))`;
  const exported = JSON.parse(execFileSync("node", ["--input-type=module", "-e", script], { cwd: root, encoding: "utf8" }));
  expect(exported).toEqual(expect.arrayContaining(wanted));
});

const commands = pages.flatMap((page) =>
  blocks(page, "sh").flatMap((code) =>
    code.split("\n").flatMap((line) => {
      const found = /^\s*anymc3d ([^#;|&]+)/.exec(line);
      return found ? [{ page, command: found[1].trim() }] : [];
    }),
  ),
);
const helps = new Map<string, string>();
const help = (words: readonly string[]) => {
  const key = words.join(" ");
  const known = helps.get(key) ?? execFileSync("node", [bin, ...words, "--help"], { encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
  helps.set(key, known);
  return known;
};
test.each(commands)("$page: anymc3d $command", ({ command }) => {
  const words = command.split(/\s+/);
  const group = ["adapter", "cache", "registry", "backbone"].includes(words[0]) ? 2 : 1;
  const text = help(words.slice(0, group));
  expect(text).toContain(`Usage: anymc3d ${words.slice(0, group).join(" ")}`);
  for (const word of words.filter((each) => each.startsWith("--"))) expect(text).toContain(word.replace(/=.*/, ""));
});
