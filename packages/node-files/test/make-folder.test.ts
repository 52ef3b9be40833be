// Folders are made with those above them, and where they cannot be made that is told: Node's own way never ends in /proc.

import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeFolder } from "../src/make-folder.js";
import { newFolder } from "../src/new-folder.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "anymc3d-make-"));
  await writeFile(join(place, "file"), "");
  await symlink(join(place, "nowhere"), join(place, "dangling"));
});
afterAll(() => rm(place, { recursive: true, force: true }));

test("all that are missing are made, by many at once, with the mode that was asked for", async () => {
  for (let round = 0; round < 20; round++) {
    await rm(join(place, "a"), { recursive: true, force: true });
    await Promise.all(Array.from({ length: 8 }, () => makeFolder(join(place, "a/b/c"), 0o700)));
  }
  await makeFolder(join(place, "a"));
  for (const path of ["a", "a/b", "a/b/c"]) expect((await stat(join(place, path))).mode & 0o777).toBe(process.platform === "win32" ? 0o666 : 0o700);
  await makeFolder(relative(process.cwd(), join(place, "relative/deep")));
  expect(await readdir(join(place, "relative"))).toEqual(["deep"]);
});

test.each([
  ["file", /file: cannot be written in \S+: a file or folder of that name is in the way/],
  ["file/deep/out", /file\/deep\/out: cannot be written in \S+: /],
  ["dangling", /a file or folder of that name is in the way/],
  ["dangling/deep", /a file or folder of that name is in the way/],
  [`${"x".repeat(300)}/deep`, /the name is too long/],
])("%s is refused", async (path, message) => {
  await expect(makeFolder(join(place, path))).rejects.toMatchObject({ code: "OUTPUT_NOT_WRITABLE", message: expect.stringMatching(message) });
});

test.skipIf(process.platform !== "linux").each(["/proc/new", "/proc/new/deep", "/proc/self/fd/new/deep", "/dev/fd/new/deep"])("%s is refused", async (path) => {
  await expect(makeFolder(path)).rejects.toMatchObject({
    code: "OUTPUT_NOT_WRITABLE",
    message: expect.stringMatching(/cannot be written in \/(proc|dev)\S*: no folder can be made there/),
  });
  await expect(newFolder(path, async () => {})).rejects.toMatchObject({ code: "OUTPUT_NOT_WRITABLE" });
});

test("nothing that is published makes folders in another way", async () => {
  const folders = ["registry", ...(await readdir(join(root, "packages"))).filter((name) => name !== "testkit").map((name) => `packages/${name}`)];
  const sources = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(join(root, folder, "src"), { recursive: true }).catch(() => []);
      return names.filter((name) => /\.(ts|js|cjs)$/.test(name)).map((name) => join(folder, "src", name));
    }),
  );
  const texts = await Promise.all(sources.flat().map(async (path) => [path, await readFile(join(root, path), "utf8")] as const));
  expect(texts.length).toBeGreaterThan(200);
  expect(texts.filter(([, text]) => /\bmkdir(Sync)?\(/.test(text)).map(([path]) => path)).toEqual(["packages/node-files/src/make-folder.ts"]);
});
