// A fixed range of values.

import * as z from "zod";
import { type IntensityKind, scaledRange, windowed } from "./intensity-kind.js";

const schema = z
  .strictObject({ kind: z.literal("range"), range: scaledRange.describe("[low, high] in the volume's units.") })
  .describe("One range, scaled to [0, 1] and clipped.");

export const range = {
  id: "range",
  schema,
  prepare: (intensity, _, spec) => windowed([intensity.range], spec),
} satisfies IntensityKind<z.infer<typeof schema>>;
