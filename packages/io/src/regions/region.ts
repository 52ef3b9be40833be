// What a file of regions holds: places that somebody marked, one entry each, and how they are told from each other.

import { AnyMC3DError, type Volume, type Warning } from "@anymc3d/core";
import { applyAffine, type Triple } from "../volume/geometry.js";

/** Bounds along the patient's axes, mm: smallest and largest right, anterior, superior. */
export type Box = readonly [low: Triple, high: Triple];

/** A place that a file marks: of points one of them, of label maps and segmentations one label, of contours those of one structure. Mm are patient mm, RAS+. */
export interface MarkedRegion {
  /** As the file calls it; else by its number, "label 3", "row 2". */
  readonly name: string;
  /** Of the label, segment, structure, group, control point or row. */
  readonly number?: number;
  /** A point, the middle of a line or of a box. */
  readonly point?: Triple;
  /** Present where `point` counts voxels of the scan that it was marked on, from 0, not mm. */
  readonly space?: "voxel";
  /** Of a point: how large the file says that the finding is, mm; of a line: its length. */
  readonly size?: number;
  /** Bounds; of masks, outer faces of their voxels. Absent of points. */
  readonly box?: Box;
  /** Of label maps and segmentations: 1 in the region, else 0, on the file's own grid, cut to the region. Made whenever it is asked for. */
  readonly mask?: Volume;
  /** Closed planar contours, the last point joined to the first; what lies within an even number of those of its plane is outside. See `maskOf()`. */
  readonly contours?: readonly (readonly Triple[])[];
  /** Of contours: how far along their normal each reaches, mm; absent where the file does not tell. */
  readonly slab?: number;
  /** DICOM: where its positions are measured from. */
  readonly frameOfReference?: string;
  /** Why it cannot be used: it marks nothing, an open or crossing contour, numbers that are none. There is then no place. */
  readonly error?: AnyMC3DError;
}

export type RegionKind = "labels" | "seg" | "rtstruct" | "sr" | "markups" | "csv";

/** A file of regions, read. */
export interface RegionFile {
  /** What to call the file. */
  readonly name: string;
  /** Label map, DICOM segmentation, RT Structure Set, Structured Report, 3D Slicer's markups, table of points. */
  readonly kind: RegionKind;
  /** In the order of their numbers, or of the file. */
  readonly regions: readonly MarkedRegion[];
  readonly notes: readonly Warning[];
  /** DICOM: UIDs of the study that the file is of, and of those it refers to. */
  readonly studies?: readonly string[];
  /** DICOM, only where it was asked for. */
  readonly patient?: { readonly name?: string; readonly id?: string };
}

export const invalidRegion = (file: string, what: string): AnyMC3DError => new AnyMC3DError("REGION_INVALID", `${file}: ${what}`);

/** Mm from the origin within which places lie: what is beyond is no number of a patient. */
const FURTHEST = 1e6;

/** Regions of which those that lie nowhere are told so. */
export const withinReach = (regions: readonly MarkedRegion[], file: string): readonly MarkedRegion[] =>
  regions.map((region) => {
    const { name, number, point, box, size, slab, error } = region;
    const numbers = [...(point ?? []), ...(box?.flat() ?? []), size ?? 0, slab ?? 0];
    if (error || numbers.every((value) => Math.abs(value) <= FURTHEST)) return region;
    return {
      name,
      ...(number !== undefined && { number }),
      error: invalidRegion(file, `${name}: it lies or reaches further than ${FURTHEST} mm from the origin. Are its numbers mm?`),
    };
  });

/** LPS to RAS and back. */
export const flipped = ([x, y, z]: Triple): Triple => [0 - x, 0 - y, z];

const AXES = [0, 1, 2] as const;
export const triple = (value: (axis: 0 | 1 | 2) => number): Triple => [value(0), value(1), value(2)];

/** @param points at least one */
export function boundsOf(points: Iterable<Triple>): Box {
  const low = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const high = low.map((value) => -value);
  for (const point of points) {
    for (const axis of AXES) {
      if (point[axis] < low[axis]) low[axis] = point[axis];
      if (point[axis] > high[axis]) high[axis] = point[axis];
    }
  }
  return [triple((axis) => low[axis]), triple((axis) => high[axis])];
}

/** Bounds of a box whose sides follow other axes. @param into brings its corners where bounds are wanted */
export const cornersIn = ([low, high]: Box, into: (corner: Triple) => Triple): Box =>
  boundsOf(Array.from({ length: 8 }, (_, bits) => into(triple((axis) => ((bits >> axis) & 1 ? high : low)[axis]))));

export const middleOf = ([low, high]: Box): Triple => triple((axis) => (low[axis] + high[axis]) / 2);

/** Bounds in mm of the voxels from `first` to `last`, outer faces. */
export const boxOfVoxels = (affine: readonly number[], first: Triple, last: Triple): Box =>
  cornersIn([triple((axis) => first[axis] - 0.5), triple((axis) => last[axis] + 0.5)], (corner) => applyAffine(affine, corner));

/** "a, b, c, …" of many. */
export const some = (words: readonly string[], most = 30): string => words.slice(0, most).join(", ") + (words.length > most ? ", …" : "");

/** A name as it is compared: é is é, in one character or in two, and blanks at its ends are not seen. */
const spelt = (name: string): string => name.normalize("NFC").trim();

/**
 * The region of a number or a name. A number is a label's, segment's or structure's; a name is as the file has it.
 * @throws AnyMC3DError `REGION_NOT_FOUND` with those that are there, also where several are meant; what is wrong with the region
 */
export function regionNamed(file: Pick<RegionFile, "name" | "regions">, wanted: string | number): MarkedRegion {
  const { name, regions } = file;
  const called = regions.filter((region) => typeof wanted === "string" && spelt(region.name) === spelt(wanted));
  const numbered = regions.filter(({ number }) => number !== undefined && String(number) === String(wanted).trim());
  // A name that is another region's number does not say which of the two is meant.
  const matches = [...new Set([...called, ...numbered])];
  if (matches.length === 1) {
    if (matches[0].error) throw matches[0].error;
    return matches[0];
  }
  const what = matches.length
    ? `${matches.length} regions are called ${JSON.stringify(wanted)}, by name or number; choose by ${called.length > 1 ? "number" : "another"}`
    : `no region ${JSON.stringify(wanted)}`;
  throw new AnyMC3DError("REGION_NOT_FOUND", `${name}: ${what}; there are ${listedRegions(file)}.`, {
    details: { labels: regions.map((region) => region.number ?? region.name) },
  });
}

/** What a file's regions are called: "1 (liver), 2 (spleen)"; those without a name of their own "3". */
export const listedRegions = ({ regions }: Pick<RegionFile, "regions">): string =>
  some(regions.map(({ number, name }) => (number === undefined ? name : name.endsWith(` ${number}`) ? String(number) : `${number} (${name})`)));
