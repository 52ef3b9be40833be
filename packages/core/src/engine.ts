// What authors of engines need: weights prepared for multiplication, chunks of slices, patches and positions, the self-test, backbones and their files.

export { type BackboneManifest, backboneManifestSchema, backboneShapes, parseBackboneManifest } from "./backbone.js";
export type { Chunk } from "./engine/chunks.js";
export { encode } from "./engine/encode.js";
export {
  type FoldedBackbone,
  type FoldedBlock,
  type FoldedLora,
  foldBackbone,
  foldLora,
  type Linear,
  loraMapPlace,
  loraMaps,
  type Norm,
  unfoldLoraGradient,
} from "./engine/fold.js";
export { type ChunkGradients, type ChunkSeeds, type ForwardWork, forwardInChunks } from "./engine/forward.js";
export { ActivationBudget, type KeptChunk } from "./engine/kept.js";
export { patchGrid } from "./engine/patches.js";
export { patchPositions, prefixTokens, ropeTables } from "./engine/position.js";
export { runSelfTest, SELF_TEST_TOLERANCE, selfTestInput, slicesOf } from "./engine/selftest.js";
export { contentHash, sha256 } from "./hash.js";
export { specFromHuggingFace, tensorsFromHuggingFace } from "./huggingface.js";
export { type RawTensor, readMetadata, readSafetensors, readTensors, writeSafetensors } from "./safetensors.js";
