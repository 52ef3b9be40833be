// Reads a volume from wherever it is, in whatever format its bytes are: source → set of files → format → volume.

import { AnyMC3DError, type Volume } from "@anymc3d/core";
import { wholeLabels } from "@anymc3d/core/learn";
import { gunzipHead, isGzip } from "./compression/gzip.js";
import type { Format } from "./formats/format.js";
import { FORMATS, formatOf } from "./formats/index.js";
import { endingOf, headerEndings } from "./formats/names.js";
import { unknownFormat } from "./formats/unknown.js";
import { checkReadOptions } from "./options/check.js";
import { byteLimit } from "./options/limits.js";
import type { ReadOptions } from "./options/read-options.js";
import { checkArchived, emptyFile, readBy } from "./read-by.js";
import type { FileEntry } from "./sources/file-entry.js";
import { type FileSet, fileSet, loadedFile, unpackedFiles } from "./sources/file-set.js";
import type { Source } from "./sources/open.js";
import { zipFiles } from "./sources/zip.js";
import { isZip } from "./sources/zip-directory.js";

/**
 * Reads a volume: NIfTI-1 and NIfTI-2 (.nii, .nii.gz, .hdr with .img), ANALYZE 7.5 (with `orientation`), NRRD (.nrrd, .nhdr), MetaImage
 * (.mha, .mhd), NumPy (.npy, .npz), FreeSurfer (.mgh, .mgz), DICOM (files, folders, zips). The format is told by the content, not by the name.
 *
 * @param source a path (Node; of a file, or of a folder of DICOM files), URL, File or Blob, or bytes; or a list of them: a header and its data files,
 * or DICOM files. Data files of a path or URL are found beside it, never outside its folder; of a .hdr/.img pair, either file's path does.
 * @returns voxels x fastest with scaling applied, affine in mm RAS+, and notes on anything that the reader had to decide
 * @throws AnyMC3DError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `FILE_EMPTY`, `FILE_TRUNCATED`, `FILE_TOO_LARGE`, `FORMAT_UNKNOWN`, `FORMAT_INVALID`,
 * `FRAME_REQUIRED`, `SERIES_REQUIRED`, `CHANNELS_UNSUPPORTED`, `GEOMETRY_INVALID`, `ASSET_INVALID` (a server answered with a web page), `OPTION_INVALID`,
 * `OUT_OF_MEMORY`; the signal's reason after an abort
 */
export async function readVolume(source: Source | readonly Source[], options: ReadOptions = {}): Promise<Volume> {
  checkReadOptions(options);
  return volumeIn(await fileSet(source, { limit: byteLimit(options), signal: options.signal }), options);
}

/** As {@link readVolume}, of files that were found. */
export async function volumeIn(set: FileSet, options: ReadOptions): Promise<Volume> {
  const volume = await (set.kind === "file" ? readFile(set.files[0], undefined, options) : readSet(set, options));
  return volume.labels ? wholeLabels(volume) : volume;
}

/** Of several files: the header that a list was made for, all files of a format that lies in many, or the only volume. */
async function readSet(set: FileSet, options: ReadOptions): Promise<Volume> {
  const limit = byteLimit(options);
  const named = (holds: string) => set.files.filter((file) => endingOf(file.path)?.holds === holds);
  const headers = named("header");
  if (set.kind === "list" && headers.length === 1) return readFile(headers[0], othersOf(set, headers[0]), options);
  const files = set.kind === "list" ? await unpackedFiles(set, limit) : set.files;
  const volumes = [...headers, ...named("volume")];
  // In a folder, it is the reader of many files that says what is wrong with them.
  const format = (await formatOfMany(files)) ?? (set.kind === "folder" && volumes.length !== 1 ? ofManyFiles()[0] : undefined);
  const name = options.name ?? (set.kind === "list" ? `${files.length} files` : set.name);
  if (format) return readBy(format, { name, files }, options);
  if (volumes.length === 1) return readFile(volumes[0], othersOf(set, volumes[0]), options);
  throw notOneVolume(set, volumes.length, headers.length);
}

const othersOf = ({ files }: FileSet, file: FileEntry): readonly FileEntry[] | undefined =>
  files.length > 1 ? files.filter((each) => each !== file) : undefined;

/** Formats whose volume may lie in many files. */
const ofManyFiles = (): readonly Format[] => FORMATS.filter(({ many }) => many);

/** A format that lies in many files, one of which is among these. */
async function formatOfMany(files: readonly FileEntry[]): Promise<Format | undefined> {
  for (const file of files) {
    const head = await file.read(0, 544);
    const found = ofManyFiles().find(({ sniff }) => sniff(head));
    if (found) return found;
  }
  return undefined;
}

/** One file, with what was given beside it: by its content. */
async function readFile(given: FileEntry, siblings: readonly FileEntry[] | undefined, options: ReadOptions): Promise<Volume> {
  const limit = byteLimit(options);
  await checkArchived(given, limit, options.signal);
  // Of a pair, the header is read first, whichever file was named.
  const file = await loadedFile((await headerBeside(given)) ?? given, limit, options.name);
  const { bytes, name } = file;
  const packed = isGzip(bytes);
  const head = packed ? await gunzipHead(bytes, { name, limit, signal: options.signal }) : bytes;
  if (head.length === 0) throw emptyFile(name, packed);
  const format = formatOf(head);
  if (format && (!packed || format.packed)) return readBy(format, { name, files: [file], siblings }, options);
  if (!isZip(bytes)) throw unknownFormat(name, head, packed);
  return readSet({ name, kind: "zip", files: zipFiles(bytes, name, limit, options.signal) }, options);
}

/** The header that belongs to a file of voxels, if it is there. */
async function headerBeside({ path, beside }: FileEntry): Promise<FileEntry | undefined> {
  const ending = endingOf(path);
  if (!beside || !ending?.header) return undefined;
  const base = path.replace(/^.*[\\/]/s, "").slice(0, -ending.ending.length);
  const shouted = path.slice(-ending.ending.length).startsWith(ending.ending.slice(0, 4).toUpperCase());
  const header = base + (shouted ? ending.header.toUpperCase() : ending.header);
  return (await beside(header)) ?? beside(`${header}.gz`);
}

/** The refusal of a set of files that is not one volume. */
function notOneVolume({ kind, files, name }: FileSet, volumes: number, headers: number): AnyMC3DError {
  const list = files.slice(0, 5).map((file) => (kind === "zip" ? file.path : file.name)).join(", ") + (files.length > 5 ? ", …" : ""); // biome-ignore format: a line
  if (kind === "list")
    return new AnyMC3DError(
      "OPTION_INVALID",
      `${files.length} files with ${headers} headers (${headerEndings().join(", ")}) and no DICOM image among them${list && ` (${list})`}: not one volume. Give one file, one header with its data files, or the files of a DICOM series.`,
    );
  const found = volumes ? `${volumes} volumes` : "no DICOM image, no array and no volume";
  return new AnyMC3DError("FORMAT_UNKNOWN", `${name}: the zip holds ${found} (${list || "it is empty"}). Unpack it, and give the one that is meant.`);
}
