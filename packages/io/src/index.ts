// The public API of @anymc3d/io.

export type { CodecUrl } from "./formats/dicom/codecs.js";
export { isDicom } from "./formats/dicom/parse.js";
export type { SeriesSummary } from "./formats/dicom/series.js";
export type { Ending, FormatNames } from "./formats/format.js";
export { endingOf, formatNames, sampleEndings, scanEndings, stemOf, writableEndings } from "./formats/names.js";
export { writeNifti } from "./formats/nifti/write.js";
export { type NrrdOptions, writeNrrd } from "./formats/nrrd/write.js";
export type { NpyArray } from "./formats/numpy/npy.js";
export type { NpzOptions } from "./formats/numpy/npz.js";
export { listSeries } from "./list-series.js";
export { READ_OPTIONS, type ReadOption, type ReadOptions } from "./options.js";
export { readMgh, readMha, readNifti, readNpz, readNrrd } from "./read-bytes.js";
export { readVolume } from "./read-volume.js";
export { maskOf } from "./regions/contours.js";
export { type RegionOptions, readRegions } from "./regions/read-regions.js";
export { type Box, type MarkedRegion, type RegionFile, type RegionKind, regionNamed } from "./regions/region.js";
export { checkSamePlace, chosenRegion, regionOf } from "./regions/same-place.js";
export { bytesOf, type Source } from "./sources/open.js";
export { applyAffine, composeAffines, cornerDistance, type Grid, invertAffine, orientedAffine } from "./volume/geometry.js";
export { type CropOptions, canonical, cropToForeground, type ResampleOptions, reorient, resample, resampleLike } from "./volume/resample.js";
export { type WriteOptions, writeVolume } from "./write-volume.js";
