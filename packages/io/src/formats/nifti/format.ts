// NIfTI-1, NIfTI-2 and ANALYZE 7.5: one header, with and without its magic.

import { gzip, SLACK } from "../../compression/gzip.js";
import { type Format, onlyFile, text } from "../format.js";
import { parseNiftiHeader } from "./header.js";
import { decodeNifti, neededBytes, pairImage } from "./read.js";
import { writeNifti } from "./write.js";

const sizes = (bytes: Uint8Array) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes.length < 4 ? [] : [view.getInt32(0, true), view.getInt32(0, false)];
};

export const nifti: Format = {
  id: "nifti",
  title: "NIfTI",
  readable: "NIfTI-1 and NIfTI-2 (.nii, .nii.gz, .hdr with .img), ANALYZE 7.5 (with `orientation`)",
  endings: [
    { ending: ".nii", holds: "volume", writes: true, sample: true },
    { ending: ".nii.gz", holds: "volume", writes: true, sample: true },
    { ending: ".hdr", holds: "header" },
    { ending: ".hdr.gz", holds: "header" },
    { ending: ".img", holds: "voxels", header: ".hdr" },
    { ending: ".img.gz", holds: "voxels", header: ".hdr" },
  ],
  uses: ["frame", "channel", "orientation", "spacing"],
  packed: true,
  most(head, name) {
    const header = parseNiftiHeader(head, name);
    return (header.single ? neededBytes(header) : 0) + SLACK;
  },
  sniff: (bytes) => (sizes(bytes).some((size) => size === 348 || size === 540) || /^n[+i]1$/.test(text(bytes, 344, 347)) ? "sure" : undefined),
  looks: (bytes) =>
    bytes.length >= 348 && sizes(bytes).includes(348) && text(bytes, 344, 345) !== "n"
      ? "an ANALYZE 7.5 header (NIfTI's predecessor, which does not store left and right)"
      : "a NIfTI file",
  async read(input) {
    const { files, options, companions } = input;
    return decodeNifti(await onlyFile(input), options, (most) => pairImage(files[0].path, options, companions, most));
  },
  write: async (volume, ending) => (ending === ".nii.gz" ? gzip(writeNifti(volume)) : writeNifti(volume)),
};
