// What unit tests share: manifests and volumes made for them, reading reference values, comparing arrays, naming the code of a refusal.
import { readFileSync } from "node:fs";
import { type AnyMC3DError, isAnyMC3DError, parseAdapterManifest, type ViewManifest, type Volume } from "@anymc3d/core";
import { weightsHash } from "@anymc3d/core/learn";
import { expect } from "vitest";

/** A file of core/test/reference, made by the make.py there. */
export function reference<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../core/test/reference/${name}.json`, import.meta.url), "utf8")) as T;
}

/** Equal length, and no value further away than `tolerance`. */
export function expectClose(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  expect(found.length).toBe(wanted.length);
  let worst = 0;
  let at = -1;
  for (let i = 0; i < wanted.length; i++) {
    const difference = Math.abs(found[i] - wanted[i]);
    if (difference <= worst) continue;
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    at = i;
  }
  expect(worst, `value ${at}: found ${found[at]}, wanted ${wanted[at]}`).toBeLessThanOrEqual(tolerance);
}

/** Runs what must be refused and returns the refusal. */
export async function refusal(run: () => unknown): Promise<AnyMC3DError> {
  try {
    await run();
  } catch (error) {
    if (isAnyMC3DError(error)) return error;
    throw error;
  }
  throw new Error("was not refused");
}

const MANIFEST = {
  schemaVersion: 2,
  name: "adapter-made-for-tests",
  version: "1.0.0",
  title: "Made for tests",
  description: "Made for tests",
  task: { kind: "binary", labels: [{ id: "finding", name: "Finding", threshold: 0.5 }] },
  weights: { hash: `sha256-${"0".repeat(64)}` },
  backbone: { name: "tiny", hash: `sha256-${"0".repeat(64)}` },
  input: {
    bodyParts: ["head"],
    views: [
      {
        source: "volume",
        plane: "axial",
        crop: "volume",
        spacing: null,
        size: [32, 32],
        slices: { choice: "all" },
        intensity: { kind: "range", range: [0, 1] },
        pad: 0,
        expect: {},
      },
    ],
  },
  modules: { lora: null, pooling: "mean", fusion: "none", head: "linear" },
  metrics: [],
  intendedUse: "Tests",
  limits: ["Tests only"],
  license: "Apache-2.0",
  citation: [],
  conformance: { seed: 1, logits: [0], tolerance: 0.01 },
};

// biome-ignore lint/suspicious/noExplicitAny: tests change any field, also to what the schema forbids
export type Loose = any;

/** A small valid manifest, as JSON, changed by `change`. */
export function manifestJson(change: (manifest: Loose) => void = () => {}): Loose {
  const copy = structuredClone(MANIFEST);
  change(copy);
  return copy;
}

/** A manifest that pins these weights. */
export async function pinned(manifest: Loose, weights: Uint8Array): Promise<Loose> {
  return { ...manifest, weights: { hash: await weightsHash(weights) } };
}

/** The same manifest as version 1 had it: without its weights' hash. */
export function version1({ weights: _, ...manifest }: Loose): Loose {
  return { ...manifest, schemaVersion: 1 };
}

/** The only view of that manifest, with fields replaced. */
export function viewOf(fields: Partial<Record<keyof ViewManifest, unknown>> = {}): ViewManifest {
  return parseAdapterManifest(
    manifestJson((m) => {
      Object.assign(m.input.views[0], fields);
    }),
  ).input.views[0];
}

/** Pixels as they are: mean 0, sd 1. */
export const plain = { mean: [0, 0, 0], std: [1, 1, 1] } as const;

/** A volume from a function of the voxel index. */
export function volumeOf(shape: readonly [number, number, number], value: (i: number, j: number, k: number) => number, rest: Partial<Volume> = {}): Volume {
  const data = new Float32Array(shape[0] * shape[1] * shape[2]);
  for (let n = 0; n < data.length; n++) data[n] = value(n % shape[0], Math.floor(n / shape[0]) % shape[1], Math.floor(n / (shape[0] * shape[1])));
  return { data, shape, ...rest };
}

/** The 48 ways to lay three voxel axes along the patient's: affines with the given spacing. */
export function axisOrders(spacing: readonly [number, number, number], origin: readonly [number, number, number] = [11, -7, 3]): number[][] {
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  const affines: number[][] = [];
  for (const order of orders) {
    for (let flips = 0; flips < 8; flips++) {
      const affine = new Array(16).fill(0);
      order.forEach((world, voxel) => {
        affine[4 * world + voxel] = (flips & (1 << voxel) ? -1 : 1) * spacing[voxel];
      });
      origin.forEach((mm, world) => {
        affine[4 * world + 3] = mm;
      });
      affine[15] = 1;
      affines.push(affine);
    }
  }
  return affines;
}

/** Patient position, mm RAS+, of a voxel index. */
export function positionOf(affine: readonly number[], index: readonly number[]): number[] {
  return [0, 1, 2].map((row) => affine[4 * row] * index[0] + affine[4 * row + 1] * index[1] + affine[4 * row + 2] * index[2] + affine[4 * row + 3]);
}

/** Unit steps of columns, rows and slices in patient space, R, A, S positive: left is -R, posterior -A, inferior -S. */
export const DIRECTIONS = {
  axial: [
    [-1, 0, 0],
    [0, -1, 0],
    [0, 0, 1],
  ],
  coronal: [
    [-1, 0, 0],
    [0, 0, -1],
    [0, -1, 0],
  ],
  sagittal: [
    [0, -1, 0],
    [0, 0, -1],
    [-1, 0, 0],
  ],
} as const;
export const planes = Object.keys(DIRECTIONS) as (keyof typeof DIRECTIONS)[];
