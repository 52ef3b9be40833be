// Whether a file of regions is of the scan that it is used on.

import { AnyMC3DError, type Region, type Volume } from "@anymc3d/core";
import { applyAffine, invertAffine, type Triple } from "../volume/geometry.js";
import { maskOf } from "./contours.js";
import { type Box, cornersIn, flipped, listedRegions, type MarkedRegion, type RegionFile, regionNamed } from "./region.js";

/**
 * Refuses regions of another scan: of another frame of reference, patient or study (where both files say theirs), or outside of the volume.
 * @param region the one that is meant; default: at least one region must lie in the volume
 * @throws AnyMC3DError `REGION_ELSEWHERE`, `GEOMETRY_INVALID` for a volume without orientation; the region's own `error`
 */
export function checkSamePlace(file: RegionFile, volume: Volume, region?: MarkedRegion): void {
  if (region?.error) throw region.error;
  const usable = region ? [region] : file.regions.filter(({ error }) => !error);
  checkSamePatient(file, volume);
  const { frameOfReference } = volume.meta ?? {};
  const inFrame = usable.filter((each) => !each.frameOfReference || !frameOfReference || each.frameOfReference === frameOfReference);
  if (usable.length && inFrame.length === 0)
    throw elsewhere(
      `${file.name}: its positions are measured in another frame of reference (${usable[0].frameOfReference}) than those of the scan (${frameOfReference}).`,
    );
  if (inFrame.length && !inFrame.some((each) => isInside(each, volume))) throw elsewhere(outside(file.name, inFrame, volume));
}

const elsewhere = (what: string): AnyMC3DError =>
  new AnyMC3DError("REGION_ELSEWHERE", `${what} Give the scan that the regions were marked on.`, { details: { others: [] } });

function checkSamePatient({ name, studies, patient }: RegionFile, { meta = {} }: Volume): void {
  const { studyUid } = meta;
  if (studies && studyUid && !studies.includes(studyUid)) throw elsewhere(`${name}: it is of another study (${studies[0]}) than the scan (${studyUid}).`);
  if (patient?.id && meta.patient?.id && patient.id !== meta.patient.id) throw elsewhere(`${name}: it is of another patient than the scan.`);
}

/** Whether a place lies in the volume: a point between the outer faces of its voxels, a box with a part of it. */
function isInside({ point, box, space }: MarkedRegion, { affine, shape }: Volume, turn: (place: Triple) => Triple = (place) => place): boolean {
  if (!affine && space !== "voxel")
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      "The scan does not say how it lies in the patient, so that places in mm are nowhere in it. Say it with `orientation` and `spacing`.",
    );
  const inverse = affine && space !== "voxel" ? invertAffine(affine) : undefined;
  const into = (place: Triple) => (inverse ? applyAffine(inverse, turn(place)) : place);
  const bounds: Box | undefined = box ? cornersIn(box, into) : point && [into(point), into(point)];
  return bounds !== undefined && shape.every((length, axis) => bounds[1][axis] >= -0.5 && bounds[0][axis] <= length - 0.5);
}

function outside(name: string, regions: readonly MarkedRegion[], volume: Volume): string {
  const what = regions.length === 1 ? `${regions[0].name} lies` : `all ${regions.length} regions lie`;
  const turned = regions.some((region) => region.space !== "voxel" && isInside(region, volume, flipped));
  return `${name}: ${what} outside of the scan.${turned ? " With x and y the other way round (RAS for LPS) it lies inside: is the space right that it is given in?" : ""}`;
}

/**
 * A marked region as `classify()` takes it: its mask where it has one or contours, else its box, else the box around its point.
 * @param volume the scan, on whose grid contours become a mask
 * @throws AnyMC3DError as {@link maskOf}; the region's own `error`
 */
export function regionOf(marked: MarkedRegion, volume: Volume): Region {
  const { error, point, box, space = "RAS", size, contours } = marked;
  if (error) throw error;
  if (contours) return { mask: maskOf(marked, volume), label: 1 };
  const { mask } = marked;
  if (mask) return { mask, label: 1 };
  // A line has a middle and a length; its box may be flat.
  if (box && size === undefined) return { box, space };
  return { point: point as Triple, space, ...(size !== undefined && { size }) };
}

/**
 * The region of a file that is meant, as `classify()` takes it.
 * @param wanted its number or name; default: the only one that the file holds
 * @throws AnyMC3DError `REGION_NOT_FOUND` (there is no such region; there are several and none is named), and as {@link checkSamePlace} and {@link regionOf}
 */
export function chosenRegion(file: RegionFile, volume: Volume, wanted?: string | number): Region {
  const marked = wanted === undefined ? onlyRegion(file) : regionNamed(file, wanted);
  checkSamePlace(file, volume, marked);
  return regionOf(marked, volume);
}

function onlyRegion(file: RegionFile): MarkedRegion {
  const usable = file.regions.filter(({ error }) => !error);
  if (usable.length === 1) return usable[0];
  if (usable.length === 0 && file.regions.length === 1) return file.regions[0];
  throw new AnyMC3DError("REGION_NOT_FOUND", `${file.name}: it holds ${file.regions.length} regions, and none is named; there are ${listedRegions(file)}.`, {
    details: { labels: file.regions.map(({ number, name }) => number ?? name) },
  });
}
