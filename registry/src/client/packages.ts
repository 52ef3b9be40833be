// Packages: which bytes a name, address or path stands for, and the data files in them, checked before anything looks into them.

import { AnyMC3DError } from "@anymc3d/core";
import type { Cache } from "../cache/store.js";
import { LOCK_FILE, lockedEntry } from "../lock/lock.js";
import { shown } from "../protocol/address.js";
import { get } from "../protocol/http.js";
import { checkIntegrity, integrityOf } from "../protocol/integrity.js";
import { unpackTarball } from "../protocol/tarball.js";
import type { LoadOptions, RegistryOptions } from "./options.js";
import { offlineError, type Registries, type Resolved } from "./registries.js";
import { sharing } from "./sharing.js";
import type { Spec } from "./spec.js";

/** A package's files, and what is known of where they came from. */
export interface Unpacked {
  /** For messages: name@version, an address, a path. */
  readonly id: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Of the tarball; undefined for a folder. */
  readonly integrity: string | undefined;
  readonly resolved?: Pick<Resolved, "name" | "version">;
  readonly tarball?: string;
}

/** A tarball to get. */
interface Wanted extends Partial<Pick<Resolved, "name" | "version" | "integrity">> {
  readonly id: string;
  /** Its address; "": ask for it. */
  readonly tarball: string;
}

const MEGABYTE = 2 ** 20;
const ENTRIES = 1000;
const WANTED: ReadonlySet<string> = new Set(["adapter.json", "backbone.json", "package.json", "weights.safetensors", "README.md"]);

export class Packages {
  readonly #options: RegistryOptions;
  readonly #registries: Registries;
  readonly #cache: Cache;
  readonly #fetching = sharing<Uint8Array>();

  constructor(options: RegistryOptions, registries: Registries, cache: Cache) {
    this.#options = options;
    this.#registries = registries;
    this.#cache = cache;
  }

  async resolve(spec: Spec, signal?: AbortSignal): Promise<Resolved> {
    if (spec.kind !== "package")
      throw new AnyMC3DError("OPTION_INVALID", `${spec.kind === "path" ? spec.path : spec.url}: is loaded as it is; there is nothing to resolve.`);
    const { name } = spec;
    const { lock, frozen } = this.#options;
    const locked = lockedEntry(lock, name, spec.wanted);
    if (locked) return { name, version: locked.version, integrity: locked.integrity, tarball: locked.tarball ?? "", signed: false, warnings: [] };
    if (frozen) throw new AnyMC3DError("LOCK_MISMATCH", `${name} is not in ${LOCK_FILE}, and only what is there may be used (frozen).`);
    return this.#registries.choose(name, spec.wanted ?? "latest", signal);
  }

  /** The data files of a package. */
  async files(spec: Spec, options: LoadOptions = {}): Promise<Unpacked> {
    const { readPath, frozen, lock } = this.#options;
    if (spec.kind === "package") {
      const resolved = await this.resolve(spec, options.signal);
      return this.unpack(resolved, options);
    }
    const locked = Object.values(lock?.adapters ?? {});
    const refuse = (id: string) => new AnyMC3DError("LOCK_MISMATCH", `${id} is not in ${LOCK_FILE}, and only what is there may be used (frozen).`);
    if (spec.kind === "tarball") {
      const id = shown(spec.url);
      const entry = locked.find(({ tarball }) => tarball === spec.url);
      if (frozen && !entry) throw refuse(id);
      const bytes = await this.#tarball({ id, tarball: spec.url, integrity: options.integrity ?? entry?.integrity }, options);
      return { id, files: await this.#unpacked(bytes, id), integrity: await integrityOf(bytes), tarball: spec.url };
    }
    if (!readPath) throw new AnyMC3DError("OPTION_INVALID", `${spec.path}: paths are read in Node only, by openRegistry() of @anymc3d/registry/node.`);
    const found = await readPath(spec.path, WANTED);
    if (!(found instanceof Uint8Array)) {
      if (frozen) throw refuse(spec.path);
      return { id: spec.path, files: found, integrity: undefined };
    }
    if (options.integrity) await checkIntegrity(found, options.integrity, spec.path);
    const integrity = await integrityOf(found);
    if (frozen && !locked.some((entry) => entry.integrity === integrity)) throw refuse(spec.path);
    const files = await this.#unpacked(found, spec.path);
    await this.#cache.putPackage(integrity, found).catch(() => undefined);
    return { id: spec.path, files, integrity };
  }

  /** The data files of a version that was resolved. */
  async unpack(resolved: Resolved, options: LoadOptions = {}): Promise<Unpacked> {
    const id = `${resolved.name}@${resolved.version}`;
    for (const warning of resolved.warnings) options.onWarning?.(warning);
    if (options.integrity && resolved.integrity !== options.integrity)
      throw new AnyMC3DError(
        "INTEGRITY_MISMATCH",
        `${id}: the registry states ${resolved.integrity}, agreed was ${options.integrity}. The package was changed under the same name, or the lock is of another version.`,
        { details: { expected: options.integrity, found: resolved.integrity } },
      );
    const bytes = await this.#tarball({ ...resolved, id }, options);
    return { id, files: await this.#unpacked(bytes, id), integrity: resolved.integrity, resolved };
  }

  #unpacked(bytes: Uint8Array, id: string): Promise<Map<string, Uint8Array>> {
    return unpackTarball(bytes, WANTED, { bytes: this.#options.limits?.unpacked ?? 512 * MEGABYTE, entries: ENTRIES }, id);
  }

  /** The tarball, from the cache or the registry; checked before anything looks into it, kept only if it is right. */
  #tarball(found: Wanted, options: LoadOptions): Promise<Uint8Array> {
    return this.#fetching(found.integrity ?? found.tarball, options, (all) => this.#fetchTarball(found, all));
  }

  async #fetchTarball(found: Wanted, options: LoadOptions): Promise<Uint8Array> {
    const { offline, http, limits } = this.#options;
    const { id, integrity } = found;
    const kept = integrity && (await this.#cache.package(integrity));
    if (kept) return kept;
    if (offline) throw offlineError(id);
    const url = found.tarball || (await this.#addressOf(found, options.signal));
    // Verdaccio would compress the compressed tarball once more, which takes longer than to send it. (Browsers do not let this header be set.)
    const headers = { ...this.#registries.headers(url), "accept-encoding": "identity" };
    // The browser's own cache would keep all of it a second time, and go on by itself from parts of it.
    const request = { accept: "application/octet-stream", limit: limits?.tarball ?? 256 * MEGABYTE, headers, cache: "no-store" } as const;
    const { bytes } = await get(url, { ...request, signal: options.signal, onProgress: options.onProgress }, http).catch((error: unknown) => {
      throw this.#registries.explained(found.name, url, error);
    });
    if (integrity) await checkIntegrity(bytes, integrity, id);
    else
      options.onWarning?.({
        code: "NOT_VERIFIED",
        message: `${id}: an address states no hash, so what came was taken as it is; a lock keeps it from changing.`,
      });
    // A cache that cannot be written (read-only, full) costs time, not the result.
    await this.#cache.putPackage(integrity ?? (await integrityOf(bytes)), bytes).catch((cause: Error) => {
      options.onWarning?.({ code: "CACHE_NOT_WRITABLE", message: `${id} was not kept, and will be fetched again: ${cause.message}` });
    });
    return bytes;
  }

  /** Where a locked version lies: asked of the registry that is configured now, whose answer must be what was locked. */
  async #addressOf({ name = "", version = "", integrity }: Wanted, signal?: AbortSignal): Promise<string> {
    const now = await this.#registries.choose(name, version, signal);
    if (now.integrity === integrity) return now.tarball;
    throw new AnyMC3DError(
      "INTEGRITY_MISMATCH",
      `${name}@${version}: the registry states ${now.integrity}, ${LOCK_FILE} holds ${integrity}. The package was changed under the same name, the registry is another one, or the lock file was changed by hand.`,
      { details: { expected: integrity ?? "none", found: now.integrity } },
    );
  }
}
