// The adapter a command was told: a folder, what the project's lock holds, an installed package, or one from a registry; and its backbone.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Adapter, type Backbone, isAnyMC3DError, packageNames } from "@anymc3d/core";
import type { Lock } from "@anymc3d/registry";
import type { OpenRegistry } from "@anymc3d/registry/node";
import { backboneOf, openAdapter } from "@anymc3d/sdk";
import { loadingOptions, openFor, type RegistryFlags } from "../options/registry.js";

export interface FoundAdapter {
  readonly adapter: Adapter;
  /** The backbone it names. */
  backbone(): Promise<Backbone>;
  readonly registry: OpenRegistry;
}

/** A .zip, which is a bundle to be added first, is refused by the registry. */
const isAddress = (text: string) => /^https?:\/\//i.test(text) || /\.(?:tgz|zip)$/i.test(text);
/** No package has such a name; the registry says so. */
const hasCapitals = (text: string) => text !== text.toLowerCase() && (text.startsWith("@") || !/[\\/]/.test(text));
const hasRange = (text: string) => text.indexOf("@", 1) > 0;

/**
 * Finds an adapter: a folder; what anymc3d.lock.json holds; a package in node_modules. A registry is asked only for what says so: a name with a
 * range or tag, an address, or a locked name that is not kept here.
 * @throws AnyMC3DError as `openAdapter` and `openRegistry().load`
 */
export async function findAdapter(text: string, flags: RegistryFlags, signal: AbortSignal): Promise<FoundAdapter> {
  const registry = await openFor(flags);
  const found = (adapter: Adapter, locked = false): FoundAdapter => ({ adapter, registry, backbone: () => backboneFor(adapter, locked, registry, signal) });
  if (!isAddress(text) && existsSync(join(resolve(text), "adapter.json"))) return found(await openAdapter(resolve(text), { signal }));
  const locked = isAddress(text) ? undefined : lockedName(registry.lockFile?.lock, text);
  if (!flags.frozen && !isAddress(text) && !hasCapitals(text) && !hasRange(text) && !locked) return found(await openAdapter(text, { signal }));
  const loading = loadingOptions(text, signal);
  const adapter = await registry.load(locked ?? text, loading).finally(loading.done);
  return found(
    adapter,
    Object.values(registry.lockFile?.lock.adapters ?? {}).some(({ hash }) => hash === adapter.hash),
  );
}

/** The lock's name for what a user calls an adapter; undefined where it does not hold it. */
export const lockedName = (lock: Lock | undefined, text: string): string | undefined =>
  packageNames("adapter", text).find((name) => Object.hasOwn(lock?.adapters ?? {}, name));

/** The lock's backbone for a locked adapter, to the bytes; for others an installed one with the right weights saves a download. */
async function backboneFor(adapter: Adapter, locked: boolean, registry: OpenRegistry, signal: AbortSignal): Promise<Backbone> {
  const loading = loadingOptions(adapter.manifest.backbone.name, signal);
  if (locked) return registry.loadBackbone(adapter, loading).finally(loading.done);
  const here = await backboneOf(adapter, signal).catch((error: unknown) => {
    if (isAnyMC3DError(error) && error.code === "BACKBONE_NOT_FOUND") return undefined;
    throw error;
  });
  if (here?.hash === adapter.manifest.backbone.hash) return here;
  return registry.loadBackbone(adapter, loading).finally(loading.done);
}
