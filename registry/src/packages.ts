// Packages by name: which version, from where, and its data files, checked before anything looks into them.

import { AnyMC3DError, type Warning } from "@anymc3d/core";
import { registryAddress } from "./address.js";
import { browserStore, type Cache, cacheOn } from "./cache.js";
import { get, shown } from "./http.js";
import { checkIntegrity, integrityOf } from "./integrity.js";
import { LOCK_FILE, lockedEntry } from "./lock.js";
import { chooseVersion, type PackageInfo, parsePackument, type VersionInfo } from "./metadata.js";
import type { LoadOptions, RegistryOptions } from "./options.js";
import { sharing } from "./sharing.js";
import { parseKeys, type SigningKey, verifySignature } from "./signatures.js";
import type { Spec } from "./spec.js";
import { unpackTarball } from "./tarball.js";

export interface Resolved {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
  readonly tarball: string;
  /** By a key that the registry names. False where it names none. */
  readonly signed: boolean;
  readonly warnings: readonly Warning[];
}

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
  readonly #default: string;
  readonly #scopes: ReadonlyMap<string, string>;
  readonly cache: Cache;
  readonly #known = new Map<string, { readonly info: PackageInfo; readonly at: number }>();
  readonly #keys = new Map<string, Promise<readonly SigningKey[] | undefined>>();
  readonly #asking = sharing<PackageInfo>();
  readonly #fetching = sharing<Uint8Array>();

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#default = registryAddress(options.url);
    this.#scopes = new Map(Object.entries(options.scopes ?? {}).map(([scope, url]) => [scope, registryAddress(url)]));
    this.cache = cacheOn(options.store ?? browserStore());
  }

  async resolve(spec: Spec, signal?: AbortSignal): Promise<Resolved> {
    if (spec.kind !== "package")
      throw new AnyMC3DError("OPTION_INVALID", `${spec.kind === "path" ? spec.path : spec.url}: is loaded as it is; there is nothing to resolve.`);
    const { name } = spec;
    const { lock, frozen } = this.#options;
    const locked = lockedEntry(lock, name, spec.wanted);
    if (locked) return { name, version: locked.version, integrity: locked.integrity, tarball: locked.tarball ?? "", signed: false, warnings: [] };
    if (frozen) throw new AnyMC3DError("LOCK_MISMATCH", `${name} is not in ${LOCK_FILE}, and only what is there may be used (frozen).`);
    return this.choose(name, spec.wanted ?? "latest", signal);
  }

  /** The version of a package that a registry has for a range or tag, its signature checked. */
  async choose(name: string, wanted: string, signal?: AbortSignal): Promise<Resolved> {
    const { info, warnings, asked } = await this.info(name, signal);
    const chosen = chooseVersion(info, wanted);
    const { version, integrity, tarball, deprecated } = chosen;
    const told = [...warnings];
    if (deprecated) told.push({ code: "DEPRECATED", message: `${name}@${version} is deprecated: ${deprecated}` });
    const signed = asked && (await this.#signed(name, chosen, told, signal));
    return { name, version, integrity, tarball, signed, warnings: told };
  }

  async #signed(name: string, version: VersionInfo, warnings: Warning[], signal?: AbortSignal): Promise<boolean> {
    const registry = this.#registryOf(name);
    const found = this.#keys.get(registry) ?? this.#fetchKeys(registry, signal);
    this.#keys.set(registry, found);
    const keys = await found.catch((error) => {
      this.#keys.delete(registry);
      throw error;
    });
    if (!keys) warnings.push({ code: "SIGNATURE_UNCHECKED", message: `${registry} could not be asked for its signing keys; the package's hash was checked.` });
    if (!keys?.length) return false;
    if (await verifySignature({ name, ...version }, keys)) return true;
    warnings.push({ code: "SIGNATURE_MISSING", message: `${name}@${version.version}: ${registry} signs packages, and did not sign this one.` });
    return false;
  }

  /** The keys a registry signs with: none where it does not sign, undefined where it could not be asked. */
  async #fetchKeys(registry: string, signal?: AbortSignal): Promise<readonly SigningKey[] | undefined> {
    const url = `${registry}-/npm/v1/keys`;
    const options = { accept: "application/json", limit: MEGABYTE, headers: this.#headers(url), signal };
    try {
      return parseKeys((await get(url, options, this.#options.http)).bytes, url);
    } catch (error) {
      if (signal?.aborted) throw error;
      const { code } = error as { code?: string };
      return code === "REGISTRY_UNREACHABLE" ? undefined : [];
    }
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
    await this.cache.putPackage(integrity, found).catch(() => undefined);
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
      );
    const bytes = await this.#tarball({ ...resolved, id }, options);
    return { id, files: await this.#unpacked(bytes, id), integrity: resolved.integrity, resolved };
  }

  #unpacked(bytes: Uint8Array, id: string): Promise<Map<string, Uint8Array>> {
    return unpackTarball(bytes, WANTED, { bytes: this.#options.limits?.unpacked ?? 512 * MEGABYTE, entries: ENTRIES }, id);
  }

  #registryOf(name: string): string {
    return this.#scopes.get(name.split("/")[0]) ?? this.#default;
  }

  /** The token for an address: only where it lies below the registry the token is for. */
  #headers(address: string): Record<string, string> {
    const under = Object.entries(this.#options.auth ?? {}).find(([registry]) => address.startsWith(`${registry.replace(/\/+$/, "")}/`));
    return under ? { authorization: `Bearer ${under[1]}` } : {};
  }

  get offline(): boolean {
    return this.#options.offline ?? false;
  }

  /** Every registry that is configured. */
  get registries(): readonly string[] {
    return [...new Set([this.#default, ...this.#scopes.values()])];
  }

  /** JSON of a registry that is not kept. */
  async ask(url: string, signal?: AbortSignal): Promise<Uint8Array> {
    if (this.#options.offline) throw offlineError(url);
    return (await get(url, { accept: "application/json", limit: 64 * MEGABYTE, headers: this.#headers(url), signal }, this.#options.http)).bytes;
  }

  /** What the registry says of a package, or said the last time. */
  async info(name: string, signal?: AbortSignal): Promise<{ info: PackageInfo; warnings: readonly Warning[] /** Just now or lately. */; asked: boolean }> {
    const { fresh = 300_000, offline } = this.#options;
    const url = this.#registryOf(name) + name.replace("/", "%2f");
    const known = this.#known.get(url);
    if (known && performance.now() - known.at < fresh) return { info: known.info, warnings: [], asked: true };
    // What is kept and cannot be read counts as not kept.
    const kept = async () => {
      const bytes = await this.cache.metadata(url);
      return bytes && parsePackument(bytes, name, url);
    };
    if (offline) {
      const info = await kept().catch(() => undefined);
      if (info) return { info, warnings: [], asked: false };
      throw offlineError(name);
    }
    try {
      const info = await this.#asking(url, { signal }, async (all) => {
        const bytes = await this.ask(url, all.signal);
        const parsed = parsePackument(bytes, name, url);
        this.#known.set(url, { info: parsed, at: performance.now() });
        await this.cache.putMetadata(url, bytes).catch(() => undefined);
        return parsed;
      });
      return { info, warnings: [], asked: true };
    } catch (error) {
      const info = (error as { code?: string }).code === "REGISTRY_UNREACHABLE" ? await kept().catch(() => undefined) : undefined;
      if (!info) throw error;
      const message = `${(error as Error).message} What it said earlier of ${name} was used.`;
      return { info, warnings: [{ code: "REGISTRY_UNREACHABLE", message }], asked: false };
    }
  }

  /** The tarball, from the cache or the registry; checked before anything looks into it, kept only if it is right. */
  #tarball(found: Wanted, options: LoadOptions): Promise<Uint8Array> {
    return this.#fetching(found.integrity ?? found.tarball, options, (all) => this.#fetchTarball(found, all));
  }

  async #fetchTarball(found: Wanted, options: LoadOptions): Promise<Uint8Array> {
    const { offline, http, limits } = this.#options;
    const { id, integrity } = found;
    const kept = integrity && (await this.cache.package(integrity));
    if (kept) return kept;
    if (offline) throw offlineError(id);
    const url = found.tarball || (await this.#addressOf(found, options.signal));
    // Verdaccio would compress the compressed tarball once more, which takes longer than to send it. (Browsers do not let this header be set.)
    const headers = { ...this.#headers(url), "accept-encoding": "identity" };
    // The browser's own cache would keep all of it a second time, and go on by itself from parts of it.
    const request = { accept: "application/octet-stream", limit: limits?.tarball ?? 256 * MEGABYTE, headers, cache: "no-store" } as const;
    const { bytes } = await get(url, { ...request, signal: options.signal, onProgress: options.onProgress }, http);
    if (integrity) await checkIntegrity(bytes, integrity, id);
    else
      options.onWarning?.({
        code: "NOT_VERIFIED",
        message: `${id}: an address states no hash, so what came was taken as it is; a lock keeps it from changing.`,
      });
    // A cache that cannot be written (read-only, full) costs time, not the result.
    await this.cache.putPackage(integrity ?? (await integrityOf(bytes)), bytes).catch((cause: Error) => {
      options.onWarning?.({ code: "CACHE_NOT_WRITABLE", message: `${id} was not kept, and will be fetched again: ${cause.message}` });
    });
    return bytes;
  }

  /** Where a locked version lies: asked of the registry that is configured now, whose answer must be what was locked. */
  async #addressOf({ name = "", version = "", integrity }: Wanted, signal?: AbortSignal): Promise<string> {
    const now = await this.choose(name, version, signal);
    if (now.integrity === integrity) return now.tarball;
    throw new AnyMC3DError(
      "INTEGRITY_MISMATCH",
      `${name}@${version}: the registry states ${now.integrity}, ${LOCK_FILE} holds ${integrity}. The package was changed under the same name, the registry is another one, or the lock file was changed by hand.`,
    );
  }
}

function offlineError(id: string): AnyMC3DError {
  return new AnyMC3DError(
    "PACKAGE_NOT_FOUND",
    `${id}: not kept on this machine, and no registry is asked (offline). Load it once while the registry is reachable.`,
  );
}
