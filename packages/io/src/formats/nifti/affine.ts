// From the orientation fields of a NIfTI header to one affine in mm, with notes on what was contradictory; and the quaternion of an affine.

import { type Affine, AnyMC3DError, determinant, voxelSpacing, type Warning } from "@anymc3d/core";
import type { ReadOptions } from "../../options/read-options.js";
import { cornerDistance, isInvertible } from "../../volume/geometry.js";
import { checkTold, openAffine, toldSizes } from "../../volume/told.js";
import type { NiftiHeader } from "./header.js";

/** Distance between two affines, in voxels, from which they count as different. */
const SAME = 0.1;
/** Cosine between two voxel axes from which they count as sheared. */
const SHEAR = 1e-3;

/** Columns of the 3×3 part. */
const column = (affine: Affine, axis: number): [number, number, number] => [affine[axis], affine[4 + axis], affine[8 + axis]];
const dot = (a: readonly number[], b: readonly number[]): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** The largest distance between the places, or the steps, that two affines give in a grid, in the first one's smallest voxel edge. */
export function affineDistance(a: Affine, b: Affine, shape: readonly number[]): number {
  const directions = [0, 1, 2].map((axis) => Math.hypot(...column(a, axis).map((value, row) => value - column(b, axis)[row])));
  return Math.max(cornerDistance(a, b, shape), ...directions) / Math.min(...voxelSpacing(a));
}

const invalid = (name: string, what: string): AnyMC3DError =>
  new AnyMC3DError("GEOMETRY_INVALID", `${name}: ${what}. Without it, sizes and directions are unknown; export the file again, or correct its header.`);

/**
 * Edge lengths for the qform and for the last resort, in the file's units: as nibabel without their sign, 1 for an axis that the file does not declare
 * or that has one voxel; else the caller's.
 */
function spacing(header: NiftiHeader, scale: number, told: ReadOptions["spacing"], name: string): number[] {
  const stated = [1, 2, 3].map((axis) => {
    const value = Math.abs(header.pixdim[axis]);
    if (value > 0 && Number.isFinite(value)) return scale * value;
    return axis > header.axes || header.dims[axis - 1] === 1 ? scale : Number.NaN;
  });
  const sizes = toldSizes(stated, told, name);
  const wrong = sizes.findIndex(Number.isNaN) + 1;
  if (wrong === 0) return sizes.map((size) => size / scale);
  throw invalid(
    name,
    `pixdim[${wrong}] is ${header.pixdim[wrong]}, expected a voxel size above 0 (sform_code is ${header.sformCode}); the option \`spacing\` says it`,
  );
}

/** The note on voxel sizes with a sign, where they are used. */
function signs({ pixdim }: NiftiHeader, name: string): Warning | undefined {
  const negative = [1, 2, 3].filter((axis) => pixdim[axis] < 0).map((axis) => `pixdim[${axis}] ${pixdim[axis]}`);
  if (negative.length === 0) return undefined;
  return { code: "NIFTI_MENDED", message: `${name}: voxel sizes below 0 (${negative.join(", ")}) were read without their sign, as nibabel does.` };
}

/**
 * The affine of a quaternion (NIfTI-1 header text, method 2).
 * @param quaternion b, c, d, then the offset x, y, z
 * @param sizes voxel edges; the third one negative where qfac is -1
 */
export function quaternionAffine(quaternion: readonly number[], sizes: readonly number[]): Affine {
  let [b, c, d] = quaternion;
  const square = b * b + c * c + d * d;
  if (square > 1) [b, c, d] = [b, c, d].map((value) => value / Math.sqrt(square));
  const a = Math.sqrt(Math.max(0, 1 - square));
  const [x, y, z] = sizes;
  return [
    (a * a + b * b - c * c - d * d) * x,
    2 * (b * c - a * d) * y,
    2 * (b * d + a * c) * z,
    quaternion[3],
    2 * (b * c + a * d) * x,
    (a * a + c * c - b * b - d * d) * y,
    2 * (c * d - a * b) * z,
    quaternion[4],
    2 * (b * d - a * c) * x,
    2 * (c * d + a * b) * y,
    (a * a + d * d - b * b - c * c) * z,
    quaternion[5],
    ...[0, 0, 0, 1],
  ];
}

/** An affine in the file's units, in mm. */
const scaled = (affine: Affine, scale: number): Affine => (scale === 1 ? affine : affine.map((value, i) => (i < 12 ? value * scale : value)));

function qform(header: NiftiHeader, [x, y, z]: readonly number[], name: string): Affine {
  const wrong = header.quaternion.findIndex((value) => !Number.isFinite(value));
  const fields = ["quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"];
  if (wrong >= 0) throw invalid(name, `${fields[wrong]} is ${header.quaternion[wrong]}, expected a number (qform_code is ${header.qformCode})`);
  const length = Math.hypot(...header.quaternion.slice(0, 3));
  if (length > 1.001) throw invalid(name, `quatern_b, c, d are ${header.quaternion.slice(0, 3).join(", ")}, of length ${length}; expected at most 1`);
  if (!Number.isFinite(header.pixdim[0])) throw invalid(name, `pixdim[0] (qfac) is ${header.pixdim[0]}, expected 1 or -1`);
  return quaternionAffine(header.quaternion, [x, y, header.pixdim[0] < 0 ? -z : z]);
}

/** Undefined where its rows are zeros, or do not span three directions, and there is a qform in its place, as ITK takes it. */
function sform(header: NiftiHeader, name: string): Affine | undefined {
  const affine = [...header.srow, 0, 0, 0, 1];
  if (isInvertible(affine)) return affine;
  if (header.qformCode > 0) return undefined;
  const rows = [0, 4, 8].map((row, i) => `srow_${"xyz"[i]} ${header.srow.slice(row, row + 4).join(" ")}`);
  throw invalid(name, `the sform (code ${header.sformCode}) is ${rows.join(", ")}; expected finite numbers that span three directions`);
}

function notOriented(name: string): AnyMC3DError {
  const holds = "an ANALYZE 7.5 header, which does not store left and right, and programs differed in how they wrote it";
  return new AnyMC3DError(
    "GEOMETRY_INVALID",
    `${name}: ${holds}. Say where the first, second and third axis point to with the option \`orientation\` ("LAS" for most, "RAS" for many), or find the image in another format.`,
    { details: { option: "orientation", file: name, holds } },
  );
}

/** What the user should know where both forms are set and differ. */
function disagreement(header: NiftiHeader, affine: Affine, scale: number, shape: readonly number[], name: string): Warning | undefined {
  if (header.qformCode <= 0) return undefined;
  let other: Affine;
  try {
    other = scaled(qform(header, spacing(header, scale, undefined, name), name), scale);
  } catch {
    return {
      code: "NIFTI_QFORM_INVALID",
      message: `${name}: the qform (code ${header.qformCode}) makes no sense; the sform (code ${header.sformCode}) was used.`,
    };
  }
  const distance = affineDistance(affine, other, shape);
  if (distance <= SAME) return undefined;
  const mirrored =
    determinant(affine) * determinant(other) < 0 ? " One mirrors the other: programs that use the qform swap left and right, or another pair of sides." : "";
  const message = `${name}: sform (code ${header.sformCode}) and qform (code ${header.qformCode}) place voxels differently, by up to ${distance.toPrecision(3)} voxels; the sform was used.${mirrored}`;
  return { code: "NIFTI_FORMS_DIFFER", message };
}

function shear(affine: Affine, name: string): Warning | undefined {
  const size = voxelSpacing(affine);
  const cosines = [
    [0, 1],
    [0, 2],
    [1, 2],
  ].map(([a, b]) => Math.abs(dot(column(affine, a), column(affine, b))) / (size[a] * size[b]));
  const worst = Math.max(...cosines);
  if (worst <= SHEAR) return undefined;
  const angle = (Math.asin(Math.min(1, worst)) * 180) / Math.PI;
  return {
    code: "NIFTI_SHEARED",
    message: `${name}: the voxel axes are not at right angles (${angle.toFixed(1)} degrees off); the shear is kept in the affine.`,
  };
}

/** mm per unit of xyzt_units, with a note where that is not 1. */
function unit(header: NiftiHeader, name: string): { scale: number; note?: Warning } {
  const { units } = header;
  if (units === 2 || units === 0) return { scale: 1 };
  const known = units === 1 ? { scale: 1000, text: "metres" } : units === 3 ? { scale: 0.001, text: "microns" } : undefined;
  if (known) return { scale: known.scale, note: { code: "NIFTI_UNITS", message: `${name}: positions are stored in ${known.text} and were converted to mm.` } };
  return { scale: 1, note: { code: "NIFTI_UNITS", message: `${name}: xyzt_units names space unit ${units}, which NIfTI does not define; taken as mm.` } };
}

/**
 * The affine of a header, in mm: sform where its code is above 0 and its rows span three directions, else qform, else voxel sizes alone.
 * @param options what the caller says of what the file does not store
 * @throws AnyMC3DError `GEOMETRY_INVALID`, naming the field and its value, and for ANALYZE without `orientation`; `OPTION_INVALID`
 */
export function niftiAffine(
  header: NiftiHeader,
  name: string,
  options: Pick<ReadOptions, "orientation" | "spacing"> = {},
): { affine: Affine; notes: Warning[] } {
  const shape = header.dims.slice(0, 3);
  const notes: (Warning | undefined)[] = [];
  if (header.analyze && options.orientation === undefined) throw notOriented(name);
  const { scale, note } = unit(header, name);
  const stored = header.sformCode > 0 || header.qformCode > 0;
  const rows = header.sformCode > 0 ? sform(header, name) : undefined;
  let affine: Affine;
  if (rows) {
    affine = scaled(rows, scale);
    notes.push(disagreement(header, affine, scale, shape, name), shear(affine, name));
  } else {
    if (header.sformCode > 0)
      notes.push({
        code: "NIFTI_SFORM_INVALID",
        message: `${name}: the sform (code ${header.sformCode}) spans no three directions; the qform (code ${header.qformCode}) was used.`,
      });
    const sizes = spacing(header, scale, options.spacing, name);
    notes.push(signs(header, name));
    if (header.qformCode > 0) affine = scaled(qform(header, sizes, name), scale);
    else {
      // As ANALYZE files mostly lie, and nibabel takes them.
      const grid = { name, shape, stated: sizes.map((size) => scale * size), assumed: "LAS", why: "sform_code and qform_code are 0" };
      const open = openAffine(grid, { orientation: options.orientation });
      affine = open.affine as Affine;
      notes.push(open.note === undefined ? undefined : { code: "NIFTI_NO_ORIENTATION", message: open.note });
    }
  }
  notes.push(note);
  if (!isInvertible(affine)) throw invalid(name, `the affine is ${affine.join(" ")}; expected finite numbers that span three directions`);
  if (stored) checkTold(affine, options, name);
  return { affine, notes: notes.filter((each) => each !== undefined) };
}

/**
 * The rotation nearest to an affine's axes as NIfTI stores it: b, c, d and qfac; from the largest of the four quaternion terms, for accuracy.
 * Exact for axes at right angles.
 */
export function affineQuaternion(affine: Affine): { bcd: [number, number, number]; qfac: 1 | -1 } {
  const size = voxelSpacing(affine);
  const qfac = determinant(affine) < 0 ? -1 : 1;
  const r = (row: number, axis: number): number => (affine[4 * row + axis] / size[axis]) * (axis === 2 ? qfac : 1);
  const squares = [1 + r(0, 0) + r(1, 1) + r(2, 2), 1 + r(0, 0) - r(1, 1) - r(2, 2), 1 - r(0, 0) + r(1, 1) - r(2, 2), 1 - r(0, 0) - r(1, 1) + r(2, 2)];
  const largest = squares.indexOf(Math.max(...squares));
  const products = [
    [squares[0], r(2, 1) - r(1, 2), r(0, 2) - r(2, 0), r(1, 0) - r(0, 1)],
    [r(2, 1) - r(1, 2), squares[1], r(0, 1) + r(1, 0), r(0, 2) + r(2, 0)],
    [r(0, 2) - r(2, 0), r(0, 1) + r(1, 0), squares[2], r(1, 2) + r(2, 1)],
    [r(1, 0) - r(0, 1), r(0, 2) + r(2, 0), r(1, 2) + r(2, 1), squares[3]],
  ][largest];
  const length = Math.hypot(...products) * (products[0] < 0 ? -1 : 1);
  const [, b, c, d] = products.map((value) => value / length);
  return { bcd: [b, c, d], qfac };
}
