// From voxel values to the three channels a backbone sees: windows, range, percentiles, z-score; then mean and sd.

import type { Intensity } from "./manifest.js";
import { volumeStatistics } from "./statistics.js";
import type { BackboneSpec, VoxelArray } from "./types.js";

/** channel = clamp(value, low, high)·gain + bias */
export interface ChannelMap {
  readonly low: number;
  readonly high: number;
  readonly gain: number;
  readonly bias: number;
}

/**
 * Turns an intensity rule into three affine maps with clipping.
 * @param data the whole volume, for percentiles and z-score
 */
export function channelMaps(intensity: Intensity, data: VoxelArray, spec: Pick<BackboneSpec, "mean" | "std">): ChannelMap[] {
  if (intensity.kind === "zscore") {
    const { mean, sd } = volumeStatistics({ data }).meanAndSd(intensity.over);
    const map = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, gain: 1 / (sd || 1), bias: -mean / (sd || 1) };
    return [map, map, map];
  }
  const windows = windowsOf(intensity, data);
  return [0, 1, 2].map((channel) => {
    const [low, high] = windows[windows.length === 3 ? channel : 0];
    const width = high - low || 1;
    // ((v - low)/width - mean)/std
    return { low, high, gain: 1 / (width * spec.std[channel]), bias: (-low / width - spec.mean[channel]) / spec.std[channel] };
  });
}

/** Values between which channel maps distinguish; without clipping (z-score) two standard deviations about the mean. */
export function intensityRange(maps: readonly ChannelMap[]): [low: number, high: number] {
  const ends = maps.map(({ low, high, gain, bias }) => (Number.isFinite(low) ? [low, high] : [(-2 - bias) / gain, (2 - bias) / gain]));
  return [Math.min(...ends.map(([low]) => low)), Math.max(...ends.map(([, high]) => high))];
}

function windowsOf(intensity: Exclude<Intensity, { kind: "zscore" }>, data: VoxelArray): readonly (readonly [number, number])[] {
  switch (intensity.kind) {
    case "windows":
      return intensity.windows;
    case "range":
      return [intensity.range];
    case "percentile": {
      const [low, high] = volumeStatistics({ data }).percentiles([intensity.low, intensity.high], intensity.over);
      return [[low, high]];
    }
  }
}
