// A file that appears under its name only when it is whole and on the disk. Node's modules are got at run time: io's code passes through browser bundlers.

import { AnyMC3DError } from "@anymc3d/core";

/** Names of files that are being written, or that a killed process left so. */
export const UNFINISHED = /^\.[0-9a-z]{16}\.part$/;

/** Of a fixed length, so that a name as long as the file system allows can be written, too. */
export const unfinishedName = (): string => `.${Array.from({ length: 16 }, () => Math.floor(Math.random() * 36).toString(36)).join("")}.part`;

export function builtins() {
  const { process } = globalThis as { process?: Partial<NodeJS.Process> };
  const fs = process?.getBuiltinModule?.("node:fs/promises");
  const path = process?.getBuiltinModule?.("node:path");
  if (!fs || !path) throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", "There is no file system here.");
  return { fs, path };
}

/**
 * Writes a file whole or not at all: to a name of its own beside it, to the disk, then renamed over it. Many writers at once do not disturb each
 * other; a link stays a link, and what it leads to is written.
 * @param mode of the file, 0o600 for a secret; default: as the process makes files
 * @throws AnyMC3DError `OUTPUT_NOT_WRITABLE`, what was there before is still there; the signal's reason after an abort
 */
export async function writeWhole(target: string, content: Uint8Array | string, signal?: AbortSignal, mode?: number): Promise<void> {
  const { fs, path } = builtins();
  const place = await fs.realpath(target).catch(() => path.resolve(target));
  const folder = path.dirname(place);
  const there = await fs.stat(place).catch(() => undefined);
  if (there && !there.isFile() && !there.isDirectory()) throw notWritable(target, folder, { message: "a pipe or a device is not replaced by a file" });
  const unfinished = path.join(folder, unfinishedName());
  let made = false;
  try {
    const handle = await fs.open(unfinished, "wx", mode);
    made = true;
    try {
      await handle.writeFile(content, { signal });
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(unfinished, place);
  } catch (cause) {
    if (made) await fs.rm(unfinished, { force: true }).catch(() => undefined);
    if (signal?.aborted) throw signal.reason;
    throw notWritable(target, folder, cause);
  }
}

/** Removes what killed writers left in a folder that no one else writes to. */
export async function removeUnfinished(folder: string): Promise<void> {
  const { fs, path } = builtins();
  const names = await fs.readdir(folder).catch(() => []);
  for (const name of names) if (UNFINISHED.test(name)) await fs.rm(path.join(folder, name), { force: true }).catch(() => undefined);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "the folder does not exist",
  ENOTDIR: "that is not a folder",
  EACCES: "no permission to write there",
  EPERM: "no permission to write there",
  EROFS: "the folder is read-only",
  ENOSPC: "no space left on the device",
  EDQUOT: "no space left in this user's quota",
  ENAMETOOLONG: "the name is too long for this file system",
  EISDIR: "the target is a folder",
  ENOTEMPTY: "the target is a folder",
  EEXIST: "a file or folder of that name is in the way",
};

/** The error of a write that failed. @param place the file's folder */
export function notWritable(target: string, place: string, cause: unknown): AnyMC3DError {
  if (cause instanceof AnyMC3DError) return cause;
  const { code = "", message = "unknown cause" } = cause as { code?: string; message?: string };
  const why = REASONS[code] ?? message;
  return new AnyMC3DError(
    "OUTPUT_NOT_WRITABLE",
    `${target}: cannot be written in ${place}: ${why}. Choose a folder that exists and can be written to. Nothing was left behind; what was there before still is.`,
    { cause },
  );
}
