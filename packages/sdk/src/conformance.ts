// An adapter's conformance vector, run once on each engine and machine before the first answer, and remembered. A damaged adapter, or a device that
// computes something else than its author saw, is an error then and never a number.

import { type Adapter, checkConformance, type Engine } from "@anymc3d/core";
import { sha256 } from "@anymc3d/core/engine";
import { cacheFolder } from "@anymc3d/node-files/cache-folder";
import { makeFolder } from "@anymc3d/node-files/make-folder";
import packageJson from "../package.json" with { type: "json" };

/** Where passes are remembered: it may fail, and the vector is run again then. */
interface Memory {
  has(name: string, about: string): Promise<boolean>;
  add(name: string, about: string): Promise<void>;
}

const passed = new Set<string>();
const running = new WeakMap<Engine, Map<string, Promise<boolean>>>();

/**
 * Runs the vector unless it passed before with this adapter, backbone, engine, precision, version and machine. In Node passes are remembered in the
 * folder of kept packages (`ANYMC3D_CACHE`, or the user's cache folder), in browsers in Cache Storage; where neither can be written, as long as the
 * program runs.
 * @returns whether it was run
 * @throws AnyMC3DError `CONFORMANCE_FAILED`; nothing is remembered then. The signal's reason
 */
export async function checkConformanceOnce(adapter: Adapter, engine: Engine, signal?: AbortSignal): Promise<boolean> {
  const about = [adapter.hash, engine.backbone.hash, engine.id, engine.precision, packageJson.version, machine()].join(" ");
  if (passed.has(about)) return false;
  const ofEngine = running.get(engine) ?? new Map<string, Promise<boolean>>();
  running.set(engine, ofEngine);
  // Calls at the same time wait for one run; one that was aborted is not theirs.
  const others = ofEngine.get(about);
  if (
    others &&
    (await others.then(
      () => true,
      () => false,
    ))
  )
    return false;
  const run = runOnce(adapter, engine, about, signal);
  ofEngine.set(about, run);
  return run.finally(() => ofEngine.delete(about));
}

async function runOnce(adapter: Adapter, engine: Engine, about: string, signal: AbortSignal | undefined): Promise<boolean> {
  const name = `conformance-${await sha256(new TextEncoder().encode(about))}`;
  const memory = folder() ?? pageStore();
  const known = await memory?.has(name, about).catch(() => false);
  if (!known) {
    await checkConformance(adapter, engine, signal);
    await memory?.add(name, about).catch(() => undefined);
  }
  passed.add(about);
  return !known;
}

/** What an engine's answer may depend on, as far as it can be seen from here: another processor has other instructions. */
function machine(): string {
  const { process, navigator } = globalThis as { process?: Partial<NodeJS.Process>; navigator?: { userAgent?: string; hardwareConcurrency?: number } };
  const os = process?.getBuiltinModule?.("node:os");
  if (!os) return `${navigator?.userAgent ?? ""} ${navigator?.hardwareConcurrency ?? ""}`;
  return `${process?.platform} ${process?.arch} ${process?.version} ${os.cpus()[0]?.model ?? ""}`;
}

/** The folder where the command and the registry keep packages, too. */
function folder(): Memory | undefined {
  const root = cacheFolder();
  if (root === undefined) return undefined;
  const { process } = globalThis;
  const [fs, path] = [process.getBuiltinModule("node:fs/promises"), process.getBuiltinModule("node:path")];
  return {
    has: async (name, about) => (await fs.readFile(path.join(root, name), "utf8")) === about,
    async add(name, about) {
      await makeFolder(root);
      await fs.writeFile(path.join(root, name), about);
    },
  };
}

/** A page's, or its worker's; none in a page without https. */
function pageStore(): Memory | undefined {
  if (typeof caches === "undefined") return undefined;
  const address = (name: string) => `https://cache.invalid/${name}`;
  return {
    has: async (name, about) => (await (await (await caches.open("anymc3d")).match(address(name)))?.text()) === about,
    add: async (name, about) => (await caches.open("anymc3d")).put(address(name), new Response(about)),
  };
}
