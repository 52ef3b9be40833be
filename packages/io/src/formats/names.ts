// What follows from the names of the formats: which files are scans, what can be written, what a name is without its ending.

import type { Ending, FormatNames } from "./format.js";
import { FORMATS } from "./index.js";

/** How each format is called, as plain data: for a page, say, whose reader is in a worker. */
export const formatNames = (): readonly FormatNames[] => FORMATS.map(({ id, title, endings, uses }) => ({ id, title, endings, uses }));

/** The zip, in which any of them may lie. */
const ARCHIVE = ".zip";

/** The ending of a file's name, the longest that fits, in any case of letters; undefined for names of other files. */
export function endingOf(name: string): Ending | undefined {
  const lower = name.toLowerCase();
  const found = FORMATS.flatMap(({ endings }) => endings.filter(({ ending }) => lower.endsWith(ending)));
  return found.sort((a, b) => b.ending.length - a.ending.length)[0];
}

const endings = (chosen: (ending: Ending) => boolean | undefined): readonly string[] =>
  FORMATS.flatMap((format) => format.endings.filter(chosen).map(({ ending }) => ending));

/** Endings of files that can be given to `readVolume()`, with their dots, the longest first: volumes, slices, headers, archives. */
export const scanEndings = (): readonly string[] => [...endings(({ holds }) => holds !== "voxels"), ARCHIVE].sort((a, b) => b.length - a.length);

/** Endings that `writeVolume()` writes. */
export const writableEndings = (): readonly string[] => endings(({ writes }) => writes);

/** Endings of headers that may have their voxels in other files. */
export const headerEndings = (): readonly string[] => endings(({ holds }) => holds === "header");

/** Endings of a sample that an adapter's package may hold. */
export const sampleEndings = (): readonly string[] => endings(({ sample }) => sample);

/** A file's name without the ending of its format: "scan.nii.gz" is "scan". */
export function stemOf(name: string): string {
  const ending = endingOf(name)?.ending ?? (name.toLowerCase().endsWith(ARCHIVE) ? ARCHIVE : "");
  return name.slice(0, name.length - ending.length);
}

/** "a, b or c". */
export const either = (words: readonly string[]): string => words.join(", ").replace(/, ([^,]*)$/, " or $1");

/** What can be read, for people. */
export const readable = (): string =>
  FORMATS.map(({ title, endings, readable }) => readable ?? `${title} (${endings.map(({ ending }) => ending).join(", ")})`).join(", ");
