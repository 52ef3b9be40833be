// Concatenation: the views' vectors one after the other.

import type { FusionKind } from "./fusion-kind.js";

export const concat = {
  id: "concat",
  text: "one after the other, the head as wide as all of them",
  query: false,
  takes: (views) => views > 1,
  width: (views, width) => views * width,
  forward: (stacked, views) => ({
    weights: new Float32Array(views).fill(1 / views),
    embedding: stacked,
    backward: (dEmbedding) => ({ rows: dEmbedding, query: undefined }),
  }),
} as const satisfies FusionKind;
