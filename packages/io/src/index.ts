// The public API of @anymc3d/io.

export { bytesOf, type Source } from "./bytes.js";
export { readNifti } from "./nifti-read.js";
export { writeNifti } from "./nifti-write.js";
export type { NpyArray } from "./npy.js";
export { type NpzOptions, readNpz } from "./npz.js";
export type { ReadOptions } from "./options.js";
export { readVolume } from "./read-volume.js";
export { type WriteOptions, writeVolume } from "./write-volume.js";
