// A lock file that somebody else is changing: who waits is told who it is, and nothing is changed.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { hold } from "@anymc3d/node-files/hold";
import { expect, onTestFinished, test } from "vitest";
import { changeLock } from "../src/node.js";

test("given up, the message names process, machine and mark; the holder ends, and it goes through", async () => {
  const folder = mkdtempSync(join(tmpdir(), "anymc3d-held-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "anymc3d.lock.json");
  const release = await hold(`${path}.lock`, { beats: true });
  await expect(changeLock(path, (lock) => lock, 0)).rejects.toMatchObject({
    code: "OUTPUT_NOT_WRITABLE",
    message: `${path}: process ${process.pid} on ${hostname()} is changing it (${path}.lock). Wait until it has ended, and try again.`,
  });
  expect(readdirSync(folder)).toEqual(["anymc3d.lock.json.lock"]);
  const waiting = changeLock(path, (lock) => lock);
  release();
  await waiting;
  expect(readdirSync(folder)).toEqual(["anymc3d.lock.json"]);
});
