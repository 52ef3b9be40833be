// anymc3d.lock.json on the disk: found on the way up, changed by one process at a time, whole or not at all.

import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { AnyMC3DError } from "@anymc3d/core";
import { Held, hold } from "@anymc3d/node-files/hold";
import { notWritable, writeWhole } from "@anymc3d/node-files/write-whole";
import { formatLock, LOCK_FILE, type Lock, parseLock } from "./lock.js";

const EMPTY: Lock = { adapters: {} };
/** A change takes milliseconds; many processes on a busy machine wait for each other's, and a dead one's mark for seconds. */
const PATIENCE = 120_000;

/** A lock and where it lies. */
export interface LockFile {
  readonly path: string;
  readonly lock: Lock;
}

/** The nearest lock file from a folder upward; undefined where there is none. @throws AnyMC3DError `LOCK_INVALID`, `FILE_UNREADABLE` */
export async function findLock(from: string): Promise<LockFile | undefined> {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const path = join(folder, LOCK_FILE);
    const found = await readLock(path);
    if (found) return { path, lock: found };
    if (folder === dirname(folder)) return undefined;
  }
}

async function readLock(path: string): Promise<Lock | undefined> {
  try {
    return parseLock(await readFile(path, "utf8"), path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (cause instanceof AnyMC3DError) throw cause;
    throw new AnyMC3DError("FILE_UNREADABLE", `${path}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Changes a lock file, or makes it. Other processes wait; one that was killed is passed over.
 * @param patience milliseconds until a wait for others is given up
 * @throws AnyMC3DError `OUTPUT_NOT_WRITABLE`, which names who holds it where that is the reason; `LOCK_INVALID`; the change's own
 */
export async function changeLock(path: string, change: (lock: Lock) => Lock, patience = PATIENCE): Promise<Lock> {
  try {
    const release = await holdSoon(`${path}.lock`, patience);
    try {
      const lock = change((await readLock(path)) ?? EMPTY);
      await writeWhole(path, formatLock(lock));
      return lock;
    } finally {
      release();
    }
  } catch (cause) {
    if (cause instanceof Held)
      throw new AnyMC3DError(
        "OUTPUT_NOT_WRITABLE",
        `${path}: process ${cause.holder.pid} on ${cause.holder.host} is changing it (${cause.mark}). Wait until it has ended, and try again.`,
        { cause },
      );
    throw notWritable(path, dirname(resolve(path)), cause);
  }
}

/** Takes a mark, and waits for others that have it. */
async function holdSoon(mark: string, patience: number): Promise<() => void> {
  for (const start = Date.now(); ; ) {
    try {
      return await hold(mark, { beats: true });
    } catch (error) {
      if (!(error instanceof Held) || Date.now() - start > patience) throw error;
    }
    await setTimeout(20 + Math.random() * 30);
  }
}
