// Where a result's region lies, in words.

import type { ClassifyResult } from "@anymc3d/sdk";

const mm = (value: number): string => String(Math.round(value));

/** "right 40 to 70 mm, …" by the patient's axes; in voxels where the scan does not say how it lies. */
export function regionText({ region }: ClassifyResult): string {
  if (!region) return "the whole scan";
  if (!region.mm) return `voxels ${region.start.join(", ")} and ${region.shape.join(" × ")} on from there`;
  const [low, high] = region.mm;
  const along = (axis: 0 | 1 | 2, negative: string, positive: string) => {
    const [from, to] = [low[axis], high[axis]];
    return to <= 0
      ? `${mm(-to)} to ${mm(-from)} mm ${negative}`
      : from >= 0
        ? `${mm(from)} to ${mm(to)} mm ${positive}`
        : `${mm(-from)} mm ${negative} to ${mm(to)} mm ${positive}`;
  };
  return `${along(0, "left", "right")}, ${along(1, "back", "front")}, ${along(2, "down", "up")}`;
}

/** "at 55 left, 12 front, 140 down": its middle. */
export function regionPlace({ region }: ClassifyResult): string {
  if (!region) return "the whole scan";
  const middle = (axis: 0 | 1 | 2) => (region.mm ? (region.mm[0][axis] + region.mm[1][axis]) / 2 : region.start[axis] + (region.shape[axis] - 1) / 2);
  if (!region.mm) return `at voxel ${([0, 1, 2] as const).map((axis) => mm(middle(axis))).join(", ")}`;
  const one = (axis: 0 | 1 | 2, negative: string, positive: string) => `${mm(Math.abs(middle(axis)))} ${middle(axis) < 0 ? negative : positive}`;
  return `at ${one(0, "left", "right")}, ${one(1, "back", "front")}, ${one(2, "down", "up")} mm`;
}
