// The last block's attention from CLS to the patches, times the slice's weight: where the backbone looked, the same for every label.

import { encode } from "../../engine/encode.js";
import type { Encoded } from "../../engine/types.js";
import type { HeatmapKind } from "./heatmap-kind.js";

export const attention = {
  id: "attention",
  title: "Attention",
  text: "where the model looked, whatever the finding",
  labelled: false,
  pass: (engine, slices, lora, { signal, onSlices }) => encode(engine, slices, lora, { attention: true, onSlices }, signal),
  maps: async ({ passes, forward: { weights, fusion } }) =>
    passes.map(({ attention }, v) => ({ map: attention as Float32Array, weights: weights[v].map((w) => w * fusion[v]) })),
} as const satisfies HeatmapKind<Encoded>;
