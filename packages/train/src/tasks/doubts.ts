// What to say of figures that are 0 where a model knows nothing.

import type { Warning } from "@anymc3d/core";
import type { Estimate } from "../metrics/metrics.js";

/**
 * `NEAR_CHANCE`, where the interval holds 0 or lies below it.
 * @param figure its name for people
 * @param zero what gives 0: "what guessing gives"
 */
export function nearChance(id: string, { interval }: Estimate, figure: string, zero: string): Warning[] {
  if (!interval || interval[0] > 0) return [];
  const said =
    interval[1] < 0
      ? `the interval of ${figure} lies below 0: it is worse than ${zero}; look for swapped or shifted labels`
      : `the interval of ${figure} holds 0, ${zero}; nothing shows that it was learned`;
  return [{ code: "NEAR_CHANCE", message: `${id}: ${said}` }];
}
