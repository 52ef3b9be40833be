// Where this user's packages, and what was measured of them, are kept. No import of a Node module, so that pages may hold it.

/**
 * ANYMC3D_CACHE, or `anymc3d` in the user's cache folder (XDG_CACHE_HOME, ~/.cache).
 * @returns undefined in a browser, and for a user without a home folder
 */
export function cacheFolder(): string | undefined {
  const { process } = globalThis as { process?: Partial<NodeJS.Process> };
  const get = process?.getBuiltinModule;
  if (!get) return undefined;
  const { join, isAbsolute } = get("node:path");
  const { ANYMC3D_CACHE: own, XDG_CACHE_HOME: caches = "" } = process.env ?? {};
  if (own) return own;
  if (isAbsolute(caches)) return join(caches, "anymc3d");
  const home = homeFolder();
  return home && join(home, ".cache", "anymc3d");
}

/** @returns undefined for a user that the system does not know, where Node throws (a container's own number, no HOME) */
export function homeFolder(): string | undefined {
  try {
    return globalThis.process?.getBuiltinModule?.("node:os").homedir() || undefined;
  } catch {
    return undefined;
  }
}
