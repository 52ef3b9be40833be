// The volume's own mean and standard deviation.

import * as z from "zod";
import { volumeStatistics } from "../../statistics.js";
import { type IntensityKind, over, scaled } from "./intensity-kind.js";

const schema = z
  .strictObject({ kind: z.literal("zscore"), over })
  .describe("(v - mean)/sd of the volume; goes to the backbone as it is, without the [0, 1] pixels' mean and sd.");

export const zscore = {
  id: "zscore",
  schema,
  prepare(intensity, volume) {
    const { mean, sd } = volumeStatistics(volume).meanAndSd(intensity.over);
    return scaled(1 / (sd || 1), -mean / (sd || 1));
  },
} satisfies IntensityKind<z.infer<typeof schema>>;
