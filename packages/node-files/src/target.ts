// Whether something can be written where it is to go, asked before the work that makes it: by writing, which knows quotas, full and read-only disks.

import { open, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { notWritable, unfinishedName } from "./write-whole.js";

/**
 * @param path of a file that is to be written or replaced by `writeWhole`
 * @throws AnyMC3DError `OUTPUT_NOT_WRITABLE` naming the folder, and what is in the way
 */
export async function checkFileTarget(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  const found = await there(path, path);
  if (found?.isDirectory()) throw notWritable(path, folder, { code: "EISDIR" });
  if (found && !found.isFile()) throw notWritable(path, folder, { message: "a pipe or a device is not replaced by a file" });
  await probe(path, folder);
}

/**
 * @param path of a folder that is to be written into, and made, with those above it, where it is not there
 * @throws AnyMC3DError `OUTPUT_NOT_WRITABLE` naming the folder above which nothing can be made, and what is in the way
 */
export async function checkFolderTarget(path: string): Promise<void> {
  const missing: string[] = [];
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const found = await there(path, folder);
    if (found === undefined) {
      missing.push(folder);
      continue;
    }
    if (!found.isDirectory()) throw notWritable(path, folder, { code: "ENOTDIR" });
    // A name that is too long shows only where its folder is there.
    for (const name of missing) await there(path, join(folder, basename(name)));
    return probe(path, folder);
  }
}

/** What is at a place; undefined for nothing. */
async function there(target: string, place: string) {
  return stat(place).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw notWritable(target, dirname(resolve(place)), error);
  });
}

/** One byte more than nothing: an empty file is made on a full disk, too. */
async function probe(target: string, folder: string): Promise<void> {
  const path = join(folder, unfinishedName());
  try {
    const handle = await open(path, "wx");
    try {
      await handle.writeFile("?");
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    // In /proc, which is there, the system says ENOENT of what it would not make.
    const isThere = (cause as NodeJS.ErrnoException).code === "ENOENT" && (await there(target, folder).catch(() => undefined))?.isDirectory();
    throw notWritable(target, folder, isThere ? { message: "nothing can be made there" } : cause);
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}
