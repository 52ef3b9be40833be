// The last block's attention from CLS to the patches, times the slice's weight: where the backbone looked, the same for every label.

import type { HeatmapKind } from "./heatmap-kind.js";

export const attention = {
  id: "attention",
  text: "where the backbone looked, the same for every label",
  labelled: false,
  attention: true,
  backward: false,
  maps: async ({ encoded, forward: { weights, fusion } }) =>
    encoded.map(({ attention }, v) => ({ map: attention as Float32Array, weights: weights[v].map((w) => w * fusion[v]) })),
} as const satisfies HeatmapKind;
