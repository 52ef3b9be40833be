// What to say of figures that are no better than where a model knows nothing.

import type { Warning } from "@anymc3d/core";
import type { Estimate } from "../metrics/metrics.js";

/**
 * `NEAR_CHANCE`, where the interval holds what a model gives that knows nothing, or lies below it.
 * @param figure its name for people
 * @param source what gives `chance`: "what guessing gives"
 * @param chance the figure of a model that knows nothing
 */
export function nearChance(id: string, { interval }: Estimate, figure: string, source: string, chance = 0): Warning[] {
  if (!interval || interval[0] > chance) return [];
  const said =
    interval[1] < chance
      ? `the interval of ${figure} lies below ${chance}: it is worse than ${source}; look for swapped or shifted labels`
      : `the interval of ${figure} holds ${chance}, ${source}; nothing shows that it was learned`;
  return [{ code: "NEAR_CHANCE", message: `${id}: ${said}` }];
}
