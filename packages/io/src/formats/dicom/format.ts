// DICOM: a series is one volume, its slices in a file each, or all in one.

import type { Format } from "../format.js";
import { hasDicomPrefix, isDicom } from "./parse.js";
import { decodeDicom } from "./read.js";

export const dicom: Format = {
  id: "dicom",
  title: "DICOM",
  readable: "DICOM (files, folders, .zip)",
  endings: [
    { ending: ".dcm", holds: "slice" },
    { ending: ".ima", holds: "slice" },
  ],
  uses: ["series", "stack", "frame", "uneven", "orientation", "spacing", "identity", "codecUrl", "onProgress"],
  many: true,
  // A data set without preamble has no signature.
  sniff: (bytes) => (hasDicomPrefix(bytes) ? "sure" : isDicom(bytes) ? "maybe" : undefined),
  looks: "a DICOM file",
  read: ({ files, name, options }) => decodeDicom(files, name, options),
};
