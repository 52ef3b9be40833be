// The table of fusions: how several views' vectors become one.

import { attention } from "./attention.js";
import { concat } from "./concat.js";
import type { FusionKind } from "./fusion-kind.js";
import { none } from "./none.js";

/** Every kind of fusion. */
export const FUSIONS = [none, attention, concat] as const;
/** `modules.fusion`. */
export type FusionId = (typeof FUSIONS)[number]["id"];
/** For the manifest's schema. */
export const FUSION_IDS = FUSIONS.map(({ id }) => id) as [FusionId, ...FusionId[]];

export const fusionKind = (fusion: FusionId): FusionKind => FUSIONS.find(({ id }) => id === fusion) as FusionKind;

/** The kind that a study's tensors are of. */
export const fusionOf = (query: Float32Array | undefined, views: number): FusionKind =>
  FUSIONS.find((kind) => kind.query === Boolean(query) && (query !== undefined || kind.takes(views))) as FusionKind;
