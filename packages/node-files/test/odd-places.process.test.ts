// Places that are odd: a pipe or a device in a file's place, a user without a home.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { lstat, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { expect, test } from "vitest";
import { writeWhole } from "../src/write-whole.js";

test("a pipe or a device is refused, and stays what it is", async () => {
  const folder = await mkdtemp(join(tmpdir(), "anymc3d-odd-"));
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const target of [pipe, "/dev/null"])
    await expect(writeWhole(target, "text")).rejects.toMatchObject({ code: "OUTPUT_NOT_WRITABLE", message: expect.stringContaining("a pipe or a device") });
  expect((await lstat(pipe)).isFIFO()).toBe(true);
  expect((await lstat("/dev/null")).isCharacterDevice()).toBe(true);
  await rm(folder, { recursive: true });
});

test.skipIf(process.getuid?.() !== 0)("a user whom the system does not know, without HOME, has no cache folder, and nothing throws", () => {
  const env: NodeJS.ProcessEnv = { PATH: process.env.PATH };
  const { code: source } = transformSync(readFileSync(new URL("../src/cache-folder.ts", import.meta.url), "utf8"), { loader: "ts" });
  const code = `${source}; let known = true; try { process.getBuiltinModule("node:os").homedir(); } catch { known = false; } console.log(known, cacheFolder());`;
  const run = (more: NodeJS.ProcessEnv) =>
    execFileSync(process.execPath, ["--input-type=module", "-e", code], {
      env: { ...env, ...more },
      uid: 54321,
      gid: 54321,
      encoding: "utf8",
      cwd: "/",
    }).trim();
  expect(run({})).toBe("false undefined");
  expect(run({ XDG_CACHE_HOME: "" })).toBe("false undefined");
  expect(run({ XDG_CACHE_HOME: "/a/caches" })).toBe("false /a/caches/anymc3d");
  expect(run({ ANYMC3D_CACHE: "/own" })).toBe("false /own");
});
