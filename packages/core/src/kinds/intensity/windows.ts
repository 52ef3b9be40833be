// Intensity windows: one for all channels, or one a channel.

import * as z from "zod";
import { type IntensityKind, scaledRange, windowed } from "./intensity-kind.js";

const schema = z
  .strictObject({
    kind: z.literal("windows"),
    windows: z
      .union([z.tuple([scaledRange]), z.tuple([scaledRange, scaledRange, scaledRange])])
      .describe("One window, repeated for the three channels, or three: [low, high] in the volume's units (CT: Hounsfield units)."),
  })
  .describe("Each window is scaled to [0, 1] and clipped.");

export const windows = {
  id: "windows",
  schema,
  prepare: (intensity, _, spec) => windowed(intensity.windows, spec),
} satisfies IntensityKind<z.infer<typeof schema>>;
