// The DICOM series among files.

import { seriesIn } from "./formats/dicom/read.js";
import type { SeriesSummary } from "./formats/dicom/series.js";
import { checkReadOptions } from "./options/check.js";
import { byteLimit } from "./options/limits.js";
import type { ReadOptions } from "./options/read-options.js";
import { fileSet, unpackedFiles } from "./sources/file-set.js";
import type { Source } from "./sources/open.js";

/**
 * The DICOM series in a folder, a zip, a file or a list of files: what the option `series` may choose.
 * @throws AnyMC3DError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `FILE_TOO_LARGE`, `FORMAT_INVALID`; the signal's reason
 */
export async function listSeries(source: Source | readonly Source[], options: ReadOptions = {}): Promise<SeriesSummary[]> {
  checkReadOptions(options);
  const limit = byteLimit(options);
  const set = await fileSet(source, { limit, signal: options.signal });
  return seriesIn(set.kind === "folder" ? set.files : await unpackedFiles(set, limit), options);
}
