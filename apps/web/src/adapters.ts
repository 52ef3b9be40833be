// The adapters that can be chosen: those that come with the page, and those of a registry.

import { type Adapter, type AdapterManifest, AnyMC3DError, type Backbone, parseAdapterManifest } from "@anymc3d/core";
import type { AssetModule } from "@anymc3d/sdk";

export interface AdapterEntry {
  /** name@version */
  readonly key: string;
  readonly manifest: AdapterManifest;
  readonly source: AssetModule | Adapter;
  /** Where it comes from, for people. */
  readonly origin: string;
  /** A scan to try it with. */
  readonly sample?: URL;
  /** Of adapters whose backbone does not come with the page. */
  readonly backbone?: () => Promise<Backbone>;
}

const DEFAULT_BACKBONE = "@anymc3d/backbone-dinov2-small";
const keyOf = ({ name, version }: AdapterManifest) => `${name}@${version}`;

/** The adapters that come with the page, in the order in which they are offered. */
export async function bundledAdapters(): Promise<AdapterEntry[]> {
  const modules = await Promise.all([
    import("@anymc3d/adapter-lung-nodule"),
    import("@anymc3d/adapter-adrenal-shape"),
    import("@anymc3d/adapter-vessel-aneurysm"),
  ]);
  return Promise.all(
    modules.map(async (module) => {
      const response = await fetch(module.default.manifest);
      const manifest = parseAdapterManifest(await response.json());
      const sample = "sample" in module ? (module.sample as URL) : undefined;
      return { key: keyOf(manifest), manifest, source: module.default, origin: "comes with this page", sample };
    }),
  );
}

export interface RegistryHit {
  readonly name: string;
  readonly version: string;
  readonly title: string;
  readonly labels: readonly string[];
  readonly modalities: readonly string[];
  readonly bodyParts: readonly string[];
  readonly deprecated?: string;
}

/** A registry's adapters that hold all words. */
export async function searchRegistry(url: string, text: string, signal: AbortSignal): Promise<RegistryHit[]> {
  return (await openRegistry(url)).search({ text, signal });
}

/** Fetches and checks an adapter of a registry. @param spec name, or name@range */
export async function registryAdapter(url: string, spec: string, signal?: AbortSignal): Promise<AdapterEntry> {
  const registry = await openRegistry(url);
  const adapter = await registry.load(spec, { signal });
  const { manifest } = adapter;
  const backbone = manifest.backbone.name === DEFAULT_BACKBONE ? undefined : () => registry.loadBackbone(adapter);
  return { key: keyOf(manifest), manifest, source: adapter, origin: new URL(url).host, ...(backbone && { backbone }) };
}

async function openRegistry(url: string) {
  if (!URL.canParse(url)) throw new AnyMC3DError("OPTION_INVALID", `"${url}" is not an address; a registry's looks like https://registry.example.org/`);
  const { createRegistry } = await import("@anymc3d/registry");
  return createRegistry({ url });
}

/** What modalities an adapter takes, for people. */
export function modalitiesOf({ input }: AdapterManifest): string[] {
  return [...new Set(input.views.flatMap(({ expect }) => expect.modality ?? []))];
}

/** Sources that an adapter reads; the page offers those with one. */
export const sourcesOf = ({ input }: AdapterManifest): string[] => [...new Set(input.views.map(({ source }) => source))];
