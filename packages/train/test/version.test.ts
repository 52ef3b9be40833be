// An adapter's version in its three places: all of them or none, and nothing else of the files.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { versionPlaces, writeVersion } from "../src/package/version.js";
import { folderOf } from "./build.js";

const packageJson = `{
  "anymc3d": { "version": "1.2.3" },
  "description": "says \\"version\\": \\"1.2.3\\" in words",
  "name": "@you/adapter-x",
  "version": "1.2.3", "list": [1,   2]
}`;
const files = {
  "package.json": packageJson,
  "adapter.json": '{"schemaVersion":2,"name":"@you/adapter-x","version":"1.2.3"}\n',
  "README.md": "# X\n\nInstall `@you/adapter-x` first.\n\n`@you/adapter-x` 1.2.3. What it is.\n",
};
const textOf = (folder: string, name: string) => readFile(path.join(folder, name), "utf8");
const all = async (folder: string) => Object.fromEntries(await Promise.all(Object.keys(files).map(async (name) => [name, await textOf(folder, name)])));

test("each place says its version, and is written with another, all else as it was", async () => {
  const folder = await folderOf(files);
  expect((await versionPlaces(folder)).places.map(({ version }) => version)).toEqual(["1.2.3", "1.2.3", "1.2.3"]);
  await writeVersion(folder, "2.0.0-rc.1");
  expect(await all(folder)).toEqual({
    "package.json": packageJson.replace('"version": "1.2.3", "list"', '"version": "2.0.0-rc.1", "list"'),
    "adapter.json": files["adapter.json"].replace("1.2.3", "2.0.0-rc.1"),
    "README.md": files["README.md"].replace("1.2.3", "2.0.0-rc.1"),
  });
  expect((await versionPlaces(folder)).places.map(({ version }) => version)).toEqual(Array(3).fill("2.0.0-rc.1"));
});

describe("nothing is written where not all can be", () => {
  test.each([
    ["a card that does not say it", { ...files, "README.md": "# X\n" }, /README\.md does not say `@you\/adapter-x` X\.Y\.Z/],
    ["a file that is no JSON", { ...files, "package.json": "{" }, /package\.json is no JSON object/],
  ])("%s", async (_, those, said) => {
    const folder = await folderOf(those);
    await expect(writeVersion(folder, "2.0.0")).rejects.toMatchObject({ code: "DATA_INVALID", message: expect.stringMatching(said) });
    expect(await all(folder)).toEqual(those);
  });

  test("a file that is missing", async () => {
    const { "package.json": _, ...two } = files;
    const folder = await folderOf(two);
    await expect(writeVersion(folder, "2.0.0")).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
    expect(await textOf(folder, "adapter.json")).toBe(files["adapter.json"]);
  });
});
