// The adapter a command was told: a folder, what the project's lock holds, an installed package, or one from a registry; and its backbone.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Adapter, type AnyMC3DError, type Backbone, isAnyMC3DError } from "@anymc3d/core";
import { LOCK_FILE } from "@anymc3d/registry";
import type { OpenRegistry } from "@anymc3d/registry/node";
import { backboneOf, openAdapter } from "@anymc3d/sdk";
import { loadingOptions, openFor, type RegistryFlags } from "./registry-flags.js";

export interface FoundAdapter {
  readonly adapter: Adapter;
  /** The backbone it names. */
  backbone(): Promise<Backbone>;
  readonly registry: OpenRegistry;
}

const isAddress = (text: string) => /^https?:\/\//i.test(text) || /\.tgz$/i.test(text);
const hasRange = (text: string) => text.indexOf("@", 1) > 0;

/**
 * Finds an adapter: a folder; else what anymc3d.lock.json holds; else a package in node_modules (asked for without a range); else the registry's.
 * @throws AnyMC3DError as `openAdapter` and `openRegistry().load`
 */
export async function findAdapter(text: string, flags: RegistryFlags, signal: AbortSignal): Promise<FoundAdapter> {
  const registry = await openFor(flags);
  if (!isAddress(text) && existsSync(join(resolve(text), "adapter.json"))) return installed(await openAdapter(resolve(text), { signal }), registry, signal);
  if (!flags.frozen && !isAddress(text) && !hasRange(text) && !(await isLocked(registry, text))) {
    const found = await openAdapter(text, { signal }).catch((error) => error as AnyMC3DError);
    if ("manifest" in found) return installed(found, registry, signal);
    if (!isAnyMC3DError(found) || found.code !== "ADAPTER_NOT_FOUND" || /^\.{0,2}[\\/]/.test(text)) throw found;
  }
  const loading = loadingOptions(text, signal);
  try {
    const adapter = await registry.load(text, loading).catch((error) => {
      throw withHint(error, text);
    });
    return { adapter, registry, backbone: () => backboneFor(adapter, registry, signal) };
  } finally {
    loading.done();
  }
}

const installed = (adapter: Adapter, registry: OpenRegistry, signal: AbortSignal): FoundAdapter => ({
  adapter,
  registry,
  backbone: () => backboneFor(adapter, registry, signal),
});

async function isLocked({ lockFile }: OpenRegistry, text: string): Promise<boolean> {
  const { adapters = {} } = lockFile?.lock ?? {};
  return Object.hasOwn(adapters, text) || Object.hasOwn(adapters, `@anymc3d/adapter-${text}`);
}

/** An installed backbone with the right weights saves a download. */
async function backboneFor(adapter: Adapter, registry: OpenRegistry, signal: AbortSignal): Promise<Backbone> {
  const here = await backboneOf(adapter, signal).catch((error: unknown) => {
    if (isAnyMC3DError(error) && error.code === "BACKBONE_NOT_FOUND") return undefined;
    throw error;
  });
  if (here?.hash === adapter.manifest.backbone.hash) return here;
  const loading = loadingOptions(adapter.manifest.backbone.name, signal);
  return registry.loadBackbone(adapter, loading).finally(loading.done);
}

/** A name that no registry has may have been meant for a folder, or for another registry. */
function withHint(error: unknown, text: string): unknown {
  if (!isAnyMC3DError(error) || !["PACKAGE_NOT_FOUND", "REGISTRY_UNREACHABLE"].includes(error.code)) return error;
  error.message += ` No folder ${resolve(text)} holds an adapter.json either, and it is not installed here or in ${LOCK_FILE}.`;
  return error;
}
