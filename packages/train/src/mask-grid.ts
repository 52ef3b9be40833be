// A mask and the image it belongs to: the same grid, or brought onto it by nearest neighbour.

import { type Affine, AnyMC3DError, determinant, type Volume, voxelSpacing } from "@anymc3d/core";

export type Grid = Pick<Volume, "shape" | "affine">;

/** Voxels by which the corners of two grids may differ and still count as one: what rounding of headers does, not what moves an outline. */
const TOLERANCE = 0.1;

/**
 * The mask on the image's grid.
 * @param resample where the grids differ, take the nearest mask voxel by the two affines (0 outside the mask) instead of refusing
 * @throws AnyMC3DError `DATA_INVALID` for another grid
 */
export function maskOnGrid(mask: Volume, image: Grid, name: string, resample = false): Volume {
  const difference = gridDifference(mask, image);
  if (difference === undefined) return mask;
  if (resample && mask.affine && image.affine) return nearest(mask, mask.affine, image, image.affine);
  const todo = mask.affine && image.affine ? "Resample it onto the image, or ask for that with resampleMasks" : "It has no affine to resample it by";
  throw new AnyMC3DError("DATA_INVALID", `${name}: the mask lies on another grid than its image: ${difference}. ${todo}.`);
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

/** Greatest distance, mm, between the places that two affines give to the corner voxels. */
function cornerDistance(a: Affine, b: Affine, shape: Grid["shape"]): number {
  const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => shape.map((n, axis) => ((bits >> axis) & 1) * (n - 1)));
  const row = (r: number, [i, j, k]: number[]) => (a[r] - b[r]) * i + (a[r + 1] - b[r + 1]) * j + (a[r + 2] - b[r + 2]) * k + a[r + 3] - b[r + 3];
  return Math.max(...corners.map((corner) => Math.hypot(row(0, corner), row(4, corner), row(8, corner))));
}

function nearest(mask: Volume, maskAffine: Affine, image: Grid, imageAffine: Affine): Volume {
  const [width, height, depth] = image.shape;
  const [nx, ny, nz] = mask.shape;
  const m = intoVoxels(maskAffine, imageAffine);
  const data = new Uint8Array(width * height * depth);
  for (let k = 0, at = 0; k < depth; k++) {
    for (let j = 0; j < height; j++) {
      for (let i = 0; i < width; i++, at++) {
        const x = Math.round(m[0] * i + m[1] * j + m[2] * k + m[3]);
        const y = Math.round(m[4] * i + m[5] * j + m[6] * k + m[7]);
        const z = Math.round(m[8] * i + m[9] * j + m[10] * k + m[11]);
        if (x >= 0 && x < nx && y >= 0 && y < ny && z >= 0 && z < nz && mask.data[(z * ny + y) * nx + x] > 0) data[at] = 1;
      }
    }
  }
  return { data, shape: image.shape, affine: imageAffine };
}

/** inverse(to) · from, three rows: voxel indices of one grid to those of another. The inverse by cofactors. */
function intoVoxels(to: Affine, from: Affine): number[] {
  const d = determinant(to);
  const minor = (r: number, c: number) => {
    const [r1, r2] = [(r + 1) % 3, (r + 2) % 3];
    const [c1, c2] = [(c + 1) % 3, (c + 2) % 3];
    return to[4 * r1 + c1] * to[4 * r2 + c2] - to[4 * r1 + c2] * to[4 * r2 + c1];
  };
  return [0, 1, 2].flatMap((row) =>
    [0, 1, 2, 3].map((column) => [0, 1, 2].reduce((sum, k) => sum + (minor(k, row) / d) * (from[4 * k + column] - (column === 3 ? to[4 * k + 3] : 0)), 0)),
  );
}
