// Adapters and backbones by name: resolved, fetched, checked, kept, loaded. Only data is read from a package, never its code.

import { type Adapter, AnyMC3DError, type Backbone, isAnyMC3DError, loadAdapter, loadBackbone, type PackageKind } from "@anymc3d/core";

import { reworded } from "@anymc3d/core/errors";

import { browserStore, cacheOn } from "../cache/store.js";
import { checkLocked, LOCK_FILE, type LockEntry, lockChanged, lockedEntry } from "../lock/lock.js";
import { isObject } from "../protocol/json.js";
import type { PackageInfo } from "../protocol/metadata.js";
import { invalid } from "../protocol/tarball.js";

import type { LoadOptions, RegistryOptions } from "./options.js";
import { Packages, type Unpacked } from "./packages.js";
import { Registries, type Resolved } from "./registries.js";
import { type Found, type SearchOptions, search } from "./search.js";
import { parseSpec } from "./spec.js";

/** Adapters by name, from the registries that it was made with. */
export interface Registry {
  /** The version that a name, range or tag stands for; of the lock where it has the name. */
  resolve(spec: string, options?: Pick<LoadOptions, "signal">): Promise<Resolved>;
  /** An adapter: name, name@range, name@tag, a tarball's address; in Node also ./folder and ./file.tgz. */
  load(spec: string, options?: LoadOptions): Promise<Adapter>;
  /** A backbone by name, or the one that an adapter of this registry was made for: the version its package asks for, with exactly its weights. */
  loadBackbone(of: string | Adapter, options?: LoadOptions): Promise<Backbone>;
  /** The model card. */
  card(spec: string, options?: LoadOptions): Promise<string>;
  /** What the registry has of a package: versions, tags, deprecations. A warning tells where that is what it said the last time. */
  info(name: string, options?: Pick<LoadOptions, "signal" | "onWarning">): Promise<PackageInfo>;
  /** Adapters that the configured registries have. */
  search(options?: SearchOptions): Promise<Found[]>;
  /** Loads an adapter and its backbone and returns what a lock holds of them. */
  lock(
    spec: string,
    options?: LoadOptions,
  ): Promise<{ readonly name: string; readonly entry: LockEntry; readonly adapter: Adapter; readonly backbone: Backbone }>;
}

/** Where a loaded adapter came from. */
interface Origin {
  readonly unpacked: Unpacked;
  /** What its package asks of its backbone. */
  readonly backboneRange: string;
  readonly locked: LockEntry | undefined;
}

/**
 * A registry. Errors of all its functions: `OPTION_INVALID`, `PACKAGE_NOT_FOUND`, `VERSION_NOT_FOUND`, `ACCESS_DENIED`, `REGISTRY_UNREACHABLE`,
 * `ASSET_INVALID`, `INTEGRITY_MISMATCH`, `SIGNATURE_INVALID`, `LOCK_MISMATCH`, `PACKAGE_INVALID`, `FILE_TOO_LARGE`; of loading also core's
 * (`MANIFEST_INVALID`, `SAFETENSORS_INVALID`, `BACKBONE_MISMATCH`, …); the signal's reason.
 */
export function createRegistry(options: RegistryOptions): Registry {
  const cache = cacheOn(options.store ?? browserStore());
  const registries = new Registries(options, cache);
  const packages = new Packages(options, registries, cache);
  const origins = new WeakMap<Adapter, Origin>();

  async function load(text: string, loading?: LoadOptions): Promise<Adapter> {
    const spec = parseSpec(text, "adapter");
    const unpacked = await packages.files(spec, loading);
    // What was loaded by address or path is held by the lock where its bytes are in it.
    const same = Object.values(options.lock?.adapters ?? {}).find(({ integrity }) => integrity === unpacked.integrity);
    const locked = spec.kind === "package" ? lockedEntry(options.lock, spec.name, spec.wanted) : same;
    if (locked) checkLockedPackage(unpacked, "adapter");
    const { manifest, weights } = dataOf(unpacked, "adapter");
    const adapter = await named(unpacked.id, loadAdapter(manifest, weights));
    if (locked) checkLocked(adapter, locked);
    checkName(adapter.manifest, unpacked);
    origins.set(adapter, { unpacked, backboneRange: peerRange(unpacked, adapter.manifest.backbone.name), locked });
    return adapter;
  }

  async function backboneFor(adapter: Adapter, loading?: LoadOptions) {
    const { name, hash } = adapter.manifest.backbone;
    const origin = origins.get(adapter);
    const locked = origin?.locked?.backbone;
    const resolved = locked
      ? { name: locked.name, version: locked.version, integrity: locked.integrity, tarball: "", signed: false, warnings: [] }
      : await registries.choose(name, origin?.backboneRange ?? "latest", loading?.signal);
    const unpacked = await packages.unpack(resolved, loading);
    if (locked) checkLockedPackage(unpacked, "backbone");
    const backbone = await backboneFrom(unpacked);
    if (backbone.hash === hash) return { backbone, resolved };
    if (locked) throw lockChanged(unpacked.id, `its weights are ${backbone.hash}, locked was ${hash}`);
    const who = `${adapter.manifest.name}@${adapter.manifest.version}`;
    throw new AnyMC3DError(
      "BACKBONE_MISMATCH",
      `${who} was made for ${name} with the weights ${hash}; ${name}@${resolved.version} has ${backbone.hash}. Its author must name a range that holds the right one.`,
      { details: { backbone: name, expected: hash, found: backbone.hash } },
    );
  }

  return {
    resolve: async (spec, { signal } = {}) => packages.resolve(parseSpec(spec, "adapter"), signal),
    load,
    async loadBackbone(of, loading) {
      if (typeof of === "string") return backboneFrom(await packages.files(parseSpec(of, "backbone"), loading));
      return (await backboneFor(of, loading)).backbone;
    },
    async card(spec, loading) {
      const { files, id } = await packages.files(parseSpec(spec, "adapter"), loading);
      const card = files.get("README.md");
      if (!card) throw invalid(id, "no README.md");
      return new TextDecoder().decode(card);
    },
    async info(text, { signal, onWarning } = {}) {
      const spec = parseSpec(text, "adapter");
      if (spec.kind !== "package") throw new AnyMC3DError("OPTION_INVALID", `${text}: only a package's name has versions.`);
      const { info, warnings, asked } = await registries.info(spec.name, signal);
      for (const warning of warnings) onWarning?.(warning);
      if (!asked && registries.offline)
        onWarning?.({ code: "NOT_ASKED", message: `${spec.name}: no registry was asked (offline); this is what it said the last time.` });
      return info;
    },
    search: (query = {}) => search(registries, query),
    async lock(text, loading) {
      const adapter = await load(text, loading);
      const { unpacked } = origins.get(adapter) as Origin;
      const { name, version } = adapter.manifest;
      if (/[?#]/.test(unpacked.tarball ?? ""))
        throw new AnyMC3DError(
          "OPTION_INVALID",
          `${unpacked.id}: its address has a query, which may hold a secret, and a lock is shared. Save the file and add that.`,
        );
      if (!unpacked.integrity)
        throw new AnyMC3DError("OPTION_INVALID", `${text}: a folder changes and cannot be locked; \`anymc3d adapter pack\` makes a file of it.`);
      const { backbone, resolved } = await backboneFor(adapter, loading);
      const spec = parseSpec(text, "adapter");
      const entry: LockEntry = {
        version,
        wanted: spec.kind === "package" ? (spec.wanted ?? `^${version}`) : version,
        integrity: unpacked.integrity,
        hash: adapter.hash,
        ...(unpacked.tarball && { tarball: unpacked.tarball }),
        backbone: { name: resolved.name, version: resolved.version, integrity: resolved.integrity, hash: backbone.hash },
      };
      return { name, entry, adapter, backbone };
    },
  };
}

/** @throws AnyMC3DError `LOCK_MISMATCH` where the bytes that a lock names are those of another package */
function checkLockedPackage(unpacked: Unpacked, kind: PackageKind): void {
  const { files, id, resolved } = unpacked;
  if (!files.has(`${kind}.json`)) throw lockChanged(id, `the package of the hash that ${LOCK_FILE} holds is no ${kind}`);
  const own = packageJson(unpacked);
  if (resolved && own && (own.name !== resolved.name || own.version !== resolved.version))
    throw lockChanged(id, `the package of the hash that ${LOCK_FILE} holds is ${own.name}@${own.version}`);
}

/** The two data files. */
function dataOf({ files, id }: Unpacked, kind: PackageKind): { manifest: unknown; weights: Uint8Array } {
  const [manifest, weights] = [files.get(`${kind}.json`), files.get("weights.safetensors")];
  if (!manifest || !weights) throw invalid(id, `${manifest ? "no weights.safetensors" : `no ${kind}.json`}: it is no ${kind}`);
  return { manifest: jsonOf(manifest, `${kind}.json`, id), weights };
}

function jsonOf(bytes: Uint8Array, name: string, id: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw invalid(id, `${name} is not JSON`);
  }
}

async function backboneFrom(unpacked: Unpacked): Promise<Backbone> {
  const { manifest, weights } = dataOf(unpacked, "backbone");
  return named(unpacked.id, loadBackbone(manifest, weights));
}

/** Says of which package an error of loading is. */
async function named<T>(id: string, loading: Promise<T>): Promise<T> {
  return loading.catch((cause) => {
    throw isAnyMC3DError(cause) ? reworded(cause, `${id}: ${cause.message}`) : cause;
  });
}

/** An adapter must not go by another's name: results, locks and caches are told apart by it. */
function checkName({ name, version }: Adapter["manifest"], { resolved, id }: Unpacked): void {
  if (!resolved || (resolved.name === name && resolved.version === version)) return;
  throw invalid(id, `its adapter.json says that it is ${name}@${version}`);
}

/** What package.json asks of the backbone; "latest" where it says nothing. */
function peerRange(unpacked: Unpacked, backbone: string): string {
  const range = packageJson(unpacked)?.peerDependencies?.[backbone];
  return typeof range === "string" && range !== "" ? range : "latest";
}

function packageJson({ files, id }: Unpacked): { name?: unknown; version?: unknown; peerDependencies?: Record<string, unknown> } | undefined {
  const bytes = files.get("package.json");
  const json = bytes && jsonOf(bytes, "package.json", id);
  return isObject(json) ? json : undefined;
}
