// NPZ (NumPy's archive of arrays): a zip of .npy files, stored or deflated, to arrays by name.

import { AnyMC3DError } from "@anymc3d/core";
import { SLACK } from "../../compression/gzip.js";
import { byteLimit, tooLarge } from "../../options/limits.js";
import { type ZipEntry, zipContent, zipContentNow, zipEntries, zipHead } from "../../sources/zip-directory.js";
import { type NpyArray, npySize, readNpy } from "./npy.js";

/** Options of `readNpz()`. */
export interface NpzOptions {
  /** Only these arrays, without ".npy"; others are not unpacked, and one that is missing is no error. Default: all. */
  readonly only?: readonly string[];
  /** Most bytes that the arrays read may unpack to, together. Default 4 GiB. */
  readonly maxBytes?: number;
  /** What to call the file in errors. */
  readonly name?: string;
}

/** Bytes that hold the header of an array of numbers, with room to spare. */
const HEAD = 2 ** 17;

const isArray = ({ file }: Pick<ZipEntry, "file">): boolean => file.endsWith(".npy");
const nameOf = ({ file }: Pick<ZipEntry, "file">): string => file.slice(0, -4);

/** As `readNpz()`, of bytes that begin as a zip does. */
export function npzArrays(bytes: Uint8Array, options: NpzOptions = {}): Map<string, NpyArray> {
  const { name = "npz" } = options;
  return new Map(arraysIn(bytes, options, name).map((entry) => [nameOf(entry), readNpy(zipContentNow(entry, name), `${name}: ${nameOf(entry)}`)]));
}

/** One array, without holding up who waits for other things. @throws AnyMC3DError as `readNpz()`; the signal's reason */
export async function npzArray(
  bytes: Uint8Array,
  array: string,
  options: NpzOptions & { readonly name: string; readonly signal?: AbortSignal },
): Promise<NpyArray> {
  const { name, signal } = options;
  const [entry] = arraysIn(bytes, { ...options, only: [array] }, name);
  return readNpy(await zipContent(entry, name, signal), `${name}: ${array}`);
}

/** The arrays of an .npz file and the bytes that they unpack to, without unpacking them. @throws AnyMC3DError as `readNpz()` */
export function npzSizes(bytes: Uint8Array, { name = "npz" }: NpzOptions = {}): Map<string, number> {
  return new Map(zipEntries(bytes, name, isArray).map((entry) => [nameOf(entry), entry.size]));
}

/** The arrays asked for; refuses, before anything is unpacked, what is over the limit, and what is far longer than its own header says. */
function arraysIn(bytes: Uint8Array, options: NpzOptions, name: string): ZipEntry[] {
  const limit = byteLimit(options);
  let total = 0;
  const chosen = (entry: Pick<ZipEntry, "file" | "size">): boolean => {
    if (!isArray(entry) || (options.only && !options.only.includes(nameOf(entry)))) return false;
    total += entry.size;
    if (!(total <= limit)) throw tooLarge(name, `its arrays unpack to ${total} bytes or more`, limit);
    return true;
  };
  const entries = zipEntries(bytes, name, chosen);
  for (const entry of entries) {
    const need = npySize(zipHead(entry, HEAD, name), `${name}: ${nameOf(entry)}`);
    if (entry.size > need + SLACK) {
      const found = `${nameOf(entry)} unpacks to ${entry.size} bytes, its own header asks for ${need}`;
      throw new AnyMC3DError("FORMAT_INVALID", `${name}: ${found}. The archive is damaged, or not what it seems. Copy or save it again.`);
    }
  }
  return entries;
}
