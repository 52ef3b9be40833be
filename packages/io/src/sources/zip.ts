// The files in a zip, unpacked when they are asked for.

import { tooLarge } from "../options/limits.js";
import type { FileEntry } from "./file-entry.js";
import { type ZipEntry, zipContent, zipEntries, zipHead } from "./zip-directory.js";

/** Bytes of a file's beginning that are unpacked without the rest: the longest header that is read. */
export const HEAD = 2 ** 20;

/**
 * The files in a zip, but hidden ones.
 * @param limit most bytes that they may unpack to, together
 * @throws AnyMC3DError `FORMAT_INVALID`, `FILE_TRUNCATED`, `FILE_TOO_LARGE`; reading a file also what `zipContent` throws
 */
export function zipFiles(bytes: Uint8Array, name: string, limit: number, signal?: AbortSignal): FileEntry[] {
  let total = 0;
  const chosen = ({ file, size }: Pick<ZipEntry, "file" | "size">): boolean => {
    if (file.endsWith("/") || /(?:^|\/)(?:__MACOSX|\.)/.test(file)) return false;
    total += size;
    if (total > limit) throw tooLarge(name, `its files unpack to ${total} bytes or more`, limit);
    return true;
  };
  // The parts of one file are read one after the other: the last that was unpacked is kept, for the next part.
  let last: { readonly entry: ZipEntry; readonly content: Promise<Uint8Array> } | undefined;
  return zipEntries(bytes, name, chosen).map((entry): FileEntry => {
    const whole = () => {
      if (last?.entry !== entry) last = { entry, content: zipContent(entry, name, signal) };
      return last.content;
    };
    const read = async (start = 0, end = entry.size) => {
      signal?.throwIfAborted();
      return end <= HEAD && end < entry.size ? zipHead(entry, end, name).subarray(start) : (await whole()).subarray(start, end);
    };
    return { name: `${name}: ${entry.file}`, path: entry.file, size: entry.size, read, packed: true };
  });
}
