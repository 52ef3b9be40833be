// Label maps: each number above 0 is a region.

import { AnyMC3DError, type Volume } from "@anymc3d/core";
import { shiftAffine, type Triple } from "../volume/geometry.js";
import { boxOfVoxels, invalidRegion, type MarkedRegion, triple } from "./region.js";

/** So many numbers are no labels any more: of a file that says it holds labels, and of another. */
const MOST_DECLARED = 65536;
const MOST = 512;
/** From so many on, voxels of labels are expected to have neighbours of the same label; a share of them. */
const SUSPICIOUS = 64;
const ALIKE = 0.25;

/** Smallest and largest index along x, y, z. */
type Extent = [x0: number, x1: number, y0: number, y1: number, z0: number, z1: number];

/**
 * The labels of a label map: those that have voxels, and those that the file names, without a place.
 * @param names what to call them, by number; before the file's own names
 * @throws AnyMC3DError `REGION_INVALID` for an image in place of a label map, `GEOMETRY_INVALID` for one that does not say where it lies
 */
export function labelRegions(volume: Volume, file: string, names: Readonly<Record<string, string>> = {}): MarkedRegion[] {
  const affine = orientedAffineOf(volume, file);
  const extents = extentsOf(volume, file);
  const numbers = new Set([...extents.keys(), ...Object.keys(volume.labels ?? {}).map(Number)].filter((number) => number > 0));
  return [...numbers]
    .sort((a, b) => a - b)
    .map((number) => {
      const name = names[number] ?? volume.labels?.[number] ?? `label ${number}`;
      const extent = extents.get(number);
      if (!extent) return { name, number, error: emptyLabel(file, number, name) };
      const first = triple((axis) => extent[2 * axis]);
      const last = triple((axis) => extent[2 * axis + 1]);
      return {
        name,
        number,
        box: boxOfVoxels(affine, first, last),
        get mask() {
          return cutMask({ ...volume, affine }, first, last, (value) => value === number);
        },
      };
    });
}

export const emptyLabel = (file: string, number: number, name: string): AnyMC3DError =>
  invalidRegion(file, `${name} (${number}) is empty: no voxel is of it. Choose another.`);

export function orientedAffineOf({ affine }: Volume, file: string): readonly number[] {
  if (affine) return affine;
  throw new AnyMC3DError(
    "GEOMETRY_INVALID",
    `${file}: it stores no orientation, so that it is not known where in the patient its labels lie. Say it with the options \`orientation\` and \`spacing\`, or give another file.`,
  );
}

function extentsOf(volume: Volume, file: string): Map<number, Extent> {
  const {
    data,
    shape: [nx, ny, nz],
    labels,
    meta,
    modality,
  } = volume;
  if (!labels && meta?.seriesUid !== undefined) throw noLabels(file, `a DICOM series${modality ? ` of modality ${modality}` : ""}`);
  const most = labels ? MOST_DECLARED : MOST;
  const extents = new Map<number, Extent>();
  let [value, extent, inside, alike] = [0, undefined as Extent | undefined, 0, 0];
  for (let z = 0, at = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, at++) {
        const voxel = data[at];
        if (voxel === 0) continue;
        inside++;
        if (voxel === value) alike++;
        else {
          if (!(Number.isInteger(voxel) && voxel > 0)) throw noLabels(file, `a voxel is ${voxel}`);
          value = voxel;
          extent = extents.get(voxel) ?? [x, x, y, y, z, z];
          extents.set(voxel, extent);
          if (extents.size > most) throw noLabels(file, `it holds more than ${most} numbers`);
        }
        const e = extent as Extent;
        if (x < e[0]) e[0] = x;
        else if (x > e[1]) e[1] = x;
        if (y < e[2]) e[2] = y;
        else if (y > e[3]) e[3] = y;
        e[5] = z;
      }
    }
  }
  if (!labels && extents.size > SUSPICIOUS && alike < ALIKE * inside) throw noLabels(file, `its ${extents.size} numbers lie scattered`);
  if (inside === 0) throw invalidRegion(file, "a label map without a region: all of its voxels are 0.");
  return extents;
}

const noLabels = (file: string, why: string): AnyMC3DError =>
  invalidRegion(file, `an image, not a label map: ${why}. Labels are whole numbers from 0, segments those of a DICOM segmentation. Is it the scan itself?`);

/** Where a volume's values say so 1, else 0; from voxel `first` to voxel `last`. */
export function cutMask({ data, shape, affine }: Volume, first: Triple, last: Triple, isIn: (value: number) => boolean): Volume {
  const size = triple((axis) => last[axis] - first[axis] + 1);
  const mask = new Uint8Array(size[0] * size[1] * size[2]);
  for (let z = first[2], to = 0; z <= last[2]; z++) {
    for (let y = first[1]; y <= last[1]; y++) {
      const row = (z * shape[1] + y) * shape[0];
      for (let x = first[0]; x <= last[0]; x++, to++) if (isIn(data[row + x])) mask[to] = 1;
    }
  }
  return { data: mask, shape: size, ...(affine && { affine: shiftAffine(affine, first) }), labels: {} };
}

/** First and last voxel of those that are in; undefined where none is. */
export function extentOf({ data, shape: [nx, ny, nz] }: Volume, isIn: (value: number) => boolean): readonly [Triple, Triple] | undefined {
  const low = [nx, ny, nz];
  const high = [-1, -1, -1];
  for (let z = 0, at = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, at++) {
        if (!isIn(data[at])) continue;
        if (x < low[0]) low[0] = x;
        if (x > high[0]) high[0] = x;
        if (y < low[1]) low[1] = y;
        if (y > high[1]) high[1] = y;
        if (z < low[2]) low[2] = z;
        high[2] = z;
      }
    }
  }
  return high[0] < 0 ? undefined : [triple((axis) => low[axis]), triple((axis) => high[axis])];
}
