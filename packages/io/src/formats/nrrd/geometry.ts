// Which axes of an NRRD file are the volume's, and where they lie in the patient.

import { type Affine, AnyMC3DError, type Warning } from "@anymc3d/core";
import { chosen, mustChoose } from "../../options/choose.js";
import type { ReadOptions } from "../../options/read-options.js";
import { isInvertible, millimetres } from "../../volume/geometry.js";
import { checkTold, openAffine } from "../../volume/told.js";
import type { FileAxis } from "../../voxels/values.js";
import type { NrrdHeader } from "./header.js";

type Role = "space" | "frame" | "channel";

/** Kinds of axes (format, §"kinds") whose samples are values of one voxel. Other axes that are not space are frames. */
const CHANNELS =
  /^(?:vector|covariant-vector|normal|point|stub|scalar|complex|2-vector|quaternion|[34]-(?:vector|color|gradient|normal)|(?:rgb|hsv|xyz)-color|rgba-color|.*matrix)$/i;

const invalid = (name: string, what: string): AnyMC3DError =>
  new AnyMC3DError("GEOMETRY_INVALID", `${name}: ${what}. Without it, sizes and directions are unknown; correct the header, or write the file again.`);

function rolesOf(header: NrrdHeader, name: string): Role[] {
  const { sizes, kinds, directions, spacings } = header;
  // In a space of four axes, named or not, the fourth is time.
  const time = (step: readonly number[]) => step.length === 4 && step.slice(0, 3).every((part) => part === 0);
  const roles = sizes.map((_, axis): Role => {
    const kind = kinds?.[axis] ?? "";
    const other = CHANNELS.test(kind) ? "channel" : "frame";
    if (directions) return directions[axis] && !time(directions[axis]) ? "space" : other;
    const spatial = /^(?:domain|space|\?\?\?|none|)$/i.test(kind) && !(spacings && sizes.length > 3 && Number.isNaN(spacings[axis]));
    return spatial ? "space" : other;
  });
  // Without directions nothing tells time from space: the axes after the third are frames.
  if (!directions) for (let axis = 0, space = 0; axis < roles.length; axis++) if (roles[axis] === "space" && ++space > 3) roles[axis] = "frame";
  const found = roles.filter((role) => role === "space").length;
  if (found === 2 || found === 3) return roles;
  throw invalid(name, `${found} axes in space (sizes ${sizes.join(" × ")}, kinds ${kinds?.join(" ") ?? "not given"}); expected two or three`);
}

/**
 * The axes of the file, with the index taken of those that are not the volume's.
 * @throws AnyMC3DError `GEOMETRY_INVALID`, `FRAME_REQUIRED`, `CHANNELS_UNSUPPORTED`, `OPTION_INVALID`
 */
export function nrrdAxes(header: NrrdHeader, options: ReadOptions, name: string): FileAxis[] {
  const roles = rolesOf(header, name);
  const shape = header.sizes.join(" × ");
  for (const what of ["frame", "channel"] as const) {
    const long = header.sizes.filter((size, axis) => roles[axis] === what && size > 1);
    if (long.length > 1)
      throw new AnyMC3DError("CHANNELS_UNSUPPORTED", `${name}: ${long.length} axes of ${what}s (${shape}); expected one. Extract one volume first.`);
    if (long.length === 1 && options[what] === undefined) throw mustChoose(what, long[0], shape, name);
    if (long.length === 0) chosen(what, options[what], 1, name);
  }
  return header.sizes.map((size, axis) => {
    const role = roles[axis];
    return role === "space" ? { size } : { size, taken: size === 1 ? 0 : chosen(role, options[role], size, name) };
  });
}

/** Signs that turn the space's first three axes into right, anterior, superior; undefined for a space that says nothing of the patient. */
function toRas(space: string | undefined): readonly [number, number, number] | undefined {
  const [, x, y] = /^(right|left)-(anterior|posterior)-superior(?:-time)?$/.exec(space ?? "") ?? [];
  return x && y !== undefined && !(x === "right" && y === "posterior") ? [x === "right" ? 1 : -1, y === "anterior" ? 1 : -1, 1] : undefined;
}

/** Third step of a two-dimensional image in space: 1 mm along the normal. */
function normal(a: readonly number[], b: readonly number[]): number[] {
  const cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  const length = Math.hypot(...cross);
  return cross.map((part) => part / length);
}

/**
 * The affine in mm, RAS+, of the volume's axes.
 * @returns no affine where the file stores neither orientation nor voxel sizes, and none are told; then with a note
 * @throws AnyMC3DError `GEOMETRY_INVALID`, `OPTION_INVALID`
 */
export function nrrdAffine(header: NrrdHeader, axes: readonly FileAxis[], options: ReadOptions, name: string): { affine?: Affine; notes: Warning[] } {
  const notes: Warning[] = [];
  const spatial = axes.flatMap(({ taken }, axis) => (taken === undefined ? [axis] : []));
  const scale = unitScale(header, notes, name);
  const signs = toRas(header.space);
  const steps = spatial.map((axis) => header.directions?.[axis]);
  if (!signs || steps.some((step) => step === undefined)) return { ...unoriented(header, spatial, scale, options, notes, name), notes };
  const dimensions = header.space?.endsWith("-time") ? 4 : 3;
  const vectors = [...(steps as number[][]), header.origin ?? Array<number>(dimensions).fill(0)];
  if (vectors.some((vector) => vector.length !== dimensions))
    throw invalid(name, `space ${header.space} has ${dimensions} axes, but its vectors are of another length`);
  if (!header.origin) notes.push({ code: "NRRD_NO_ORIGIN", message: `${name}: no space origin; the first voxel was put at 0, 0, 0.` });
  const [origin, columns] = [vectors[vectors.length - 1], vectors.slice(0, -1)];
  if (columns.length === 2) columns.push(normal(columns[0], columns[1]).map((part) => part / scale));
  const row = (r: number) => [columns[0][r], columns[1][r], columns[2][r], origin[r]].map((value) => 0 + signs[r] * scale * value);
  const affine = [...row(0), ...row(1), ...row(2), 0, 0, 0, 1];
  if (!isInvertible(affine))
    throw invalid(name, `space directions ${columns.map((column) => `(${column})`).join(" ")}; expected finite vectors that span three directions`);
  checkTold(affine, options, name);
  return { affine, notes };
}

/** mm per unit of the space, with a note where that is not 1. */
/** Of an axis's spacing, where it states one. */
function axisScale({ axisUnits }: NrrdHeader, axis: number, name: string): number {
  const unit = axisUnits?.[axis]?.trim();
  if (!unit) return 1;
  const scale = millimetres(unit);
  if (scale === undefined) throw invalid(name, `units "${unit}" of axis ${axis}; expected a unit of length, "mm" for example`);
  return scale;
}

function unitScale({ units }: NrrdHeader, notes: Warning[], name: string): number {
  const named = [...new Set(units?.slice(0, 3).filter((unit) => unit.trim() !== ""))];
  if (named.length === 0) return 1;
  const scale = named.length === 1 ? millimetres(named[0]) : undefined;
  if (scale === undefined) throw invalid(name, `space units ${named.map((unit) => `"${unit}"`).join(" ")}; expected one unit of length, "mm" for example`);
  if (scale !== 1) notes.push({ code: "NRRD_UNITS", message: `${name}: positions are stored in ${named[0]} and were converted to mm.` });
  return scale;
}

/** What is known without an orientation: voxel sizes, by steps in another space, spacings, or the extents of the axes. */
function unoriented(header: NrrdHeader, spatial: readonly number[], scale: number, options: ReadOptions, notes: Warning[], name: string): { affine?: Affine } {
  const sizes = spatial.map((axis) => {
    const step = header.directions?.[axis];
    const size = step ? scale * Math.hypot(...step) : axisScale(header, axis, name) * Math.abs(header.spacings?.[axis] ?? extentStep(header, axis));
    return size > 0 && Number.isFinite(size) ? size : Number.NaN;
  });
  const shape = [...spatial.map((axis) => header.sizes[axis]), 1].slice(0, 3);
  const space = `its space, ${header.space},`;
  const why = header.space ? (toRas(header.space) ? `${space} has no directions` : `${space} says nothing of the patient`) : "it names no space";
  const { affine, note } = openAffine({ name, shape, stated: [...sizes, Number.NaN].slice(0, 3), why }, options);
  if (note !== undefined) notes.push({ code: "NRRD_NO_ORIENTATION", message: note });
  return { affine };
}

/** From the extents of an axis: between the centres of its outer samples where it is node-centred, else between their outer faces (teem's default). */
function extentStep({ mins, maxs, centers, sizes }: NrrdHeader, axis: number): number {
  const steps = centers?.[axis] === "node" ? sizes[axis] - 1 : sizes[axis];
  return ((maxs?.[axis] ?? Number.NaN) - (mins?.[axis] ?? Number.NaN)) / steps;
}
