// DICOM segmentations: each segment is a region, also where segments overlap.

import type { Volume, Warning } from "@anymc3d/core";
import type { DicomFrame } from "../formats/dicom/image.js";
import { volumeOf } from "../formats/dicom/read.js";
import { chooseSeries, indexFiles } from "../formats/dicom/series.js";
import { segmentsOf } from "../formats/dicom/stack.js";
import { byteLimit, tooLarge } from "../options/limits.js";
import type { DicomSource, Found } from "./dicom.js";
import { cutMask, emptyLabel, extentOf, labelRegions, orientedAffineOf } from "./labels.js";
import { boxOfVoxels, type MarkedRegion } from "./region.js";

/** Of shares, from which on a voxel is inside. */
const HALF = 0.5;

/** @throws AnyMC3DError as `readVolume()`; `FILE_TOO_LARGE` where the masks of all segments together are */
export async function segmentRegions({ file, options: { names, ...options } }: DicomSource): Promise<Found> {
  const limit = byteLimit(options);
  const { frames } = chooseSeries(await indexFiles([file], { limit, signal: options.signal }), undefined, file.name);
  const { segmentation, frameOfReference } = frames[0].image;
  // In place: a copy would make the mask of each.
  const placed = (region: MarkedRegion): MarkedRegion => (frameOfReference ? Object.assign(region, { frameOfReference }) : region);
  if (segmentation?.kind === "LABELMAP") {
    const volume = await volumeOf(frames, { name: file.name }, options);
    return { regions: labelRegions(volume, file.name, names).map(placed), notes: volume.notes };
  }
  const segments = segmentsOf(frames);
  const notes = new Map<string, Warning>();
  const regions: MarkedRegion[] = [];
  let left = limit;
  for (const [i, number] of segments.entries()) {
    const name = names[number] ?? segmentation?.segments.get(number) ?? `segment ${number}`;
    const volume = isShown(frames, number, segments)
      ? await volumeOf(frames, { name: file.name }, { ...options, ...(segments.length > 1 && { frame: i }) })
      : undefined;
    for (const note of volume?.notes ?? []) notes.set(note.code, note);
    const region = segmentRegion(volume, number, name, file.name);
    left -= region.mask?.data.length ?? 0;
    if (left < 0) throw tooLarge(file.name, "the masks of its segments take more", limit);
    regions.push(placed(region));
  }
  if (segmentation?.kind === "FRACTIONAL")
    notes.set("SEGMENT_SHARES", { code: "SEGMENT_SHARES", message: `${file.name}: its values are shares; voxels count as inside from ${HALF} on` });
  return { regions, notes: [...notes.values()] };
}

/** Whether any frame shows the segment; frames that name none are of the only one. */
const isShown = (frames: readonly DicomFrame[], number: number, segments: readonly number[]): boolean =>
  segments.length === 1 || frames.some(({ dimensions }) => Number(dimensions.segment) === number);

function segmentRegion(volume: Volume | undefined, number: number, name: string, file: string): MarkedRegion {
  const isIn = (value: number) => value >= HALF;
  const extent = volume && extentOf(volume, isIn);
  if (!extent) return { name, number, error: emptyLabel(file, number, name) };
  const affine = orientedAffineOf(volume, file);
  return { name, number, box: boxOfVoxels(affine, ...extent), mask: cutMask(volume, ...extent, isIn) };
}
