// The table of formats. A new one is a folder here and a line in it.

import { dicom } from "./dicom/format.js";
import type { Format } from "./format.js";
import { meta } from "./meta/format.js";
import { mgh } from "./mgh/format.js";
import { nifti } from "./nifti/format.js";
import { nrrd } from "./nrrd/format.js";
import { numpy } from "./numpy/format.js";

/** In the order in which bytes are offered to them. */
export const FORMATS: readonly Format[] = [dicom, nifti, nrrd, meta, numpy, mgh];

/** The format of these bytes, which are not compressed; undefined where there is none for them. */
export function formatOf(bytes: Uint8Array): Format | undefined {
  const claims = FORMATS.map((format) => ({ format, claim: format.sniff(bytes) }));
  return (claims.find(({ claim }) => claim === "sure") ?? claims.find(({ claim }) => claim === "maybe"))?.format;
}
