// What is written never takes the place of what is read, by whatever spelling, link or second name of a file.

import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";
import { endingOf, stemOf } from "@anymc3d/io";

/** Bytes of a header in which the name of its data file is looked for. */
const HEAD = 65_536;

/**
 * @param flag that named the target, as the message calls it
 * @param inputs files, folders, addresses
 * @throws AnyMC3DError `OPTION_INVALID` where the target is an input, a file in an input's folder, or holds the voxels of an input's header
 */
export async function checkNotInput(flag: string, target: string, inputs: readonly string[]): Promise<void> {
  const place = await realpath(target).catch(() => undefined);
  const found = place === undefined ? undefined : await identity(place);
  if (place === undefined || !found) return;
  for (const input of inputs)
    if (found === (await identity(input)) || (await isInFolder(place, input)) || (await isPart(place, input)))
      throw new AnyMC3DError("OPTION_INVALID", `${flag} would overwrite the input ${input}: ${target} is read. Choose another name.`);
}

/** Device and number of a file: one for all its names. */
async function identity(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found?.isFile() ? `${found.dev} ${found.ino}` : undefined;
}

async function isInFolder(place: string, input: string): Promise<boolean> {
  if (!(await stat(input).catch(() => undefined))?.isDirectory()) return false;
  return place.startsWith(join(await realpath(input), sep));
}

/** Whether the place belongs to an input of several files: a header names its data file, or both have one stem. */
async function isPart(place: string, input: string): Promise<boolean> {
  const holds = endingOf(input)?.holds;
  if (holds !== "header" && holds !== "voxels") return false;
  const header = await realpath(input).catch(() => input);
  if (!place.startsWith(join(dirname(header), sep))) return false;
  const other = endingOf(place)?.holds;
  if (stemOf(basename(place)) === stemOf(basename(header)) && (other === "header" || other === "voxels")) return true;
  return holds === "header" && (await head(header)).includes(basename(place));
}

async function head(path: string): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } catch {
    return "";
  } finally {
    await file?.close();
  }
}
