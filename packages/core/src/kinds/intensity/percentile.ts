// The range between two percentiles of the volume.

import * as z from "zod";
import { volumeStatistics } from "../../statistics.js";
import { type IntensityKind, over, windowed } from "./intensity-kind.js";

const schema = z
  .strictObject({
    kind: z.literal("percentile"),
    low: z.number().min(0).max(100).describe("Percentile that becomes 0, in percent."),
    high: z.number().min(0).max(100).describe("Percentile that becomes 1, in percent; above `low`."),
    over,
  })
  .describe("Clipped at two percentiles of the volume (linear interpolation, as numpy), scaled to [0, 1].");

export const percentile = {
  id: "percentile",
  schema,
  faults: ({ low, high }) => (high - low >= 1e-6 ? [] : ["input: percentile low must be below high"]),
  prepare(intensity, volume, spec) {
    const [low, high] = volumeStatistics(volume).percentiles([intensity.low, intensity.high], intensity.over);
    return windowed([[low, high]], spec);
  },
} satisfies IntensityKind<z.infer<typeof schema>>;
