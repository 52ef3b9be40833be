// The public API of @anymc3d/registry, for Node and browsers.

export { browserStore, memoryStore, type Store } from "./cache.js";
export type { HttpOptions } from "./http.js";
export { createRegistry, type LoadOptions, type Registry, type RegistryOptions, type Resolved } from "./registry.js";
