// What a registry and its functions are told.

import type { Warning } from "@anymc3d/core";
import type { Store } from "../cache/store.js";
import type { Lock } from "../lock/lock.js";
import type { HttpOptions } from "../protocol/http.js";

/** Options of `createRegistry()`. */
export interface RegistryOptions {
  /** Of the registry, for packages without a scope of their own. */
  readonly url: string;
  /** Registries by scope: { "@my-lab": "https://…" }. */
  readonly scopes?: Readonly<Record<string, string>>;
  /** Bearer tokens by registry address. A token goes to addresses below it, of the same scheme, host and port, and nowhere else; of several the longest's. */
  readonly auth?: Readonly<Record<string, string>>;
  /**
   * Which hosts, where a registry says that its packages lie there, stand for the registry's own: "npmjs" (registry.npmjs.org; the default),
   * "always", "never", a host, or an address with a path. npm's replace-registry-host.
   */
  readonly replaceRegistryHost?: string;
  /** Where packages are kept. Default: the browser's Cache Storage; `folderStore()` of `@anymc3d/registry/node` in Node. */
  readonly store?: Store;
  /** Milliseconds for which what a registry said of a package is believed without asking again. Default 300,000. */
  readonly fresh?: number;
  /** Ask no registry: use what was kept. */
  readonly offline?: boolean;
  /** Names in it stand for exactly these packages, down to the bytes. */
  readonly lock?: Lock;
  /** Refuse what the lock does not hold. */
  readonly frozen?: boolean;
  readonly http?: HttpOptions;
  readonly limits?: { /** Bytes of a tarball, default 256 MiB. */ readonly tarball?: number /** Unpacked, default 512 MiB. */; readonly unpacked?: number };
  /** Reads ./folders and ./files.tgz. Browsers have none. */
  readonly readPath?: (path: string, names: ReadonlySet<string>) => Promise<ReadonlyMap<string, Uint8Array> | Uint8Array>;
}

/** How one package is loaded. */
export interface LoadOptions {
  readonly signal?: AbortSignal;
  /** Bytes of the download. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
  /** What one should know: a deprecated version, a registry that could not be asked, a cache that is full, … */
  readonly onWarning?: (warning: Warning) => void;
  /** The hash that was agreed on: anything else is refused. */
  readonly integrity?: string;
}
