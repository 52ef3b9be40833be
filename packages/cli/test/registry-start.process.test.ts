// anymc3d registry start as a user runs it: Ctrl-C leaves its folder free, so that the next start does not wait. Runs the built program.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const bin = fileURLToPath(new URL("../bin/anymc3d.js", import.meta.url));

async function start(storage: string): Promise<ChildProcess> {
  const child = spawn("node", [bin, "registry", "start", "--storage", storage, "--port", "0", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [text] = await once(child.stdout, "data");
  expect(JSON.parse(String(text)).storage).toBe(storage);
  return child;
}

test.each(["SIGINT", "SIGTERM"] as const)("after %s the folder holds no mark", async (signal) => {
  const folder = mkdtempSync(path.join(tmpdir(), "anymc3d-start-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const child = await start(folder);
  expect(existsSync(path.join(folder, "in-use"))).toBe(true);
  child.kill(signal);
  await once(child, "exit");
  expect(existsSync(path.join(folder, "in-use"))).toBe(false);
});
