// anymc3d adapter add, remove: what a project uses, in anymc3d.lock.json.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Adapter, AnyMC3DError, type Backbone, own } from "@anymc3d/core";
import { createRegistry, LOCK_FILE, type Lock, type LockEntry, memoryStore, type Store } from "@anymc3d/registry";
import { changeLock, findLock, type OpenRegistry, readBundle } from "@anymc3d/registry/node";
import { checkConformanceOnce, createEngine } from "@anymc3d/sdk";
import { lockedName } from "../../adapters/find.js";
import { interruptSignal } from "../../interrupt.js";
import { loadingOptions, openFor, type RegistryFlags } from "../../options/registry.js";
import { pc, print, printErr, printJson } from "../../output/terminal.js";

export interface AddFlags extends RegistryFlags {
  json?: boolean;
}

type Entries = Lock["adapters"];

/** This project's lock file: where it is, or will be, and what it holds. */
const projectLock = async () => (await findLock(process.cwd())) ?? { path: join(process.cwd(), LOCK_FILE), lock: { adapters: {} } };

/** Adds adapters by name, address, file or bundle. Each is loaded, its backbone too, and must compute here what its author saw. */
export async function addAdapters(specs: readonly string[], flags: AddFlags): Promise<void> {
  const signal = interruptSignal();
  // A lock that is damaged is refused before the work, not after it.
  const { path, lock } = await projectLock();
  const registry = await openFor(flags, { unlocked: !flags.frozen });
  const allow = (found: Entries) => flags.frozen && refuseChanges(found, lock);
  for (const spec of specs) {
    const added = /\.zip$/i.test(spec) ? await unbundle(spec, registry.store, allow, signal) : await lockOne(spec, registry, signal);
    allow(added);
    let before: Entries = lock.adapters;
    if (!flags.frozen)
      await changeLock(path, ({ adapters }) => {
        before = adapters;
        return { adapters: { ...adapters, ...added } };
      });
    for (const [name, entry] of Object.entries(added)) tell(name, entry, own(before, name), flags);
  }
}

/** @throws AnyMC3DError `LOCK_MISMATCH` where what would be added is not in the lock, to the bytes */
function refuseChanges(found: Entries, { adapters }: Lock): void {
  const bytes = (entry: LockEntry | undefined) => entry && [entry.version, entry.integrity, entry.hash, ...Object.values(entry.backbone)].sort().join(" ");
  for (const [name, entry] of Object.entries(found))
    if (bytes(entry) !== bytes(own(adapters, name)))
      throw new AnyMC3DError(
        "LOCK_MISMATCH",
        `${name}@${entry.version}: ${LOCK_FILE} holds ${own(adapters, name) ? `${adapters[name].version} with other hashes` : "no such adapter"}, and may not change (frozen).`,
      );
}

/** Takes in a bundle, once every adapter of it was loaded by the bundle's own lock, offline, and computes here what its author saw. */
async function unbundle(file: string, store: Store, allow: (found: Entries) => void, signal: AbortSignal): Promise<Entries> {
  const bytes = await readFile(file).catch((cause) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${file}: ${(cause as Error).message}`, { cause });
  });
  const inside = memoryStore();
  const lock = await readBundle(new Uint8Array(bytes), file, inside);
  allow(lock.adapters);
  const registry = createRegistry({ url: "https://bundle.invalid/", store: inside, lock, frozen: true, offline: true });
  for (const name of Object.keys(lock.adapters)) {
    const { adapter, backbone } = await registry.lock(name, { signal }).catch((cause) => {
      if ((cause as { code?: string }).code !== "LOCK_MISMATCH") throw cause;
      throw new AnyMC3DError("PACKAGE_INVALID", `${file}: its lock is not of what it holds; make the bundle again. ${(cause as Error).message}`, { cause });
    });
    await checkHere(adapter, backbone);
  }
  await readBundle(new Uint8Array(bytes), file, store);
  return lock.adapters;
}

async function lockOne(spec: string, registry: OpenRegistry, signal: AbortSignal): Promise<Entries> {
  const loading = loadingOptions(spec, signal);
  const { name, entry, adapter, backbone } = await registry.lock(spec, loading).finally(loading.done);
  await checkHere(adapter, backbone);
  return { [name]: entry };
}

async function checkHere(adapter: Adapter, backbone: Backbone): Promise<void> {
  const engine = await createEngine(backbone, {});
  try {
    await checkConformanceOnce(adapter, engine);
  } finally {
    await engine.dispose();
  }
}

function tell(name: string, { version, integrity, backbone }: LockEntry, before: LockEntry | undefined, { json }: AddFlags): void {
  const same = before?.integrity === integrity;
  if (before?.version === version && !same) printErr(`${pc.yellow("warning")} ${name}@${version}: other bytes than the lock held under this version`);
  if (json) return void printJson({ name, version, integrity, backbone, replaced: before && !same ? before.version : null });
  const done = !before ? "added" : same ? "kept" : `replaced ${before.version}:`;
  print(`${pc.green(done)} ${name}@${version} on ${backbone.name}@${backbone.version}`);
}

export async function removeAdapters(names: readonly string[]): Promise<void> {
  const { path } = await projectLock();
  let removed: (string | undefined)[] = [];
  await changeLock(path, (lock) => {
    removed = names.map((name) => lockedName(lock, name));
    const missing = names.filter((_, i) => removed[i] === undefined);
    if (missing.length)
      throw new AnyMC3DError("OPTION_INVALID", `${missing.join(", ")}: not in ${path}, which holds ${Object.keys(lock.adapters).join(", ") || "nothing"}.`);
    return { adapters: Object.fromEntries(Object.entries(lock.adapters).filter(([name]) => !removed.includes(name))) };
  });
  for (const name of removed) print(`${pc.green("removed")} ${name}`);
}
