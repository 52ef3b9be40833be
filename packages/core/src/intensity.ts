// From voxel values to the three channels a backbone sees: windows, range, percentiles, z-score; then mean and sd.

import type { Intensity } from "./manifest.js";
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
    const { mean, sd } = meanAndSd(data, intensity.over === "nonzero");
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
      const [low, high] = percentiles(data, [intensity.low, intensity.high], intensity.over === "nonzero");
      return [[low, high]];
    }
  }
}

function meanAndSd(data: VoxelArray, nonzero: boolean): { mean: number; sd: number } {
  let n = 0;
  let sum = 0;
  for (const v of data) if (!nonzero || v !== 0) [n, sum] = [n + 1, sum + v];
  const mean = n ? sum / n : 0;
  let squares = 0;
  for (const v of data) if (!nonzero || v !== 0) squares += (v - mean) ** 2;
  return { mean, sd: n ? Math.sqrt(squares / n) : 0 };
}

/** Exact percentiles with linear interpolation between order statistics, as numpy.percentile. Empty input gives 0. */
export function percentiles(data: VoxelArray, wanted: readonly number[], nonzero = false): number[] {
  let values: VoxelArray = data;
  if (nonzero) values = Float64Array.from(data).filter((v) => v !== 0);
  if (values.length === 0) return wanted.map(() => 0);
  const at = orderStatistics(values);
  return wanted.map((percent) => {
    const position = (percent / 100) * (values.length - 1);
    const below = Math.floor(position);
    const low = at(below);
    return low + (position - below) * (at(Math.min(values.length - 1, below + 1)) - low);
  });
}

/** k-th smallest value by two passes: a histogram finds the bin, a sort of that bin alone finds the value. */
function orderStatistics(values: VoxelArray): (k: number) => number {
  const BINS = 65536;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (v < low) low = v;
    if (v > high) high = v;
  }
  const scale = high > low ? (BINS - 1) / (high - low) : 0;
  const counts = new Uint32Array(BINS);
  for (let i = 0; i < values.length; i++) counts[Math.floor((values[i] - low) * scale)]++;
  return (k) => {
    let bin = 0;
    let before = 0;
    while (before + counts[bin] <= k) before += counts[bin++];
    const inside = new Float64Array(counts[bin]);
    let n = 0;
    for (let i = 0; i < values.length; i++) if (Math.floor((values[i] - low) * scale) === bin) inside[n++] = values[i];
    return inside.sort()[k - before];
  };
}
