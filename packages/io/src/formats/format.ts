// What a format is to the rest of the package: how its files are called, how they are told by their content, and how they are read and written.

import type { Volume } from "@anymc3d/core";
import type { ReadOptions } from "../options/read-options.js";
import type { Companions } from "../sources/companions.js";
import type { FileEntry } from "../sources/file-entry.js";

/** An ending of file names, and what a file called so holds. */
export interface Ending {
  /** In lower case, with its dot: ".nii.gz". */
  readonly ending: string;
  /** A volume, one slice of a volume, a header whose voxels may lie in other files, or such voxels. */
  readonly holds: "volume" | "slice" | "header" | "voxels";
  /** For `voxels`: the ending of the header that belongs to them. */
  readonly header?: string;
  /** `writeVolume()` writes it. */
  readonly writes?: boolean;
  /** An adapter's package may hold a sample so called: the format has no place for a patient's name that its writers fill by themselves. */
  readonly sample?: boolean;
}

/** How a format is called. */
export interface FormatNames {
  /** Its folder's name. */
  readonly id: string;
  /** Its name for people, short: "NIfTI". */
  readonly title: string;
  /** What of it is read, for people. Default: its title with its endings, "NRRD (.nrrd, .nhdr)". */
  readonly readable?: string;
  readonly endings: readonly Ending[];
  /** The read options that mean something for it, beside those of every format; another is refused (options/check.ts). */
  readonly uses: readonly (keyof ReadOptions)[];
}

/** What a format's reader is given. */
export interface ReadInput {
  /** What to call the volume in messages. */
  readonly name: string;
  /** The file to read, its bytes in memory; of a format with `many`, all the files that were given. */
  readonly files: readonly FileEntry[];
  /** Gets the files that a header names. */
  readonly companions: Companions;
  readonly options: ReadOptions;
}

export interface Format extends FormatNames {
  /**
   * Whether bytes are of this format. `maybe`: they could be, if no other format is sure.
   * @param bytes the file, or its first bytes (at least 544, if there are so many), unpacked
   */
  readonly sniff: (bytes: Uint8Array) => "sure" | "maybe" | undefined;
  /** What bytes that `sniff` is sure of look like, with an article: "an NRRD file". */
  readonly looks: string | ((bytes: Uint8Array) => string);
  /** Bytes that a file with this header has at most, if it was written by this header. @param head its first bytes, 1 MiB if there are so many; packed ones unpacked, 544 */
  readonly most?: (head: Uint8Array, name: string) => number | undefined;
  /** Its reader unpacks gzip itself. */
  readonly packed?: true;
  /** One volume may lie in many files, which are read together. */
  readonly many?: true;
  /** @throws AnyMC3DError; the signal's reason */
  readonly read: (input: ReadInput) => Promise<Volume>;
  /** The bytes of a volume, for each ending with `writes`. @throws AnyMC3DError `VOLUME_INVALID`, `GEOMETRY_INVALID`, `OUT_OF_MEMORY` */
  readonly write?: (volume: Volume, ending: string) => Promise<Uint8Array>;
}

/** Characters of bytes, one a byte. */
export const text = (bytes: Uint8Array, start: number, end: number): string => String.fromCharCode(...bytes.subarray(start, end));

/** The first file, which a reader of single files is given. */
export async function onlyFile({ name, files }: ReadInput): Promise<{ readonly name: string; readonly bytes: Uint8Array }> {
  return { name, bytes: files[0].bytes ?? (await files[0].read()) };
}
