// NRRD: text header, voxels after it or in files of their own.

import { SLACK } from "../../compression/gzip.js";
import { type Format, onlyFile, text } from "../format.js";
import { parseNrrdHeader } from "./header.js";
import { decodeNrrd, mostOfPart, voxelBytes } from "./read.js";
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
  most(head, name) {
    const header = parseNrrdHeader(head, name);
    return header.end + (header.files ? SLACK : mostOfPart(voxelBytes(header), header));
  },
  read: async (input) => decodeNrrd(await onlyFile(input), input.options, input.companions),
  write: (volume) => writeNrrd(volume),
};
