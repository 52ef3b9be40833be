// Which slices a layout shows: along which voxel axis they follow each other, and what they are called.

import { nearestAxes } from "@anymc3d/core";
import type { Volume } from "@anymc3d/sdk";

export type Axis = 0 | 1 | 2;
export type Voxel = readonly [x: number, y: number, z: number];
export const LAYOUTS = ["axial", "coronal", "sagittal", "all planes", "3D"] as const;
export type Layout = (typeof LAYOUTS)[number];

type Placed = Pick<Volume, "shape" | "affine">;

/** By patient axis: left–right, back–front, feet–head. */
const PLANES = ["sagittal", "coronal", "axial"] as const;
const ENDS = [
  ["left", "right"],
  ["back", "front"],
  ["feet", "head"],
] as const;

/** The voxel axis along which the layout's slices follow each other; where it shows several planes, that of the slices as acquired. */
export function sliceAxis(volume: Placed, layout: Layout): Axis {
  const patientAxis = (PLANES as readonly string[]).indexOf(layout);
  if (patientAxis < 0) return acquiredAxis(volume);
  return (volume.affine ? nearestAxes(volume.affine).findIndex(({ axis }) => axis === patientAxis) : patientAxis) as Axis;
}

/** The axis with the fewest voxels; z where all are alike. */
function acquiredAxis({ shape, affine }: Placed): Axis {
  const fewest = shape.indexOf(Math.min(...shape)) as Axis;
  return affine && shape[fewest] < 0.8 * shape[2] ? fewest : 2;
}

/** Where the first and the last slice along a voxel axis lie: "feet", "head". */
export function endsOf({ affine }: Placed, axis: Axis): readonly [first: string, last: string] | undefined {
  if (!affine) return undefined;
  const nearest = nearestAxes(affine)[axis];
  const [low, high] = ENDS[nearest.axis];
  return nearest.sign > 0 ? [low, high] : [high, low];
}

/** "Axial slice 4 of 6, feet–head" */
export function sliceText(volume: Placed, axis: Axis, index: number): string {
  return `${seriesName(volume, axis)} ${index + 1} of ${volume.shape[axis]}, ${directionOf(volume, axis)}`;
}

/** "Axial slice, feet–head" */
export const seriesText = (volume: Placed, axis: Axis): string => `${seriesName(volume, axis)}, ${directionOf(volume, axis)}`;

const directionOf = (volume: Placed, axis: Axis) => endsOf(volume, axis)?.join("–") ?? "as stored";

function seriesName({ affine }: Placed, axis: Axis): string {
  if (!affine) return "Slice";
  const plane = PLANES[nearestAxes(affine)[axis].axis];
  return `${plane[0].toUpperCase()}${plane.slice(1)} slice`;
}
