// MetaImage, as ITK writes it: text header, voxels after it or in files of their own.

import { SLACK } from "../../compression/gzip.js";
import { type Format, onlyFile, text } from "../format.js";
import { parseMhaHeader } from "./header.js";
import { decodeMha, mostOfPart, voxelBytes } from "./read.js";

/** Text, lines of "Key = value", ObjectType or NDims among the first: there is no signature. */
function begins(bytes: Uint8Array): boolean {
  const start = text(bytes, 0, 256);
  return /^\s*(?:ObjectType|NDims)\s*=/.test(start) || (/^\s*\w+\s*=[^\n\0]*\n/.test(start) && /\n\s*(?:ObjectType|NDims)\s*=/.test(start));
}

export const meta: Format = {
  id: "meta",
  title: "MetaImage",
  endings: [
    { ending: ".mha", holds: "volume" },
    { ending: ".mhd", holds: "header" },
  ],
  uses: ["frame", "channel", "orientation", "spacing"],
  sniff: (bytes) => (begins(bytes) ? "sure" : undefined),
  looks: "a MetaImage header",
  most(head, name) {
    const header = parseMhaHeader(head, name);
    return header.end + (header.files ? SLACK : mostOfPart(voxelBytes(header), header));
  },
  read: async (input) => decodeMha(await onlyFile(input), input.options, input.companions),
};
