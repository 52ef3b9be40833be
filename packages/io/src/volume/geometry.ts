// Affine algebra: 4×4 row-major matrices from voxel indices to patient mm, RAS+ (as NIfTI and nibabel).

import { type Affine, AnyMC3DError, determinant, type Volume, voxelSpacing } from "@anymc3d/core";

/** Where voxels lie. */
export type Grid = Pick<Volume, "shape" | "affine">;
export type Triple = readonly [number, number, number];

/** True where the matrix is finite and its voxels have a volume. */
export function isInvertible(affine: Affine): boolean {
  const [x, y, z] = voxelSpacing(affine);
  return affine.every(Number.isFinite) && x * y * z > 0 && Math.abs(determinant(affine)) > 1e-6 * x * y * z;
}

/** a · b: first b, then a. */
export function composeAffines(a: Affine, b: Affine): number[] {
  return Array.from({ length: 16 }, (_, at) => {
    const [row, column] = [at - (at % 4), at % 4];
    return a[row] * b[column] + a[row + 1] * b[4 + column] + a[row + 2] * b[8 + column] + a[row + 3] * b[12 + column];
  });
}

/**
 * Patient mm → voxel index, by cofactors.
 * @throws AnyMC3DError `GEOMETRY_INVALID` for an affine whose voxels have no volume
 */
export function invertAffine(affine: Affine): number[] {
  if (!isInvertible(affine))
    throw new AnyMC3DError("GEOMETRY_INVALID", `The affine ${affine.join(" ")} has no inverse; expected finite numbers that span three directions.`);
  const d = determinant(affine);
  const minor = (r: number, c: number) => {
    const [r1, r2] = [(r + 1) % 3, (r + 2) % 3];
    const [c1, c2] = [(c + 1) % 3, (c + 2) % 3];
    return (affine[4 * r1 + c1] * affine[4 * r2 + c2] - affine[4 * r1 + c2] * affine[4 * r2 + c1]) / d;
  };
  const rows = [0, 1, 2].flatMap((row) => {
    const [a, b, c] = [minor(0, row), minor(1, row), minor(2, row)];
    return [a, b, c, -(a * affine[3] + b * affine[7] + c * affine[11])];
  });
  return [...rows, 0, 0, 0, 1];
}

/** The place that an affine gives to a point: patient mm of a voxel index, or the reverse with an inverse. */
export function applyAffine(affine: Affine, [i, j, k]: Triple): [number, number, number] {
  const row = (r: number) => affine[r] * i + affine[r + 1] * j + affine[r + 2] * k + affine[r + 3];
  return [row(0), row(4), row(8)];
}

/** The affine of the same grid whose voxel (0, 0, 0) is this one's `start` and whose steps are `steps` of its voxels. */
export function shiftAffine(affine: Affine, start: Triple, steps: Triple = [1, 1, 1]): number[] {
  const [x, y, z] = applyAffine(affine, start);
  const row = (r: number, end: number) => [affine[r] * steps[0], affine[r + 1] * steps[1], affine[r + 2] * steps[2], end];
  return [...row(0, x), ...row(4, y), ...row(8, z), 0, 0, 0, 1];
}

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
