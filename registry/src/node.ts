// The Node part of @anymc3d/registry: npm's settings, a folder to keep packages in, the lock file, bundles.

export { readBundle, writeBundle } from "./bundle.js";
export { withMemory } from "./cache.js";
export { defaultFolder, type FolderStore, folderStore } from "./folder-store.js";
export { changeLock, findLock, type LockFile } from "./lock-file.js";
export { npmSettings } from "./npm-settings.js";
export { type OpenOptions, type OpenRegistry, openRegistry } from "./open.js";
export { writeWhole } from "./write-whole.js";
