// What was given, as one set of files: a file, a list of sources, a folder, what is in a zip.

import { bytesEntry, type FileEntry, wholeFile } from "./file-entry.js";
import { listFolder } from "./node-files.js";
import { folderOf, type OpenOptions, openSource, type Source } from "./open.js";
import { zipFiles } from "./zip.js";
import { isZip } from "./zip-directory.js";

export interface FileSet {
  /** What to call the files together. */
  readonly name: string;
  /** How they came together: one alone, a list that somebody put together, whatever lay in a folder or in a zip. */
  readonly kind: "file" | "list" | "folder" | "zip";
  readonly files: readonly FileEntry[];
}

/**
 * The files of a source, or of a list of them; a list of one is that one.
 * @throws AnyMC3DError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `FILE_TOO_LARGE`, `ASSET_INVALID`, `OUT_OF_MEMORY`, `OPTION_INVALID`; the signal's reason
 */
export async function fileSet(source: Source | readonly Source[], options: OpenOptions): Promise<FileSet> {
  const sources = Array.isArray(source) ? (source as readonly Source[]) : [source as Source];
  if (sources.length !== 1) {
    const files = (await Promise.all(sources.map((each, i) => listed(each, i, options)))).flat();
    return { name: `${files.length} files`, kind: "list", files };
  }
  const folder = await folderOf(sources[0]);
  if (folder !== undefined) return { name: folder, kind: "folder", files: await listFolder(folder, options.signal) };
  const file = await openSource(sources[0], options);
  return { name: file.name, kind: "file", files: [file] };
}

/** The files of one of several sources; what has no name is counted. */
async function listed(source: Source, i: number, options: OpenOptions): Promise<readonly FileEntry[]> {
  const folder = await folderOf(source);
  if (folder !== undefined) return listFolder(folder, options.signal);
  const file = await openSource(source, options);
  return [file.name === "volume" ? { ...file, name: `file ${i + 1}` } : file];
}

/** The files of a set, with those in its zips in place of these. @throws AnyMC3DError as `zipFiles` */
export async function unpackedFiles({ files }: FileSet, limit: number): Promise<readonly FileEntry[]> {
  const all = files.map(async (file) => {
    if ((files.length > 1 && !/\.zip$/i.test(file.name)) || !isZip(await file.read(0, 4))) return [file];
    return zipFiles((await wholeFile(file, limit)).bytes, file.name, limit);
  });
  return (await Promise.all(all)).flat();
}

/** A file, with its bytes in memory. @param name what to call it; default: its own name. @throws AnyMC3DError as `wholeFile` */
export async function loadedFile(file: FileEntry, limit: number, name = file.name): Promise<FileEntry & { readonly bytes: Uint8Array }> {
  const { bytes } = await wholeFile(file, limit);
  return { ...bytesEntry(bytes, name, file.path), bytes, beside: file.beside };
}
