// A volume on another grid: reordered axes, resampling, cropping.

import { type Affine, AnyMC3DError, nearestAxes, type Volume, type VoxelArray, valueRange, volumeStatistics, voxelSpacing } from "@anymc3d/core";
import { AIR, inHounsfield, valuesOf, withoutPadding } from "@anymc3d/core/learn";
import { allocate } from "../options/limits.js";
import { composeAffines, type Grid, invertAffine, parseOrientation, shiftAffine, type Triple } from "./geometry.js";
import { smoothed } from "./smooth.js";

/** The volume with its voxels reordered, so that its axes point as nearly as can be to where the code says; nothing is interpolated. */
export function reorient(volume: Volume, code: string): Volume {
  const wanted = parseOrientation(code);
  const { affine, shape } = volume;
  if (!affine) return volume;
  const found = nearestAxes(affine);
  const from = wanted.map(({ axis, sign }) => {
    const voxelAxis = found.findIndex((each) => each.axis === axis);
    return { voxelAxis, flip: found[voxelAxis].sign !== sign };
  });
  if (from.every(({ voxelAxis, flip }, axis) => voxelAxis === axis && !flip)) return volume;
  const step = [1, shape[0], shape[0] * shape[1]];
  const size = from.map(({ voxelAxis }) => shape[voxelAxis]) as [number, number, number];
  const strides = from.map(({ voxelAxis, flip }) => (flip ? -step[voxelAxis] : step[voxelAxis]));
  const offset = from.reduce((sum, { voxelAxis, flip }) => sum + (flip ? (shape[voxelAxis] - 1) * step[voxelAxis] : 0), 0);
  // Column of the new axis = ± column of the old one; the origin moves to the new first voxel.
  const turn = Array<number>(16).fill(0);
  from.forEach(({ voxelAxis, flip }, axis) => {
    turn[4 * voxelAxis + axis] = flip ? -1 : 1;
    turn[4 * voxelAxis + 3] = flip ? shape[voxelAxis] - 1 : 0;
  });
  turn[15] = 1;
  return { ...volume, ...gathered(volume, size, strides, offset), affine: composeAffines(affine, turn).map((value) => 0 + value) };
}

/** The volume in the order nearest to right, anterior, superior: as nibabel's `as_closest_canonical`. A volume without affine comes back as it is. */
export const canonical = (volume: Volume): Volume => reorient(volume, "RAS");

/** The voxels that lie at `offset + i·sx + j·sy + k·sz`, with what is said of each. */
function gathered({ data, noData }: Volume, shape: Triple, strides: readonly number[], offset: number): Pick<Volume, "data" | "shape" | "noData"> {
  const [nx, ny, nz] = shape;
  const [sx, sy, sz] = strides;
  const out = allocate("volume", data.byteLength, () => data.slice(0, nx * ny * nz));
  const bits = noData && new Uint8Array(Math.ceil((nx * ny * nz) / 8));
  for (let k = 0, at = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      let from = offset + k * sz + j * sy;
      for (let i = 0; i < nx; i++, from += sx, at++) {
        out[at] = data[from];
        if (bits && bitAt(noData, from)) bits[at >> 3] |= 1 << (at & 7);
      }
    }
  }
  return { data: out, shape, ...(bits && { noData: bits }) };
}

/** Options of `resample()`. */
export interface ResampleOptions {
  /** `linear` (default): float32 values between eight neighbours that are data. `nearest` (default of a segmentation): voxels of the same type, for masks. */
  readonly interpolation?: "linear" | "nearest";
  /** Linear only, default true: smooth along the axes that shrink, see {@link resample}. */
  readonly antialias?: boolean;
  /** Value of places outside the volume, beyond half a voxel from its outer voxel centres. Default: a CT in Hounsfield units -1000 (air), a segmentation 0,
   * others their smallest value. */
  readonly fill?: number;
  readonly signal?: AbortSignal;
}

/**
 * The volume on another grid.
 *
 * Positions as ITK's ResampleImageFilter: within half a voxel outside the outer centres, the edge is repeated; further out, `fill`.
 * Anti-aliasing: where the target's voxels are f > 1 times as large along a source axis, a Gaussian of σ = √(f² − 1) / (2√(2 ln 2)) source voxels
 * comes first, which widens a voxel's point spread of full width 1 at half maximum to f (Cardoso et al., MICCAI 2015).
 * No data is never mixed with data: its weights are left out, and where it has more than half of the weight the place has no data, with `fill` for a
 * stand-in. Places outside an image have no data, either; outside a segmentation there is label 0.
 * @param to a grid (shape and affine), or a voxel size in mm: then the axes and the middle of the volume stay, and each axis has
 * round(n · old / new) voxels, at least one
 * @throws AnyMC3DError `GEOMETRY_INVALID` (a volume or grid without affine, or with one that has no inverse), `OPTION_INVALID` (also: linear
 * interpolation of several labels), `OUT_OF_MEMORY`; the signal's reason
 */
export function resample(moving: Volume, to: Grid | { readonly spacing: number | Triple }, options: ResampleOptions = {}): Volume {
  const volume = withKnownPadding(moving);
  return onGrid(volume, to, { ...options, fill: options.fill ?? background(volume) }, !volume.labels);
}

/** In a CT in Hounsfield units, what lies below all that can be measured is padding, whether or not its file says so. */
export const withKnownPadding = (volume: Volume): Volume => (inHounsfield(volume) && !volume.labels ? withoutPadding(volume) : volume);

/** What stands where nothing was measured. */
function background(volume: Volume): number {
  if (inHounsfield(volume)) return AIR;
  return volume.labels ? 0 : volumeStatistics(volume).minimum;
}

interface Filled extends ResampleOptions {
  readonly fill: number;
}

/** @param marked whether places outside the volume are no data */
function onGrid(volume: Volume, to: Grid | { readonly spacing: number | Triple }, options: Filled, marked: boolean): Volume {
  const { affine } = volume;
  if (!affine) throw noAffine("The volume");
  const grid = "spacing" in to ? spacedGrid(volume, affine, to.spacing) : to;
  if (!grid.affine) throw noAffine("The grid to resample to");
  if (grid.shape.length !== 3 || !grid.shape.every((size) => Number.isInteger(size) && size > 0))
    throw new AnyMC3DError("OPTION_INVALID", `The grid to resample to has the shape ${grid.shape.join(" × ")}; expected three whole numbers above 0.`);
  const intoVoxels = composeAffines(invertAffine(affine), grid.affine);
  const { interpolation = volume.labels ? "nearest" : "linear" } = options;
  if (interpolation === "linear" && volume.labels) refuseSeveral(volume);
  const noData = new Bits(grid.shape[0] * grid.shape[1] * grid.shape[2]);
  const data =
    interpolation === "linear"
      ? interpolate({ ...volume, data: prefiltered(volume, intoVoxels, options) }, grid.shape, intoVoxels, options, noData, marked)
      : nearest(volume, grid.shape, intoVoxels, options, noData, marked);
  const { noData: _, labels, ...rest } = volume;
  // Shares of a label are no label numbers any more.
  return {
    ...rest,
    data,
    shape: grid.shape,
    affine: grid.affine,
    ...(noData.bytes && { noData: noData.bytes }),
    ...(labels && interpolation === "nearest" && { labels }),
  };
}

/** Bits that take up no room before the first is set. */
class Bits {
  bytes: Uint8Array | undefined;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  set(at: number): void {
    this.bytes ??= new Uint8Array(Math.ceil(this.#count / 8));
    this.bytes[at >> 3] |= 1 << (at & 7);
  }
}

/** Between labels 1 and 3 lies no label 2. One label is a 0/1 image, and its share of a voxel may be asked for. */
function refuseSeveral({ data }: Volume): void {
  const values = valuesOf(data);
  if (values && values.filter((value) => value !== 0).length <= 1) return;
  throw new AnyMC3DError(
    "OPTION_INVALID",
    `The volume is a segmentation of several labels (${values?.slice(0, 8).join(", ") ?? "more than can be told"}), whose numbers are not interpolated. Leave \`interpolation\` out, or take "nearest" (--interpolation nearest).`,
    { details: { option: "interpolation" } },
  );
}

const noAffine = (what: string): AnyMC3DError =>
  new AnyMC3DError(
    "GEOMETRY_INVALID",
    `${what} has no orientation (affine): where its voxels lie is unknown. Give it one, see the reader's \`orientation\` and \`spacing\`.`,
  );

function spacedGrid({ shape }: Volume, affine: Affine, spacing: number | Triple): Grid {
  const wanted = typeof spacing === "number" ? [spacing, spacing, spacing] : spacing;
  if (wanted.length !== 3 || !wanted.every((mm) => mm > 0 && Number.isFinite(mm)))
    throw new AnyMC3DError("OPTION_INVALID", `\`spacing\` is ${String(spacing)}; give a length in mm above 0, or three.`);
  const steps = voxelSpacing(affine).map((mm, axis) => wanted[axis] / mm) as unknown as Triple;
  const size = shape.map((n, axis) => Math.max(1, Math.round(n / steps[axis]))) as [number, number, number];
  const start = shape.map((n, axis) => (n - 1) / 2 - (steps[axis] * (size[axis] - 1)) / 2) as unknown as Triple;
  return { shape: size, affine: shiftAffine(affine, start, steps) };
}

/** Source voxels that one target voxel spans, along each source axis. */
const shrinkage = (m: Affine): number[] => [0, 4, 8].map((row) => Math.hypot(m[row], m[row + 1], m[row + 2]));

function prefiltered({ data, shape, noData }: Volume, m: Affine, { antialias = true, signal }: ResampleOptions): VoxelArray {
  if (!antialias) return data;
  // A factor of rounding above 1 is none.
  const sigmas = shrinkage(m).map((f) => (f > 1.001 ? Math.sqrt(f * f - 1) / (2 * Math.sqrt(2 * Math.log(2))) : 0));
  return sigmas.some((sigma) => sigma > 0) ? smoothed(data, shape, sigmas, noData, signal) : data;
}

/** Calls `row` for every line of the target with the source position of its first voxel. */
function eachRow([, ny, nz]: Triple, m: Affine, signal: AbortSignal | undefined, row: (at: number, x: number, y: number, z: number) => void): void {
  for (let k = 0, line = 0; k < nz; k++) {
    signal?.throwIfAborted();
    for (let j = 0; j < ny; j++, line++) row(line, m[1] * j + m[2] * k + m[3], m[5] * j + m[6] * k + m[7], m[9] * j + m[10] * k + m[11]);
  }
}

function nearest({ data, noData, shape: [nx, ny, nz] }: Volume, target: Triple, m: Affine, { fill, signal }: Filled, bits: Bits, marked: boolean): VoxelArray {
  const count = target[0] * target[1] * target[2];
  const out = allocate("volume", count * data.BYTES_PER_ELEMENT, () => new (data.constructor as new (length: number) => VoxelArray)(count));
  eachRow(target, m, signal, (line, x0, y0, z0) => {
    for (let i = 0, at = line * target[0]; i < target[0]; i++, at++) {
      // Halves go up, as in ITK.
      const x = Math.floor(x0 + m[0] * i + 0.5);
      const y = Math.floor(y0 + m[4] * i + 0.5);
      const z = Math.floor(z0 + m[8] * i + 0.5);
      const inside = x >= 0 && x < nx && y >= 0 && y < ny && z >= 0 && z < nz;
      const from = (z * ny + y) * nx + x;
      out[at] = inside ? data[from] : fill;
      if (inside ? noData && bitAt(noData, from) : marked) bits.set(at);
    }
  });
  return out;
}

const bitAt = (bits: Uint8Array, at: number): number => (bits[at >> 3] >> (at & 7)) & 1;

function interpolate(volume: Volume, target: Triple, m: Affine, { fill, signal }: Filled, bits: Bits, marked: boolean): Float32Array {
  const {
    data,
    noData,
    shape: [nx, ny, nz],
  } = volume;
  const count = target[0] * target[1] * target[2];
  const out = allocate("volume", count * 4, () => new Float32Array(count));
  const plane = nx * ny;
  const corners = new Int32Array(8);
  eachRow(target, m, signal, (line, x0, y0, z0) => {
    for (let i = 0, to = line * target[0]; i < target[0]; i++, to++) {
      const x = x0 + m[0] * i;
      const y = y0 + m[4] * i;
      const z = z0 + m[8] * i;
      if (!(x >= -0.5 && x < nx - 0.5 && y >= -0.5 && y < ny - 0.5 && z >= -0.5 && z < nz - 0.5)) {
        out[to] = fill;
        if (marked) bits.set(to);
        continue;
      }
      const fx = Math.floor(x);
      const fy = Math.floor(y);
      const fz = Math.floor(z);
      const [tx, ty, tz] = [x - fx, y - fy, z - fz];
      const left = Math.max(0, fx);
      const right = Math.min(nx - 1, fx + 1);
      const low = Math.max(0, fy) * nx;
      const high = Math.min(ny - 1, fy + 1) * nx;
      const near = Math.max(0, fz) * plane;
      const far = Math.min(nz - 1, fz + 1) * plane;
      if (noData) {
        corners[0] = near + low + left;
        corners[1] = near + low + right;
        corners[2] = near + high + left;
        corners[3] = near + high + right;
        corners[4] = far + low + left;
        corners[5] = far + low + right;
        corners[6] = far + high + left;
        corners[7] = far + high + right;
        if (corners.some((at) => bitAt(noData, at))) {
          const value = meanOfData(data, noData, corners, [tx, ty, tz]);
          out[to] = value ?? fill;
          if (value === undefined) bits.set(to);
          continue;
        }
      }
      const a = mix(mix(data[near + low + left], data[near + low + right], tx), mix(data[near + high + left], data[near + high + right], tx), ty);
      const b = mix(mix(data[far + low + left], data[far + low + right], tx), mix(data[far + high + left], data[far + high + right], tx), ty);
      out[to] = mix(a, b, tz);
    }
  });
  return out;
}

/** Of the neighbours that are data, by their weights; undefined where they have less than half of it. */
function meanOfData(data: VoxelArray, noData: Uint8Array, corners: Int32Array, [tx, ty, tz]: Triple): number | undefined {
  let sum = 0;
  let weights = 0;
  for (let c = 0; c < 8; c++) {
    const weight = (c & 1 ? tx : 1 - tx) * (c & 2 ? ty : 1 - ty) * (c & 4 ? tz : 1 - tz);
    if (weight === 0 || bitAt(noData, corners[c])) continue;
    sum += weight * data[corners[c]];
    weights += weight;
  }
  return weights >= HALF ? sum / weights : undefined;
}

/** Of a weight, with room for rounding: what is as near to data as to none is data. */
const HALF = 0.5 - 1e-9;

/** Exact where the share is 0, also beside infinite values. */
const mix = (a: number, b: number, share: number): number => (share === 0 ? a : a + (b - a) * share);

const isWhole = (data: VoxelArray): boolean => !(data instanceof Float32Array || data instanceof Float64Array);

/**
 * A mask or heatmap on the grid of a volume; 0 where it does not reach (a CT in Hounsfield units: -1000). Whole numbers (masks, labels) by nearest
 * neighbour, others linearly, without smoothing, unless `options` say otherwise.
 * @throws AnyMC3DError as {@link resample}
 */
export function resampleLike(moving: Volume, like: Grid, options: ResampleOptions = {}): Volume {
  const image = inHounsfield(moving) && !moving.labels;
  const interpolation = moving.labels || isWhole(moving.data) ? "nearest" : "linear";
  return onGrid(
    withKnownPadding(moving),
    { shape: like.shape, affine: like.affine },
    { interpolation, antialias: false, ...options, fill: options.fill ?? (image ? AIR : 0) },
    image,
  );
}

/** Options of `cropToForeground()`. */
export interface CropOptions {
  /** Voxels above this count as foreground. Default 0. */
  readonly above?: number;
  /** Millimetres (voxels, without an affine) kept around it, rounded to whole voxels. Default 0. */
  readonly margin?: number;
}

/**
 * The smallest box that holds all foreground, with its margin.
 * @throws AnyMC3DError `INPUT_VALUES` where no voxel is above the threshold
 */
export function cropToForeground(volume: Volume, { above = 0, margin = 0 }: CropOptions = {}): Volume {
  const { shape, affine } = volume;
  const box = foregroundBox(volume, above);
  if (!box)
    throw new AnyMC3DError(
      "INPUT_VALUES",
      `The volume to crop has no voxel above ${above}: it is empty, or its values are on another scale. Set \`above\` to a value below the foreground's.`,
      { details: { source: "volume", measured: "foreground", found: valueRange(volume, "The volume to crop").maximum, expected: [above] } },
    );
  const spacing = voxelSpacing(affine);
  const widen = spacing.map((mm) => Math.round(margin / mm));
  const start = box.first.map((first, axis) => Math.max(0, first - widen[axis])) as [number, number, number];
  const size = box.last.map((last, axis) => Math.min(shape[axis] - 1, last + widen[axis]) - start[axis] + 1) as [number, number, number];
  const offset = start[0] + shape[0] * (start[1] + shape[1] * start[2]);
  return { ...volume, ...gathered(volume, size, [1, shape[0], shape[0] * shape[1]], offset), ...(affine && { affine: shiftAffine(affine, start) }) };
}

function foregroundBox({ data, noData, shape: [nx, ny, nz] }: Volume, above: number): { first: number[]; last: number[] } | undefined {
  const first = [nx, ny, nz];
  const last = [-1, -1, -1];
  for (let k = 0, at = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, at++) {
        if (!(data[at] > above) || (noData && bitAt(noData, at))) continue;
        if (i < first[0]) first[0] = i;
        if (i > last[0]) last[0] = i;
        if (j < first[1]) first[1] = j;
        if (j > last[1]) last[1] = j;
        if (k < first[2]) first[2] = k;
        last[2] = k;
      }
    }
  }
  return last[2] < 0 ? undefined : { first, last };
}
