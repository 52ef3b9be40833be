// What a kind of intensity step must say of itself, and clamp-and-scale, which today's kinds come down to.

import * as z from "zod";
import { value } from "../../schema-fields.js";
import type { BackboneSpec, Volume } from "../../types.js";

/** From resampled voxel values to what a backbone sees, for one volume. */
export interface Channels {
  /** Writes three channels, [3, values], normalised, from `at` on. */
  write(values: Float32Array, out: Float32Array, at: number): void;
  /** Values between which it distinguishes. */
  readonly range: readonly [low: number, high: number];
}

/** A kind of intensity step. */
export interface IntensityKind<I> {
  /** `intensity.kind` of a view. */
  readonly id: string;
  /** Its form of `intensity`. */
  readonly schema: z.ZodType<I>;
  /** What fields say against each other. */
  faults?(intensity: I): string[];
  /**
   * Looks at a volume before its slices are made.
   * @param volume all of its voxels, and which of them are no data: those count in no statistics
   * @param spec mean and sd that the backbone's pixels in [0, 1] are normalised by
   */
  prepare(intensity: I, volume: Pick<Volume, "data" | "noData">, spec: Pick<BackboneSpec, "mean" | "std">): Channels;
}

/** [low, high] of values; equal where only one will do. */
export const valueRange = z.tuple([value, value]).refine(([low, high]) => low <= high, "low must not exceed high");
/** [low, high] of values that become 0 and 1: as far apart as float32 tells values there apart, with some to spare. */
export const scaledRange = z
  .tuple([value, value])
  .refine(
    ([low, high]) => high - low >= Math.max(1e-12, 1e-6 * Math.max(Math.abs(low), Math.abs(high))),
    "high must lie above low: between them nothing is told apart",
  );
/** Which voxels statistics are of. */
export const over = z.enum(["all", "nonzero"]).default("all").describe("The voxels that are looked at: all of the volume's, or those that are not 0.");

/** channel = clamp(value, low, high)·gain + bias */
interface ChannelMap {
  readonly low: number;
  readonly high: number;
  readonly gain: number;
  readonly bias: number;
}

/** Each window scaled to [0, 1], clipped, normalised. @param windows one for all three channels, or three */
export function windowed(windows: readonly (readonly [number, number])[], spec: Pick<BackboneSpec, "mean" | "std">): Channels {
  const maps = [0, 1, 2].map((channel): ChannelMap => {
    const [low, high] = windows[windows.length === 3 ? channel : 0];
    const width = high - low || 1;
    // ((v - low)/width - mean)/std
    return { low, high, gain: 1 / (width * spec.std[channel]), bias: (-low / width - spec.mean[channel]) / spec.std[channel] };
  });
  return { write: writerOf(maps), range: [Math.min(...maps.map(({ low }) => low)), Math.max(...maps.map(({ high }) => high))] };
}

/** value·gain + bias in all three channels; its range is where it gives -2 to 2. */
export function scaled(gain: number, bias: number): Channels {
  const map = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, gain, bias };
  return { write: writerOf([map, map, map]), range: [(-2 - bias) / gain, (2 - bias) / gain] };
}

function writerOf(maps: readonly ChannelMap[]): Channels["write"] {
  return (values, out, at) =>
    maps.forEach(({ low, high, gain, bias }, channel) => {
      const from = at + channel * values.length;
      for (let i = 0; i < values.length; i++) {
        out[from + i] = Math.min(high, Math.max(low, values[i])) * gain + bias;
      }
    });
}
