// The region of a study that a case is about: cut out, and kept in memory with what lies around it, so that the study is read once and not every epoch.

import { type Affine, invertAffine, type Region, type Volume, voxelSpacing } from "@anymc3d/core";
import { cutRegion, type Roi } from "@anymc3d/core/learn";

type Triple = readonly [number, number, number];

/** A region cut out with its surroundings. */
export interface Surroundings {
  readonly volume: Volume;
  /** Its first voxel in the study. */
  readonly first: Triple;
  /** First voxel of the region within, and how many it has. */
  readonly start: Triple;
  readonly shape: Triple;
}

const triple = (value: (axis: number) => number): Triple => [value(0), value(1), value(2)];

/** Some voxels of a volume. */
export const boxOf = (volume: Volume, start: Triple, shape: Triple): Volume =>
  cutRegion(volume, { box: [start, triple((axis) => start[axis] + shape[axis] - 1)], space: "voxel" }, { kind: "whole" }, "training").volume;

/**
 * The region of a volume, as `classify()` cuts it, and what lies around it, as far as there is something.
 * @param reach mm on every side
 * @throws AnyMC3DError as `cutRegion()`
 */
export function withSurroundings(volume: Volume, region: Region, roi: Roi, reach: number): Surroundings {
  const { place, made, volume: image } = cutRegion(volume, region, roi, "the adapter to be trained");
  // What is made of a label has nothing around it.
  if (made) return { volume: image, first: [0, 0, 0], start: [0, 0, 0], shape: image.shape };
  const around = voxelSpacing(volume.affine).map((mm) => Math.ceil(reach / mm));
  const first = triple((axis) => Math.max(0, place.start[axis] - around[axis]));
  const last = triple((axis) => Math.min(volume.shape[axis], place.start[axis] + place.shape[axis] + around[axis]));
  return {
    volume: boxOf(
      volume,
      first,
      triple((axis) => last[axis] - first[axis]),
    ),
    first,
    start: triple((axis) => place.start[axis] - first[axis]),
    shape: place.shape,
  };
}

/** Voxel steps of a way in mm. */
function stepsAlong(affine: Affine, way: Triple): Triple {
  const inverse = invertAffine(affine);
  return triple((axis) => [0, 1, 2].reduce((sum, row) => sum + inverse[4 * axis + row] * way[row], 0));
}

/** The region, moved as far as there is something to see. @param shift mm along patient axes, RAS+ (of a volume without orientation: along its own) */
export function movedRegion({ volume, start, shape }: Surroundings, shift: Triple = [0, 0, 0]): Volume {
  const steps = volume.affine ? stepsAlong(volume.affine, shift) : shift;
  // All of it stays within what is there: it sees tissue, not padding.
  const from = triple((axis) => Math.min(Math.max(0, start[axis] + Math.round(steps[axis])), volume.shape[axis] - shape[axis]));
  return boxOf(volume, from, shape);
}
