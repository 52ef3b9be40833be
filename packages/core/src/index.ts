// The public API of @anymc3d/core.

export { adapterShapes, type BoundAdapter, bindAdapter, loadAdapter, viewLora, weightsHash } from "./adapter.js";
export { type BackboneManifest, backboneManifestSchema, backboneShapes, loadBackbone, parseBackboneManifest } from "./backbone.js";
export { type ClassifyInput, checkInput, checkStudy, type StudyCheck, type ValueRange, valueRange } from "./checks.js";
export { classify, DISCLAIMER } from "./classify.js";
export { conformalQuantile } from "./conformal.js";
export { checkConformance, conformanceLogits, syntheticVolume } from "./conformance.js";
export type { Chunk } from "./engine/chunks.js";
export { encode } from "./engine/encode.js";
export {
  type FoldedBackbone,
  type FoldedBlock,
  type FoldedLora,
  foldBackbone,
  foldLora,
  type Linear,
  loraMaps,
  type Norm,
  unfoldLoraGradient,
} from "./engine/fold.js";
export { type ChunkGradients, type ChunkSeeds, type ForwardWork, forwardInChunks } from "./engine/forward.js";
export { ActivationBudget, type KeptChunk } from "./engine/kept.js";
export { patchGrid } from "./engine/patches.js";
export { patchPositions, prefixTokens, ropeTables } from "./engine/position.js";
export { runSelfTest, SELF_TEST_TOLERANCE, selfTestInput, slicesOf } from "./engine/selftest.js";
export * from "./engine/types.js";
export { AnyMC3DError, type ErrorCode, isAbortError, isAnyMC3DError } from "./errors.js";
export { type AdapterFacts, factsOf } from "./facts.js";
export { assertVolume, axisCodes, determinant, displayGrid, nearestAxes, voxelSpacing } from "./geometry.js";
export { contentHash, sha256 } from "./hash.js";
export { specFromHuggingFace, tensorsFromHuggingFace } from "./huggingface.js";
export { FUSIONS } from "./kinds/fusion/index.js";
export { HEADS, type HeadForm, headForward, headGradient } from "./kinds/head/index.js";
export { HEATMAPS, type HeatmapMethod } from "./kinds/heatmap/index.js";
export { INTENSITIES, type Intensity } from "./kinds/intensity/index.js";
export { POOLINGS } from "./kinds/pooling/index.js";
export {
  type AdapterManifest,
  adapterJsonSchema,
  adapterManifestSchema,
  type Expectations,
  type Plane,
  parseAdapterManifest,
  type ViewManifest,
} from "./manifest.js";
export { upgradeManifest } from "./manifest-upgrade.js";
export { ADAPTER_KEYWORD, isNamedAs, isPackageName, newPackageName, type PackageKind, packageName, packageNames, shortName } from "./package-names.js";
export { attentionPool, attentionPoolGradient, meanPool, meanPoolGradient, sigmoid, softmax } from "./pool.js";
export { type PreparedView, prepareView } from "./preprocess.js";
export { seededRandom } from "./random.js";
export { type RawTensor, readMetadata, readSafetensors, readTensors, toFloat32, writeSafetensors } from "./safetensors.js";
export { type VolumeStatistics, volumeStatistics } from "./statistics.js";
export { forwardStudy, type StudyForward, type StudyGradient, type StudyModules } from "./study.js";
export { TASK_KINDS, type Task, type TaskKindId, taskKind, taskSchema } from "./tasks/index.js";
export type { Conformal, TaskLabel } from "./tasks/labels.js";
export { classValues, cumulativeProbabilities, medianClass } from "./tasks/ordinal.js";
export type { Outcome, TaskKind, TaskShape } from "./tasks/task-kind.js";
export * from "./types.js";
