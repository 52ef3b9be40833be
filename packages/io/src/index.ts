// The public API of @anymc3d/io.

export type { CodecUrl } from "./formats/dicom/codecs.js";
export { isDicom } from "./formats/dicom/parse.js";
export type { SeriesSummary } from "./formats/dicom/series.js";
export { readMha } from "./formats/meta/read.js";
export { readMgh } from "./formats/mgh/read.js";
export { readNifti } from "./formats/nifti/read.js";
export { writeNifti } from "./formats/nifti/write.js";
export { readNrrd } from "./formats/nrrd/read.js";
export { type NrrdOptions, writeNrrd } from "./formats/nrrd/write.js";
export type { NpyArray } from "./formats/numpy/npy.js";
export { type NpzOptions, readNpz } from "./formats/numpy/npz.js";
export type { ReadOptions } from "./options/options.js";
export { listSeries, readVolume } from "./read-volume.js";
export { bytesOf, type Source } from "./sources/bytes.js";
export { applyAffine, composeAffines, cornerDistance, type Grid, invertAffine, orientedAffine } from "./volume/geometry.js";
export { type CropOptions, canonical, cropToForeground, type ResampleOptions, reorient, resample, resampleLike } from "./volume/resample.js";
export { type WriteOptions, writeVolume } from "./write-volume.js";
