// Files out of a drop, a paste or a picker, folders included; and which of them are scans.

import { heldBy } from "./formats.js";

/** All files of a drop, those in folders too; what is hidden is left out. */
export async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  if (entries.length === 0) return [...transfer.files];
  return (await Promise.all(entries.map(filesUnder))).flat();
}

async function filesUnder(entry: FileSystemEntry): Promise<File[]> {
  if (entry.name.startsWith(".")) return [];
  if (entry.isFile) return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: File[] = [];
  // A reader gives its entries in parts; an empty part is the end.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return files;
    files.push(...(await Promise.all(part.map(filesUnder))).flat());
  }
}

/** What lies beside scans, and is none. */
const NOTES = /\.(?:json|txt|csv|tsv|md|pdf|html?|xml|bvals?|bvecs?|ini|db|log)$/i;

/** Files without those that only describe others; all, where nothing else is there. */
export function scansAmong(files: readonly File[]): readonly File[] {
  const scans = files.filter(({ name }) => !NOTES.test(name));
  return scans.length > 0 ? scans : files;
}

/** Each file that holds a volume, and each header, followed by the files that may hold its voxels. */
export function volumesAmong(files: readonly File[]): readonly (readonly File[])[] {
  const others = files.filter(({ name }) => !["volume", "header"].includes(heldBy(name) ?? ""));
  return files.flatMap((file) => {
    const held = heldBy(file.name);
    return held === "volume" ? [[file]] : held === "header" ? [[file, ...others]] : [];
  });
}

/** What a reader is given: a file, the header among files that belong to it, or all; and the files beside the header. */
export function sourceOf(files: readonly File[]): { readonly source: File | File[]; readonly companion?: File[] } {
  if (files.length === 1) return { source: files[0] };
  const headers = files.filter(({ name }) => heldBy(name) === "header");
  return headers.length === 1 ? { source: headers[0], companion: files.filter((file) => file !== headers[0]) } : { source: [...files] };
}

/** Whether files are looked into for series of slices. */
export const mayBeSeries = (files: readonly File[]): boolean =>
  files.length > 1 || heldBy(files[0].name) === "slice" || /\.zip$/i.test(files[0].name) || !files[0].name.includes(".");
