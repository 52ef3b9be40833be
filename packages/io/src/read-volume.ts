// Reads a volume from wherever it is, in whatever format its bytes are.

import { AnyMC3DError, type Volume } from "@anymc3d/core";
import { bytesOf, headerBeside, type Source, sourcePath } from "./bytes.js";
import { companionsOf } from "./companions.js";
import { describeBytes, formatOf, READABLE } from "./format.js";
import { gunzipHead, isGzip } from "./gzip.js";
import { decodeMgh } from "./mgh-read.js";
import { decodeMha } from "./mha-read.js";
import { decodeNifti, pairImage } from "./nifti-read.js";
import { decodeNpy, decodeNpz } from "./npy-volume.js";
import { decodeNrrd } from "./nrrd-read.js";
import { byteLimit, type ReadOptions } from "./options.js";

/**
 * Reads a volume: NIfTI-1 and NIfTI-2 (.nii, .nii.gz, .hdr with .img), ANALYZE 7.5 (with `orientation`), NRRD (.nrrd, .nhdr), MetaImage
 * (.mha, .mhd), NumPy (.npy, .npz), FreeSurfer (.mgh, .mgz). The format is told by the content, not by the name.
 *
 * @param source a path (Node), URL, File or Blob, or bytes; or a list of them, of which one is a header and the others its data files. Data files
 * of a path or URL are found beside it, never outside its folder; of a .hdr/.img pair, either file's path does.
 * @returns voxels x fastest with scaling applied, affine in mm RAS+, and notes on anything that the reader had to decide
 * @throws AnyMC3DError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `FILE_EMPTY`, `FILE_TRUNCATED`, `FILE_TOO_LARGE`, `FORMAT_UNKNOWN`, `FORMAT_INVALID`,
 * `FRAME_REQUIRED`, `CHANNELS_UNSUPPORTED`, `GEOMETRY_INVALID`, `ASSET_INVALID` (a server answered with a web page), `OPTION_INVALID`,
 * `OUT_OF_MEMORY`; the signal's reason after an abort
 */
export async function readVolume(source: Source | readonly Source[], options: ReadOptions = {}): Promise<Volume> {
  if (Array.isArray(source)) return readList(source, options);
  const given = source as Source;
  const limit = byteLimit(options);
  // Of a pair, the header is read first, whichever file was named.
  const header = await headerBeside(given);
  const file = await bytesOf(header ?? given, { name: options.name, limit, signal: options.signal });
  const companions = companionsOf(header ?? given, file.name, options, limit);
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

/** Headers that may have their voxels in other files. */
const HEADER = /\.(?:nhdr|mhd|hdr)(?:\.gz)?$/i;

/** A header and its data files, as they are dropped onto a page; or one file alone. */
async function readList(sources: readonly Source[], options: ReadOptions): Promise<Volume> {
  const headers = sources.length === 1 ? sources : sources.filter((each) => HEADER.test(sourcePath(each)));
  if (headers.length !== 1) {
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `A list of ${sources.length} files with ${headers.length} headers (.nhdr, .mhd, .hdr) among them; give one file, or one header with its data files.`,
    );
  }
  const companion = sources.filter((each) => each !== headers[0]);
  return readVolume(headers[0], companion.length > 0 ? { ...options, companion } : options);
}
