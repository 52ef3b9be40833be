// The public API of @anymc3d/io.

export { bytesOf, type Source } from "./bytes.js";
export type { CodecUrl } from "./dicom-codecs.js";
export { isDicom } from "./dicom-parse.js";
export type { SeriesSummary } from "./dicom-series.js";
export { applyAffine, composeAffines, cornerDistance, type Grid, invertAffine, orientedAffine } from "./geometry.js";
export { readMgh } from "./mgh-read.js";
export { readMha } from "./mha-read.js";
export { readNifti } from "./nifti-read.js";
export { writeNifti } from "./nifti-write.js";
export type { NpyArray } from "./npy.js";
export { type NpzOptions, readNpz } from "./npz.js";
export { readNrrd } from "./nrrd-read.js";
export { type NrrdOptions, writeNrrd } from "./nrrd-write.js";
export type { ReadOptions } from "./options.js";
export { listSeries, readVolume } from "./read-volume.js";
export { type CropOptions, canonical, cropToForeground, type ResampleOptions, reorient, resample, resampleLike } from "./resample.js";
export { type WriteOptions, writeVolume } from "./write-volume.js";
