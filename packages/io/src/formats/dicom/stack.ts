// From the frames of a series to slices in order: stacks, segments, what must be the same along a stack.

import { type Affine, AnyMC3DError, type Warning } from "@anymc3d/core";
import { chosen } from "../../options/choose.js";
import { cross, type DicomFrame, type Dimension, type Vector } from "./image.js";
import { apart, onePerPlace } from "./repeats.js";
import { geometry } from "./spacing.js";
import { unlocated } from "./unlocated.js";
import { listed, where } from "./words.js";

export interface StackOptions {
  readonly name: string;
  /** Which of several stacks (orientation or size). */
  readonly stack?: number;
  readonly frame: FrameChoice;
  /** `resample`: slices of varying distance are interpolated linearly onto even ones. */
  readonly uneven?: "resample";
  /** What the caller knows of an image that does not say it. */
  readonly orientation?: string;
  readonly spacing?: readonly [number, number, number];
  /** Whether frames hold the same pixels. */
  readonly same: (a: DicomFrame, b: DicomFrame) => Promise<boolean>;
}

export interface Stack {
  /** In order along the normal of the slices. */
  readonly frames: readonly DicomFrame[];
  readonly affine: Affine | undefined;
  /** Only where uneven slices are to be resampled: for every output slice, the place between input slices. */
  readonly places?: readonly number[];
  /** Only of a segmentation, which leaves empty frames out: how many slices there are, and which of them each frame is. */
  readonly grid?: { readonly count: number; readonly at: readonly number[] };
  /** One of the frames of the stack, also where none is of the segment. */
  readonly first: DicomFrame;
  /** Only of a segmentation of labels: their names by number. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly notes: readonly Warning[];
}

/** The option `frame`: which of several volumes, segments or frames. It is used once, and not given for nothing. */
export class FrameChoice {
  readonly #value: number | undefined;
  #used = false;

  constructor(value: number | undefined) {
    this.#value = value;
  }

  /** The one of a list that is meant; undefined where none is, or where the choice was made of another list. */
  of<T>(list: readonly T[]): T | undefined {
    if (this.#used) return undefined;
    const one = this.#value === undefined ? undefined : list[this.#value];
    this.#used = one !== undefined;
    return one;
  }

  /** @throws AnyMC3DError `OPTION_INVALID` where there was nothing to choose from, and not the first was given */
  check(name: string): void {
    if (!this.#used) chosen("frame", this.#value, 1, name);
  }
}

/**
 * Arranges the frames of one series.
 * @throws AnyMC3DError `SERIES_REQUIRED` (several stacks), `FRAME_REQUIRED`, `GEOMETRY_INVALID` naming the files, `OPTION_INVALID`
 */
export async function arrange(frames: readonly DicomFrame[], options: StackOptions): Promise<Stack> {
  const notes: Warning[] = [];
  const all = chooseStack(frames, options, notes);
  checkRescaling(all);
  const { frames: segment, labels } = ofOneSegment(all, options);
  const stack = all.every(({ position, orientation }) => position && orientation)
    ? await located(all, segment, options, notes)
    : unlocated(segment.length ? segment : all, options, notes);
  options.frame.check(options.name);
  return { ...stack, first: all[0], ...(labels && { labels }), notes };
}

/** What {@link arrange} puts together of frames that belong together. */
export type Arranged = Pick<Stack, "frames" | "affine" | "places" | "grid">;

async function located(all: readonly DicomFrame[], segment: readonly DicomFrame[], options: StackOptions, notes: Warning[]): Promise<Arranged> {
  if (all.some(({ roundedOrientation }) => roundedOrientation))
    notes.push({
      code: "ORIENTATION_ROUNDED",
      message: `${options.name}: the directions in Image Orientation are rounded so far that they are no unit vectors at right angles; they were made so`,
    });
  const normal = cross(...(all[0].orientation as [Vector, Vector]));
  if (all[0].image.segmentation) {
    const slices = segment.length ? await onePerPlace(segment, normal, options, notes) : [];
    return geometry(slices, normal, options, notes, all);
  }
  const slices = apart(await onePerPlace(segment, normal, options, notes), normal, options);
  checkAlongStack(slices, options.name, notes);
  return geometry(slices, normal, options, notes);
}

const isLocalizer = ({ image }: DicomFrame): boolean => image.imageType.includes("LOCALIZER");

/** Frames of one size and orientation. Localizers among others are left out, and that is said. */
function chooseStack(given: readonly DicomFrame[], { name, stack }: StackOptions, notes: Warning[]): readonly DicomFrame[] {
  const frames = ofOneSpace(given, name, notes);
  const stacks: DicomFrame[][] = [];
  for (const frame of frames) {
    const home = stacks.find(([first]) => alike(first, frame));
    if (home) home.push(frame);
    else stacks.push([frame]);
  }
  const rest = stacks.filter(([first]) => !isLocalizer(first));
  const localizers = stacks.filter(([first]) => isLocalizer(first));
  const candidates = rest.length === 0 || stack === undefined ? (rest.length ? rest : stacks) : [...rest, ...localizers];
  if (candidates.length < stacks.length) {
    const left = localizers.flat();
    notes.push({
      code: "LOCALIZER_LEFT",
      message: `${name}: ${left.length} localizer image(s) of the same series were left out: ${left.map(where).slice(0, 5).join(", ")}`,
    });
  }
  const picked = (stack ?? 0) === 0 && candidates.length === 1 ? candidates[0] : candidates[stack ?? -1];
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

/** A frame of reference that is another in every file says nothing: whoever took the names out made each anew. */
function ofOneSpace(frames: readonly DicomFrame[], name: string, notes: Warning[]): readonly DicomFrame[] {
  const images = [...new Set(frames.map(({ image }) => image))].filter(({ frameOfReference }) => frameOfReference !== undefined);
  const spaces = new Set(images.flatMap(({ frameOfReference }) => frameOfReference ?? []));
  if (images.length < 2 || spaces.size !== images.length) return frames;
  notes.push({
    code: "UIDS_IGNORED",
    message: `${name}: every one of ${images.length} files has a Frame of Reference UID of its own, as after a removal of identifiers; they are taken to lie in one space`,
  });
  const without = new Map(images.map((image) => [image, { ...image, frameOfReference: undefined }]));
  return frames.map((frame) => ({ ...frame, image: without.get(frame.image) ?? frame.image }));
}

function alike(a: DicomFrame, b: DicomFrame): boolean {
  const close = (p: readonly number[] | undefined, q: readonly number[] | undefined, most: number) =>
    p === undefined || q === undefined ? p === q : p.every((value, i) => Math.abs(value - q[i]) <= most);
  const agree = (p: string | undefined, q: string | undefined) => p === undefined || q === undefined || p === q;
  return (
    isLocalizer(a) === isLocalizer(b) &&
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

/** Numbers of the segments that the file lists or its frames show, ascending. */
export function segmentsOf(frames: readonly DicomFrame[]): number[] {
  const shown = frames.flatMap(({ dimensions: { segment } }) => (segment === undefined ? [] : [Number(segment)]));
  return [...new Set([...(frames[0].image.segmentation?.segments.keys() ?? []), ...shown])].sort((a, b) => a - b);
}

/**
 * Segments are masks of different things: one of them is read. Those that no frame shows are empty.
 * @throws AnyMC3DError `FRAME_REQUIRED` listing them
 */
function ofOneSegment(frames: readonly DicomFrame[], { name, frame }: StackOptions): { frames: readonly DicomFrame[]; labels?: Stack["labels"] } {
  const { segmentation } = frames[0].image;
  if (segmentation?.kind === "LABELMAP") return { frames, labels: Object.fromEntries(segmentation.segments) };
  const segments = segmentsOf(frames);
  const named = (segment: number | undefined): { labels?: Stack["labels"] } => {
    const text = segmentation?.segments.get(segment ?? Number.NaN);
    return segmentation && segmentation.kind !== "FRACTIONAL" ? { labels: text === undefined ? {} : { 1: text } } : {};
  };
  if (segments.length < 2) return { frames, ...named(segments[0]) };
  const one = frame.of(segments);
  if (one !== undefined) return { frames: frames.filter(({ dimensions }) => Number(dimensions.segment) === one), ...named(one) };
  const choices = segments.map((segment, value) => ({ value, text: segmentation?.segments.get(segment) ?? `segment ${segment}` }));
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
