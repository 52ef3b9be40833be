// Folders and tarballs on the disk.

import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";

/** The wanted files of a folder, or a tarball's bytes. @throws AnyMC3DError `FILE_NOT_FOUND` */
export async function readPath(path: string, names: ReadonlySet<string>): Promise<ReadonlyMap<string, Uint8Array> | Uint8Array> {
  const full = resolve(path);
  const info = await stat(full).catch((cause) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${full}: ${(cause as Error).message}`, { cause });
  });
  if (!info.isDirectory()) return bytesOf(full);
  const found = new Map<string, Uint8Array>();
  for (const name of names) {
    const bytes = await bytesOf(join(full, name)).catch(() => undefined);
    if (bytes) found.set(name, bytes);
  }
  return found;
}

const bytesOf = async (path: string) => new Uint8Array(await readFile(path));
