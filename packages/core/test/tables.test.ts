// Each table of kinds is the only place that lists its members: no source names them in a list, a union or a comparison of its own.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { HEATMAPS, TASK_KINDS } from "@anymc3d/core";
import { FUSIONS, HEADS, INTENSITIES, POOLINGS } from "@anymc3d/core/learn";
import { describe, expect, test } from "vitest";
import { FEATURES } from "../src/kinds/features/index.js";
import { ROIS } from "../src/kinds/roi/index.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Sources by their path in the repository. */
const sources = ["packages/core/src", "packages/sdk/src", "packages/cli/src", "packages/train/src", "packages/io/src", "registry/src", "apps/web/src"].flatMap(
  (folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => ({ name: path.posix.join(folder, name.replaceAll("\\", "/")), text: readFileSync(path.join(root, folder, name), "utf8") })),
);

/** A table, where its files are, and its ids. */
const tables: [string, readonly string[], readonly { readonly id: string }[]][] = [
  ["task", ["packages/core/src/tasks/", "packages/train/src/tasks/"], TASK_KINDS],
  ["intensity", ["packages/core/src/kinds/intensity/"], INTENSITIES],
  ["features", ["packages/core/src/kinds/features/"], FEATURES],
  ["pooling", ["packages/core/src/kinds/pooling/"], POOLINGS],
  ["fusion", ["packages/core/src/kinds/fusion/"], FUSIONS],
  ["head", ["packages/core/src/kinds/head/"], HEADS],
  ["heatmap", ["packages/core/src/kinds/heatmap/"], HEATMAPS],
  ["roi", ["packages/core/src/kinds/roi/"], ROIS],
];

/** Two quoted names of a table with nothing but punctuation or alternatives between them: `"a", "b"` or `"a" | "b"`. */
const listOf = (ids: readonly string[]) => new RegExp(`"(${ids.join("|")})"\\s*[,|]\\s*"(${ids.join("|")})"`);
/** A comparison with a name of a table. */
const comparisonWith = (ids: readonly string[]) => new RegExp(`[!=]==\\s*"(${ids.join("|")})"`);

describe.each(tables)("%s", (field, folders, table) => {
  const ids = table.map(({ id }) => id);
  const others = sources.filter(({ name }) => !folders.some((folder) => name.startsWith(folder)));

  test("ids are unique, and each has a file of its own", () => {
    expect(new Set(ids).size).toBe(ids.length);
    const files = readdirSync(path.join(root, folders[0]));
    for (const id of ids) expect(files).toContain(`${id}.ts`);
  });

  test("no other source lists its members", () => {
    expect(others.filter(({ text }) => listOf(ids).test(text)).map(({ name }) => name)).toEqual([]);
  });

  // Not of tables whose ids ("none", "linear", "cls") are names of other things, too.
  test.runIf(["task", "intensity", "pooling", "heatmap", "roi"].includes(field))("no other source asks for one by name", () => {
    expect(others.filter(({ text }) => comparisonWith(ids).test(text)).map(({ name }) => name)).toEqual([]);
  });
});
