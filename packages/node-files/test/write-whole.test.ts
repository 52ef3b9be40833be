// Files are there whole or not at all: long names, links, an abort, folders and full disks in the way, killed writers.
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeUnfinished, UNFINISHED, writeWhole } from "../src/write-whole.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "anymc3d-files-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (name: string) => path.join(folder, name);

test("a name of 255 bytes, the longest that file systems take, also of letters of several bytes", async () => {
  for (const name of [`${"a".repeat(251)}.nii`, `${"ö".repeat(125)}.nrrd`]) {
    expect(Buffer.byteLength(name)).toBe(255);
    await writeWhole(at(name), "x");
    expect(await readFile(at(name), "utf8")).toBe("x");
  }
  expect(await readdir(folder)).toHaveLength(2);
  await expect(writeWhole(at("a".repeat(256)), "x")).rejects.toMatchObject({ code: "OUTPUT_NOT_WRITABLE", message: expect.stringContaining("too long") });
});

test("replaces what is there; through a link, what that leads to", async () => {
  await mkdir(at("data"));
  await writeFile(at("data/real"), "old");
  await symlink(at("data/real"), at("link"));
  await writeWhole(at("link"), new Uint8Array([110, 101, 119]));
  expect(await readFile(at("data/real"), "utf8")).toBe("new");
  expect(await readdir(at("data"))).toEqual(["real"]);
  expect(await readdir(folder)).toEqual(["data", "link"]);
});

test("many writers of one file at once: one of them has it, whole", async () => {
  const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(100_000));
  await Promise.all(texts.map((text) => writeWhole(at("file"), text)));
  expect(texts).toContain(await readFile(at("file"), "utf8"));
  expect(await readdir(folder)).toEqual(["file"]);
});

test.each([
  ["a folder in its place", "taken", /target is a folder/],
  ["a file in the folder's place", "file/inside", /not a folder/],
  ["no such folder", "none/inside", /does not exist/],
])("%s: said so, and nothing is left behind", async (_, name, why) => {
  await mkdir(at("taken/full"), { recursive: true });
  await writeFile(at("file"), "kept");
  await expect(writeWhole(at(name), "x")).rejects.toMatchObject({ code: "OUTPUT_NOT_WRITABLE", message: expect.stringMatching(why) });
  expect((await readdir(folder)).sort()).toEqual(["file", "taken"]);
  expect(await readFile(at("file"), "utf8")).toBe("kept");
});

test("an abort leaves what was there, and is told as itself", async () => {
  await writeFile(at("file"), "old");
  const controller = new AbortController();
  const writing = writeWhole(at("file"), new Uint8Array(2 ** 26), controller.signal);
  controller.abort(new Error("enough"));
  await expect(writing).rejects.toThrow("enough");
  expect(await readFile(at("file"), "utf8")).toBe("old");
  expect(await readdir(folder)).toEqual(["file"]);
});

test("what a killed writer left is known by its name and removed; other files are not", async () => {
  await writeFile(at(".0123456789abcdef.part"), "");
  await writeFile(at("my.part"), "");
  expect((await readdir(folder)).filter((name) => UNFINISHED.test(name))).toEqual([".0123456789abcdef.part"]);
  await removeUnfinished(folder);
  expect(await readdir(folder)).toEqual(["my.part"]);
});
