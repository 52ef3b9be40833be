// Writes a volume to a file, in Node.

import { AnyMC3DError, type Volume } from "@anymc3d/core";
import { writeWhole } from "@anymc3d/node-files/write-whole";
import { FORMATS } from "./formats/index.js";
import { either, endingOf, writableEndings } from "./formats/names.js";
import { hasFiles, toPath } from "./sources/node-files.js";

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
  const ending = endingOf(target);
  const format = FORMATS.find(({ endings }) => ending?.writes && endings.includes(ending));
  if (!ending || !format?.write) {
    const titles = FORMATS.filter(({ write }) => write).map(({ title }) => title);
    throw new AnyMC3DError("OPTION_INVALID", `${target}: volumes are written as ${either(titles)}; give a name that ends in ${either(writableEndings())}.`);
  }
  const bytes = await format.write(volume, ending.ending);
  options.signal?.throwIfAborted();
  await writeWhole(target, bytes, options.signal);
}
