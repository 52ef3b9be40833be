// An adapter's conformance vector: logits of a made volume, the same everywhere, to know that a machine runs it right.

import { classify } from "./classify.js";
import type { Engine } from "./engine/types.js";
import { AnyMC3DError } from "./errors.js";
import type { ViewManifest } from "./manifest.js";
import { seededRandom } from "./random.js";
import type { Adapter, Volume } from "./types.js";

/**
 * A made volume inside what a view declares: a bright ball on a dim, noisy ground, 48×48×8 voxels, LPS-like axes.
 * Integer arithmetic and exact halves only, so every runtime makes the same one.
 */
export function syntheticVolume(view: ViewManifest, seed: number): Volume {
  const random = seededRandom(seed);
  const shape = [48, 48, 8] as const;
  const low = Math.round(view.expect.minimum ? Math.max(view.expect.minimum.range[0], view.pad) : view.pad);
  const high = Math.round(view.expect.maximum ? Math.min(view.expect.maximum.range[0] + 256, view.expect.maximum.range[1]) : view.pad + 1024);
  const data = new Int16Array(shape[0] * shape[1] * shape[2]);
  for (let i = 0; i < data.length; i++) {
    const [x, y, z] = [i % 48, Math.floor(i / 48) % 48, Math.floor(i / 2304)];
    const inside = (x - 26) ** 2 + (y - 21) ** 2 + 9 * (z - 4) ** 2 < 144;
    const level = Math.floor(random() * 64) + (inside ? 192 : 0);
    data[i] = low + Math.floor(((high - low) * level) / 255);
  }
  data[0] = low;
  data[1] = high;
  const spacing = middle(view.expect.pixelSpacing?.range);
  return {
    data,
    shape,
    affine: [-spacing, 0, 0, 0, 0, -spacing, 0, 0, 0, 0, middle(view.expect.sliceSpacing?.range), 0, 0, 0, 0, 1],
    modality: view.expect.modality?.[0],
  };
}

function middle(range: readonly [number, number] | undefined): number {
  return range ? Math.min(Math.max(1, range[0]), range[1]) : 1;
}

/** Logits of an adapter on its synthetic volumes. */
export async function conformanceLogits(adapter: Adapter, engine: Engine, signal?: AbortSignal): Promise<number[]> {
  const { input, conformance } = adapter.manifest;
  const volumes: Record<string, Volume> = {};
  for (const view of input.views) volumes[view.source] ??= syntheticVolume(view, conformance.seed);
  const result = await classify(volumes, adapter, { engine, checks: "force", signal });
  return [...result.logits];
}

/**
 * Runs an adapter's conformance vector on an engine.
 * @returns the largest difference of a logit
 * @throws AnyMC3DError `CONFORMANCE_FAILED` above the adapter's tolerance (100 times it for int8 engines, whose logits move by up to 0.7 on processors without VNNI)
 */
export async function checkConformance(adapter: Adapter, engine: Engine, signal?: AbortSignal): Promise<number> {
  const { conformance, name } = adapter.manifest;
  const logits = await conformanceLogits(adapter, engine, signal);
  const difference = Math.max(...logits.map((logit, i) => Math.abs(logit - conformance.logits[i])));
  const allowed = conformance.tolerance * (engine.precision === "int8" ? 100 : 1);
  if (difference <= allowed) return difference;
  throw new AnyMC3DError(
    "CONFORMANCE_FAILED",
    `${name} on ${engine.id}: logits [${logits.map((l) => l.toFixed(4)).join(", ")}], expected [${conformance.logits.join(", ")}], off by ${difference.toPrecision(3)}, ${allowed} allowed. The engine or the adapter is damaged.`,
    { details: { engine: engine.id, found: logits, expected: conformance.logits, allowed } },
  );
}
