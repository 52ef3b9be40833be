// From the frames of a series to slices in order: stacks, repeated places (time, echo, b-value, copies), spacing, tilt, and the affine.

import { type Affine, AnyMC3DError, type Warning } from "@anymc3d/core";
import type { Choice } from "@anymc3d/core/errors";
import { tagText } from "./data.js";
import { cross, DIMENSIONS, type DicomFrame, type Dimension, dot, type Vector } from "./image.js";
import { TAG } from "./tags.js";

export interface StackOptions {
  readonly name: string;
  /** Which of several stacks (orientation or size). */
  readonly stack?: number;
  /** Which of several frames at each place. */
  readonly frame?: number;
  /** `resample`: slices of varying distance are interpolated linearly onto even ones. */
  readonly uneven?: "resample";
  /** Whether frames hold the same pixels. */
  readonly same: (a: DicomFrame, b: DicomFrame) => Promise<boolean>;
}

export interface Stack {
  /** In order along the normal of the slices. */
  readonly frames: readonly DicomFrame[];
  readonly affine: Affine | undefined;
  /** Only where uneven slices are to be resampled: for every output slice, the place between input slices. */
  readonly places?: readonly number[];
  readonly notes: readonly Warning[];
}

/**
 * Arranges the frames of one series.
 * @throws AnyMC3DError `SERIES_REQUIRED` (several stacks), `FRAME_REQUIRED`, `GEOMETRY_INVALID` naming the files
 */
export async function arrange(frames: readonly DicomFrame[], options: StackOptions): Promise<Stack> {
  const notes: Warning[] = [];
  const chosen = oneSegment(chooseStack(frames, options, notes), options);
  checkRescaling(chosen);
  const located = chosen.every(({ position, orientation }) => position && orientation);
  if (!located) return unlocated(chosen, options, notes);
  const normal = cross(...(chosen[0].orientation as [Vector, Vector]));
  const along = (frame: DicomFrame) => dot(frame.position as Vector, normal);
  const places = placesOf(chosen, along);
  const slices = await onePerPlace(places, options, notes);
  checkAlongStack(slices, options.name, notes);
  return { ...geometry(slices, normal, along, options, notes), notes };
}

const where = ({ image, index }: DicomFrame): string => (image.frames > 1 ? `${image.file.name} frame ${index + 1}` : image.file.name);

/** Frames of one size and orientation. Localizers among others are left out, and that is said. */
function chooseStack(frames: readonly DicomFrame[], { name, stack }: StackOptions, notes: Warning[]): readonly DicomFrame[] {
  const stacks: DicomFrame[][] = [];
  for (const frame of frames) {
    const home = stacks.find(([first]) => alike(first, frame));
    if (home) home.push(frame);
    else stacks.push([frame]);
  }
  const isLocalizer = (those: readonly DicomFrame[]) => those.every(({ image }) => image.imageType.includes("LOCALIZER"));
  const rest = stacks.filter((those) => !isLocalizer(those));
  const localizers = stacks.filter(isLocalizer);
  const candidates = rest.length === 0 || stack === undefined ? (rest.length ? rest : stacks) : [...rest, ...localizers];
  if (candidates.length < stacks.length) {
    const left = localizers.flat();
    notes.push({
      code: "LOCALIZER_LEFT",
      message: `${name}: ${left.length} localizer image(s) of the same series were left out: ${left.map(where).slice(0, 5).join(", ")}`,
    });
  }
  const picked = stack === undefined && candidates.length === 1 ? candidates[0] : candidates[stack ?? -1];
  if (picked) return picked;
  const choices = candidates.map((those, value) => ({
    value,
    text: `${those.length} image(s) of ${those[0].image.columns}×${those[0].image.rows}, ${facing(those[0])}, ${those[0].image.series.modality ?? "no modality"}, ${those[0].image.series.units ?? "no units"}, ${where(those[0])} …`,
  }));
  const holds = `the series mixes ${candidates.length} stacks of images of other size, orientation, modality, units, stack or frame of reference`;
  throw new AnyMC3DError("SERIES_REQUIRED", `${name}: ${holds}; expected one. Choose with the option \`stack\` (--stack):\n${listed(choices)}`, {
    details: { option: "stack", file: name, holds, choices },
  });
}

/** As a message lists them, one a line. */
const listed = (choices: readonly Choice[]): string => choices.map(({ value, text }) => `  ${value}: ${text}`).join("\n");

function alike(a: DicomFrame, b: DicomFrame): boolean {
  const close = (p: readonly number[] | undefined, q: readonly number[] | undefined, most: number) =>
    p === undefined || q === undefined ? p === q : p.every((value, i) => Math.abs(value - q[i]) <= most);
  const agree = (p: string | undefined, q: string | undefined) => p === undefined || q === undefined || p === q;
  return (
    agree(a.image.frameOfReference, b.image.frameOfReference) &&
    agree(a.image.series.modality, b.image.series.modality) &&
    agree(a.image.series.units, b.image.series.units) &&
    agree(a.stackId, b.stackId) &&
    a.image.rows === b.image.rows &&
    a.image.columns === b.image.columns &&
    close(a.orientation?.flat(), b.orientation?.flat(), 0.002) &&
    close(a.pixelSpacing, b.pixelSpacing, 1e-3 * (a.pixelSpacing?.[0] ?? 1))
  );
}

/** Segments are masks of different things: one of them is read. @throws AnyMC3DError `FRAME_REQUIRED` listing them */
function oneSegment(frames: readonly DicomFrame[], { name, frame }: StackOptions): readonly DicomFrame[] {
  const segments = [...new Set(frames.flatMap(({ dimensions: { segment } }) => (segment === undefined ? [] : [Number(segment)])))].sort((a, b) => a - b);
  if (segments.length < 2) return frames;
  const chosen = segments[frame ?? -1];
  if (chosen !== undefined) return frames.filter(({ dimensions }) => dimensions.segment === chosen);
  const choices = segments.map((segment, value) => ({ value, text: `segment ${segment}` }));
  const holds = `${segments.length} segments in one file`;
  throw new AnyMC3DError("FRAME_REQUIRED", `${name}: ${holds}; expected one. Choose with the option \`frame\` (--frame):\n${listed(choices)}`, {
    details: { option: "frame", file: name, holds, choices },
  });
}

/** Slices with and without a rescaling do not speak of the same quantity. */
function checkRescaling(frames: readonly DicomFrame[]): void {
  const [without, others] = [frames.filter(({ rescaled }) => !rescaled), frames.filter(({ rescaled }) => rescaled)];
  if (!without.length || !others.length) return;
  throw new AnyMC3DError(
    "FORMAT_INVALID",
    `${where(without[0])} states no Rescale Slope and Intercept, and ${where(others[0])} of the same series does: their values do not compare. Correct the header, or take it out.`,
  );
}

/** What must not change from slice to slice of one volume; a share of the value that may. */
const CONSTANT: readonly (readonly [Dimension, number])[] = [
  ["echo", 0],
  ["echo time", 0.05],
  ["b-value", 0.05],
];

/** @throws AnyMC3DError `GEOMETRY_INVALID` where slices of different contrasts lie behind each other */
function checkAlongStack(slices: readonly DicomFrame[], name: string, notes: Warning[]): void {
  for (const [what, share] of CONSTANT) {
    const values = slices.flatMap(({ dimensions }) => (dimensions[what] === undefined ? [] : [Number(dimensions[what])]));
    const [low, high] = [Math.min(...values), Math.max(...values)];
    if (values.length < 2 || high - low <= share * Math.abs(high)) continue;
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      `${name}: the ${what} of the slices is ${low} to ${high}: they are of different volumes, none of which is whole. Give the files of one.`,
    );
  }
  const kernels = [...new Set(slices.flatMap(({ image: { kernel } }) => kernel ?? []))];
  if (kernels.length > 1)
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      `${name}: slices of ${kernels.length} reconstructions (convolution kernels ${kernels.slice(0, 4).join(", ")}) lie among each other. Give the files of one.`,
    );
  // A CT's types change along the stack without meaning another image; an MR's tell magnitude from phase.
  const types = new Set(slices.map(({ image }) => image.imageType.join("\\")));
  if (types.size > 1 && slices[0].image.series.modality === "MR")
    notes.push({ code: "IMAGE_TYPES_MIXED", message: `${name}: the slices are of several image types: ${[...types].slice(0, 4).join("; ")}` });
}

function facing({ orientation }: DicomFrame): string {
  if (!orientation) return "orientation not stated";
  const size = cross(...orientation).map(Math.abs);
  return ["sagittal", "coronal", "axial"][size.indexOf(Math.max(...size))];
}

/** Images without a place: one alone, or the frames of one file in their order; never files, whose order would be a guess. */
function unlocated(all: readonly DicomFrame[], { name, frame }: StackOptions, notes: Warning[]): Stack {
  const frames = inDepth(all, name, frame);
  const [first] = frames;
  if (frames.some(({ image }) => image !== first.image)) {
    const lost = frames.find(({ position, orientation }) => !(position && orientation)) as DicomFrame;
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      `${where(lost)}: Image Position or Image Orientation is missing, so the order of the ${frames.length} slices is not known (file names and instance numbers do not tell it).`,
    );
  }
  notes.push({
    code: "NO_ORIENTATION",
    message: `${name}: the image does not say where it lies in the patient; ${frames.length} slice(s) are taken as stored`,
  });
  return { frames: [...frames].sort((a, b) => a.index - b.index), affine: undefined, notes };
}

/** Attributes by which frames of one file may lie behind each other: the Slice Vector of nuclear medicine, the grid of a dose. */
const IN_DEPTH: readonly number[] = [0x00540080, TAG.gridFrameOffsets];

/** Frames that follow in time, gate, energy or rotation are no slices: one of them is read. @throws AnyMC3DError `FRAME_REQUIRED` */
function inDepth(frames: readonly DicomFrame[], name: string, frame: number | undefined): readonly DicomFrame[] {
  const [{ image }] = frames;
  const others = image.increments.filter((tag) => !IN_DEPTH.includes(tag));
  if (frames.length < 2 || others.length === 0) return frames;
  const chosen = frames.find(({ index }) => index === frame);
  if (chosen) return [chosen];
  const holds = `its ${frames.length} frames follow in ${others.map(tagText).join(", ")} (Frame Increment Pointer), not in depth alone`;
  throw new AnyMC3DError("FRAME_REQUIRED", `${name}: ${holds}. Choose one with the option \`frame\` (--frame), from 0.`, {
    details: { option: "frame", file: name, holds, range: [0, frames.length - 1] },
  });
}

/** Frames by their place along the normal, ascending. */
function placesOf(frames: readonly DicomFrame[], along: (frame: DicomFrame) => number): DicomFrame[][] {
  const sorted = [...frames].sort((a, b) => along(a) - along(b));
  const places: DicomFrame[][] = [];
  for (const frame of sorted) {
    const last = places.at(-1);
    if (last && Math.abs(along(last[0]) - along(frame)) < 1e-3) last.push(frame);
    else places.push([frame]);
  }
  return places;
}

async function onePerPlace(places: readonly DicomFrame[][], options: StackOptions, notes: Warning[]): Promise<DicomFrame[]> {
  const { name, frame, same } = options;
  const most = Math.max(...places.map(({ length }) => length));
  if (most === 1) return places.flat();
  const series = dimension(places, most);
  if (series) {
    const chosen = series.values[frame ?? -1];
    if (chosen !== undefined) return places.map((those) => those.find((each) => series.key(each) === chosen) as DicomFrame);
    const choices = series.values.map((of, value) => ({ value, text: `${series.name} ${of}` }));
    const holds = `${series.values.length} volumes in one series, which differ in ${series.name}`;
    throw new AnyMC3DError("FRAME_REQUIRED", `${name}: ${holds}; expected one. Choose with the option \`frame\` (--frame):\n${listed(choices.slice(0, 40))}`, {
      details: { option: "frame", file: name, holds, choices },
    });
  }
  let copies = 0;
  for (const [first, ...others] of places) {
    for (const other of others) {
      if (!(await same(first, other)))
        throw new AnyMC3DError(
          "GEOMETRY_INVALID",
          `${where(first)} and ${where(other)} lie at the same place (${(first.position as Vector).join(", ")} mm) and differ, and nothing in their headers says what they are (time, echo, b-value). Remove one of them.`,
        );
      copies++;
    }
  }
  notes.push({ code: "DUPLICATE_SLICES", message: `${name}: ${copies} copies of slices, equal to the last pixel, were left out` });
  return places.map(([first]) => first);
}

interface Series {
  readonly name: string;
  readonly key: (frame: DicomFrame) => string;
  readonly values: readonly string[];
}

/** The attribute, or pair of attributes, whose values are the same set at every place, each once. */
function dimension(places: readonly DicomFrame[][], count: number): Series | undefined {
  if (places.some(({ length }) => length !== count)) return undefined;
  const pairs = DIMENSIONS.flatMap((a, i) => DIMENSIONS.slice(i + 1).map((b) => [a, b]));
  for (const names of [...DIMENSIONS.map((each) => [each]), ...pairs] as Dimension[][]) {
    const key = (frame: DicomFrame) => names.map((each) => String(frame.dimensions[each] ?? "")).join(", ");
    const values = new Set(places[0].map(key));
    if (values.size !== count || places.some((those) => new Set(those.map(key)).size !== count || those.some((frame) => !values.has(key(frame))))) continue;
    const order = (a: string, b: string) => Number.parseFloat(a) - Number.parseFloat(b) || (a < b ? -1 : 1);
    return { name: names.join(", "), key, values: [...values].sort(order) };
  }
  return undefined;
}

/** Spacing, tilt and affine of slices that lie one behind the other. */
function geometry(
  slices: readonly DicomFrame[],
  normal: Vector,
  along: (frame: DicomFrame) => number,
  options: StackOptions,
  notes: Warning[],
): Omit<Stack, "notes"> {
  const [first] = slices;
  const count = slices.length;
  const { places, step } = count === 1 ? single(first, normal, options, notes) : stepOf(slices, along, options, notes);
  const tilt = (Math.acos(Math.min(1, Math.abs(dot(step, normal)) / Math.hypot(...step))) * 180) / Math.PI;
  if (count > 1 && tilt > 0.1)
    notes.push({
      code: "GANTRY_TILT",
      message: `${options.name}: the slices are shifted against each other as by a gantry tilt of ${tilt.toFixed(1)}°; the affine is sheared accordingly`,
    });
  const apart = Math.hypot(...step);
  if (count > 1 && !places && first.thickness !== undefined && first.thickness > 1.05 * apart)
    notes.push({ code: "SLICES_OVERLAP", message: `${options.name}: slices ${first.thickness} mm thick lie ${apart.toFixed(3)} mm apart: they overlap` });
  if (tilt > 60)
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      `${options.name}: the slices are shifted against each other by ${tilt.toFixed(1)}°; no gantry tilts so far. Are they of one stack?`,
    );
  const expected = first.stated ?? first.thickness;
  if (count > 1 && !places && expected !== undefined && apart > 1.9 * expected)
    notes.push({
      code: "SLICES_APART",
      message: `${options.name}: slices lie ${apart.toFixed(3)} mm apart, where ${first.stated === undefined ? "they are" : "their headers say"} ${expected} mm${first.stated === undefined ? " thick" : ""}: are slices missing?`,
    });
  if (!first.pixelSpacing)
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      `${where(first)}: Pixel Spacing ${tagText(TAG.pixelSpacing)} is missing or not above 0. Without it sizes are not known.`,
    );
  const [row, column] = first.orientation as readonly [Vector, Vector];
  const [rowSpacing, columnSpacing] = first.pixelSpacing;
  const origin = first.position as Vector;
  // LPS to RAS: the first two axes change their sign.
  const affine = [0, 1, 2].flatMap((axis) => {
    const sign = axis < 2 ? -1 : 1;
    return [row[axis] * columnSpacing, column[axis] * rowSpacing, step[axis], origin[axis]].map((value) => 0 + sign * value);
  });
  return { frames: slices, affine: [...affine, 0, 0, 0, 1], ...(places && { places }) };
}

function single(frame: DicomFrame, normal: Vector, { name }: StackOptions, notes: Warning[]) {
  const distance = frame.thickness ?? 1;
  if (frame.thickness === undefined) notes.push({ code: "NO_SPACING", message: `${name}: one slice without a thickness; 1 mm is assumed` });
  return { step: normal.map((value) => value * distance) as unknown as Vector, places: undefined };
}

/** What counts as equal distances: a hundredth, or two hundredths of a millimetre, which rounding in headers makes. */
const tolerance = (distance: number): number => Math.max(0.01 * distance, Math.min(0.02, 0.1 * distance));

function stepOf(slices: readonly DicomFrame[], along: (frame: DicomFrame) => number, { name, uneven }: StackOptions, notes: Warning[]) {
  const [start, end] = [slices[0], slices[slices.length - 1]];
  const depth = slices.map(along);
  const length = depth[depth.length - 1] - depth[0];
  const gaps = depth.slice(1).map((d, i) => d - depth[i]);
  const median = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)];
  const [p0, p1] = [start.position as Vector, end.position as Vector];
  const direction = [0, 1, 2].map((axis) => (p1[axis] - p0[axis]) / length) as unknown as Vector;
  for (const [i, slice] of slices.entries()) {
    const off = Math.hypot(...[0, 1, 2].map((axis) => (slice.position as Vector)[axis] - p0[axis] - direction[axis] * (depth[i] - depth[0])));
    if (off > Math.max(0.05, tolerance(median)))
      throw new AnyMC3DError(
        "GEOMETRY_INVALID",
        `${where(slice)}: lies ${off.toFixed(2)} mm beside the line of the other slices. A volume cannot be made of them; choose other slices.`,
      );
  }
  const mean = length / gaps.length;
  const even =
    gaps.every((gap) => Math.abs(gap - median) <= tolerance(median)) && depth.every((d, i) => Math.abs(d - depth[0] - i * mean) <= tolerance(median));
  const scaled = (distance: number) => direction.map((value) => value * distance) as unknown as Vector;
  if (even) return { step: scaled(mean), places: undefined };
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
