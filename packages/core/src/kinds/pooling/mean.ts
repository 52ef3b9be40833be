// Mean pooling: every slice counts the same.

import { meanPool, meanPoolGradient } from "../../pool.js";
import type { PoolingKind } from "./pooling-kind.js";

export const mean = {
  id: "mean",
  text: "their mean",
  query: false,
  forward: (rows, width) => ({
    ...meanPool(rows, width),
    backward: (dEmbedding) => ({ rows: meanPoolGradient(rows.length / width, dEmbedding), query: undefined }),
  }),
} as const satisfies PoolingKind;
