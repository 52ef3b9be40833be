// The table of poolings: how a view's slices become one vector.

import { attention } from "./attention.js";
import { mean } from "./mean.js";
import type { PoolingKind } from "./pooling-kind.js";

/** Every kind of pooling. */
export const POOLINGS = [attention, mean] as const;
/** `modules.pooling`. */
export type PoolingId = (typeof POOLINGS)[number]["id"];
/** For the manifest's schema. */
export const POOLING_IDS = POOLINGS.map(({ id }) => id) as [PoolingId, ...PoolingId[]];

export const poolingKind = (pooling: PoolingId): PoolingKind => POOLINGS.find(({ id }) => id === pooling) as PoolingKind;

/** The kind that a view's tensors are of. */
export const poolingOf = (query: Float32Array | undefined): PoolingKind => POOLINGS.find((kind) => kind.query === Boolean(query)) as PoolingKind;
