// Readers of single formats, from bytes.

import { AnyMC3DError, type Volume } from "@anymc3d/core";
import { gunzipHead, isGzip } from "./compression/gzip.js";
import type { Format } from "./formats/format.js";
import { meta } from "./formats/meta/format.js";
import { mgh } from "./formats/mgh/format.js";
import { nifti } from "./formats/nifti/format.js";
import { nrrd } from "./formats/nrrd/format.js";
import type { NpyArray } from "./formats/numpy/npy.js";
import { type NpzOptions, npzArrays } from "./formats/numpy/npz.js";
import { describeBytes, notOfFormat } from "./formats/unknown.js";
import { checkReadOptions } from "./options/check.js";
import { byteLimit } from "./options/limits.js";
import type { ReadOptions } from "./options/read-options.js";
import { readBy } from "./read-by.js";
import { bytesEntry } from "./sources/file-entry.js";

async function readAs(format: Format, given: Uint8Array | ArrayBuffer, options: ReadOptions): Promise<Volume> {
  checkReadOptions(options);
  options.signal?.throwIfAborted();
  const bytes = ArrayBuffer.isView(given) ? new Uint8Array(given.buffer, given.byteOffset, given.byteLength) : new Uint8Array(given);
  const file = bytesEntry(bytes, options.name ?? "volume");
  return readBy(format, { name: file.name, files: [file] }, options);
}

/** As {@link readAs}, of formats that have a signature. */
async function readSigned(format: Format, given: Uint8Array | ArrayBuffer, options: ReadOptions): Promise<Volume> {
  const bytes = ArrayBuffer.isView(given) ? given : new Uint8Array(given);
  const name = options.name ?? "volume";
  const packed = Boolean(format.packed) && isGzip(bytes);
  const head = packed ? await gunzipHead(bytes, { name, limit: byteLimit(options), signal: options.signal }) : bytes;
  if (head.length > 0 && !format.sniff(head)) throw notOfFormat(format.title, name, head, packed);
  return readAs(format, given, options);
}

/**
 * Reads NIfTI-1 or NIfTI-2 bytes, gzip-compressed or not.
 *
 * Voxels: x fastest, real-world values; in their stored type where no scaling applies (then possibly a view into `bytes`), int64/uint64 as
 * Float64Array, else Float32Array of slope · v + intercept. Affine: mm, RAS+; sform, else qform, else voxel sizes with a note.
 * Free text of the header is not read.
 * @throws AnyMC3DError `FILE_EMPTY`, `FORMAT_UNKNOWN`, `FILE_TRUNCATED`, `FILE_TOO_LARGE`, `FORMAT_INVALID`, `GEOMETRY_INVALID`, `FRAME_REQUIRED`
 * (4-D without `frame`), `CHANNELS_UNSUPPORTED` (RGB; a fifth axis without `channel`), `FILE_NOT_FOUND` (the .img of a pair not given),
 * `OPTION_INVALID`, `OUT_OF_MEMORY`; the signal's reason
 */
export const readNifti = (bytes: Uint8Array | ArrayBuffer, options: ReadOptions = {}): Promise<Volume> => readSigned(nifti, bytes, options);

/**
 * Reads NRRD bytes: voxels after the header, or in the files given as `companion`. Encodings raw, gzip, text and hex.
 *
 * Voxels: x fastest, in their stored type, int64/uint64 as Float64Array. Affine: mm, RAS+, from `space`, `space directions` and `space origin`;
 * none, with a note, where the file stores no orientation. Measurement frames are not read, nor key/value pairs but the
 * DICOM modality that converters pass on.
 * @throws AnyMC3DError `FORMAT_INVALID`, `FORMAT_UNKNOWN` (bzip2; no NRRD), `FILE_TRUNCATED`, `FILE_TOO_LARGE`, `FILE_NOT_FOUND` (data files not given),
 * `GEOMETRY_INVALID`, `FRAME_REQUIRED`, `CHANNELS_UNSUPPORTED`, `OPTION_INVALID`, `OUT_OF_MEMORY`; the signal's reason
 */
export const readNrrd = (bytes: Uint8Array | ArrayBuffer, options: ReadOptions = {}): Promise<Volume> => readAs(nrrd, bytes, options);

/**
 * Reads MetaImage bytes: voxels after the header (.mha), or in the files given as `companion` (.mhd).
 *
 * Voxels: x fastest, real-world values; in their stored type where no scaling applies, int64/uint64 as Float64Array. Affine: mm, RAS+, from
 * TransformMatrix (each triple the direction of one axis, LPS), ElementSpacing and Offset. AnatomicalOrientation is only compared.
 * @throws AnyMC3DError `FORMAT_INVALID`, `FILE_TRUNCATED`, `FILE_TOO_LARGE`, `FILE_NOT_FOUND` (data files not given), `GEOMETRY_INVALID`,
 * `FRAME_REQUIRED`, `CHANNELS_UNSUPPORTED`, `OPTION_INVALID`, `OUT_OF_MEMORY`; the signal's reason
 */
export const readMha = (bytes: Uint8Array | ArrayBuffer, options: ReadOptions = {}): Promise<Volume> => readAs(meta, bytes, options);

/**
 * Reads MGH bytes, gzip-compressed (.mgz) or not.
 *
 * Voxels: x fastest, in their stored type. Affine: mm, RAS+, from the direction cosines, the voxel sizes and the centre; none, with a note,
 * where the header says that it has none.
 * @throws AnyMC3DError `FORMAT_UNKNOWN`, `FORMAT_INVALID`, `FILE_TRUNCATED`, `FILE_TOO_LARGE`, `GEOMETRY_INVALID`, `FRAME_REQUIRED`,
 * `OPTION_INVALID`, `OUT_OF_MEMORY`; the signal's reason
 */
export const readMgh = (bytes: Uint8Array | ArrayBuffer, options: ReadOptions = {}): Promise<Volume> => readAs(mgh, bytes, options);

/**
 * Reads the arrays of an .npz file, as numpy.savez and numpy.savez_compressed write it.
 * @returns name (without ".npy") → array in C order; numeric types and bool
 * @throws AnyMC3DError `FORMAT_UNKNOWN` (no zip), `FORMAT_INVALID` (damaged; text, objects or records), `FILE_TRUNCATED`, `FILE_TOO_LARGE`,
 * `OUT_OF_MEMORY`, `OPTION_INVALID`
 */
export function readNpz(bytes: Uint8Array, options: NpzOptions = {}): Map<string, NpyArray> {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return npzArrays(bytes, options);
  const found = bytes.length === 0 ? "it is empty" : `it looks like ${describeBytes(bytes)}`;
  throw new AnyMC3DError(
    "FORMAT_UNKNOWN",
    `${options.name ?? "npz"}: not an .npz archive; ${found}. Save the arrays with numpy.savez or numpy.savez_compressed.`,
  );
}
