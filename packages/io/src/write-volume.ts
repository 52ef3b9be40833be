// Writes a volume to a file, in Node.

import { AnyMC3DError, type Volume } from "@anymc3d/core";
import { gzip } from "./gzip.js";
import { writeNifti } from "./nifti-write.js";
import { hasFiles, toPath, writeFileWhole } from "./node-files.js";

export interface WriteOptions {
  readonly signal?: AbortSignal;
}

/**
 * Writes a volume as NIfTI-1, compressed where the name ends in .gz. The file appears whole or not at all.
 * In a browser, take the bytes of {@link writeNifti} and offer them as a download.
 * @param path a path or file URL ending in .nii or .nii.gz
 * @throws AnyMC3DError `OPTION_INVALID` (another ending), `OUTPUT_NOT_WRITABLE` (naming the folder), `VOLUME_INVALID`, `GEOMETRY_INVALID`,
 * `OUT_OF_MEMORY`; the signal's reason
 */
export async function writeVolume(path: string | URL, volume: Volume, options: WriteOptions = {}): Promise<void> {
  if (!hasFiles())
    throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${String(path)}: there is no file system here. Use writeNifti() and offer its bytes as a download.`);
  const target = toPath(path);
  if (!/\.nii(?:\.gz)?$/i.test(target)) {
    throw new AnyMC3DError("OPTION_INVALID", `${target}: volumes are written as NIfTI; give a name that ends in .nii or .nii.gz.`);
  }
  const bytes = writeNifti(volume);
  options.signal?.throwIfAborted();
  await writeFileWhole(target, /\.gz$/i.test(target) ? await gzip(bytes) : bytes, options.signal);
}
