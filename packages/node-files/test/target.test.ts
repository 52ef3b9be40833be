// Targets are refused before the work, by what is in the way and where.

import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkFileTarget, checkFolderTarget } from "../src/target.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-target-"));
  await writeFile(join(folder, "file"), "");
  await mkdir(join(folder, "dir"));
  await symlink(join(folder, "nowhere"), join(folder, "dangling"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  ["dir", /the target is a folder/],
  ["no/such/p.csv", /the folder does not exist/],
  ["file/p.csv", /not a folder/],
  [`${"x".repeat(300)}.csv`, /too long/],
])("a file %s is refused", async (path, why) => {
  await expect(checkFileTarget(join(folder, path))).rejects.toMatchObject({ code: "OUTPUT_NOT_WRITABLE", message: expect.stringMatching(why) });
});

test.each([
  ["file", /not a folder/],
  ["file/out", /not a folder/],
  [`new/${"x".repeat(300)}`, /too long/],
])("a folder %s is refused", async (path, why) => {
  await expect(checkFolderTarget(join(folder, path))).rejects.toMatchObject({ code: "OUTPUT_NOT_WRITABLE", message: expect.stringMatching(why) });
});

// No one writes to /proc, not even root; making folders there fails as if the folder above were not there.
test.skipIf(process.platform !== "linux")("where nothing can be made, the folder is named", async () => {
  await expect(checkFolderTarget("/proc/adapter/deep")).rejects.toThrow(/cannot be written in \/proc: nothing can be made there/);
  await expect(checkFileTarget("/proc/p.csv")).rejects.toThrow(/cannot be written in \/proc: /);
  await expect(checkFileTarget("/dev/null")).rejects.toThrow(/device/);
});

test("what can be written passes, and nothing is left behind", async () => {
  for (const path of ["file", "new.csv", "dangling", "x".repeat(250)]) await checkFileTarget(join(folder, path));
  for (const path of ["dir", "new", "dir/deep/deeper"]) await checkFolderTarget(join(folder, path));
  expect(await readdir(folder)).toEqual(["dangling", "dir", "file"]);
  expect(await readdir(join(folder, "dir"))).toEqual([]);
});
