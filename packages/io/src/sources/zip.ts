// The files in a zip, unpacked together and checked against what the archive says of them.

import { AnyMC3DError, isAnyMC3DError } from "@anymc3d/core";
import { type UnzipFileInfo, unzipSync } from "fflate";
import { MOST_SHRUNK } from "../compression/gzip.js";
import { MOST_FILES, tooLarge } from "../options/limits.js";
import { bytesEntry, type FileEntry } from "./file-entry.js";
import { checksum, type ZipEntry, zipEntries } from "./zip-directory.js";

export const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/**
 * The files in a zip, but hidden ones.
 * @param limit most bytes that they may take
 * @throws AnyMC3DError `FORMAT_INVALID`, `FILE_TOO_LARGE`
 */
export function zipFiles(bytes: Uint8Array, name: string, limit: number): FileEntry[] {
  const entries = directory(bytes, name);
  try {
    return Object.entries(unzipSync(bytes, { filter: chooser(name, limit) })).map(([path, content]) => {
      const crc = entries.get(path)?.crc;
      if (crc !== undefined && checksum(content) !== crc)
        throw new AnyMC3DError("FORMAT_INVALID", `${name}: ${path} is damaged: its checksum does not match. Copy or download the archive again.`);
      return bytesEntry(content, `${name}: ${path}`, path);
    });
  } catch (cause) {
    if (isAnyMC3DError(cause)) throw cause;
    throw new AnyMC3DError("FORMAT_INVALID", `${name}: the zip archive is damaged (${(cause as Error).message}). Copy or download it again.`, { cause });
  }
}

/** What the archive says of its files. @throws AnyMC3DError `FORMAT_INVALID` for what is not read */
function directory(bytes: Uint8Array, name: string): ReadonlyMap<string, ZipEntry> {
  const entries = new Map<string, ZipEntry>();
  for (const entry of zipEntries(bytes)) {
    const bad = (what: string) => new AnyMC3DError("FORMAT_INVALID", `${name}: ${entry.file} ${what}. Unpack the archive with the program that made it.`);
    if (entry.encrypted) throw bad("is encrypted");
    if (entry.method !== 0 && entry.method !== 8) throw bad(`is compressed by method ${entry.method}, which is not read`);
    if (entries.has(entry.file)) throw bad("is in the archive twice");
    entries.set(entry.file, entry);
  }
  return entries;
}

/** Refuses, before anything is allocated, sizes that are over the limit or cannot be. */
function chooser(name: string, limit: number): (entry: UnzipFileInfo) => boolean {
  let total = 0;
  let seen = 0;
  return (entry) => {
    if (++seen > MOST_FILES) throw new AnyMC3DError("FORMAT_INVALID", `${name}: the zip claims more than ${MOST_FILES} entries.`);
    if (entry.name.endsWith("/") || /(?:^|\/)(?:__MACOSX|\.)/.test(entry.name)) return false;
    if (entry.originalSize > entry.size * MOST_SHRUNK + 64)
      throw new AnyMC3DError("FORMAT_INVALID", `${name}: ${entry.name} claims to unpack from ${entry.size} to ${entry.originalSize} bytes, which cannot be.`);
    total += entry.originalSize;
    if (total > limit) throw tooLarge(name, `its files unpack to ${total} bytes or more`, limit);
    return true;
  };
}
