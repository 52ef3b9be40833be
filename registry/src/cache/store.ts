// Where packages are kept: by their hash, so that what is taken out is what was put in, or it is not there.

import { integrityOf } from "../protocol/integrity.js";

/** A store of bytes by name. Neither half-written nor damaged bytes may come out of `read` unnoticed: the cache checks them. */
export interface Store {
  read(key: string): Promise<Uint8Array | undefined>;
  /** Whole or not at all. Failing to write is no error for a reader: it may throw, and the package is used all the same. */
  write(key: string, bytes: Uint8Array): Promise<void>;
  remove(key: string): Promise<void>;
}

/** Packages by integrity, and what registries said of packages by address. */
export interface Cache {
  /** The package, if it is there and whole; one that is damaged is removed. */
  package(integrity: string): Promise<Uint8Array | undefined>;
  putPackage(integrity: string, bytes: Uint8Array): Promise<void>;
  /** What a registry said the last time. */
  metadata(url: string): Promise<Uint8Array | undefined>;
  putMetadata(url: string, bytes: Uint8Array): Promise<void>;
}

/** `sha512-…` as a name that every file system takes. */
export const keyOf = (integrity: string): string => `package-${integrity.replace("sha512-", "").replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;

export function cacheOn(store: Store): Cache {
  const encode = (text: string) => new TextEncoder().encode(text);
  const keyOfText = async (text: string, prefix: string) => keyOf(await integrityOf(encode(text))).replace("package-", prefix);
  const metadataKey = (url: string) => keyOfText(url, "metadata-");
  return {
    async package(integrity) {
      const bytes = await store.read(keyOf(integrity));
      if (!bytes || (await integrityOf(bytes)) === integrity) return bytes;
      await store.remove(keyOf(integrity)).catch(() => undefined);
      return undefined;
    },
    putPackage: (integrity, bytes) => store.write(keyOf(integrity), bytes),
    metadata: async (url) => store.read(await metadataKey(url)),
    putMetadata: async (url, bytes) => store.write(await metadataKey(url), bytes),
  };
}

/** Keeps packages as long as the program runs. */
export function memoryStore(): Store {
  const held = new Map<string, Uint8Array>();
  return {
    read: async (key) => held.get(key),
    write: async (key, bytes) => void held.set(key, bytes),
    remove: async (key) => void held.delete(key),
  };
}

/** Keeps in memory, too, what is written to a store: for what must be there again where the store cannot be written. */
export function withMemory(store: Store): Store {
  const memory = memoryStore();
  return {
    read: async (key) => (await memory.read(key)) ?? store.read(key),
    async write(key, bytes) {
      await memory.write(key, bytes);
      await store.write(key, bytes);
    },
    async remove(key) {
      await memory.remove(key);
      await store.remove(key);
    },
  };
}

/** Keeps packages in a browser's Cache Storage, which outlives the page. Where there is none (an insecure page), in memory. */
export function browserStore(name = "anymc3d"): Store {
  if (typeof caches === "undefined") return memoryStore();
  const address = (key: string) => `https://cache.invalid/${key}`;
  return {
    async read(key) {
      const found = await (await caches.open(name)).match(address(key));
      return found && new Uint8Array(await found.arrayBuffer());
    },
    async write(key, bytes) {
      await (await caches.open(name)).put(address(key), new Response(bytes as Uint8Array<ArrayBuffer>));
    },
    async remove(key) {
      await (await caches.open(name)).delete(address(key));
    },
  };
}
