// NPZ (NumPy's archive of arrays): a zip of .npy files, stored or deflated, to arrays by name.

import { AnyMC3DError, isAnyMC3DError } from "@anymc3d/core";
import { FlateErrorCode, type UnzipFileInfo, unzipSync } from "fflate";
import { MOST_SHRUNK } from "../../compression/gzip.js";
import { byteLimit, tooLarge } from "../../options/limits.js";
import { checksum, zipEntries } from "../../sources/zip-directory.js";
import { type NpyArray, readNpy } from "./npy.js";

/** Options of `readNpz()`. */
export interface NpzOptions {
  /** Only these arrays, without ".npy"; others are not unpacked, and one that is missing is no error. Default: all. */
  readonly only?: readonly string[];
  /** Most bytes that the arrays read may unpack to, together. Default 4 GiB. */
  readonly maxBytes?: number;
  /** What to call the file in errors. */
  readonly name?: string;
}

const MAX_ENTRIES = 65535;

/** As `readNpz()`, of bytes that begin as a zip does. */
export function npzArrays(bytes: Uint8Array, options: NpzOptions = {}): Map<string, NpyArray> {
  const { name = "npz" } = options;
  const entries = new Map<string, UnzipFileInfo>();
  const files = unpack(bytes, name, entryFilter(name, options, entries));
  const sums = new Map(zipEntries(bytes).map(({ file, crc }) => [file, crc]));
  const arrays = new Map<string, NpyArray>();
  for (const [file, { originalSize }] of entries) {
    const key = file.slice(0, -4);
    checkEntry(files[file], originalSize, sums.get(file), `${name}: ${key}`);
    arrays.set(key, readNpy(files[file], `${name}: ${key}`));
    delete files[file];
  }
  return arrays;
}

/** The arrays of an .npz file and the bytes that they unpack to, without unpacking them. @throws AnyMC3DError as `readNpz()` */
export function npzSizes(bytes: Uint8Array, { name = "npz" }: NpzOptions = {}): Map<string, number> {
  const sizes = new Map<string, number>();
  const choose = entryFilter(name, { maxBytes: Number.MAX_SAFE_INTEGER }, new Map());
  unpack(bytes, name, (entry) => {
    if (choose(entry)) sizes.set(entry.name.slice(0, -4), entry.originalSize);
    return false;
  });
  return sizes;
}

/** Chooses the entries to unpack and refuses, before anything is allocated, sizes that are over the limit or cannot be. */
function entryFilter(name: string, options: NpzOptions, entries: Map<string, UnzipFileInfo>) {
  const limit = byteLimit(options);
  let seen = 0;
  let total = 0;
  return (entry: UnzipFileInfo): boolean => {
    if (++seen > MAX_ENTRIES) throw damaged(name, `it claims more than ${MAX_ENTRIES} entries`);
    if (!entry.name.endsWith(".npy") || (options.only && !options.only.includes(entry.name.slice(0, -4)))) return false;
    if (entries.has(entry.name)) throw damaged(name, `${entry.name} appears twice`);
    if (entry.originalSize > entry.size * MOST_SHRUNK + 64)
      throw damaged(name, `${entry.name} claims to unpack from ${entry.size} to ${entry.originalSize} bytes, which cannot be`);
    total += entry.originalSize;
    if (!(total <= limit)) throw tooLarge(name, `its arrays unpack to ${total} bytes or more`, limit);
    entries.set(entry.name, entry);
    return true;
  };
}

const damaged = (name: string, what: string, cause?: unknown) =>
  new AnyMC3DError("FORMAT_INVALID", `${name}: the archive is damaged: ${what}. Copy or save it again.`, { cause });

function unpack(bytes: Uint8Array, name: string, filter: (entry: UnzipFileInfo) => boolean): Record<string, Uint8Array> {
  try {
    return unzipSync(bytes, { filter });
  } catch (cause) {
    if (isAnyMC3DError(cause)) throw cause;
    const { code, message } = cause as { code?: unknown; message: string };
    if (code === FlateErrorCode.InvalidZipData || code === FlateErrorCode.UnexpectedEOF)
      throw new AnyMC3DError("FILE_TRUNCATED", `${name}: the zip archive breaks off (${message}). Copy or download it again.`, { cause });
    if (cause instanceof RangeError && /alloc|length/i.test(message))
      throw new AnyMC3DError("OUT_OF_MEMORY", `${name}: the arrays could not be allocated (${message}). Free memory, or read fewer of them.`, { cause });
    throw damaged(name, message, cause);
  }
}

function checkEntry(found: Uint8Array, size: number, sum: number | undefined, name: string): void {
  if (found.length !== size)
    throw new AnyMC3DError("FILE_TRUNCATED", `${name}: expected ${size} bytes, found ${found.length}. The archive is cut short; copy or save it again.`);
  if (sum !== undefined && checksum(found) !== sum) throw damaged(name, "the checksum does not match");
}
