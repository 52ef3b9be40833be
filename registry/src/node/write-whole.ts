// A file that appears under its name only when it is whole and on the disk; many writers at once do not disturb each other.

import { open, rename, rm } from "node:fs/promises";

/** Rests of writers that were killed end so. */
export const PART = /\.part$/;

/** Writes a file that is there whole or not at all: beside its place, then renamed. */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const part = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.part`;
  try {
    const file = await open(part, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  }
}
