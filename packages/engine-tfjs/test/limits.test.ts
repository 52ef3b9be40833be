// Device limits as plain arithmetic, and the chunk and layout chosen under them.
import { type BackboneSpec, isAnyMC3DError } from "@anymc3d/core";
import { expect, test } from "vitest";
import { defaultChunk } from "../src/index.js";
import { backwardChunk, bufferLimit, largestTensor, largestWeight, planRun, textureLimit } from "../src/limits.js";

const spec: BackboneSpec = {
  family: "dinov2",
  patch: 14,
  width: 384,
  depth: 12,
  heads: 6,
  mlp: { kind: "plain", activation: "gelu", hidden: 1536 },
  layerScale: true,
  registers: 0,
  position: { kind: "learned", grid: [37, 37], antialias: false },
  normEps: 1e-6,
  mean: [0, 0, 0],
  std: [1, 1, 1],
};

// 512×512 voxels at patch 14 are 504×504 pixels: 36·36 = 1296 patches, 1297 tokens, padded to 1298.
const PATCHES = 1296;
const batched = { layout: "batched", chunk: 16 } as const;

test("the largest tensor is the attention scores of all heads, or the widest activation", () => {
  expect(largestTensor(spec, PATCHES, { layout: "batched", chunk: 2 })).toBe(2 * 6 * 1298 * 1298);
  expect(largestTensor(spec, PATCHES, { layout: "flat", chunk: 2 })).toBe(2 * 1298 * 1536);
  expect(largestTensor(spec, 16, { layout: "flat", chunk: 1 })).toBe(384 * 1536);
  expect(largestWeight({ ...spec, mlp: { kind: "gated", activation: "silu", hidden: 1024 } })).toBe(384 * 2048);
});

test("without a limit, or far below it, nothing changes", () => {
  expect(planRun(spec, PATCHES, batched, undefined)).toEqual(batched);
  expect(planRun(spec, 64, batched, textureLimit(16384))).toEqual(batched);
});

test("fewer slices a run where the wanted ones do not fit", () => {
  const limit = bufferLimit({ maxStorageBufferBindingSize: 128 * 2 ** 20, maxBufferSize: 256 * 2 ** 20 });
  expect(limit).toEqual({ name: "maxStorageBufferBindingSize 134217728 bytes", values: 2 ** 25 });
  expect(planRun(spec, PATCHES, batched, limit)).toEqual({ layout: "batched", chunk: 2 });
});

test("head by head where one slice does not fit with all heads", () => {
  expect(planRun(spec, PATCHES, batched, textureLimit(2048))).toEqual({ layout: "flat", chunk: 2 });
});

test("a slice too large is refused, naming limit and need", () => {
  let error: unknown;
  try {
    planRun(spec, PATCHES, batched, textureLimit(1024));
  } catch (e) {
    error = e;
  }
  expect(isAnyMC3DError(error) && error.code).toBe("DEVICE_LIMIT");
  expect(String(error)).toContain("MAX_TEXTURE_SIZE 1024");
  expect(String(error)).toContain(String(1298 * 1536));
  expect(String(error)).toContain(String(1024 ** 2));
});

test("default chunks stay between 1 and 16 slices", () => {
  for (const backend of ["webgpu", "webgl", "wasm", "cpu", "tensorflow"] as const) {
    expect(defaultChunk(backend, 1)).toBe(16);
    expect(defaultChunk(backend, 10_000)).toBe(1);
  }
  expect(defaultChunk("wasm", 64)).toBe(8);
});

test("a backward pass takes no more slices than 256 MiB hold the kept values of, and at least one", () => {
  // Of ViT-S/14 at 64 patches 12 blocks keep 65 tokens of 7·384 + 6·65 + 2·1536 values: 19.2 MB a slice.
  expect(backwardChunk(spec, 64, 16)).toBe(13);
  expect(backwardChunk(spec, 64, 8)).toBe(8);
  expect(backwardChunk(spec, PATCHES, 16)).toBe(1);
});
