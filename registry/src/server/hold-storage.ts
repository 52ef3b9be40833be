// One registry a storage folder: two would overwrite each other's packages. A mark whose time moves on is of one that runs, on whatever machine.

import { rmSync } from "node:fs";
import { readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { AnyMC3DError } from "@anymc3d/core";

/** Milliseconds between two signs of life, and without one until the registry that made the mark counts as killed. */
const BEAT = 1_000;
const GONE = 3_500;

/**
 * Holds a folder until released. A mark that a killed process left is watched for a while, and passed over.
 * @returns what releases it
 * @throws AnyMC3DError `OPTION_INVALID` where another registry holds it, `OUTPUT_NOT_WRITABLE`
 */
export async function holdStorage(storage: string): Promise<() => Promise<void>> {
  const mark = join(storage, "in-use");
  const mine = `process ${process.pid} on ${hostname()}\n`;
  const refuse = async () => {
    const owner = (await readFile(mark, "utf8").catch(() => "")).trim();
    throw new AnyMC3DError("OPTION_INVALID", `${storage}: another registry (${owner}) keeps its packages there. Stop it, or choose another --storage.`);
  };
  if (await beats(mark)) await refuse();
  try {
    await rm(mark, { force: true });
    await writeFile(mark, mine, { flag: "wx" });
  } catch (cause) {
    throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${storage} cannot be written: ${(cause as Error).message}. Choose another folder.`, { cause });
  }
  // Another one that found the same dead mark may have put its own in place of this.
  await setTimeout(BEAT / 4);
  if ((await readFile(mark, "utf8").catch(() => "")) !== mine) await refuse();
  const timer = setInterval(() => void utimes(mark, new Date(), new Date()).catch(() => undefined), BEAT);
  timer.unref();
  // Verdaccio ends the process by itself on a signal.
  const atExit = () => rmSync(mark, { force: true });
  process.once("exit", atExit);
  return async () => {
    clearInterval(timer);
    process.off("exit", atExit);
    await rm(mark, { force: true });
  };
}

async function beats(mark: string): Promise<boolean> {
  const time = async () => (await stat(mark).catch(() => undefined))?.mtimeMs;
  const first = await time();
  for (const start = Date.now(); first !== undefined && Date.now() - start < GONE; ) {
    await setTimeout(BEAT / 4);
    const now = await time();
    if (now !== first) return now !== undefined;
  }
  return false;
}
