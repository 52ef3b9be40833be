// Attention pooling: slices weighted by a learned query.

import { attentionPool, attentionPoolGradient } from "../../pool.js";
import type { PoolingKind } from "./pooling-kind.js";

export const attention = {
  id: "attention",
  text: "weighted by a learned query",
  query: true,
  forward(rows, _, query) {
    const { weights, embedding } = attentionPool(rows, query as Float32Array);
    return { weights, embedding, backward: (dEmbedding) => attentionPoolGradient(rows, query as Float32Array, weights, dEmbedding) };
  },
} as const satisfies PoolingKind;
