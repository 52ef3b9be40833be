// Slices that lie one behind the other: their distance, tilt and affine; of a segmentation, the slices that it leaves out.

import { type Affine, AnyMC3DError, voxelSpacing, type Warning } from "@anymc3d/core";
import { tagText } from "./data.js";
import { type DicomFrame, dot, type Vector } from "./image.js";
import type { Arranged, Stack, StackOptions } from "./stack.js";
import { TAG } from "./tags.js";
import { checkTold, checkToldAxes, detectorNote } from "./unlocated.js";
import { where } from "./words.js";

interface Step {
  /** From slice to slice, mm, LPS. */
  readonly step: Vector;
  readonly places?: readonly number[];
}

/**
 * Spacing, tilt and affine.
 * @param slices one for each place, in order; of a segmentation those of one segment, possibly none
 * @param all of a segmentation: the frames of all its segments, whose places tell how far its slices lie apart
 * @throws AnyMC3DError `GEOMETRY_INVALID`, `OPTION_INVALID`
 */
export function geometry(slices: readonly DicomFrame[], normal: Vector, options: StackOptions, notes: Warning[], all?: readonly DicomFrame[]): Arranged {
  const { name } = options;
  const along = (frame: DicomFrame) => dot(frame.position as Vector, normal);
  const lie = all ? onePlaceEach(all, along) : slices;
  const count = lie.length;
  const { places, step }: Step = count === 1 ? single(lie[0], normal, options, notes) : stepOf(lie, along, options, notes);
  // All segments of a file lie on one grid, from its first frame to its last.
  const [first] = lie;
  const tilt = (Math.acos(Math.min(1, Math.abs(dot(step, normal)) / Math.hypot(...step))) * 180) / Math.PI;
  if (count > 1 && tilt > 0.1)
    notes.push({
      code: "GANTRY_TILT",
      message: `${name}: the slices are shifted against each other as by a gantry tilt of ${tilt.toFixed(1)}°; the affine is sheared accordingly`,
    });
  if (tilt > 60)
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      `${name}: the slices are shifted against each other by ${tilt.toFixed(1)}°; no gantry tilts so far. Are they of one stack?`,
    );
  if (!all && !places && count > 1) notes.push(...distances(first, Math.hypot(...step), name));
  const affine = affineOf(first, step, options, notes);
  const deep = count > 1 || first.thickness !== undefined;
  checkTold(
    options.spacing,
    voxelSpacing(affine).map((size, i) => ((i < 2 ? first.pixelSpacing : deep) ? size : undefined)),
    name,
  );
  checkToldAxes(options.orientation, affine, name);
  const grid = all && { grid: gridOf(slices, first, along, dot(step, normal), along(lie[lie.length - 1]), options, notes) };
  return { frames: slices, affine, ...(places && { places }), ...grid };
}

function distances(first: DicomFrame, apart: number, name: string): Warning[] {
  const notes: Warning[] = [];
  if (first.thickness !== undefined && first.thickness > 1.05 * apart)
    notes.push({ code: "SLICES_OVERLAP", message: `${name}: slices ${first.thickness} mm thick lie ${apart.toFixed(3)} mm apart: they overlap` });
  const expected = first.stated ?? first.thickness;
  if (expected !== undefined && apart > 1.9 * expected)
    notes.push({
      code: "SLICES_APART",
      message: `${name}: slices lie ${apart.toFixed(3)} mm apart, where ${first.stated === undefined ? "they are" : "their headers say"} ${expected} mm${first.stated === undefined ? " thick" : ""}: are slices missing?`,
    });
  return notes;
}

function affineOf(first: DicomFrame, step: Vector, { spacing, name }: StackOptions, notes: Warning[]): Affine {
  const [row, column] = first.orientation as readonly [Vector, Vector];
  const [rowSpacing, columnSpacing] = first.pixelSpacing ?? [spacing?.[1], spacing?.[0]];
  if (!rowSpacing || !columnSpacing)
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      `${where(first)}: Pixel Spacing ${tagText(TAG.pixelSpacing)} is missing or not above 0. Without it sizes are not known; the option \`spacing\` tells them.`,
    );
  if (first.atDetector) notes.push(detectorNote(name));
  const origin = first.position as Vector;
  // LPS to RAS: the first two axes change their sign.
  const affine = [0, 1, 2].flatMap((axis) => {
    const sign = axis < 2 ? -1 : 1;
    return [row[axis] * columnSpacing, column[axis] * rowSpacing, step[axis], origin[axis]].map((value) => 0 + sign * value);
  });
  return [...affine, 0, 0, 0, 1];
}

function single(frame: DicomFrame, normal: Vector, { name, spacing }: StackOptions, notes: Warning[]): Step {
  const stated = frame.image.segmentation ? (frame.stated ?? frame.thickness) : frame.thickness;
  const distance = stated ?? spacing?.[2] ?? 1;
  if (stated === undefined && !spacing) notes.push({ code: "NO_SPACING", message: `${name}: one slice without a thickness; 1 mm is assumed` });
  return { step: normal.map((value) => value * distance) as unknown as Vector };
}

/** The frames of all segments, one for each place. */
function onePlaceEach(frames: readonly DicomFrame[], along: (frame: DicomFrame) => number): DicomFrame[] {
  const sorted = [...frames].sort((a, b) => along(a) - along(b));
  return sorted.filter((frame, i) => i === 0 || along(frame) - along(sorted[i - 1]) >= 1e-3);
}

/** The smaller side of a pixel, mm; 0 where it is not known. */
export const pixelOf = ({ pixelSpacing }: DicomFrame): number => Math.min(...(pixelSpacing ?? [0]));

/** What counts as equal distances: a hundredth, or two hundredths of a millimetre, which rounding in headers makes. */
const tolerance = (distance: number): number => Math.max(0.01 * distance, Math.min(0.02, 0.1 * distance));

/** Mm by which positions that are rounded to 0.1 mm are off the line that fits them best: 0.05, and what the fit is off. */
const TENTHS = 0.06;
/**
 * How far a slice may lie from where it should: besides, a tenth of a pixel, or what rounding to 0.1 mm makes, and no more than a tenth of the distance: a
 * missing slice puts others off by a sixth of it and more.
 */
const placeTolerance = (distance: number, pixel: number): number => Math.max(tolerance(distance), Math.min(Math.max(0.1 * pixel, TENTHS), 0.1 * distance));

/** How far the slices lie from even places, at most; and whether that is even enough: by the line of least squares. */
function evenness(depth: readonly number[], pixel: number): { median: number; off: number; even: boolean } {
  const gaps = depth.slice(1).map((d, i) => d - depth[i]);
  const sizes = gaps.map(Math.abs).sort((a, b) => a - b);
  const median = sizes[Math.floor(sizes.length / 2)];
  const mean = (depth[depth.length - 1] - depth[0]) / gaps.length;
  const off = Math.max(...depth.map((d, i) => Math.abs(d - depth[0] - i * mean)));
  return { median, off, even: offLine(depth) <= placeTolerance(Math.abs(mean), pixel) };
}

/** How far numbers lie at most from the line by their index that fits them best (least squares). */
function offLine(depth: readonly number[]): number {
  const middle = (depth.length - 1) / 2;
  const centre = depth.reduce((sum, d) => sum + d, 0) / depth.length;
  const [cross, squares] = [depth.reduce((sum, d, i) => sum + (i - middle) * d, 0), depth.reduce((sum, _, i) => sum + (i - middle) ** 2, 0)];
  return Math.max(...depth.map((d, i) => Math.abs(d - centre - ((i - middle) * cross) / squares)));
}

/** Whether places follow at one distance, up or down. @param pixel mm, see {@link pixelOf} */
export const isEven = (depth: readonly number[], pixel: number): boolean => depth.length < 3 || evenness(depth, pixel).even;

function stepOf(slices: readonly DicomFrame[], along: (frame: DicomFrame) => number, { name, uneven }: StackOptions, notes: Warning[]): Step {
  const [start, end] = [slices[0], slices[slices.length - 1]];
  const depth = slices.map(along);
  const length = depth[depth.length - 1] - depth[0];
  const gaps = depth.slice(1).map((d, i) => d - depth[i]);
  const pixel = pixelOf(start);
  const { median, off, even } = evenness(depth, pixel);
  const [p0, p1] = [start.position as Vector, end.position as Vector];
  const direction = [0, 1, 2].map((axis) => (p1[axis] - p0[axis]) / length) as unknown as Vector;
  const beside = slices.map((slice, i) =>
    Math.hypot(...[0, 1, 2].map((axis) => (slice.position as Vector)[axis] - p0[axis] - direction[axis] * (depth[i] - depth[0]))),
  );
  const worst = beside.indexOf(Math.max(...beside));
  const most = Math.max(0.05, tolerance(median), 0.1 * pixel);
  if (beside[worst] > most)
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      `${where(slices[worst])}: lies ${beside[worst].toFixed(2)} mm beside the line of the other slices, more than ${most.toFixed(2)} mm, a tenth of a pixel. A volume cannot be made of them; choose other slices.`,
    );
  const deviation = Math.max(beside[worst], even ? off : 0);
  if (deviation > ROUNDING)
    notes.push({
      code: "SLICES_OFF_LINE",
      message: `${name}: slices lie up to ${deviation.toFixed(3)} mm from the line of even places on which they were put`,
    });
  const scaled = (distance: number) => direction.map((value) => value * distance) as unknown as Vector;
  if (start.image.segmentation) return { step: scaled(length / Math.round(length / frameDistance(gaps, start, name))) };
  if (even) return { step: scaled(length / gaps.length) };
  if (uneven !== "resample") throw unevenSlices(slices, gaps, name);
  const outputs = Math.round(length / median) + 1;
  const distance = length / (outputs - 1);
  const places = Array.from({ length: outputs }, (_, i) => placeOf(depth, depth[0] + i * distance));
  notes.push({
    code: "SLICES_RESAMPLED",
    message: `${name}: slices at uneven distances were interpolated linearly onto ${outputs} slices ${distance.toFixed(3)} mm apart`,
  });
  return { step: scaled(distance), places };
}

/** Mm that positions may be off without a word. */
const ROUNDING = 0.01;

/**
 * The distance of the slices of a segmentation, which leaves empty ones out: what its header states, the least gap, the thickness, or a part of the least
 * gap; the first of which all gaps are multiples.
 * @throws AnyMC3DError `GEOMETRY_INVALID`: labels are not interpolated
 */
function frameDistance(gaps: readonly number[], { stated, thickness }: DicomFrame, name: string): number {
  const least = Math.min(...gaps);
  const parts = [2, 3, 4].map((part) => least / part);
  const fits = (distance: number) =>
    gaps.every(
      (gap) => Math.round(gap / distance) > 0 && Math.abs(gap - Math.round(gap / distance) * distance) <= Math.max(tolerance(distance), 0.05 * distance),
    );
  const found = [stated, least, thickness, ...parts].find((distance) => distance !== undefined && fits(distance));
  if (found !== undefined) return found;
  const kinds = [...new Set(gaps.map((gap) => gap.toFixed(2)))].slice(0, 6);
  throw new AnyMC3DError(
    "GEOMETRY_INVALID",
    `${name}: a segmentation whose frames lie ${kinds.join(", ")} mm apart, which are multiples of no one distance: on which slices it was drawn is not known, and labels are not interpolated. Export it again with Spacing Between Slices.`,
  );
}

/** The slices of a segmentation's grid, and which of them the frames are. Those that it leaves out are empty (PS3.3 C.8.20.2). */
function gridOf(
  slices: readonly DicomFrame[],
  first: DicomFrame,
  along: (frame: DicomFrame) => number,
  distance: number,
  end: number,
  { name }: StackOptions,
  notes: Warning[],
): Stack["grid"] {
  const slot = (depth: number) => Math.round((depth - along(first)) / distance);
  const count = slot(end) + 1;
  if (slices.length < count)
    notes.push({ code: "FRAMES_EMPTY", message: `${name}: ${count - slices.length} of ${count} slices have no frame of the segment; they are 0` });
  return { count, at: slices.map((frame) => slot(along(frame))) };
}

/** Index into ascending numbers, with a fraction. */
function placeOf(depth: readonly number[], at: number): number {
  const below = Math.min(
    depth.length - 2,
    Math.max(
      0,
      depth.findLastIndex((d) => d <= at + 1e-9),
    ),
  );
  return Math.min(depth.length - 1, below + (at - depth[below]) / (depth[below + 1] - depth[below]));
}

function unevenSlices(slices: readonly DicomFrame[], gaps: readonly number[], name: string): AnyMC3DError {
  const least = Math.min(...gaps);
  const multiples = gaps.map((gap) => Math.round(gap / least));
  const missing = gaps.every((gap, i) => Math.abs(gap - multiples[i] * least) <= Math.max(tolerance(gap), 0.05 * least));
  const place = (i: number) => `${where(slices[i])} (${(slices[i].position as Vector).join(", ")})`;
  const odd = gaps.flatMap((gap, i) => (multiples[i] > 1 ? [`${multiples[i] - 1} between ${place(i)} and ${place(i + 1)}, ${gap.toFixed(3)} mm apart`] : []));
  const choices = [{ value: "resample", text: "Interpolate onto even slices" }];
  if (missing && odd.length) {
    const holds = `slices are missing, at a distance of ${least.toFixed(3)} mm: ${odd.slice(0, 10).join("; ")}`;
    return new AnyMC3DError(
      "GEOMETRY_INVALID",
      `${name}: ${holds}. Get the missing files, or pass uneven: "resample" (--uneven resample) to interpolate over the gap.`,
      { details: { option: "uneven", file: name, holds, choices } },
    );
  }
  const kinds = [...new Set(gaps.map((gap) => gap.toFixed(2)))];
  const change = gaps.findIndex((gap, i) => i > 0 && Math.abs(gap - gaps[i - 1]) > tolerance(gap));
  const holds = `the distance of the slices varies (${kinds.slice(0, 6).join(", ")}${kinds.length > 6 ? ", …" : ""} mm), first at ${place(Math.max(1, change))}`;
  return new AnyMC3DError("GEOMETRY_INVALID", `${name}: ${holds}. Pass uneven: "resample" (--uneven resample) to interpolate onto even slices.`, {
    details: { option: "uneven", file: name, holds, choices },
  });
}
