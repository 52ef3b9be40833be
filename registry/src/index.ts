// The public API of @anymc3d/registry, for Node and browsers.

export { browserStore, memoryStore, type Store } from "./cache/store.js";
export type { LoadOptions, RegistryOptions } from "./client/options.js";
export type { Resolved } from "./client/registries.js";
export { createRegistry, type Registry } from "./client/registry.js";
export { type Found, KEYWORD, type SearchOptions } from "./client/search.js";
export { formatLock, LOCK_FILE, type Lock, type LockEntry, parseLock } from "./lock/lock.js";
export type { HttpOptions } from "./protocol/http.js";
export { chooseVersion, type PackageInfo, type VersionInfo } from "./protocol/metadata.js";
