// Reads a volume from wherever it is, in whatever format its bytes are.

import { AnyMC3DError, type Volume } from "@anymc3d/core";
import { gunzipHead, isGzip } from "./compression/gzip.js";
import { hasDicomPrefix, isDicom } from "./formats/dicom/parse.js";
import { decodeDicom, seriesIn } from "./formats/dicom/read.js";
import type { SeriesSummary } from "./formats/dicom/series.js";
import { decodeMha } from "./formats/meta/read.js";
import { decodeMgh } from "./formats/mgh/read.js";
import { decodeNifti, pairImage } from "./formats/nifti/read.js";
import { decodeNrrd } from "./formats/nrrd/read.js";
import { npzSizes } from "./formats/numpy/npz.js";
import { decodeNpy, decodeNpz } from "./formats/numpy/volume.js";
import { describeBytes, formatOf, READABLE } from "./formats/sniff.js";
import { byteLimit, checkReadOptions, type ReadOptions } from "./options/options.js";
import { bytesOf, folderPath, headerBeside, type Source, sourcePath } from "./sources/bytes.js";
import { companionsOf } from "./sources/companions.js";
import { bytesFile, type DicomFile, folderFiles, isZip, sourceFiles, zipFiles } from "./sources/file-set.js";
import { isFolder } from "./sources/node-files.js";

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
  if (Array.isArray(source)) return readList(source, options);
  const given = source as Source;
  const limit = byteLimit(options);
  const folder = await folderOf(given);
  if (folder !== undefined) return decodeDicom(await folderFiles(folder, options.signal), options.name ?? folder, options);
  // Of a pair, the header is read first, whichever file was named.
  const header = await headerBeside(given);
  const file = await bytesOf(header ?? given, { name: options.name, limit, signal: options.signal });
  const companions = companionsOf(header ?? given, file.name, options, limit);
  if (hasDicomPrefix(file.bytes) || (isDicom(file.bytes) && formatOf(file.bytes) === undefined))
    return decodeDicom([bytesFile(file.bytes, file.name)], file.name, options);
  if (isZip(file.bytes) && !hasArrays(file.bytes, file.name)) {
    const files = zipFiles(file.bytes, file.name, limit);
    return (await anyDicom(files)) ? decodeDicom(files, file.name, options) : readZipped(files, file.name, options);
  }
  const packed = isGzip(file.bytes);
  const head = packed ? gunzipHead(file.bytes) : file.bytes;
  const format = formatOf(head);
  if (format === "nifti" || head.length === 0)
    return decodeNifti(file, options, () => pairImage(options.name === undefined ? file.name : sourcePath(header ?? given), options, companions));
  if (format === "mgh") return decodeMgh(file, options);
  if (packed || format === undefined) throw unknown(file.name, head, packed);
  return { nrrd: decodeNrrd, mha: decodeMha, npy: decodeNpy, npz: decodeNpz }[format](file, options, companions);
}

function unknown(name: string, head: Uint8Array, packed: boolean): AnyMC3DError {
  const todo = packed && formatOf(head) !== undefined ? "Unpack it first (gunzip)." : "Convert the file, or check that it is the one you meant.";
  return new AnyMC3DError(
    "FORMAT_UNKNOWN",
    `${name}: not a volume that can be read; its content${packed ? ", unpacked from gzip," : ""} looks like ${describeBytes(head)}. What can be read: ${READABLE}. ${todo}`,
  );
}

/** Names of files that hold a volume, or the header of one. */
const VOLUME = /\.(?:nii|nrrd|nhdr|mha|mhd|hdr|mgh)(?:\.gz)?$|\.mgz$/i;

/** The one volume of a zip without DICOM. */
async function readZipped(files: readonly DicomFile[], name: string, options: ReadOptions): Promise<Volume> {
  const volumes = files.filter((file) => VOLUME.test(file.name));
  if (volumes.length !== 1) {
    const list =
      files
        .slice(0, 5)
        .map((file) => file.name.slice(name.length + 2))
        .join(", ") + (files.length > 5 ? ", …" : "");
    const found = volumes.length ? `${volumes.length} volumes` : "no DICOM image, no array and no volume";
    throw new AnyMC3DError("FORMAT_UNKNOWN", `${name}: the zip holds ${found} (${list || "it is empty"}). Unpack it, and give the one that is meant.`);
  }
  const unpacked = await Promise.all(files.map(async (file) => new File([(await file.read(0, file.size)) as Uint8Array<ArrayBuffer>], file.name)));
  const [volume] = unpacked.filter((file) => VOLUME.test(file.name));
  const companion = unpacked.filter((file) => file !== volume);
  return readVolume(volume, companion.length > 0 ? { ...options, companion } : options);
}

/** Headers that may have their voxels in other files. */
const HEADER = /\.(?:nhdr|mhd|hdr)(?:\.gz)?$/i;

/** A header and its data files, as they are dropped onto a page; DICOM files; or one file alone. */
async function readList(sources: readonly Source[], options: ReadOptions): Promise<Volume> {
  const headers = sources.length === 1 ? sources : sources.filter((each) => HEADER.test(sourcePath(each)));
  if (headers.length !== 1) {
    const files = headers.length === 0 ? await sourceFiles(sources, byteLimit(options), options.signal) : [];
    if (await anyDicom(files)) return decodeDicom(files, options.name ?? `${files.length} files`, options);
    const names =
      files
        .slice(0, 5)
        .map((file) => file.name)
        .join(", ") + (files.length > 5 ? ", …" : "");
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `${sources.length} files with ${headers.length} headers (.nhdr, .mhd, .hdr) and no DICOM image among them${names && ` (${names})`}: not one volume. Give one file, one header with its data files, or the files of a DICOM series.`,
    );
  }
  const companion = sources.filter((each) => each !== headers[0]);
  return readVolume(headers[0], companion.length > 0 ? { ...options, companion } : options);
}

/** The folder that a source names, if it does. */
async function folderOf(source: Source): Promise<string | undefined> {
  const path = folderPath(source);
  return path !== undefined && (await isFolder(path)) ? path : undefined;
}

async function anyDicom(files: readonly DicomFile[]): Promise<boolean> {
  for (const file of files) if (isDicom(await file.read(0, 132))) return true;
  return false;
}

/** Whether a zip is an .npz. One that cannot be listed is left to the .npz reader, which says why. */
function hasArrays(bytes: Uint8Array, name: string): boolean {
  try {
    return npzSizes(bytes, { name }).size > 0;
  } catch {
    return true;
  }
}

/**
 * The DICOM series in a folder, a zip, a file or a list of files: what the option `series` may choose.
 * @throws AnyMC3DError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `FILE_TOO_LARGE`, `FORMAT_INVALID`; the signal's reason
 */
export async function listSeries(source: Source | readonly Source[], options: ReadOptions = {}): Promise<SeriesSummary[]> {
  checkReadOptions(options);
  return seriesIn(await dicomFiles(source, options), options);
}

async function dicomFiles(source: Source | readonly Source[], options: ReadOptions): Promise<DicomFile[]> {
  const limit = byteLimit(options);
  if (Array.isArray(source)) return sourceFiles(source, limit, options.signal);
  const folder = await folderOf(source as Source);
  if (folder !== undefined) return folderFiles(folder, options.signal);
  const { bytes, name } = await bytesOf(source as Source, { name: options.name, limit, signal: options.signal });
  return isZip(bytes) ? zipFiles(bytes, name, limit) : [bytesFile(bytes, name)];
}
