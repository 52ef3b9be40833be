// The public API of @anymc3d/sdk.

export {
  type Adapter,
  AnyMC3DError,
  type Backbone,
  type ClassifyResult,
  type Engine,
  type ErrorCode,
  type FailedRegion,
  type HeatmapOptions,
  isAbortError,
  isAnyMC3DError,
  type LabelResult,
  type Precision,
  type Progress,
  type RegionPlace,
  type StudyCheck,
  type Volume,
  type Warning,
} from "@anymc3d/core";
export {
  listSeries,
  type MarkedRegion,
  type ReadOptions,
  type RegionFile,
  type RegionOptions,
  readRegions,
  readVolume,
  regionOf,
  type SeriesSummary,
  type Source,
  writeNifti,
  writeVolume,
} from "@anymc3d/io";
export { type AdapterSource, type AssetModule, type BackboneSource, openAdapter, openBackbone } from "./assets.js";
export {
  type AdapterAnswer,
  type AdapterName,
  backboneOf,
  type Classifier,
  type ClassifierOptions,
  checkStudy,
  classify,
  createClassifier,
  type OneRegion,
  type RegionSource,
  type RunOptions,
  type SeveralRegions,
  type StudySource,
  type VolumeSource,
} from "./classifier.js";
export { checkConformanceOnce } from "./conformance.js";
export { createEngine, type EngineOptions } from "./engines/create.js";
export type { ClassifierEngineOptions, EngineSource } from "./engines/own.js";
export { ENGINE_CHOICES, type EngineChoice } from "./engines/table.js";
