// What a reader can be told, and the check of it.

import { AnyMC3DError } from "@anymc3d/core";
import type { Source } from "./bytes.js";

export interface ReadOptions {
  /** Which 3-D frame of a 4-D file to read, from 0. A 4-D file without it is refused. */
  readonly frame?: number;
  /** Which channel of a file with a fifth (vector) axis to read, from 0. Such a file without it is refused. */
  readonly channel?: number;
  /** DICOM modality of the volume, "CT", "MR", …; NIfTI does not store it. */
  readonly modality?: string;
  /** What to call the data in errors; default: the file's name. */
  readonly name?: string;
  /** Most bytes that the decoded file, or the voxel array made of it, may take. Default 4 GiB. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
  /** The .img of a .hdr/.img pair. Not needed for a path or URL ending in .hdr with the .img beside it. */
  readonly companion?: Source;
}

/** Default of {@link ReadOptions.maxBytes}. */
const MAX_BYTES = 4 * 2 ** 30;

/** The byte limit in force. @throws AnyMC3DError `OPTION_INVALID` */
export function byteLimit(options: ReadOptions): number {
  const limit = options.maxBytes ?? MAX_BYTES;
  if (typeof limit !== "number" || !(limit > 0)) {
    throw new AnyMC3DError("OPTION_INVALID", `maxBytes is ${String(limit)}; give a positive number of bytes, or leave it out for ${MAX_BYTES}.`);
  }
  return limit;
}

/** The refusal of something larger than `maxBytes` allows. */
export function tooLarge(name: string, what: string, limit: number): AnyMC3DError {
  return new AnyMC3DError("FILE_TOO_LARGE", `${name}: ${what}, over the limit of ${limit} bytes. Raise \`maxBytes\` if the file is meant to be this large.`);
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
