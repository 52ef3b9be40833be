// A label of a segmentation → an image of a given shape; and a map of that image → the study's grid.

import { AnyMC3DError } from "../../errors.js";
import { composeAffines, determinant, invertAffine } from "../../geometry.js";
import type { Affine, Volume } from "../../types.js";
import type { LabelRoi } from "./label.js";
import type { ImagePlace, MadeImage } from "./roi-kind.js";

type Triple = readonly [number, number, number];

const AXES = [0, 1, 2] as const;
const each = <T>(value: (axis: 0 | 1 | 2) => T) => AXES.map(value) as unknown as readonly [T, T, T];

/** RAS+ direction of a letter. */
const DIRECTIONS: Readonly<Record<string, Triple>> = { R: [1, 0, 0], L: [-1, 0, 0], A: [0, 1, 0], P: [0, -1, 0], S: [0, 0, 1], I: [0, 0, -1] };

/**
 * The image of a label: `roi.value` where at least half of a voxel is of the label (linear interpolation of 0 and 1), else 0.
 * @param mask with an affine; `number` has voxels in it
 * @returns outside: share of the label's voxels that the image does not reach
 * @throws AnyMC3DError `GEOMETRY_INVALID` for a mask without orientation, `REGION_INVALID` for a label of another size, and for one of which nothing is left
 */
export function labelImage(mask: Volume, number: number, roi: LabelRoi): MadeImage {
  const { affine } = mask;
  if (!affine)
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      "The segmentation does not say how it lies in the patient, so that its label cannot be turned the right way. Say it (`orientation`, `spacing`).",
    );
  checkVolume(mask, number, roi, affine);
  const directions = [...(roi.axes ?? "RAS")].map((letter) => DIRECTIONS[letter]);
  const reach = reachOf(mask, number, affine, directions);
  const spacing = roi.spacing === null ? fitting(reach, roi) : typeof roi.spacing === "number" ? each(() => roi.spacing as number) : roi.spacing;
  // Along the image's own axes: where its first voxel lies.
  const along = each((axis) =>
    roi.spacing === null
      ? (reach.low[axis] + reach.high[axis]) / 2 - ((roi.shape[axis] - 1) / 2) * spacing[axis]
      : // On the segmentation's own voxels where these are of that size.
        reach.first[axis] + (Math.floor((reach.middle[axis] - reach.first[axis]) / spacing[axis] + ROUNDING) - Math.floor(roi.shape[axis] / 2)) * spacing[axis],
  );
  const origin = each((row) => AXES.reduce<number>((sum, axis) => sum + directions[axis][row] * along[axis], 0));
  const own = [0, 1, 2].flatMap((row) => [...AXES.map((axis) => directions[axis][row] * spacing[axis]), origin[row]]).concat([0, 0, 0, 1]) as Affine;
  const place = { affine: own, shape: roi.shape };
  const data = new (Number.isInteger(roi.value) && roi.value >= 0 && roi.value < 256 ? Uint8Array : Float32Array)(roi.shape[0] * roi.shape[1] * roi.shape[2]);
  const isIn = (at: number) => (mask.data[at] === number ? 1 : 0);
  forEachVoxel(roi.shape, stepsBetween(own, affine), (at, x, y, z) => {
    if (interpolated(mask.shape, isIn, x, y, z) >= 0.5) data[at] = roi.value;
  });
  if (!data.some((value: number) => value !== 0))
    throw new AnyMC3DError(
      "REGION_INVALID",
      `Nothing is left of the label in voxels of ${spacing.map((mm) => Number(mm.toPrecision(3))).join(" × ")} mm: it is too small.`,
    );
  return {
    image: { data, shape: roi.shape, ...(roi.axes === null && { affine: own }), labels: {}, ...(mask.notes && { notes: mask.notes }) },
    place,
    outside: shareOutside(mask, number, stepsBetween(affine, own), roi.shape),
  };
}

/** @throws AnyMC3DError `REGION_INVALID` for a label that is too small or too large to be what is looked at */
function checkVolume({ data }: Volume, number: number, { volume }: LabelRoi, affine: Affine): void {
  if (!volume) return;
  let count = 0;
  for (let at = 0; at < data.length; at++) if (data[at] === number) count++;
  const ml = (count * Math.abs(determinant(affine))) / 1000;
  const [least, most] = volume;
  if (ml >= least && ml <= most) return;
  const shown = (value: number) => Number(value.toPrecision(3));
  throw new AnyMC3DError("REGION_INVALID", `The label has ${shown(ml)} ml; ${shown(least)} to ${shown(most)} ml are taken. Is it of another organ?`);
}

/** Of a voxel: what rounding of millimetres may move a place by. */
const ROUNDING = 1e-6;

interface Reach {
  /** Centre of the first voxel. */
  readonly first: Triple;
  readonly low: Triple;
  readonly high: Triple;
  readonly middle: Triple;
}

/** How far a label's voxels reach along some directions, outer faces, and the mean of their centres; mm. */
function reachOf(mask: Volume, number: number, affine: Affine, directions: readonly Triple[]): Reach {
  const {
    data,
    shape: [nx, ny, nz],
  } = mask;
  const low = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const high = low.map((value) => -value);
  const sum = [0, 0, 0];
  // Along each direction: what a step along each voxel axis adds, and half a voxel's reach.
  const steps = directions.map((direction) =>
    [0, 1, 2, 3].map((column) => [0, 1, 2].reduce((total, row) => total + direction[row] * affine[4 * row + column], 0)),
  );
  const half = steps.map((step) => (Math.abs(step[0]) + Math.abs(step[1]) + Math.abs(step[2])) / 2);
  let count = 0;
  for (let k = 0, at = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, at++) {
        if (data[at] !== number) continue;
        count++;
        for (let axis = 0; axis < 3; axis++) {
          const step = steps[axis];
          const mm = step[0] * i + step[1] * j + step[2] * k + step[3];
          sum[axis] += mm;
          if (mm < low[axis]) low[axis] = mm;
          if (mm > high[axis]) high[axis] = mm;
        }
      }
    }
  }
  return {
    first: each((axis) => low[axis]),
    low: each((axis) => low[axis] - half[axis]),
    high: each((axis) => high[axis] + half[axis]),
    middle: each((axis) => sum[axis] / count),
  };
}

/** The same in all directions: the smallest voxels with which the image holds label and margin. */
function fitting({ low, high }: Reach, { shape, margin, axes }: LabelRoi): Triple {
  const order = [...(axes ?? "RAS")].map((letter) => ["RL", "AP", "SI"].findIndex((pair) => pair.includes(letter)));
  const wide = (axis: 0 | 1 | 2) => (typeof margin === "number" ? margin : margin[order[axis]]);
  const needed = Math.max(...AXES.map((axis) => (high[axis] - low[axis] + 2 * wide(axis)) / shape[axis]));
  return [needed, needed, needed];
}

/** From voxels of one grid into voxels of another. */
const stepsBetween = (from: Affine, into: Affine): Affine => composeAffines(invertAffine(into), from);

function forEachVoxel(
  [nx, ny, nz]: Triple,
  m: readonly number[],
  visit: (at: number, x: number, y: number, z: number) => void,
  start: Triple = [0, 0, 0],
): void {
  for (let k = start[2], at = 0; k < start[2] + nz; k++)
    for (let j = start[1]; j < start[1] + ny; j++)
      for (let i = start[0]; i < start[0] + nx; i++, at++)
        visit(at, m[0] * i + m[1] * j + m[2] * k + m[3], m[4] * i + m[5] * j + m[6] * k + m[7], m[8] * i + m[9] * j + m[10] * k + m[11]);
}

/** Linear interpolation; what lies outside is 0. */
function interpolated([nx, ny, nz]: Triple, value: (at: number) => number, x: number, y: number, z: number): number {
  if (!(x > -1 && y > -1 && z > -1 && x < nx && y < ny && z < nz)) return 0;
  const [x0, y0, z0] = [Math.floor(x), Math.floor(y), Math.floor(z)];
  let sum = 0;
  for (let dz = 0; dz < 2; dz++) {
    const k = z0 + dz;
    const wz = dz ? z - z0 : 1 - (z - z0);
    if (k < 0 || k >= nz || wz === 0) continue;
    for (let dy = 0; dy < 2; dy++) {
      const j = y0 + dy;
      const wy = dy ? y - y0 : 1 - (y - y0);
      if (j < 0 || j >= ny || wy === 0) continue;
      for (let dx = 0; dx < 2; dx++) {
        const i = x0 + dx;
        const wx = dx ? x - x0 : 1 - (x - x0);
        if (i >= 0 && i < nx && wx !== 0) sum += wx * wy * wz * value((k * ny + j) * nx + i);
      }
    }
  }
  return sum;
}

function shareOutside(mask: Volume, number: number, m: readonly number[], shape: Triple): number {
  let [all, out] = [0, 0];
  forEachVoxel(mask.shape, m, (at, x, y, z) => {
    if (mask.data[at] !== number) return;
    all++;
    if (!(x >= -0.5 && y >= -0.5 && z >= -0.5 && x <= shape[0] - 0.5 && y <= shape[1] - 0.5 && z <= shape[2] - 0.5)) out++;
  });
  return out / all;
}

/** A map of a made image on the grid of the study, linearly interpolated; 0 outside of it. */
export function mapOnStudy(
  map: Volume,
  place: ImagePlace,
  study: Pick<Volume, "shape" | "affine">,
  box: { readonly start: Triple; readonly shape: Triple },
): Volume {
  const { shape, affine } = study;
  const data = new Float32Array(shape[0] * shape[1] * shape[2]);
  const value = (at: number) => map.data[at];
  const [nx, ny] = box.shape;
  const steps = stepsBetween(affine as Affine, place.affine);
  forEachVoxel(
    box.shape,
    steps,
    (at, x, y, z) => {
      const [i, j, k] = [at % nx, Math.floor(at / nx) % ny, Math.floor(at / (nx * ny))];
      data[((k + box.start[2]) * shape[1] + j + box.start[1]) * shape[0] + i + box.start[0]] = interpolated(place.shape, value, x, y, z);
    },
    box.start,
  );
  return { data, shape, affine };
}
