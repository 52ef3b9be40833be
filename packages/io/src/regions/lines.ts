// Lines: where their middle is, and how long they are.

import { boundsOf, type MarkedRegion, triple } from "./region.js";

type Triple = readonly [number, number, number];

const distance = (a: Triple, b: Triple): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

/** A line through points, at least one: its middle lies halfway along it. */
export function lineRegion(name: string, points: readonly Triple[]): MarkedRegion {
  const steps = points.slice(1).map((point, i) => distance(points[i], point));
  const size = steps.reduce((sum, step) => sum + step, 0);
  let left = size / 2;
  const at = steps.findIndex((step) => {
    if (left <= step) return true;
    left -= step;
    return false;
  });
  const [a, b, share] = at < 0 || steps[at] === 0 ? [points[0], points[0], 0] : [points[at], points[at + 1], left / steps[at]];
  return { name, point: triple((axis) => a[axis] + share * (b[axis] - a[axis])), ...(size > 0 && { size }), box: boundsOf(points) };
}
