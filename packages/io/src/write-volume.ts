// Writes a volume to a file, in Node.

import { AnyMC3DError, type Volume } from "@anymc3d/core";
import { gzip } from "./compression/gzip.js";
import { writeNifti } from "./formats/nifti/write.js";
import { writeNrrd } from "./formats/nrrd/write.js";
import { hasFiles, toPath, writeFileWhole } from "./sources/node-files.js";

/** Options of `writeVolume()`. */
export interface WriteOptions {
  readonly signal?: AbortSignal;
}

/**
 * Writes a volume in the format that the name ends in: .nii (NIfTI-1), .nii.gz (the same, compressed), .nrrd (compressed). The voxels keep their
 * type and the file appears whole or not at all. In a browser, take the bytes of {@link writeNifti} or {@link writeNrrd} and offer them as a download.
 * @param path a path or file URL
 * @throws AnyMC3DError `OPTION_INVALID` (another ending), `OUTPUT_NOT_WRITABLE` (naming the folder), `VOLUME_INVALID`, `GEOMETRY_INVALID`,
 * `OUT_OF_MEMORY`; the signal's reason
 */
export async function writeVolume(path: string | URL, volume: Volume, options: WriteOptions = {}): Promise<void> {
  if (!hasFiles())
    throw new AnyMC3DError(
      "OUTPUT_NOT_WRITABLE",
      `${String(path)}: there is no file system here. Use writeNifti() or writeNrrd() and offer the bytes as a download.`,
    );
  const target = toPath(path);
  const [, ending] = /\.(nii|nii\.gz|nrrd)$/i.exec(target) ?? [];
  if (ending === undefined) {
    throw new AnyMC3DError("OPTION_INVALID", `${target}: volumes are written as NIfTI or NRRD; give a name that ends in .nii, .nii.gz or .nrrd.`);
  }
  const bytes = await encode(volume, ending.toLowerCase());
  options.signal?.throwIfAborted();
  await writeFileWhole(target, bytes, options.signal);
}

async function encode(volume: Volume, ending: string): Promise<Uint8Array> {
  if (ending === "nrrd") return writeNrrd(volume);
  const bytes = writeNifti(volume);
  return ending === "nii.gz" ? gzip(bytes) : bytes;
}
