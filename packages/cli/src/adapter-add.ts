// anymc3d adapter add, remove: what a project uses, in anymc3d.lock.json.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";
import { checkConformanceOnce, LOCK_FILE, type LockEntry } from "@anymc3d/registry";
import { changeLock, findLock, type OpenRegistry, readBundle } from "@anymc3d/registry/node";
import { createEngine } from "@anymc3d/sdk";
import pc from "picocolors";
import { lockedName } from "./adapter-source.js";
import { interruptSignal } from "./interrupt.js";
import { loadingOptions, openFor, type RegistryFlags } from "./registry-flags.js";

export interface AddFlags extends RegistryFlags {
  json?: boolean;
}

/** Where this project's lock file is, or will be. */
const lockPath = async () => (await findLock(process.cwd()))?.path ?? join(process.cwd(), LOCK_FILE);

/** Adds adapters by name, address or file. Each is loaded, its backbone too, and must compute here what its author saw. */
export async function addAdapters(specs: readonly string[], flags: AddFlags): Promise<void> {
  const signal = interruptSignal();
  const registry = await openFor(flags, { unlocked: true });
  for (const spec of specs) {
    const added = /\.zip$/i.test(spec) ? await unbundle(spec, registry) : await lockOne(spec, registry, signal);
    await changeLock(await lockPath(), ({ adapters }) => ({ adapters: { ...adapters, ...added } }));
    for (const [name, entry] of Object.entries(added)) tell(name, entry, flags);
  }
}

async function unbundle(file: string, registry: OpenRegistry): Promise<Readonly<Record<string, LockEntry>>> {
  const bytes = await readFile(file).catch((cause) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${file}: ${(cause as Error).message}`, { cause });
  });
  return (await readBundle(new Uint8Array(bytes), file, registry.store)).adapters;
}

async function lockOne(spec: string, registry: OpenRegistry, signal: AbortSignal): Promise<Readonly<Record<string, LockEntry>>> {
  const loading = loadingOptions(spec, signal);
  const { name, entry, adapter, backbone } = await registry.lock(spec, loading).finally(loading.done);
  const engine = await createEngine(backbone, {});
  try {
    await checkConformanceOnce(adapter, engine, registry.store);
  } finally {
    await engine.dispose();
  }
  return { [name]: entry };
}

function tell(name: string, { version, integrity, backbone }: LockEntry, { json }: AddFlags): void {
  if (json) process.stdout.write(`${JSON.stringify({ name, version, integrity, backbone })}\n`);
  else process.stdout.write(`${pc.green("added")} ${name}@${version} on ${backbone.name}@${backbone.version}\n`);
}

export async function removeAdapters(names: readonly string[]): Promise<void> {
  const path = await lockPath();
  let removed: (string | undefined)[] = [];
  await changeLock(path, (lock) => {
    removed = names.map((name) => lockedName(lock, name));
    const missing = names.filter((_, i) => removed[i] === undefined);
    if (missing.length)
      throw new AnyMC3DError("OPTION_INVALID", `${missing.join(", ")}: not in ${path}, which holds ${Object.keys(lock.adapters).join(", ") || "nothing"}.`);
    return { adapters: Object.fromEntries(Object.entries(lock.adapters).filter(([name]) => !removed.includes(name))) };
  });
  for (const name of removed) process.stdout.write(`${pc.green("removed")} ${name}\n`);
}
