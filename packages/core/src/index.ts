// What classifying takes: volumes, adapters, results and what is said of them. Engines: `./engine`; training: `./learn`; checks of an engine: `./testing`.

export { loadAdapter } from "./adapter.js";
export { loadBackbone } from "./backbone.js";
export { type ClassifyInput, checkStudy, type StudyCheck, type ValueRange, valueRange } from "./checks.js";
export { classify, DISCLAIMER } from "./classify.js";
export { checkConformance } from "./conformance.js";
export * from "./engine/types.js";
export { AnyMC3DError, type ErrorCode, isAbortError, isAnyMC3DError } from "./errors.js";
export { explain, type LabelExplanation } from "./explain.js";
export { type AdapterFacts, factsOf } from "./facts.js";
export {
  applyAffine,
  assertVolume,
  axisCodes,
  composeAffines,
  determinant,
  invertAffine,
  isInvertible,
  nearestAxes,
  shiftAffine,
  voxelSpacing,
} from "./geometry.js";
export { HEATMAPS, type HeatmapMethod } from "./kinds/heatmap/index.js";
export type { Intensity } from "./kinds/intensity/index.js";
export { type AdapterManifest, type Expectations, type Plane, parseAdapterManifest, type ViewManifest } from "./manifest.js";
export { own } from "./own.js";
export { ADAPTER_KEYWORD, isNamedAs, isPackageName, newPackageName, type PackageKind, packageName, packageNames, shortName } from "./package-names.js";
export { toFloat32 } from "./safetensors.js";
export { type VolumeStatistics, volumeStatistics } from "./statistics.js";
export { TASK_KINDS, type Task, type TaskKindId, taskKind } from "./tasks/index.js";
export type { Outcome, TaskKind, TaskShape } from "./tasks/task-kind.js";
export * from "./types.js";
