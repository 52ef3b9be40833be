// The table of intensity steps: how voxel values become the three channels that a backbone sees.

import type * as z from "zod";
import { unionOf } from "../union.js";
import type { IntensityKind } from "./intensity-kind.js";
import { percentile } from "./percentile.js";
import { range } from "./range.js";
import { windows } from "./windows.js";
import { zscore } from "./zscore.js";

/** Every kind of intensity step. */
export const INTENSITIES = [windows, range, percentile, zscore] as const;

/** `intensity` of a view. */
export const intensitySchema = unionOf(INTENSITIES, "kind").describe("How voxel values become the three channels that the backbone sees.");

/** How voxel values become channels. */
export type Intensity = z.infer<typeof intensitySchema>;

export const intensityKind = ({ kind }: Pick<Intensity, "kind">): IntensityKind<Intensity> =>
  INTENSITIES.find(({ id }) => id === kind) as unknown as IntensityKind<Intensity>;
