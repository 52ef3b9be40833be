// How the formats that are read are called: data that the build puts in, as the reader itself is in the worker.

import type { Ending, FormatNames } from "@anymc3d/io";

declare const __FORMATS__: readonly FormatNames[];

const ENDINGS = __FORMATS__.flatMap(({ endings }) => endings).sort((a, b) => b.ending.length - a.ending.length);

/** What a file of this name holds; undefined where its name does not tell. */
export function heldBy(name: string): Ending["holds"] | undefined {
  const lower = name.toLowerCase();
  return ENDINGS.find(({ ending }) => lower.endsWith(ending))?.holds;
}

/** "A DICOM folder, or a NIfTI, NRRD or NumPy file." */
export function formatsInWords(): string {
  const inFolders = __FORMATS__.filter(({ endings }) => endings.some(({ holds }) => holds === "slice"));
  const files = __FORMATS__.filter((format) => !inFolders.includes(format)).map(({ title }) => title);
  return `A ${inFolders.map(({ title }) => title).join(" or ")} folder, or a ${files.join(", ").replace(/, ([^,]*)$/, " or $1")} file.`;
}
