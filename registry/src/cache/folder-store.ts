// A folder as a store: safe for several processes at once and for one that is killed, as files appear under their name only when they are whole.

import { readdir, readFile, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";
import { cacheFolder } from "@anymc3d/node-files/cache-folder";
import { makeFolder } from "@anymc3d/node-files/make-folder";
import { UNFINISHED, writeWhole } from "@anymc3d/node-files/write-whole";
import { integrityOf, sha512Of } from "../protocol/integrity.js";
import { keyOf, type Store } from "./store.js";

export interface FolderStore extends Store {
  readonly folder: string;
  /** `what`: name and version of a package, where the store knows what a registry said of it; else the kind of the entry. */
  list(): Promise<{ key: string; what: string; bytes: number; used: Date }[]>;
  /**
   * Removes packages whose bytes are not those of their name, what registries said that cannot be read, and rests of writers that were killed over an
   * hour ago.
   * @returns what was removed
   * @throws AnyMC3DError `OUTPUT_NOT_WRITABLE`
   */
  verify(): Promise<string[]>;
  /** Removes what was not used for longest, until no more than so many bytes stay. @returns what was removed @throws as `verify` */
  prune(most: number): Promise<string[]>;
}

/** ANYMC3D_CACHE, or the user's cache folder; blank for a user that has none. */
export const defaultFolder = (): string => cacheFolder() ?? "";

/** Of a user without a home folder: nothing is kept, and whoever tells of what could not be kept says why. */
const NOWHERE: FolderStore = {
  folder: "",
  read: async () => undefined,
  write: async () => {
    throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", "this user has no home folder, so no packages are kept; ANYMC3D_CACHE names a folder for them");
  },
  remove: async () => undefined,
  list: async () => [],
  verify: async () => [],
  prune: async () => [],
};

const HOUR = 3_600_000;

/** @param most bytes of all packages; beyond, what was not used for longest goes. Default 8 GiB, or ANYMC3D_CACHE_MAX (bytes) */
export function folderStore(folder = defaultFolder(), most = Number(process.env.ANYMC3D_CACHE_MAX) || 2 ** 33): FolderStore {
  if (folder === "") return NOWHERE;
  const at = (key: string) => join(folder, key);
  const list = async () => {
    const names = await readdir(folder).catch(() => [] as string[]);
    const found = await Promise.all(names.map(async (key) => ({ key, info: await stat(at(key)).catch(() => undefined) })));
    const known = await packageNames(names.filter((key) => /^metadata-/.test(key) && !UNFINISHED.test(key)).map(at));
    return found.flatMap(({ key, info }) => (info?.isFile() ? [{ key, what: known.get(key) ?? key.split("-")[0], bytes: info.size, used: info.mtime }] : []));
  };
  const remove = (key: string) =>
    rm(at(key), { force: true }).catch((cause: Error) => {
      throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${at(key)} cannot be removed: ${cause.message}`, { cause });
    });
  const prune = async (limit: number, keep?: string) => {
    const entries = (await list()).filter(({ key }) => !UNFINISHED.test(key)).sort((a, b) => a.used.getTime() - b.used.getTime());
    let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    const removed: string[] = [];
    for (const { key, bytes } of entries) {
      if (total <= limit) break;
      if (key === keep) continue;
      await remove(key);
      total -= bytes;
      removed.push(key);
    }
    return removed;
  };
  return {
    folder,
    async read(key) {
      const bytes = await readFile(at(key)).catch(() => undefined);
      // When it was used last; a read-only folder does not know.
      if (bytes) await utimes(at(key), new Date(), new Date()).catch(() => undefined);
      return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    async write(key, bytes) {
      await makeFolder(folder);
      await writeWhole(at(key), bytes);
      // What was written stays written where nothing can be removed.
      if (key.startsWith("package-")) await prune(most, key).catch(() => undefined);
    },
    remove,
    list,
    async verify() {
      const removed: string[] = [];
      for (const { key, used } of await list()) {
        const rest = UNFINISHED.test(key) && Date.now() - used.getTime() > HOUR;
        if (!rest && (UNFINISHED.test(key) || !(await isDamaged(at(key), key)))) continue;
        await remove(key);
        removed.push(key);
      }
      return removed;
    },
    prune,
  };
}

/** Whether a file is not what its name says. One that went away meanwhile is not. */
async function isDamaged(path: string, key: string): Promise<boolean> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => error);
  if (bytes instanceof Error) return bytes.code !== "ENOENT";
  if (key.startsWith("package-")) return keyOf(await integrityOf(new Uint8Array(bytes))) !== key;
  if (!key.startsWith("metadata-")) return false;
  try {
    return typeof JSON.parse(bytes.toString()) !== "object";
  } catch {
    return true;
  }
}

/** Names and versions by key, as the registries' answers that are kept tell them. */
async function packageNames(paths: readonly string[]): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const path of paths) {
    const said = await readFile(path, "utf8")
      .then(JSON.parse)
      .catch(() => undefined);
    for (const [version, entry] of Object.entries((said?.versions ?? {}) as Record<string, { dist?: { integrity?: unknown } } | null>)) {
      const stated = entry?.dist?.integrity;
      const integrity = typeof stated === "string" ? sha512Of(stated) : undefined;
      if (integrity) names.set(keyOf(integrity), `${said.name}@${version}`);
    }
  }
  return names;
}
