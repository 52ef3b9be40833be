// The public API of @anymc3d/engine-onnx.

export { createOnnxEngine, defaultChunk, type OnnxEngineOptions } from "./engine.js";
export type { Device } from "./runtime.js";
