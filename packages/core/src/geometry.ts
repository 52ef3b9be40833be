// Where voxels lie: affine algebra, and a volume seen in display order without copying it.

import { AnyMC3DError } from "./errors.js";
import type { Plane } from "./manifest.js";
import type { Affine, Volume } from "./types.js";

/** Length in mm of each voxel axis: the norms of the affine's columns. Without an affine: 1, 1, 1. */
export function voxelSpacing(affine: Affine | undefined): [number, number, number] {
  const norm = (column: number) => (affine ? Math.hypot(affine[column], affine[4 + column], affine[8 + column]) : 1);
  return [norm(0), norm(1), norm(2)];
}

/** Determinant of the affine's 3×3 part, mm³ a voxel, signed. */
export function determinant(m: Affine): number {
  return m[0] * (m[5] * m[10] - m[6] * m[9]) - m[1] * (m[4] * m[10] - m[6] * m[8]) + m[2] * (m[4] * m[9] - m[5] * m[8]);
}

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
export function applyAffine(affine: Affine, [i, j, k]: readonly [number, number, number]): [number, number, number] {
  const row = (r: number) => affine[r] * i + affine[r + 1] * j + affine[r + 2] * k + affine[r + 3];
  return [row(0), row(4), row(8)];
}

/** The affine of the same grid whose voxel (0, 0, 0) is this one's `start` and whose steps are `steps` of its voxels. */
export function shiftAffine(affine: Affine, start: readonly [number, number, number], steps: readonly [number, number, number] = [1, 1, 1]): number[] {
  const [x, y, z] = applyAffine(affine, start);
  const row = (r: number, end: number) => [affine[r] * steps[0], affine[r + 1] * steps[1], affine[r + 2] * steps[2], end];
  return [...row(0, x), ...row(4, y), ...row(8, z), 0, 0, 0, 1];
}

const PERMUTATIONS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

/**
 * The patient axis (0 = right, 1 = anterior, 2 = superior) nearest to each voxel axis, each used once, and the sign along it.
 * Oblique volumes: the assignment with the largest sum of cosines.
 */
export function nearestAxes(affine: Affine): { axis: 0 | 1 | 2; sign: 1 | -1 }[] {
  const spacing = voxelSpacing(affine);
  const cosine = (world: number, voxel: number) => affine[4 * world + voxel] / spacing[voxel];
  const total = (p: readonly number[]) => p.reduce((sum, world, voxel) => sum + Math.abs(cosine(world, voxel)), 0);
  const best = PERMUTATIONS.reduce((a, b) => (total(b) > total(a) + 1e-9 ? b : a));
  return best.map((world, voxel) => ({ axis: world, sign: cosine(world, voxel) < 0 ? -1 : 1 }));
}

/** Largest angle, in degrees, between a voxel axis and the patient axis it stands for. */
export function obliqueness(affine: Affine): number {
  const spacing = voxelSpacing(affine);
  const cosines = nearestAxes(affine).map(({ axis }, voxel) => Math.abs(affine[4 * axis + voxel]) / spacing[voxel]);
  return (180 / Math.PI) * Math.acos(Math.min(1, ...cosines));
}

/** Three letters naming where each voxel axis points: "RAS", "LPI", … "?" without an affine. */
export function axisCodes(affine: Affine | undefined): string {
  if (!affine) return "?";
  const letters = [
    ["L", "R"],
    ["P", "A"],
    ["I", "S"],
  ];
  return nearestAxes(affine)
    .map(({ axis, sign }) => letters[axis][sign > 0 ? 1 : 0])
    .join("");
}

/** Display order of a plane: patient axis and sign of columns, rows and slices (radiological convention). */
const DISPLAY = {
  axial: { columns: [0, -1], rows: [1, -1], slices: [2, 1] },
  coronal: { columns: [0, -1], rows: [2, -1], slices: [1, -1] },
  sagittal: { columns: [1, -1], rows: [2, -1], slices: [0, -1] },
} as const;

/** One axis of a volume in display order. */
export interface GridAxis {
  /** Voxel-array axis: 0 = x, 1 = y, 2 = z. */
  readonly voxelAxis: 0 | 1 | 2;
  readonly length: number;
  /** Mm between neighbours. */
  readonly spacing: number;
  /** Elements of `data` between neighbours, negative where the axis runs against the array. */
  readonly stride: number;
}

/** A volume in display order; voxel (slice, row, column) is `data[offset + slice·… + row·… + column·…]`. */
export interface DisplayGrid {
  readonly columns: GridAxis;
  readonly rows: GridAxis;
  readonly slices: GridAxis;
  readonly offset: number;
}

/** Sees a volume in a plane's display order, by the nearest axes. */
export function displayGrid(volume: Pick<Volume, "shape" | "affine">, plane: Plane): DisplayGrid {
  const { shape, affine } = volume;
  const spacing = voxelSpacing(affine);
  const step = [1, shape[0], shape[0] * shape[1]];
  let offset = 0;
  const make = ([voxelAxis, sign]: readonly [0 | 1 | 2, 1 | -1]): GridAxis => {
    const stride = sign * step[voxelAxis];
    if (sign < 0) offset += (shape[voxelAxis] - 1) * step[voxelAxis];
    return { voxelAxis, length: shape[voxelAxis], spacing: spacing[voxelAxis], stride };
  };
  const [c, r, s] = (affine ? orientedAxes(affine, plane) : storedAxes(plane)) as [0 | 1 | 2, 1 | -1][];
  const [columns, rows, slices] = [make(c), make(r), make(s)];
  return { columns, rows, slices, offset };
}

function orientedAxes(affine: Affine, plane: Plane): (readonly [number, number])[] {
  const nearest = nearestAxes(affine);
  const named = plane === "acquired" ? (["sagittal", "coronal", "axial"] as const)[nearest[2].axis] : plane;
  const { columns, rows, slices } = DISPLAY[named];
  return [columns, rows, slices].map(([world, wantedSign]) => {
    const voxelAxis = nearest.findIndex(({ axis }) => axis === world);
    return [voxelAxis, wantedSign * nearest[voxelAxis].sign] as const;
  });
}

/** Without orientation: as stored, slices along z (axial, acquired), y (coronal) or x (sagittal). */
function storedAxes(plane: Plane): (readonly [number, number])[] {
  if (plane === "coronal") return [[0, 1], [2, 1], [1, 1]]; // biome-ignore format: a table
  if (plane === "sagittal") return [[1, 1], [2, 1], [0, 1]]; // biome-ignore format: a table
  return [[0, 1], [1, 1], [2, 1]]; // biome-ignore format: a table
}

/**
 * Refuses a volume whose parts contradict each other.
 * @throws AnyMC3DError `VOLUME_INVALID`, `GEOMETRY_INVALID`
 */
export function assertVolume(volume: Volume, name = "volume"): void {
  const { shape, data, affine, noData, labels } = volume;
  if (!Array.isArray(shape) || shape.length !== 3 || !shape.every((n) => Number.isInteger(n) && n > 0)) {
    throw new AnyMC3DError("VOLUME_INVALID", `${name}: shape is [${shape}], three positive whole numbers are needed`);
  }
  const voxels = shape[0] * shape[1] * shape[2];
  if (data?.length !== voxels) throw new AnyMC3DError("VOLUME_INVALID", `${name}: shape ${shape.join("×")} needs ${voxels} voxels, data has ${data?.length}`);
  if (typeof data[0] !== "number")
    throw new AnyMC3DError("VOLUME_INVALID", `${name}: voxels are of type ${typeof data[0]}, numbers are needed; convert 64-bit integers first`);
  const bytes = Math.ceil(voxels / 8);
  if (noData !== undefined && !(noData?.BYTES_PER_ELEMENT === 1 && noData.length === bytes))
    throw new AnyMC3DError("VOLUME_INVALID", `${name}: noData is to hold ${bytes} bytes, one bit a voxel; it has ${(noData as Uint8Array | null)?.length}`);
  if (labels !== undefined && (typeof labels !== "object" || labels === null || Array.isArray(labels)))
    throw new AnyMC3DError("VOLUME_INVALID", `${name}: labels are to be names by label number, { "1": "Liver" } for example, or {}`);
  if (affine === undefined) return;
  if (affine.length !== 16 || !affine.every(Number.isFinite))
    throw new AnyMC3DError("GEOMETRY_INVALID", `${name}: the affine must be 16 finite numbers, row by row`);
  const size = voxelSpacing(affine);
  if (!(Math.abs(determinant(affine)) > 1e-6 * size[0] * size[1] * size[2]) || size.some((s) => s === 0)) {
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      `${name}: the affine is singular (spacing ${size.join(" × ")} mm): voxels have no volume. Mend the file's spacing or orientation.`,
    );
  }
}
