// A mask and the image it belongs to: the same grid, or brought onto it by nearest neighbour.

import { AnyMC3DError, type Volume, voxelSpacing } from "@anymc3d/core";
import { cornerDistance, type Grid, resampleLike } from "@anymc3d/io";

/** Voxels by which the corners of two grids may differ and still count as one: what rounding of headers does, not what moves an outline. */
const TOLERANCE = 0.1;

/**
 * The mask on the image's grid.
 * @param resample where the grids differ, take the nearest mask voxel by the two affines (0 outside the mask) instead of refusing
 * @throws AnyMC3DError `DATA_INVALID` for another grid, or where resampling leaves nothing of the mask
 */
export function maskOnGrid(mask: Volume, image: Grid, name: string, resample = false): Volume {
  const difference = gridDifference(mask, image);
  if (difference === undefined) return mask;
  if (resample && mask.affine && image.affine) return resampled(mask, image, name);
  const todo =
    mask.affine && image.affine ? "Resample it onto the image, or ask for that (resampleMasks, --resample-masks)" : "It has no affine to resample it by";
  throw new AnyMC3DError("DATA_INVALID", `${name}: the mask lies on another grid than its image: ${difference}. ${todo}.`);
}

function resampled(mask: Volume, image: Grid, name: string): Volume {
  const found = resampleLike(mask, image, { interpolation: "nearest" });
  const inside = ({ data }: Volume) => data.some((value: number) => value > 0);
  if (inside(found) || !inside(mask)) return found;
  throw new AnyMC3DError("DATA_INVALID", `${name}: nothing of the mask lies within its image; it belongs to another scan, or its orientation is wrong.`);
}

/** What differs, in words; undefined for the same grid. */
function gridDifference(mask: Grid, image: Grid): string | undefined {
  const show = ({ shape, affine }: Grid) => {
    const spacing = voxelSpacing(affine).map((mm) => Number(mm.toPrecision(4)));
    return `${shape.join(" × ")} voxels${affine ? ` of ${spacing.join(" × ")} mm` : ""}`;
  };
  if (mask.shape.some((n, axis) => n !== image.shape[axis])) return `${show(mask)}, the image has ${show(image)}`;
  if (!mask.affine !== !image.affine) return `${mask.affine ? "the image" : "the mask"} has no orientation`;
  if (!mask.affine || !image.affine) return undefined;
  const apart = cornerDistance(mask.affine, image.affine, image.shape);
  if (apart <= TOLERANCE * Math.min(...voxelSpacing(image.affine))) return undefined;
  return `equal shapes, but corners up to ${Number(apart.toPrecision(3))} mm apart (axes, spacing or origin differ)`;
}
