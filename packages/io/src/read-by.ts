// Reading by one format: whatever the caller asks for is done or refused, never passed over.

import { AnyMC3DError, type Volume } from "@anymc3d/core";
import { gunzipHead, isGzip, packedAtMost } from "./compression/gzip.js";
import type { Format } from "./formats/format.js";
import { formatOf } from "./formats/index.js";
import { unknownFormat } from "./formats/unknown.js";
import { checkUsed } from "./options/check.js";
import { byteLimit } from "./options/limits.js";
import type { ReadOptions } from "./options/read-options.js";
import { type Companions, companionsOf } from "./sources/companions.js";
import { checkPacked, type FileEntry } from "./sources/file-entry.js";
import { HEAD } from "./sources/zip.js";

/**
 * A file out of an archive is looked at before it is unpacked: what no format knows, and what is far longer than its header asks for, is not.
 * @throws AnyMC3DError `FORMAT_UNKNOWN`, `FORMAT_INVALID`, and what the format's reader says of such a header
 */
export async function checkArchived(file: FileEntry, limit: number, signal?: AbortSignal): Promise<void> {
  if (!file.packed) return;
  const { name } = file;
  const head = await file.read(0, HEAD);
  const packed = isGzip(head);
  const inside = packed ? await gunzipHead(head, { name, limit, signal }) : head;
  const format = formatOf(inside);
  if (!format) throw inside.length === 0 ? emptyFile(name, packed) : unknownFormat(name, inside, packed);
  const most = format.most?.(inside, name);
  if (most !== undefined) checkPacked(file, packed ? packedAtMost(most) : most);
}

/** The refusal of a file without content. @param packed there is gzip data without content */
export const emptyFile = (name: string, packed: boolean): AnyMC3DError =>
  new AnyMC3DError("FILE_EMPTY", `${name}: the file is empty (0 bytes${packed ? " after unpacking" : ""}). Copy or export it again.`, {
    details: { file: name },
  });

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
  const companions: Companions = (file, most) => {
    asked = true;
    return find(file, most);
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
