// NumPy: one array (.npy), or a zip of arrays (.npz).

import { SLACK } from "../../compression/gzip.js";
import { isZip } from "../../sources/zip-directory.js";
import { type Format, onlyFile, text } from "../format.js";
import { npySize } from "./npy.js";
import { npzSizes } from "./npz.js";
import { decodeNpy, decodeNpz } from "./volume.js";

/** Whether a zip holds arrays. One that cannot be listed is left to the .npz reader, which says why. */
function holdsArrays(bytes: Uint8Array): boolean {
  try {
    return npzSizes(bytes).size > 0;
  } catch {
    return true;
  }
}

const isNpy = (bytes: Uint8Array): boolean => text(bytes, 0, 6) === "\x93NUMPY";

export const numpy: Format = {
  id: "numpy",
  title: "NumPy",
  endings: [
    { ending: ".npy", holds: "volume", sample: true },
    { ending: ".npz", holds: "volume" },
  ],
  uses: ["array", "index", "spacing", "orientation"],
  sniff: (bytes) => (isNpy(bytes) || (isZip(bytes) && holdsArrays(bytes)) ? "sure" : undefined),
  most: (head, name) => (isNpy(head) ? npySize(head, name) + SLACK : undefined),
  looks: (bytes) => (isNpy(bytes) ? "a NumPy .npy array" : "a zip archive (.zip, .npz, .docx, …)"),
  async read(input) {
    const file = await onlyFile(input);
    return isZip(file.bytes) ? decodeNpz(file, input.options) : decodeNpy(file, input.options);
  },
};
