// Attention fusion: views weighted by a learned query.

import { attentionPool, attentionPoolGradient } from "../../pool.js";
import type { FusionKind } from "./fusion-kind.js";

export const attention = {
  id: "attention",
  text: "pooled by a learned query",
  query: true,
  takes: (views) => views > 1,
  width: (_, width) => width,
  forward(stacked, _, query) {
    const { weights, embedding } = attentionPool(stacked, query as Float32Array);
    return { weights, embedding, backward: (dEmbedding) => attentionPoolGradient(stacked, query as Float32Array, weights, dEmbedding) };
  },
} as const satisfies FusionKind;
