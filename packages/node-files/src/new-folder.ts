// A folder that appears under its name only when all that belongs into it is there.

import { rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { makeFolder } from "./make-folder.js";
import { notWritable, unfinishedName } from "./write-whole.js";

/**
 * @param out a folder that is not there yet; those above it are made
 * @param fill writes into the folder that it is given, which becomes `out`
 * @throws AnyMC3DError `OUTPUT_NOT_WRITABLE`; what `fill` throws. Nothing is left behind then
 */
export async function newFolder(out: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const place = dirname(resolve(out));
  const unfinished = join(place, unfinishedName());
  try {
    await makeFolder(unfinished);
    await fill(unfinished);
    await rename(unfinished, out);
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true }).catch(() => undefined);
    throw notWritable(out, place, cause);
  }
}
