// The public API of @anymc3d/engine-tfjs.

export { createTfjsEngine, type TfjsEngineOptions } from "./create.js";
export type { TfjsBackend } from "./device.js";
export { defaultChunk } from "./engine.js";
