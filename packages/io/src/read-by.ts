// Reading by one format: whatever the caller asks for is done or refused, never passed over.

import { AnyMC3DError, type Volume } from "@anymc3d/core";
import type { Format } from "./formats/format.js";
import { checkUsed } from "./options/check.js";
import { byteLimit } from "./options/limits.js";
import type { ReadOptions } from "./options/read-options.js";
import { type Companions, companionsOf } from "./sources/companions.js";
import type { FileEntry } from "./sources/file-entry.js";

export interface Given {
  /** What to call the volume in messages. */
  readonly name: string;
  readonly files: readonly FileEntry[];
  /** What else was given, among which a header finds its data files. */
  readonly siblings?: readonly FileEntry[];
}

/**
 * The volume that a format reads.
 * @throws AnyMC3DError `OPTION_INVALID` for an option that the format, or the file, has no use for; and what the format's reader throws
 */
export async function readBy(format: Format, { name, files, siblings }: Given, options: ReadOptions): Promise<Volume> {
  checkUsed(options, format.uses, format.title, name);
  const find = companionsOf(files[0], { ...options, limit: byteLimit(options), siblings });
  let asked = false;
  const companions: Companions = (file) => {
    asked = true;
    return find(file);
  };
  const volume = await format.read({ name, files, companions, options });
  // Of a list, those that the header names are taken, which may be none.
  if (options.companion !== undefined && !Array.isArray(options.companion) && !asked)
    throw new AnyMC3DError("OPTION_INVALID", `${name}: \`companion\` is given, and the file holds its voxels itself. Leave it out.`, {
      details: { option: "companion", file: name },
    });
  if (!format.uses.includes("onProgress")) options.onProgress?.(files.length, files.length);
  return volume;
}
