// Builds the site: what can be generated is (CLI, schemas, API, the pages that are the repository's own), so that it cannot go stale; then VitePress.
// A dead link fails the build. usage: npm run docs     (packages must be built)
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readingPage } from "./reading-page.mjs";
import { schemaTables } from "./schema-table.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
const docs = fileURLToPath(new URL("./", import.meta.url));
const reference = `${docs}reference/`;
const read = (path) => readFileSync(root + path, "utf8");
const write = (name, text) => writeFileSync(reference + name, text);
/** Without the outline beside it: room for wide tables. */
const WIDE = "---\naside: false\n---\n\n";
const bin = (name) => `${root}node_modules/.bin/${name}`;

rmSync(reference, { recursive: true, force: true });
mkdirSync(reference, { recursive: true });
mkdirSync(`${docs}public`, { recursive: true });
copyFileSync(`${root}apps/web/public/icon.svg`, `${docs}public/icon.svg`);

/** A heading's section, without the heading. */
function section(text, heading) {
  const parts = text.split(/^## /m);
  const found = parts.find((part) => part.startsWith(`${heading}\n`));
  if (!found) throw new Error(`no section "${heading}"`);
  return found.slice(heading.length + 1).trim();
}

/** Help of a command and of all below it. */
function helpOf(path) {
  const text = execFileSync("node", [`${root}packages/cli/bin/anymc3d.js`, ...path, "--help"], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", COLUMNS: "110" },
  });
  const [, list = ""] = text.split(/^Commands:\n/m);
  const below = [...list.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name).filter((name) => !["help", "complete"].includes(name));
  if (below.length) return below.map((name) => helpOf([...path, name])).join("\n\n");
  return `## anymc3d ${path.join(" ")}\n\n\`\`\`text\n${text.trim()}\n\`\`\``;
}

const CLI = `# Command line

\`\`\`sh
anymc3d classify scan.nii.gz --adapter lung-nodule --heatmap heat.nii.gz
anymc3d inspect scan.nii.gz --png strip.png
anymc3d evaluate labels.csv --adapter lung-nodule --split val --predictions out.csv
source <(anymc3d complete bash)   # completion; zsh, fish and powershell too
\`\`\`

Exit codes: 0 done, 1 something failed, 2 wrong usage, 130 interrupted (Ctrl-C). \`--json\` prints objects, progress goes to stderr. What errors mean: [Errors and warnings](../errors.md).

| environment | |
| --- | --- |
| \`ANYMC3D_CACHE\` | folder where packages from registries are kept; default \`$XDG_CACHE_HOME/anymc3d\`, else \`~/.cache/anymc3d\` |
| \`ANYMC3D_CACHE_MAX\` | bytes it may take, default 8 GiB; what was not used for longest goes first |
| \`HTTPS_PROXY\`, \`HTTP_PROXY\`, \`NO_PROXY\`, npm's settings | for registries, as for npm |
| \`NO_COLOR\` | no colours |

Below: the program's own help.
`;
write("cli.md", `${CLI}\n${helpOf([])}\n`);

const asDetails = (title, text) => `::: details ${title}\n\n\`\`\`json\n${text.trim()}\n\`\`\`\n\n:::`;
const schema = (title, path, intro, example) => {
  const json = JSON.parse(read(path));
  const whole = asDetails("The schema", JSON.stringify(json, null, 2));
  return `${WIDE}# ${title}\n\n${intro} Unknown fields are errors. "Required" is what must stand in the object around it, where that is there.\n\n${schemaTables(json)}\n\n## An example\n\n${asDetails(example, read(example))}\n\n## JSON Schema\n\n${whole}\n`;
};
write(
  "manifest.md",
  schema(
    "adapter.json",
    "packages/core/dist/adapter.schema.json",
    'The manifest of an adapter. An adapter is this file and `weights.safetensors`, whose tensors are named in [architecture](../architecture.md#tensor-names). Editors complete and explain the fields with `"$schema": "./node_modules/@anymc3d/core/dist/adapter.schema.json"`.',
    "packages/adapters-lung-nodule/adapter.json",
  ),
);
write(
  "task.md",
  schema(
    "task.json",
    "packages/train/dist/task.schema.json",
    'What `anymc3d train` reads; [Train an adapter](../train-an-adapter.md) explains it. Editors complete and explain the fields with `"$schema": "./node_modules/@anymc3d/train/dist/task.schema.json"`.',
    "packages/adapters-lung-nodule/task.json",
  ),
);
write("accuracy.md", `${WIDE}# Accuracy\n\n${section(read("README.md"), "Adapters").replace(/^[\s\S]*?(?=^Validation AUROC)/m, "")}\n`);
write("reading.md", WIDE + readingPage());
write("speed.md", WIDE + read("benchmarks/README.md").replace(/^# .*/, "# Speed and memory"));

/** What is imported, from which file; what a module hands on of an earlier one is documented there. */
const MODULES = [
  ["@anymc3d/core", "packages/core/src/index.ts"],
  ["@anymc3d/core/engine", "packages/core/src/engine.ts"],
  ["@anymc3d/core/learn", "packages/core/src/learn.ts"],
  ["@anymc3d/core/testing", "packages/core/src/testing/index.ts"],
  ["@anymc3d/core/errors", "packages/core/src/errors.ts"],
  ["@anymc3d/io", "packages/io/src/index.ts"],
  ["@anymc3d/io/options", "packages/io/src/options.ts"],
  ["@anymc3d/engine-onnx", "packages/engine-onnx/src/index.ts"],
  ["@anymc3d/engine-tfjs", "packages/engine-tfjs/src/index.ts"],
  ["@anymc3d/sdk", "packages/sdk/src/index.ts"],
  ["@anymc3d/sdk/worker", "packages/sdk/src/worker/classifier.ts"],
  ["@anymc3d/train", "packages/train/src/index.ts"],
  ["@anymc3d/train/node", "packages/train/src/node.ts"],
  ["@anymc3d/registry", "registry/src/index.ts"],
  ["@anymc3d/registry/node", "registry/src/node.ts"],
  ["@anymc3d/registry/server", "registry/src/server.ts"],
  ["@anymc3d/registry/site", "registry/src/site.ts"],
].map(([name, entry]) => ({ name, entry, page: entry.replace(/(\/index)?\.ts$/, ""), words: introduction(name, entry) }));

/** A package's own description; of its other modules the line that their file opens with. */
function introduction(name, entry) {
  if (name.split("/").length === 2) return JSON.parse(read(`${entry.split("/src/")[0]}/package.json`)).description;
  const [, line] = /^\/\/ (.*)/.exec(read(entry)) ?? [];
  if (!line) throw new Error(`${entry} does not say what it is`);
  return line;
}

const tables = ["index", "parameters", "interfaceProperties", "typeDeclaration"].flatMap((what) => [`--${what}Format`, "table"]);
execFileSync(
  bin("typedoc"),
  [
    ...["--plugin", "typedoc-plugin-markdown", "--out", `${reference}api`, "--tsconfig", `${root}tsconfig.json`, "--skipErrorChecking", "--excludeInternal"],
    ...["--disableSources", "--hideBreadcrumbs", "--hidePageHeader", "--readme", "none", "--name", "API", "--entryFileName", "index", "--logLevel", "Error"],
    ...tables,
    ...MODULES.map(({ entry }) => root + entry),
  ],
  { cwd: root, stdio: ["ignore", "ignore", "inherit"] },
);
/** Nearly everything is readonly: the column says nothing, and takes the room of the words. */
function withoutModifiers(text) {
  let inside = false;
  const lines = text.split("\n").map((line) => {
    inside = line.startsWith("| Property | Modifier |") || (inside && line.startsWith("|"));
    return inside ? line.replace(/^(\| .*?) \| [^|]* (?=\|)/, "$1 ") : line;
  });
  return lines.join("\n");
}

// Modules are called as they are imported, and say what they are.
for (const file of readdirSync(`${reference}api`, { recursive: true }).filter((name) => name.endsWith(".md"))) {
  const path = `${reference}api/${file}`;
  const named = MODULES.reduce(
    (text, { name, page, words }) => text.replaceAll(`[${page}]`, `[${name}]`).replace(`# ${page}\n`, `# ${name}\n\n${words}\n`),
    readFileSync(path, "utf8"),
  );
  writeFileSync(path, WIDE + withoutModifiers(named));
}
const first = ["@anymc3d/sdk", "@anymc3d/sdk/worker"];
const listed = [...MODULES.filter(({ name }) => first.includes(name)), ...MODULES.filter(({ name }) => !first.includes(name))];
write(
  "api/index.md",
  `# API\n\nFrom the docstrings. Most programs need \`@anymc3d/sdk\`, pages \`@anymc3d/sdk/worker\`; what these hand on is documented where it comes from.\n\n| module | what it is |\n| --- | --- |\n${listed.map(({ name, page, words }) => `| [${name}](${page}/index.md) | ${words} |`).join("\n")}\n`,
);
execFileSync(bin("vitepress"), ["build", docs], { cwd: docs, stdio: ["ignore", "inherit", "inherit"] });

/** VitePress finds dead links, but not dead anchors. */
const dist = `${docs}.vitepress/dist/`;
const pages = new Map(
  readdirSync(dist, { recursive: true })
    .filter((name) => name.endsWith(".html"))
    .map((name) => [`/${name.replaceAll("\\", "/")}`, readFileSync(dist + name, "utf8")]),
);
const dead = [...pages].flatMap(([page, html]) =>
  [...html.matchAll(/href="((?!https?:)[^"#]*#[^"]+)"/g)].flatMap(([, href]) => {
    const { pathname, hash } = new URL(href, `http://site${page}`);
    const target = pages.get(pathname.endsWith("/") ? `${pathname}index.html` : pathname);
    return target?.includes(` id="${decodeURIComponent(hash.slice(1))}"`) ? [] : [`${page}: ${href}`];
  }),
);
if (dead.length) throw new Error(`dead anchors:\n${[...new Set(dead)].join("\n")}`);
