// FreeSurfer's MGH, packed as .mgz.

import { SLACK } from "../../compression/gzip.js";
import { type Format, onlyFile } from "../format.js";
import { decodeMgh, isMgh, mghSize } from "./read.js";

export const mgh: Format = {
  id: "mgh",
  title: "FreeSurfer",
  endings: [
    { ending: ".mgh", holds: "volume" },
    { ending: ".mgz", holds: "volume" },
  ],
  uses: ["frame", "orientation", "spacing"],
  packed: true,
  most: (head, name) => mghSize(head, name) + SLACK,
  sniff: (bytes) => (isMgh(bytes) ? "sure" : undefined),
  looks: "a FreeSurfer MGH volume",
  read: async (input) => decodeMgh(await onlyFile(input), input.options),
};
