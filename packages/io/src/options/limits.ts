// How many bytes reading may take, and what is said where it is too many.

import { AnyMC3DError } from "@anymc3d/core";

/** Default of the option `maxBytes`. */
const MAX_BYTES = 4 * 2 ** 30;

/** Files that one folder or archive may hold. */
export const MOST_FILES = 200_000;

/** The byte limit in force. @throws AnyMC3DError `OPTION_INVALID` */
export function byteLimit(options: { readonly maxBytes?: number }): number {
  const limit = options.maxBytes ?? MAX_BYTES;
  if (typeof limit !== "number" || !(limit > 0)) {
    throw new AnyMC3DError("OPTION_INVALID", `maxBytes is ${String(limit)}; give a positive number of bytes, or leave it out for ${MAX_BYTES}.`);
  }
  return limit;
}

/** The refusal of something larger than `maxBytes` allows. */
export function tooLarge(name: string, what: string, limit: number): AnyMC3DError {
  return new AnyMC3DError("FILE_TOO_LARGE", `${name}: ${what}, over the limit of ${limit} bytes. Raise \`maxBytes\` if the file is meant to be this large.`, {
    details: { file: name, limit },
  });
}

/** Allocates, and says so in words where memory does not suffice. @throws AnyMC3DError `OUT_OF_MEMORY` */
export function allocate<T>(name: string, bytes: number, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new AnyMC3DError("OUT_OF_MEMORY", `${name}: ${bytes} bytes could not be allocated. Free memory, or crop or downsample the volume.`, { cause });
  }
}

/** Parts of `length` bytes together, one after the other. @throws AnyMC3DError `OUT_OF_MEMORY` */
export function joined(name: string, parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0];
  const bytes = allocate(name, length, () => new Uint8Array(length));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
