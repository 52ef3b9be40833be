// The Node part of @anymc3d/registry: npm's settings, a folder to keep packages in, the lock file, bundles.

export { defaultFolder, type FolderStore, folderStore } from "./cache/folder-store.js";
export { withMemory } from "./cache/store.js";
export { readBundle, writeBundle } from "./lock/bundle.js";
export { changeLock, findLock, type LockFile } from "./lock/lock-file.js";
export { npmSettings } from "./node/npm-settings.js";
export { type OpenOptions, type OpenRegistry, openRegistry } from "./node/open.js";
