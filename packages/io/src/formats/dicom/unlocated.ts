// Images that do not say where they lie: one alone, or the frames of one file in their order. What they do say of size and direction is kept.

import { type Affine, AnyMC3DError, axisCodes, type Warning } from "@anymc3d/core";
import { orientedAffine } from "../../volume/geometry.js";
import { cross, type DicomFrame, type Dimension, type Vector } from "./image.js";
import type { Arranged, StackOptions } from "./stack.js";
import { listed, where } from "./words.js";

/**
 * A volume of frames without a place; never of files, whose order would be a guess.
 * @throws AnyMC3DError `GEOMETRY_INVALID`, `FRAME_REQUIRED`, `OPTION_INVALID`
 */
export function unlocated(all: readonly DicomFrame[], options: StackOptions, notes: Warning[]): Arranged {
  const { orientation, spacing } = options;
  const frames = inDepth(all, options);
  const [first] = frames;
  if (frames.some(({ image }) => image !== first.image)) {
    const lost = frames.find((frame) => !(frame.position && frame.orientation)) as DicomFrame;
    const told = orientation || spacing ? " `orientation` and `spacing` do not tell it either." : "";
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      `${where(lost)}: Image Position or Image Orientation is missing, so the order of the ${frames.length} slices is not known (file names and instance numbers do not tell it).${told}`,
    );
  }
  const { slices } = first.image.order;
  const sorted = [...frames].sort((a, b) => (slices ? slices[a.index] - slices[b.index] : 0) || a.index - b.index);
  return { frames: sorted, affine: affineOf(first, sorted.length, options, notes) };
}

/** What may not change from frame to frame of one volume. */
const OTHERS: readonly Dimension[] = ["temporal position", "echo", "echo time", "b-value", "trigger time"];

/** Frames that follow in time, gate, energy or rotation are no slices: one of them is read, or one of the volumes they make. @throws AnyMC3DError `FRAME_REQUIRED` */
function inDepth(frames: readonly DicomFrame[], { name, frame }: StackOptions): readonly DicomFrame[] {
  const [{ image }] = frames;
  if (frames.length < 2 || frames.some((each) => each.image !== image)) return frames;
  const { notDepth, volumes } = image.order;
  if (notDepth) {
    const one = frame.of(frames);
    if (one) return [one];
    throw new AnyMC3DError("FRAME_REQUIRED", `${name}: ${notDepth}. Choose one with the option \`frame\` (--frame), from 0.`, {
      details: { option: "frame", file: name, holds: notDepth, range: [0, frames.length - 1] },
    });
  }
  const by = OTHERS.filter((what) => new Set(frames.map(({ dimensions }) => dimensions[what])).size > 1);
  const key = (each: DicomFrame) => [...(volumes ? [volumes.keys[each.index]] : []), ...by.map((what) => each.dimensions[what] ?? "")].join(", ");
  const keys = [...new Set(frames.map(key))];
  if (keys.length < 2) return frames;
  const one = frame.of(keys);
  if (one !== undefined) return frames.filter((each) => key(each) === one);
  const differ = [...(volumes ? [volumes.by] : []), ...by].join(", ");
  const choices = keys.map((each, value) => ({ value, text: `${differ} ${each}` }));
  const holds = `${keys.length} volumes in one file, which differ in ${differ}`;
  throw new AnyMC3DError("FRAME_REQUIRED", `${name}: ${holds}; expected one. Choose with the option \`frame\` (--frame):\n${listed(choices.slice(0, 40))}`, {
    details: { option: "frame", file: name, holds, choices },
  });
}

/** Voxel size, as far as it is stated, else as told; none where the size of a pixel is neither. */
function sizesOf(frame: DicomFrame, count: number, { name, spacing, orientation }: StackOptions, notes: Warning[]): [number, number, number] | undefined {
  const { pixelSpacing, thickness, atDetector } = frame;
  const stated = [pixelSpacing?.[1], pixelSpacing?.[0], frame.stated] as const;
  checkTold(spacing, stated, name);
  const [x, y] = spacing ?? [stated[0], stated[1]];
  if (x === undefined || y === undefined) {
    if (orientation === undefined) return undefined;
    throw new AnyMC3DError("OPTION_INVALID", `${name}: \`orientation\` is given, but the image does not state the size of a pixel. Give \`spacing\`, too.`, {
      details: { option: "spacing", file: name },
    });
  }
  if (atDetector && !spacing) notes.push(detectorNote(name));
  const deep = spacing?.[2] ?? frame.stated ?? thickness;
  if (frame.stated === undefined && spacing === undefined && (count > 1 || deep === undefined))
    notes.push({
      code: "NO_SPACING",
      message: `${name}: ${count} slice(s) without Spacing Between Slices; ${deep === undefined ? "1 mm" : `their thickness, ${deep} mm,`} is taken`,
    });
  return [x, y, deep ?? 1];
}

export const detectorNote = (name: string): Warning => ({
  code: "NO_SPACING",
  message: `${name}: the size of a pixel is stated at the detector or of the scanned film only, not in the patient; it is taken, and may be too large`,
});

/** A size that is told must be the one that is stated, where one is. @throws AnyMC3DError `OPTION_INVALID` */
export function checkTold(told: readonly number[] | undefined, stated: readonly (number | undefined)[], name: string): void {
  if (told?.every((size) => Number.isFinite(size) && size > 0) === false)
    throw new AnyMC3DError("OPTION_INVALID", `${name}: \`spacing\` is ${told.join(", ")}; give three lengths above 0, in mm.`, {
      details: { option: "spacing", file: name },
    });
  if (!told || stated.every((size, i) => size === undefined || Math.abs(size - told[i]) <= 0.01 * size)) return;
  const found = stated.map((size) => (size === undefined ? "not stated" : `${size} mm`)).join(", ");
  throw new AnyMC3DError(
    "OPTION_INVALID",
    `${name}: \`spacing\` is ${told.join(", ")}, and the files state another: ${found}. It is for files that state none: leave it out, or correct the headers.`,
    { details: { option: "spacing", file: name, found: told.join(",") } },
  );
}

/** Axes that are told must be those that are stated. @throws AnyMC3DError `OPTION_INVALID` */
export function checkToldAxes(told: string | undefined, affine: Affine, name: string): void {
  if (told === undefined || told.toUpperCase() === axisCodes(affine)) return;
  // Anything but three letters of three axes is refused as such.
  orientedAffine(told, [1, 1, 1], [1, 1, 1]);
  throw new AnyMC3DError(
    "OPTION_INVALID",
    `${name}: \`orientation\` is ${told}, and the files state ${axisCodes(affine)}. It is for files that state none: leave it out, or correct the headers.`,
    { details: { option: "orientation", file: name, found: told } },
  );
}

function affineOf(frame: DicomFrame, count: number, options: StackOptions, notes: Warning[]): Affine | undefined {
  const { name, orientation: told } = options;
  const { orientation, position, image, backward } = frame;
  const note = (what: string) => notes.push({ code: "NO_ORIENTATION", message: `${name}: the image does not say ${what}` });
  const sizes = sizesOf(frame, count, options, notes);
  if (!sizes) {
    const between = frame.stated === undefined ? "" : ` Spacing Between Slices is ${frame.stated} mm, the size of a pixel is not stated; give \`spacing\`.`;
    note(`where it lies in the patient; ${count} slice(s) are taken as stored.${between}`);
    return undefined;
  }
  const shape = [image.columns, image.rows, count] as const;
  if (!orientation) {
    if (told === undefined)
      note(
        `where it lies in the patient; ${count} slice(s) of ${sizes.map((size) => +size.toFixed(4)).join(" × ")} mm a voxel are taken as if columns went to the left, rows to the back and slices up`,
      );
    return orientedAffine(told ?? "LPS", sizes, shape);
  }
  const sign = backward ? -1 : 1;
  const axes = [...orientation, cross(...orientation).map((value) => sign * value) as unknown as Vector].map((axis, i) =>
    axis.map((value) => value * sizes[i]),
  );
  const middle = (axis: number) => -axes.reduce((sum, step, i) => sum + (step[axis] * (shape[i] - 1)) / 2, 0);
  const origin = position ?? [0, 1, 2].map(middle);
  note(
    position
      ? "on which side of the first the other slices lie"
      : "where it lies in the patient, but how its rows and columns run; the middle of the volume is taken as 0",
  );
  const affine = [0, 1, 2].flatMap((axis) => [...axes.map((step) => step[axis]), origin[axis]].map((value) => 0 + (axis < 2 ? -value : value)));
  const all = [...affine, 0, 0, 0, 1];
  checkToldAxes(told, all, name);
  return all;
}
