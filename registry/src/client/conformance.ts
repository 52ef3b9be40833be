// An adapter's conformance vector, run once on each engine and machine, and remembered.

import { type Adapter, checkConformance, type Engine } from "@anymc3d/core";
import packageJson from "../../package.json" with { type: "json" };
import { cacheOn, type Store } from "../cache/store.js";

/**
 * Runs the vector unless it passed before with this adapter, backbone, engine, precision, version and machine.
 * @returns whether it was run
 * @throws AnyMC3DError `CONFORMANCE_FAILED`; nothing is remembered then
 */
export async function checkConformanceOnce(adapter: Adapter, engine: Engine, store: Store): Promise<boolean> {
  const about = [adapter.hash, engine.backbone.hash, engine.id, engine.precision, packageJson.version, machine()].join(" ");
  const cache = cacheOn(store);
  if (await cache.passed(about).catch(() => false)) return false;
  await checkConformance(adapter, engine);
  await cache.putPassed(about).catch(() => undefined);
  return true;
}

function machine(): string {
  const { process, navigator } = globalThis as { process?: { platform?: string; arch?: string; version?: string }; navigator?: { userAgent?: string } };
  return process?.version ? `${process.platform} ${process.arch} ${process.version}` : (navigator?.userAgent ?? "");
}
