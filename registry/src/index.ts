// The public API of @anymc3d/registry, for Node and browsers.

export { browserStore, memoryStore, type Store } from "./cache.js";
export { checkConformanceOnce } from "./conformance.js";
export type { HttpOptions } from "./http.js";
export { formatLock, LOCK_FILE, type Lock, type LockEntry, parseLock } from "./lock.js";
export type { PackageInfo, VersionInfo } from "./metadata.js";
export type { LoadOptions, RegistryOptions } from "./options.js";
export type { Resolved } from "./registries.js";
export { createRegistry, type Registry } from "./registry.js";
export { type Found, KEYWORD, type SearchOptions } from "./search.js";
