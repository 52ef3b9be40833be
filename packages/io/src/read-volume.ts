// Reads a volume from wherever it is.

import { isAnyMC3DError, type Volume } from "@anymc3d/core";
import { bytesOf, headerBeside, imageBeside, type Named, type Source } from "./bytes.js";
import { decodeNifti } from "./nifti-read.js";
import { byteLimit, type ReadOptions } from "./options.js";

/**
 * Reads a volume: NIfTI-1 and NIfTI-2, .nii, .nii.gz, .hdr with .img.
 *
 * @param source a path (Node), URL, File or Blob, or bytes. Of a pair, either file's path; the other one is found beside it.
 * @returns voxels x fastest with scaling applied, affine in mm RAS+, and notes on anything that the reader had to decide
 * @throws AnyMC3DError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `FILE_EMPTY`, `FILE_TRUNCATED`, `FILE_TOO_LARGE`, `FORMAT_UNKNOWN`, `FORMAT_INVALID`,
 * `FRAME_REQUIRED`, `CHANNELS_UNSUPPORTED`, `GEOMETRY_INVALID`, `ASSET_INVALID` (a server answered with a web page), `OPTION_INVALID`,
 * `OUT_OF_MEMORY`; the signal's reason after an abort
 */
export async function readVolume(source: Source, options: ReadOptions = {}): Promise<Volume> {
  const limit = byteLimit(options);
  const { signal } = options;
  const header = await headerBeside(source);
  const file = await bytesOf(header ?? source, { name: options.name, limit, signal });
  const candidates = header === undefined ? imageBeside(source) : [source];
  return decodeNifti(file, options, () => pairImage(candidates, options, limit));
}

/** The .img given, or the first of the candidates that is there. */
async function pairImage(candidates: readonly Source[], { companion, signal }: ReadOptions, limit: number): Promise<Named | undefined> {
  if (companion !== undefined) return bytesOf(companion, { limit, signal });
  for (const candidate of candidates) {
    try {
      return await bytesOf(candidate, { limit, signal });
    } catch (error) {
      if (!isAnyMC3DError(error) || error.code !== "FILE_NOT_FOUND") throw error;
    }
  }
  return undefined;
}
