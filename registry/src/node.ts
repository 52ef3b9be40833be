// The Node part of @anymc3d/registry: a folder to keep packages in.

export { defaultFolder, type FolderStore, folderStore } from "./folder-store.js";
