// How large the tensors of a chunk become, and what a device allows. Pure arithmetic, no device needed.

import { AnyMC3DError, type BackboneSpec } from "@anymc3d/core";

/** `batched`: all heads of all slices in one product, for GPUs. `flat`: one 2-D product per slice and head, for CPUs. */
export type Layout = "batched" | "flat";

export interface DeviceLimit {
  /** As the device's documentation calls it, with its value, for messages. */
  readonly name: string;
  /** Most float32 values in one tensor. */
  readonly values: number;
}

export interface Plan {
  readonly layout: Layout;
  /** Slices per run. */
  readonly chunk: number;
}

/** WebGL keeps a tensor in one texture, in the worst case one value per texel. */
export function textureLimit(maxTextureSize: number): DeviceLimit {
  return { name: `MAX_TEXTURE_SIZE ${maxTextureSize}`, values: maxTextureSize ** 2 };
}

/** WebGPU keeps a tensor in one storage buffer. */
export function bufferLimit(limits: { readonly maxStorageBufferBindingSize: number; readonly maxBufferSize: number }): DeviceLimit {
  const bytes = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  const name = bytes === limits.maxStorageBufferBindingSize ? "maxStorageBufferBindingSize" : "maxBufferSize";
  return { name: `${name} ${bytes} bytes`, values: Math.floor(bytes / 4) };
}

const even = (n: number) => n + (n % 2);

/** Float32 values of the largest tensor that a chunk needs. GPU textures pad rows and columns to even numbers. */
export function largestTensor(spec: BackboneSpec, patches: number, { layout, chunk }: Plan): number {
  const { width, heads, mlp, patch } = spec;
  const tokens = even(1 + spec.registers + patches);
  const hidden = (mlp.kind === "gated" ? 2 : 1) * mlp.hidden;
  const scores = layout === "batched" ? chunk * heads * tokens ** 2 : tokens ** 2;
  return Math.max(largestWeight(spec), chunk * tokens * Math.max(3 * width, hidden, 3 * patch ** 2), scores);
}

/** Bytes that may be kept for the way back: of a chunk, where nobody names a chunk, and by default of an engine's forwards; phones' browsers have little more to give. */
export const KEPT_BYTES = 256 * 2 ** 20;

/**
 * Slices per backward pass: those of a forward pass, or as many as may be kept. Of each token a block keeps both norms' results, the inputs of the
 * two LoRA pairs, qkv, attention weights and the inside of the MLP.
 */
export function backwardChunk({ width, depth, heads, mlp, registers }: BackboneSpec, patches: number, forwardChunk: number): number {
  const tokens = 1 + registers + patches;
  const values = depth * tokens * (7 * width + heads * tokens + (mlp.kind === "gated" ? 3 : 2) * mlp.hidden);
  return Math.max(1, Math.min(forwardChunk, Math.floor(KEPT_BYTES / (4 * values))));
}

/** Float32 values of a backbone's largest matrix. */
export function largestWeight({ width, mlp, patch }: BackboneSpec): number {
  return Math.max(width * Math.max(3 * width, (mlp.kind === "gated" ? 2 : 1) * mlp.hidden), 3 * patch ** 2 * width);
}

/**
 * The layout and chunk to run with: the wanted ones where they fit the device, else fewer slices, else head by head.
 * @throws AnyMC3DError `DEVICE_LIMIT` where a single slice needs more than the device allows
 */
export function planRun(spec: BackboneSpec, patches: number, wanted: Plan, limit: DeviceLimit | undefined): Plan {
  const layouts: readonly Layout[] = wanted.layout === "batched" ? ["batched", "flat"] : ["flat"];
  const allowed = limit?.values ?? Number.POSITIVE_INFINITY;
  for (const layout of layouts) {
    for (let chunk = Math.max(1, Math.floor(wanted.chunk)); chunk >= 1; chunk = Math.floor(chunk / 2)) {
      if (largestTensor(spec, patches, { layout, chunk }) <= allowed) return { layout, chunk };
    }
  }
  const need = largestTensor(spec, patches, { layout: "flat", chunk: 1 });
  throw new AnyMC3DError(
    "DEVICE_LIMIT",
    `one slice of ${patches} patches needs a tensor of ${need} float32 values; this device allows ${allowed} (${limit?.name}). Use an adapter with smaller slices, or another backend, for example "wasm".`,
  );
}
