// The public API of @anymc3d/core.

export * from "./types.js";
export { AnyMC3DError, type ErrorCode, isAbortError, isAnyMC3DError } from "./errors.js";
export { type BackboneManifest, backboneManifestSchema, backboneShapes, loadBackbone, parseBackboneManifest } from "./backbone.js";
export { type Chunk, encodeInChunks } from "./chunks.js";
export { type FoldedBackbone, type FoldedBlock, type FoldedLora, foldBackbone, foldLora, type Linear, loraMaps, type Norm } from "./fold.js";
export { contentHash, sha256 } from "./hash.js";
export { specFromHuggingFace, tensorsFromHuggingFace } from "./huggingface.js";
export { patchGrid } from "./patches.js";
export { attentionPool, linearHead, meanPool, sigmoid, softmax } from "./pool.js";
export { patchPositions, prefixTokens, ropeTables } from "./position.js";
export { type RawTensor, readSafetensors, readTensors, writeSafetensors } from "./safetensors.js";
export { runSelfTest, SELF_TEST_TOLERANCE, selfTestInput, slicesOf } from "./selftest.js";
