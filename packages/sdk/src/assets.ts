// Adapters and backbones from wherever they are: an imported package, a folder, two URLs, or loaded already.

import { type Adapter, AnyMC3DError, type Backbone, loadAdapter, loadBackbone } from "@anymc3d/core";
import { bytesOf } from "@anymc3d/io";
import { findPackage } from "./node-packages.js";

/** The default export of an adapter or backbone package: where its two files are. */
export interface AssetModule {
  readonly name?: string;
  readonly manifest: URL | string;
  readonly weights: URL | string;
}

/** An imported adapter package, a loaded adapter, or, in Node, a folder or a package's name (`lung-nodule` is `@anymc3d/adapter-lung-nodule`). */
export type AdapterSource = AssetModule | Adapter | string | URL;

/** An imported backbone package, a loaded backbone, or, in Node, a folder or a package's name. */
export type BackboneSource = AssetModule | Backbone | string | URL;

const MAX_MANIFEST = 2 ** 24;
const MAX_WEIGHTS = 2 ** 32;

const isLoaded = (source: object): source is Adapter | Backbone => "tensors" in source;

async function readAsset(where: URL | string, name: string, limit: number, signal?: AbortSignal): Promise<Uint8Array> {
  const { bytes } = await bytesOf(where, { name, limit, signal });
  return bytes;
}

async function readJson(where: URL | string, name: string, signal?: AbortSignal): Promise<unknown> {
  const bytes = await readAsset(where, name, MAX_MANIFEST, signal);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new AnyMC3DError("MANIFEST_INVALID", `${name}: not JSON. The file is damaged, or something else lies in its place.`);
  }
}

/**
 * Loads an adapter.
 * @throws AnyMC3DError `ADAPTER_NOT_FOUND`, `FILE_NOT_FOUND`, `ASSET_INVALID`, `MANIFEST_INVALID`, `SAFETENSORS_INVALID`, `TENSORS_MISMATCH`
 */
export async function openAdapter(source: AdapterSource, options: { signal?: AbortSignal } = {}): Promise<Adapter> {
  const { signal } = options;
  if (typeof source === "object" && !(source instanceof URL) && isLoaded(source)) return source as Adapter;
  const module = typeof source === "string" || source instanceof URL ? await findPackage("adapter", source) : (source as AssetModule);
  if (!module?.manifest || !module.weights)
    throw new AnyMC3DError(
      "ADAPTER_NOT_FOUND",
      "the adapter has no manifest and weights; pass the default export of an adapter package, a folder or a package's name",
    );
  const name = module.name ?? String(module.manifest);
  const [manifest, weights] = await Promise.all([
    readJson(module.manifest, `${name} adapter.json`, signal),
    readAsset(module.weights, `${name} weights`, MAX_WEIGHTS, signal),
  ]);
  return loadAdapter(manifest, weights);
}

/**
 * Loads a backbone and verifies its content hash. A package's backbone is loaded once and kept while someone uses it.
 * @throws AnyMC3DError `BACKBONE_NOT_FOUND`, `BACKBONE_INVALID`, `BACKBONE_MISMATCH`, `TENSORS_MISMATCH`, `ASSET_INVALID`
 */
export async function openBackbone(source: BackboneSource = "@anymc3d/backbone-dinov2-small", options: { signal?: AbortSignal } = {}): Promise<Backbone> {
  const { signal } = options;
  if (typeof source === "object" && !(source instanceof URL) && isLoaded(source)) return source as Backbone;
  const module = await backboneModule(source as AssetModule | string | URL);
  if (!module?.manifest || !module.weights)
    throw new AnyMC3DError(
      "BACKBONE_NOT_FOUND",
      "the backbone has no manifest and weights; pass the default export of a backbone package, a folder or a package's name",
    );
  const name = module.name ?? String(module.manifest);
  const [manifest, weights] = await Promise.all([
    readJson(module.manifest, `${name} backbone.json`, signal),
    readAsset(module.weights, `${name} weights`, MAX_WEIGHTS, signal),
  ]);
  return loadBackbone(manifest, weights);
}

async function backboneModule(source: AssetModule | string | URL): Promise<AssetModule> {
  if (typeof source === "object" && !(source instanceof URL)) return source;
  // The one backbone that comes with the SDK: a literal import, so that bundlers find its files.
  if (source === "@anymc3d/backbone-dinov2-small") {
    const { default: module } = await import("@anymc3d/backbone-dinov2-small").catch((cause) => {
      throw new AnyMC3DError(
        "BACKBONE_NOT_FOUND",
        "the default backbone, @anymc3d/backbone-dinov2-small, was not found; install it, or, in a page without a bundler, import its index.js and pass it as `backbone`",
        { cause },
      );
    });
    return module;
  }
  return findPackage("backbone", source);
}
