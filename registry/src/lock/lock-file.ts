// anymc3d.lock.json on the disk: found on the way up, changed by one process at a time, whole or not at all.

import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";
import { writeWhole } from "../node/write-whole.js";
import { formatLock, LOCK_FILE, type Lock, parseLock } from "./lock.js";

const EMPTY: Lock = { adapters: {} };
const PATIENCE = 10_000;
/** A change takes milliseconds: a mark this old is of a process that was killed. */
const STALE = 5_000;

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
 * @throws AnyMC3DError `OUTPUT_NOT_WRITABLE`, `LOCK_INVALID`; the change's own
 */
export async function changeLock(path: string, change: (lock: Lock) => Lock): Promise<Lock> {
  const mark = `${path}.lock`;
  try {
    await take(mark);
    try {
      const lock = change((await readLock(path)) ?? EMPTY);
      await writeWhole(path, formatLock(lock));
      return lock;
    } finally {
      await rm(mark, { recursive: true, force: true });
    }
  } catch (cause) {
    if (cause instanceof AnyMC3DError) throw cause;
    throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${path} cannot be written: ${(cause as Error).message}`, { cause });
  }
}

/** A folder is made by one process only. */
async function take(mark: string): Promise<void> {
  for (const start = Date.now(); ; ) {
    try {
      await mkdir(mark);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const made = await stat(mark).catch(() => undefined);
    if (made && Date.now() - made.mtimeMs > STALE) await rm(mark, { recursive: true, force: true });
    else if (Date.now() - start > PATIENCE) throw new Error(`${mark} is held by another process; delete it if there is none`);
    await new Promise((done) => setTimeout(done, 20 + Math.random() * 30));
  }
}
