// What registries say of packages: versions, tags, signatures. Each is asked with its own token only, and what it said is remembered for a while.

import { AnyMC3DError, isAnyMC3DError, type Warning } from "@anymc3d/core";
import { reworded } from "@anymc3d/core/errors";
import type { Cache } from "../cache/store.js";
import { isBelow, parsed, registryAddress, shown, tarballAddress } from "../protocol/address.js";
import { get, JSON_TYPE } from "../protocol/http.js";
import { chooseVersion, type PackageInfo, parsePackument, type VersionInfo } from "../protocol/metadata.js";
import { parseKeys, type SigningKey, verifySignature } from "../protocol/signatures.js";
import type { RegistryOptions } from "./options.js";
import { sharing } from "./sharing.js";

/** The version that a name stands for, and where its bytes are. */
export interface Resolved {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
  readonly tarball: string;
  /** By a key that the registry names. False where it names none. */
  readonly signed: boolean;
  readonly warnings: readonly Warning[];
}

const MEGABYTE = 2 ** 20;

export class Registries {
  readonly #options: RegistryOptions;
  readonly #cache: Cache;
  readonly #default: string;
  readonly #scopes: ReadonlyMap<string, string>;
  readonly #known = new Map<string, { readonly info: PackageInfo; readonly at: number }>();
  readonly #keys = new Map<string, readonly SigningKey[] | undefined>();
  readonly #asking = sharing<PackageInfo>();
  readonly #askingKeys = sharing<readonly SigningKey[] | undefined>();

  constructor(options: RegistryOptions, cache: Cache) {
    this.#options = options;
    this.#cache = cache;
    this.#default = registryAddress(options.url);
    this.#scopes = new Map(Object.entries(options.scopes ?? {}).map(([scope, url]) => [scope, registryAddress(url)]));
  }

  /** Every registry that is configured. */
  get addresses(): readonly string[] {
    return [...new Set([this.#default, ...this.#scopes.values()])];
  }

  get offline(): boolean {
    return this.#options.offline ?? false;
  }

  /** The token for an address: only where it lies below the registry the token is for. */
  headers(address: string): Record<string, string> {
    const [under] = Object.entries(this.#options.auth ?? {})
      .filter(([registry]) => isBelow(address, registry))
      .sort(([a], [b]) => b.length - a.length);
    return under ? { authorization: `Bearer ${under[1]}` } : {};
  }

  /** A failed download says why, where the registry itself sent it to another host. */
  explained(name: string | undefined, tarball: string, error: unknown): unknown {
    const registry = name === undefined ? undefined : this.#registryOf(name);
    if (!registry || !isAnyMC3DError(error) || parsed(tarball)?.origin === new URL(registry).origin) return error;
    if (!["REGISTRY_UNREACHABLE", "PACKAGE_NOT_FOUND", "ACCESS_DENIED", "ASSET_INVALID"].includes(error.code)) return error;
    const why = `${registry} says that ${name} lies at ${shown(tarball)}. If it stands behind a proxy and its packages lie at its own address, too: replace-registry-host=always in .npmrc (\`replaceRegistryHost\`), or its administrator corrects the address it states.`;
    return reworded(error, `${error.message} ${why}`);
  }

  #registryOf(name: string): string {
    return this.#scopes.get(name.split("/")[0]) ?? this.#default;
  }

  /** JSON of a registry that is not kept. */
  async ask(url: string, signal?: AbortSignal): Promise<Uint8Array> {
    if (this.#options.offline) throw offlineError(url);
    return (await get(url, { accept: JSON_TYPE, limit: 64 * MEGABYTE, headers: this.headers(url), signal }, this.#options.http)).bytes;
  }

  /** What the registry says of a package, or said the last time. */
  async info(name: string, signal?: AbortSignal): Promise<{ info: PackageInfo; warnings: readonly Warning[] /** Just now or lately. */; asked: boolean }> {
    const { fresh = 300_000, offline } = this.#options;
    const url = this.#registryOf(name) + name.replace("/", "%2f");
    const known = this.#known.get(url);
    if (known && performance.now() - known.at < fresh) return { info: known.info, warnings: [], asked: true };
    // What is kept and cannot be read counts as not kept.
    const kept = () =>
      this.#cache
        .metadata(url)
        .then((bytes) => bytes && parsePackument(bytes, name, url))
        .catch(() => undefined);
    if (offline) {
      const info = await kept();
      if (info) return { info, warnings: [], asked: false };
      throw offlineError(name);
    }
    try {
      const info = await this.#asking(url, { signal }, async (all) => {
        const bytes = await this.ask(url, all.signal);
        const parsed = parsePackument(bytes, name, url);
        this.#known.set(url, { info: parsed, at: performance.now() });
        await this.#cache.putMetadata(url, bytes).catch(() => undefined);
        return parsed;
      });
      return { info, warnings: [], asked: true };
    } catch (error) {
      const info = (error as { code?: string }).code === "REGISTRY_UNREACHABLE" ? await kept() : undefined;
      if (!info) throw error;
      const message = `${(error as Error).message} What it said earlier of ${name} was used.`;
      return { info, warnings: [{ code: "REGISTRY_UNREACHABLE", message }], asked: false };
    }
  }

  /** The version of a package that a registry has for a range or tag, its signature checked. */
  async choose(name: string, wanted: string, signal?: AbortSignal): Promise<Resolved> {
    const { info, warnings, asked } = await this.info(name, signal);
    const chosen = chooseVersion(info, wanted);
    const { version, integrity, deprecated } = chosen;
    const tarball = tarballAddress(chosen.tarball, this.#registryOf(name), this.#options.replaceRegistryHost);
    const told = [...warnings];
    if (deprecated) told.push({ code: "DEPRECATED", message: `${name}@${version} is deprecated: ${deprecated}` });
    const signed = asked && (await this.#signed(name, chosen, told, signal));
    return { name, version, integrity, tarball, signed, warnings: told };
  }

  async #signed(name: string, version: VersionInfo, warnings: Warning[], signal?: AbortSignal): Promise<boolean> {
    const registry = this.#registryOf(name);
    if (!this.#keys.has(registry)) this.#keys.set(registry, await this.#askingKeys(registry, { signal }, (all) => this.#fetchKeys(registry, all.signal)));
    const keys = this.#keys.get(registry);
    if (!keys) warnings.push({ code: "SIGNATURE_UNCHECKED", message: `${registry} could not be asked for its signing keys; the package's hash was checked.` });
    if (!keys?.length) return false;
    if (await verifySignature({ name, ...version }, keys)) return true;
    warnings.push({ code: "SIGNATURE_MISSING", message: `${name}@${version.version}: ${registry} signs packages, and did not sign this one.` });
    return false;
  }

  /** The keys a registry signs with: none where it does not sign, undefined where it could not be asked. */
  async #fetchKeys(registry: string, signal?: AbortSignal): Promise<readonly SigningKey[] | undefined> {
    const url = `${registry}-/npm/v1/keys`;
    const options = { accept: JSON_TYPE, limit: MEGABYTE, headers: this.headers(url), signal };
    try {
      return parseKeys((await get(url, options, this.#options.http)).bytes, url);
    } catch (error) {
      if (signal?.aborted) throw error;
      const { code } = error as { code?: string };
      return code === "REGISTRY_UNREACHABLE" ? undefined : [];
    }
  }
}

export function offlineError(id: string): AnyMC3DError {
  return new AnyMC3DError(
    "PACKAGE_NOT_FOUND",
    `${id}: not kept on this machine, and no registry is asked (offline). Load it once while the registry is reachable.`,
  );
}
