// The adapters that can be chosen: those that come with the page, and those of a registry.

import { type Adapter, type AdapterManifest, AnyMC3DError, type Backbone, factsOf, loadAdapter, parseAdapterManifest } from "@anymc3d/core";
import type { Registry } from "@anymc3d/registry";
import type { AssetModule } from "@anymc3d/sdk";
import { registryFault } from "../errors/faults.js";
import { recall, remember } from "../page/remembered.js";

export interface AdapterEntry {
  /** name@version */
  readonly key: string;
  readonly manifest: AdapterManifest;
  /** Codes of what speaks against relying on its figures. */
  readonly doubts: readonly string[];
  readonly source: AssetModule | Adapter;
  /** Where it comes from, for people. */
  readonly origin: string;
  /** Of adapters that do not come with the page: the registry's address. */
  readonly registry?: string;
  /** Whether it is still there when the page is opened again. */
  readonly kept?: boolean;
  /** A scan to try it with. */
  readonly sample?: URL;
  /** Of adapters whose backbone does not come with the page. */
  readonly backbone?: () => Promise<Backbone>;
}

const keyOf = ({ name, version }: AdapterManifest) => `${name}@${version}`;
const doubtsOf = (manifest: AdapterManifest) => factsOf(manifest).doubts ?? [];
export const hostOf = (url: string) => new URL(url).host;

/** The backbone that comes with the page. */
let ownBackbone: AdapterManifest["backbone"] | undefined;

/** The adapters that come with the page, in the order in which they are offered. */
export async function bundledAdapters(): Promise<AdapterEntry[]> {
  const modules = await Promise.all([
    import("@anymc3d/adapter-lung-nodule"),
    import("@anymc3d/adapter-adrenal-shape"),
    import("@anymc3d/adapter-vessel-aneurysm"),
  ]);
  const entries = await Promise.all(
    modules.map(async (module) => {
      const response = await fetch(module.default.manifest);
      const manifest = parseAdapterManifest(await response.json());
      const sample = "sample" in module ? (module.sample as URL) : undefined;
      return { key: keyOf(manifest), manifest, doubts: doubtsOf(manifest), source: module.default, origin: "comes with this page", sample };
    }),
  );
  ownBackbone = entries[0].manifest.backbone;
  return entries;
}

/** The hash of what an adapter is made of. */
export async function hashOf({ source }: AdapterEntry): Promise<string> {
  if ("hash" in source) return source.hash;
  const [manifest, weights] = await Promise.all([fetch(source.manifest), fetch(source.weights)]);
  return (await loadAdapter(await manifest.json(), new Uint8Array(await weights.arrayBuffer()))).hash;
}

export interface RegistryHit {
  readonly name: string;
  readonly version: string;
  readonly title: string;
  readonly labels: readonly string[];
  readonly modalities: readonly string[];
  readonly bodyParts: readonly string[];
  readonly deprecated?: string;
  readonly doubts?: readonly string[];
}

/** A registry's adapters that hold all words. */
export const searchRegistry = (url: string, text: string, signal: AbortSignal): Promise<RegistryHit[]> =>
  asking(url, undefined, signal, (registry, stop) => registry.search({ text, signal: stop }));

/** Fetches and checks an adapter of a registry. @param spec name, or name@range @param stored it was added before: the registry is not asked */
export const registryAdapter = (url: string, spec: string, signal?: AbortSignal, stored = false): Promise<AdapterEntry> =>
  asking(
    url,
    spec,
    signal,
    async (registry, stop) => {
      const adapter = await registry.load(spec, { signal: stop });
      const { manifest } = adapter;
      const entry = { key: keyOf(manifest), manifest, doubts: doubtsOf(manifest), source: adapter, origin: hostOf(url), registry: url };
      if (manifest.backbone.name === ownBackbone?.name) {
        checkBackbone(manifest);
        return entry;
      }
      if (!stored) await checkHasBackbone(registry, manifest, url, stop);
      return { ...entry, backbone: () => asking(url, manifest.backbone.name, undefined, (again) => backboneOf(again, entry.key)) };
    },
    stored,
  );

async function backboneOf(registry: Registry, key: string): Promise<Backbone> {
  return registry.loadBackbone(await registry.load(key));
}

function checkBackbone(manifest: AdapterManifest): void {
  if (manifest.backbone.hash === ownBackbone?.hash) return;
  throw new AnyMC3DError(
    "BACKBONE_MISMATCH",
    `${keyOf(manifest)} was made for other weights of the backbone than this page has, and would give wrong answers with them. Another version of it may fit; its author knows.`,
    { details: { backbone: manifest.backbone.name, expected: manifest.backbone.hash, found: ownBackbone?.hash ?? "none" } },
  );
}

async function checkHasBackbone(registry: Registry, manifest: AdapterManifest, url: string, signal?: AbortSignal): Promise<void> {
  const { name } = manifest.backbone;
  await registry.info(name, { signal }).catch((cause: { code?: string }) => {
    if (cause.code !== "PACKAGE_NOT_FOUND") throw cause;
    throw new AnyMC3DError(
      "BACKBONE_NOT_FOUND",
      `${keyOf(manifest)} needs the backbone ${name}, which ${hostOf(url)} does not have. Its author knows where it is.`,
    );
  });
}

/** Asks a registry; where the page may not, that is said at once, and what goes wrong is said in words. */
async function asking<T>(
  url: string,
  spec: string | undefined,
  signal: AbortSignal | undefined,
  work: (registry: Registry, signal: AbortSignal) => Promise<T>,
  stored = false,
): Promise<T> {
  if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url))
    throw new AnyMC3DError("OPTION_INVALID", `"${url}" is not an address; a registry's looks like https://registry.example.org/`);
  if (location.protocol === "https:" && isPlain(url)) throw forbidden(url);
  const stop = new AbortController();
  const blocked = ({ effectiveDirective, blockedURI }: SecurityPolicyViolationEvent) => {
    if (effectiveDirective === "connect-src" && blockedURI.startsWith(new URL(url).origin)) stop.abort(forbidden(url));
  };
  document.addEventListener("securitypolicyviolation", blocked);
  try {
    const { createRegistry } = await import("@anymc3d/registry");
    return await work(createRegistry({ url, offline: stored }), signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
  } catch (error) {
    throw registryFault(error, hostOf(url), spec);
  } finally {
    document.removeEventListener("securitypolicyviolation", blocked);
  }
}

/** Not encrypted, and not on this machine. */
const isPlain = (url: string) => /^http:\/\/(?!(localhost|127\.0\.0\.1)[:/])/i.test(url);

const forbidden = (url: string) =>
  new AnyMC3DError(
    "OPTION_INVALID",
    isPlain(url)
      ? `This page may only ask registries at https:// addresses, and ones on this machine (http://localhost); ${hostOf(url)} is neither. Give its https:// address; one that has none needs it first.`
      : `This page may not ask ${hostOf(url)}: whoever runs the page has said which registries it may ask.`,
  );

const STORED = "anymc3d.added";

interface Added {
  readonly registry: string;
  readonly key: string;
}

function stored(): Added[] {
  try {
    const list: unknown = JSON.parse(recall(STORED));
    return Array.isArray(list) ? list.filter((each) => typeof each?.registry === "string" && typeof each.key === "string") : [];
  } catch {
    return [];
  }
}

/** Remembers an adapter of a registry, whose files are in the browser's store already. @returns whether that works here */
export const keepAdapter = ({ key, registry }: AdapterEntry): boolean =>
  "caches" in globalThis && remember(STORED, JSON.stringify([...stored().filter((each) => each.key !== key), { registry, key }]));

/** Forgets an adapter of a registry; after the last one, their files too. */
export async function letGoOfAdapter(key: string): Promise<void> {
  const left = stored().filter((each) => each.key !== key);
  remember(STORED, JSON.stringify(left));
  if (left.length === 0 && "caches" in globalThis) await caches.delete("anymc3d");
}

/** The adapters that were added before, and the names of those whose files the browser has cleared. */
export async function keptAdapters(): Promise<{ readonly entries: readonly AdapterEntry[]; readonly lost: readonly string[] }> {
  const entries: AdapterEntry[] = [];
  const lost: string[] = [];
  for (const { registry, key } of stored()) {
    const entry = await registryAdapter(registry, key, undefined, true).catch(() => undefined);
    if (entry) entries.push({ ...entry, kept: true });
    else lost.push(key);
  }
  return { entries, lost };
}

/** What modalities an adapter takes, for people. */
export function modalitiesOf({ input }: AdapterManifest): string[] {
  return [...new Set(input.views.flatMap(({ expect }) => expect.modality ?? []))];
}

/** Sources that an adapter reads; the page offers those with one. */
export const sourcesOf = ({ input }: AdapterManifest): string[] => [...new Set(input.views.map(({ source }) => source))];
