// No fusion: one view, whose vector the head takes as it is.

import { concat } from "./concat.js";
import type { FusionKind } from "./fusion-kind.js";

export const none = {
  id: "none",
  query: false,
  takes: (views) => views === 1,
  width: (_, width) => width,
  forward: concat.forward,
} as const satisfies FusionKind;
