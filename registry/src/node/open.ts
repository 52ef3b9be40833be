// A registry as a Node program wants it: the user's npm settings, a folder to keep packages in, the project's lock file, paths.

import { folderStore } from "../cache/folder-store.js";
import type { Store } from "../cache/store.js";
import type { RegistryOptions } from "../client/options.js";
import { createRegistry, type Registry } from "../client/registry.js";
import { findLock, type LockFile } from "../lock/lock-file.js";
import { npmSettings } from "./npm-settings.js";
import { readPath } from "./read-path.js";

/** Options of `openRegistry()`. */
export interface OpenOptions extends Partial<Omit<RegistryOptions, "store" | "lock" | "readPath">> {
  /** Where npm's settings and the lock file are looked for. Default: the working directory. */
  readonly cwd?: string;
  /** Default: `folderStore()`. */
  readonly store?: Store;
  /** Pass over the lock file. */
  readonly unlocked?: boolean;
}

/** A registry with npm's settings, this machine's cache and the project's lock file. */
export interface OpenRegistry extends Registry {
  readonly store: Store;
  /** The lock file that is in force. */
  readonly lockFile: LockFile | undefined;
}

/**
 * Opens a registry.
 * @example const adapter = await (await openRegistry()).load("lung-nodule@^1");
 * @throws AnyMC3DError `CONFIG_INVALID` (npm's settings), `LOCK_INVALID`
 */
export async function openRegistry(options: OpenOptions = {}): Promise<OpenRegistry> {
  const { cwd = process.cwd(), store = folderStore(), unlocked, url, http, scopes, ...rest } = options;
  const settings = await npmSettings(cwd, url);
  const lockFile = unlocked ? undefined : await findLock(cwd);
  const registries = { url: settings.url, scopes: { ...settings.scopes, ...scopes } };
  const { replaceRegistryHost } = settings;
  const registry = createRegistry({ replaceRegistryHost, ...rest, ...registries, store, readPath, lock: lockFile?.lock, http: { ...settings.http, ...http } });
  return { ...registry, store, lockFile };
}
