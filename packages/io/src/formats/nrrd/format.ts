// NRRD: text header, voxels after it or in files of their own.

import { type Format, onlyFile, text } from "../format.js";
import { decodeNrrd } from "./read.js";
import { writeNrrd } from "./write.js";

export const nrrd: Format = {
  id: "nrrd",
  title: "NRRD",
  endings: [
    { ending: ".nrrd", holds: "volume", writes: true, sample: true },
    { ending: ".nhdr", holds: "header" },
  ],
  uses: ["frame", "channel", "orientation", "spacing"],
  sniff: (bytes) => (text(bytes, 0, 4) === "NRRD" ? "sure" : undefined),
  looks: "an NRRD file",
  read: async (input) => decodeNrrd(await onlyFile(input), input.options, input.companions),
  write: (volume) => writeNrrd(volume),
};
