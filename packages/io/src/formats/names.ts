// What follows from the names of the formats: which files are scans, what can be written, what a name is without its ending.

import type { Ending } from "./format.js";
import { FORMATS } from "./index.js";

/** Longest first, so that ".nii.gz" is found before ".gz" alone could be. */
const ENDINGS: readonly Ending[] = FORMATS.flatMap(({ endings }) => endings).sort((a, b) => b.ending.length - a.ending.length);

/** The zip, in which any of them may lie. */
const ARCHIVE = ".zip";

/** The ending of a file's name, in any case of letters, and what it says of the file; undefined for names of other files. */
export function endingOf(name: string): Ending | undefined {
  const lower = name.toLowerCase();
  return ENDINGS.find(({ ending }) => lower.endsWith(ending));
}

const listed = (chosen: (ending: Ending) => boolean | undefined): readonly string[] =>
  FORMATS.flatMap(({ endings }) => endings.filter(chosen).map(({ ending }) => ending));

/** Endings of files that can be given to `readVolume()`, with their dots: volumes, headers, archives. */
export const SCAN_ENDINGS: readonly string[] = [...listed(({ holds }) => holds !== "voxels"), ARCHIVE];

/** Endings that `writeVolume()` writes. */
export const WRITABLE_ENDINGS: readonly string[] = listed(({ writes }) => writes);

/** Endings of headers that may have their voxels in other files. */
export const HEADER_ENDINGS: readonly string[] = listed(({ holds }) => holds === "header");

/** Endings of a sample that an adapter's package may hold. */
export const SAMPLE_ENDINGS: readonly string[] = listed(({ sample }) => sample);

/** A file's name without the ending of its format: "scan.nii.gz" is "scan". */
export function stemOf(name: string): string {
  const ending = endingOf(name)?.ending ?? (name.toLowerCase().endsWith(ARCHIVE) ? ARCHIVE : "");
  return name.slice(0, name.length - ending.length);
}

/** "a, b or c". */
export const either = (words: readonly string[]): string => words.join(", ").replace(/, ([^,]*)$/, " or $1");

/** What can be read, for people. */
export const READABLE: string = FORMATS.map(({ title, endings, readable }) => readable ?? `${title} (${endings.map(({ ending }) => ending).join(", ")})`).join(
  ", ",
);
