// Adapters and backbones by name: resolved, fetched, checked, kept, loaded. Only data is read from a package, never its code.

import { type Adapter, AnyMC3DError, type Backbone, loadAdapter, loadBackbone, type Warning } from "@anymc3d/core";
import { browserStore, type Cache, cacheOn, type Store } from "./cache.js";
import { get, type HttpOptions } from "./http.js";
import { checkIntegrity, integrityOf } from "./integrity.js";
import { chooseVersion, type PackageInfo, parsePackument } from "./metadata.js";
import { type Kind, parseSpec, type Spec } from "./spec.js";
import { invalid, unpackTarball } from "./tarball.js";

export interface RegistryOptions {
  /** Of the registry, for packages without a scope of their own. */
  readonly url: string;
  /** Registries by scope: { "@my-lab": "https://…" }. */
  readonly scopes?: Readonly<Record<string, string>>;
  /** Bearer tokens by registry address. A token goes to its own registry and to no other host. */
  readonly auth?: Readonly<Record<string, string>>;
  /** Where packages are kept. Default: the browser's Cache Storage; `folderStore()` of `@anymc3d/registry/node` in Node. */
  readonly store?: Store;
  /** Milliseconds for which what a registry said of a package is believed without asking again. Default 300,000. */
  readonly fresh?: number;
  /** Ask no registry: use what was kept. */
  readonly offline?: boolean;
  readonly http?: HttpOptions;
  readonly limits?: { /** Bytes of a tarball, default 256 MiB. */ readonly tarball?: number /** Unpacked, default 512 MiB. */; readonly unpacked?: number };
}

export interface Resolved {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
  readonly tarball: string;
  readonly warnings: readonly Warning[];
}

export interface LoadOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number | undefined) => void;
  /** The hash that was agreed on, from a lock file: anything else is refused. */
  readonly integrity?: string;
}

export interface Registry {
  resolve(spec: string, options?: Pick<LoadOptions, "signal">): Promise<Resolved>;
  /** An adapter: name, name@range, name@tag or a tarball's address. */
  load(spec: string, options?: LoadOptions): Promise<Adapter>;
  loadBackbone(spec: string, options?: LoadOptions): Promise<Backbone>;
  /** The model card. */
  card(spec: string, options?: LoadOptions): Promise<string>;
}

const PACKUMENT_BYTES = 2 ** 26;
const ENTRIES = 1000;
const WANTED = new Set(["adapter.json", "backbone.json", "weights.safetensors", "README.md"]);

/**
 * A registry. Errors of all its functions: `OPTION_INVALID`, `PACKAGE_NOT_FOUND`, `VERSION_NOT_FOUND`, `ACCESS_DENIED`, `REGISTRY_UNREACHABLE`,
 * `ASSET_INVALID`, `INTEGRITY_MISMATCH`, `PACKAGE_INVALID`, `FILE_TOO_LARGE`; of loading also core's; the signal's reason.
 */
export function createRegistry(options: RegistryOptions): Registry {
  const packages = new Packages(options);
  const file = async (kind: Kind, spec: string, load: LoadOptions | undefined, name: string) => {
    const { files, id } = await packages.files(kind, spec, load);
    const found = files.get(name);
    if (!found) throw invalid(id, `no ${name}`);
    return found;
  };
  const parts = async (kind: Kind, spec: string, load: LoadOptions | undefined) => {
    const { files, id } = await packages.files(kind, spec, load);
    const [manifest, weights] = [files.get(`${kind}.json`), files.get("weights.safetensors")];
    if (!manifest || !weights) throw invalid(id, `${manifest ? "no weights.safetensors" : `no ${kind}.json`}: it is no ${kind}`);
    try {
      return { manifest: JSON.parse(new TextDecoder().decode(manifest)), weights };
    } catch {
      throw invalid(id, `${kind}.json is not JSON`);
    }
  };
  return {
    resolve: async (spec, { signal } = {}) => packages.resolve(parseSpec(spec, "adapter"), signal),
    async load(spec, load) {
      const { manifest, weights } = await parts("adapter", spec, load);
      return loadAdapter(manifest, weights);
    },
    async loadBackbone(spec, load) {
      const { manifest, weights } = await parts("backbone", spec, load);
      return loadBackbone(manifest, weights);
    },
    card: async (spec, load) => new TextDecoder().decode(await file("adapter", spec, load, "README.md")),
  };
}

class Packages {
  readonly #options: RegistryOptions;
  readonly #cache: Cache;
  readonly #known = new Map<string, { readonly info: PackageInfo; readonly at: number }>();

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#cache = cacheOn(options.store ?? browserStore());
  }

  async resolve(spec: Spec, signal?: AbortSignal): Promise<Resolved> {
    if (spec.kind === "tarball") throw new AnyMC3DError("OPTION_INVALID", `${spec.url}: an address is loaded as it is; there is nothing to resolve.`);
    const { info, warnings } = await this.#info(spec.name, signal);
    const { version, integrity, tarball, deprecated } = chooseVersion(info, spec.wanted);
    const told = deprecated ? [...warnings, { code: "DEPRECATED", message: `${spec.name}@${version} is deprecated: ${deprecated}` }] : warnings;
    return { name: spec.name, version, integrity, tarball, warnings: told };
  }

  /** The data files of a package. */
  async files(kind: Kind, text: string, { signal, onProgress, integrity }: LoadOptions = {}): Promise<{ files: Map<string, Uint8Array>; id: string }> {
    const spec = parseSpec(text, kind);
    const found =
      spec.kind === "tarball"
        ? { id: spec.url, tarball: spec.url, integrity }
        : await this.resolve(spec, signal).then((each) => ({ id: `${each.name}@${each.version}`, ...each }));
    if (integrity && found.integrity !== integrity)
      throw new AnyMC3DError(
        "INTEGRITY_MISMATCH",
        `${found.id}: the registry states ${found.integrity}, agreed was ${integrity}. The package was changed under the same name, or the lock is of another version.`,
      );
    const bytes = await this.#tarball(found, signal, onProgress);
    const limits = { bytes: this.#options.limits?.unpacked ?? 2 ** 29, entries: ENTRIES };
    return { files: await unpackTarball(bytes, WANTED, limits, found.id), id: found.id };
  }

  #registryOf(name: string): string {
    const { url, scopes = {} } = this.#options;
    const scope = name.startsWith("@") ? name.split("/")[0] : "";
    return `${(scopes[scope] ?? url).replace(/\/+$/, "")}/`;
  }

  /** The token for an address: only where it lies below the registry the token is for. */
  #headers(address: string): Record<string, string> {
    const under = Object.entries(this.#options.auth ?? {}).find(([registry]) => address.startsWith(`${registry.replace(/\/+$/, "")}/`));
    return under ? { authorization: `Bearer ${under[1]}` } : {};
  }

  async #info(name: string, signal?: AbortSignal): Promise<{ info: PackageInfo; warnings: Warning[] }> {
    const { fresh = 300_000, offline, http } = this.#options;
    const url = this.#registryOf(name) + name.replace("/", "%2f");
    const known = this.#known.get(url);
    if (known && performance.now() - known.at < fresh) return { info: known.info, warnings: [] };
    const kept = async () => {
      const bytes = await this.#cache.metadata(url);
      return bytes && parsePackument(bytes, name, url);
    };
    if (offline) {
      const info = await kept();
      if (info) return { info, warnings: [] };
      throw new AnyMC3DError(
        "PACKAGE_NOT_FOUND",
        `${name}: not kept on this machine, and no registry is asked (offline). Load it once while the registry is reachable.`,
      );
    }
    try {
      const { bytes } = await get(url, { accept: "application/json", limit: PACKUMENT_BYTES, headers: this.#headers(url), signal }, http);
      const info = parsePackument(bytes, name, url);
      this.#known.set(url, { info, at: performance.now() });
      await this.#cache.putMetadata(url, bytes).catch(() => undefined);
      return { info, warnings: [] };
    } catch (error) {
      const info = (error as { code?: string }).code === "REGISTRY_UNREACHABLE" ? await kept().catch(() => undefined) : undefined;
      if (!info) throw error;
      return { info, warnings: [{ code: "REGISTRY_UNREACHABLE", message: `${(error as Error).message} What it said earlier of ${name} was used.` }] };
    }
  }

  /** The tarball, from the cache or the registry; checked before anything looks into it, kept only if it is right. */
  async #tarball(
    found: { id: string; tarball: string; integrity?: string },
    signal?: AbortSignal,
    onProgress?: LoadOptions["onProgress"],
  ): Promise<Uint8Array> {
    const { offline, http, limits } = this.#options;
    const kept = found.integrity && (await this.#cache.package(found.integrity));
    if (kept) return kept;
    if (offline)
      throw new AnyMC3DError(
        "PACKAGE_NOT_FOUND",
        `${found.id}: not kept on this machine, and no registry is asked (offline). Load it once while the registry is reachable.`,
      );
    const headers = this.#headers(found.tarball);
    const { bytes } = await get(found.tarball, { accept: "application/octet-stream", limit: limits?.tarball ?? 2 ** 28, headers, signal, onProgress }, http);
    if (found.integrity) await checkIntegrity(bytes, found.integrity, found.id);
    // A cache that cannot be written (read-only, full) costs time, not the result.
    await this.#cache.putPackage(found.integrity ?? (await integrityOf(bytes)), bytes).catch(() => undefined);
    return bytes;
  }
}
