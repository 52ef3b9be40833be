// Affine algebra: 4×4 row-major matrices from voxel indices to patient mm, RAS+ (as NIfTI and nibabel).

import { type Affine, AnyMC3DError, applyAffine, composeAffines, invertAffine, isInvertible, shiftAffine, type Volume } from "@anymc3d/core";

/** Where voxels lie. */
export type Grid = Pick<Volume, "shape" | "affine">;
export type Triple = readonly [number, number, number];

export { applyAffine, composeAffines, invertAffine, isInvertible, shiftAffine };

/** The largest distance, mm, between the places that two affines give to a corner voxel of the grid. */
export function cornerDistance(a: Affine, b: Affine, shape: readonly number[]): number {
  const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => shape.map((size, axis) => ((bits >> axis) & 1) * (size - 1)) as unknown as Triple);
  return Math.max(...corners.map((corner) => distance(applyAffine(a, corner), applyAffine(b, corner))));
}

const distance = (a: Triple, b: Triple): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

/** Patient axes of a three-letter code: where each voxel axis points to. */
const LETTERS: Readonly<Record<string, readonly [axis: 0 | 1 | 2, sign: 1 | -1]>> = {
  R: [0, 1],
  L: [0, -1],
  A: [1, 1],
  P: [1, -1],
  S: [2, 1],
  I: [2, -1],
};

export interface Heading {
  /** 0 = right, 1 = anterior, 2 = superior. */
  readonly axis: 0 | 1 | 2;
  readonly sign: 1 | -1;
}

/**
 * What a code such as "RAS" or "LPI" says of the three voxel axes.
 * @throws AnyMC3DError `OPTION_INVALID`
 */
export function parseOrientation(code: string): Heading[] {
  const letters = typeof code === "string" ? [...code.toUpperCase()].map((letter) => LETTERS[letter]) : [];
  if (letters.length !== 3 || letters.includes(undefined as never) || new Set(letters.map(([axis]) => axis)).size !== 3) {
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `\`orientation\` is ${JSON.stringify(code)}; give three letters, one of R/L, A/P and I/S each: where the first, second and third voxel axis point to, "LPS" for example.`,
    );
  }
  return letters.map(([axis, sign]) => ({ axis, sign }));
}

/** The affine of a grid whose axes point along the patient's, as a code names them, with the middle of the grid at 0. */
export function orientedAffine(code: string, spacing: readonly number[], shape: readonly number[]): number[] {
  const affine = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  parseOrientation(code).forEach(({ axis, sign }, voxelAxis) => {
    affine[4 * axis + voxelAxis] = sign * spacing[voxelAxis];
    affine[4 * axis + 3] = 0 - (sign * spacing[voxelAxis] * (shape[voxelAxis] - 1)) / 2;
  });
  return affine;
}

/** mm per unit of length, by the names that headers give. */
const UNITS: Readonly<Record<string, number>> = {
  mm: 1,
  millimeter: 1,
  cm: 10,
  centimeter: 10,
  m: 1000,
  meter: 1000,
  um: 1e-3,
  micron: 1e-3,
  micrometer: 1e-3,
  µm: 1e-3,
  μm: 1e-3,
};

/** mm per unit; undefined for a unit of another name. */
export function millimetres(unit: string): number | undefined {
  const name = unit
    .trim()
    .toLowerCase()
    .replace(/metre/, "meter")
    .replace(/(?<=meter|micron)s$/, "");
  return Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;
}
