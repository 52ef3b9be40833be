// Gaussian smoothing of a volume, one axis after the other.

import type { VoxelArray } from "@anymc3d/core";
import { allocate } from "../options/limits.js";
import type { Triple } from "./geometry.js";

/** Standard deviations at which the kernel ends. */
const REACH = 4;

/** Weights of neighbours 0, 1, 2, …; the kernel sums to 1. Beyond some lengths of the axis there is only its repeated edge. */
function gaussian(sigma: number, length: number): Float64Array {
  const radius = Math.min(Math.floor(REACH * sigma + 0.5), REACH * length);
  const weights = Float64Array.from({ length: radius + 1 }, (_, i) => Math.exp((-i * i) / (2 * sigma * sigma)));
  const sum = 2 * weights.reduce((total, weight) => total + weight, 0) - weights[0];
  return weights.map((weight) => weight / sum);
}

/**
 * The volume convolved with a Gaussian, edges repeated; the kernel ends at 4σ. Weights of no-data voxels are left out, and these stay what they are.
 * @param sigmas voxels along x, y, z; 0: none
 */
export function smoothed(data: VoxelArray, shape: Triple, sigmas: readonly number[], noData: Uint8Array | undefined, signal?: AbortSignal): Float32Array {
  const out = allocate("volume", data.length * 4, () => Float32Array.from(data));
  const smooth = (values: Float32Array) => {
    const stride = [1, shape[0], shape[0] * shape[1]];
    for (const axis of [0, 1, 2])
      if (sigmas[axis] > 0 && shape[axis] > 1) smoothAxis(values, shape[axis], stride[axis], gaussian(sigmas[axis], shape[axis]), signal);
  };
  if (!noData) {
    smooth(out);
    return out;
  }
  const isData = (i: number) => !((noData[i >> 3] >> (i & 7)) & 1);
  const weights = allocate("volume", data.length * 4, () => new Float32Array(data.length));
  for (let i = 0; i < data.length; i++) {
    if (isData(i)) weights[i] = 1;
    else out[i] = 0;
  }
  smooth(out);
  smooth(weights);
  for (let i = 0; i < data.length; i++) out[i] = isData(i) ? out[i] / weights[i] : data[i];
  return out;
}

function smoothAxis(data: Float32Array, length: number, stride: number, weights: Float64Array, signal?: AbortSignal): void {
  const radius = weights.length - 1;
  const line = new Float64Array(length + 2 * radius);
  const block = length * stride;
  for (let start = 0; start < data.length; start += block) {
    signal?.throwIfAborted();
    for (let from = start; from < start + stride; from++) {
      for (let i = -radius; i < length + radius; i++) line[i + radius] = data[from + Math.min(length - 1, Math.max(0, i)) * stride];
      for (let i = 0, at = from; i < length; i++, at += stride) {
        let sum = weights[0] * line[i + radius];
        for (let t = 1; t <= radius; t++) sum += weights[t] * (line[i + radius - t] + line[i + radius + t]);
        data[at] = sum;
      }
    }
  }
}
