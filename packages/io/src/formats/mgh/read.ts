// Reads a FreeSurfer MGH volume, .mgh or .mgz (surfer.nmr.mgh.harvard.edu/fswiki/FsTutorial/MghFormat), into a Volume.

import { type Affine, AnyMC3DError, type Volume, type Warning } from "@anymc3d/core";
import { gunzip, isGzip } from "../../compression/gzip.js";
import { chosen, mustChoose } from "../../options/choose.js";
import { byteLimit, tooLarge } from "../../options/limits.js";
import type { ReadOptions } from "../../options/read-options.js";
import type { Named } from "../../sources/file-entry.js";
import { isInvertible } from "../../volume/geometry.js";
import { checkTold, openAffine } from "../../volume/told.js";
import { junkBehind, tooShort } from "../../voxels/parts.js";
import { bytesOfType, decodeValues, type NumberType } from "../../voxels/values.js";

/** True for bytes that begin like an MGH header: version 1, four sizes, a known type. */
export function isMgh(bytes: Uint8Array): boolean {
  // Of the header of 284 bytes, 90 are used.
  if (bytes.length < 90) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getInt32(0) === 1 && [4, 8, 12, 16].every((at) => view.getInt32(at) > 0) && view.getInt32(20) >= 0 && view.getInt32(20) <= 32;
}

/** Bytes before the voxels. */
const HEADER = 284;

const TYPES: Readonly<Record<number, NumberType>> = { 0: "uint8", 1: "int32", 3: "float32", 4: "int16", 10: "uint16" };

interface MghHeader {
  readonly shape: [number, number, number];
  readonly frames: number;
  readonly type: NumberType;
  readonly affine: Affine | undefined;
  readonly notes: readonly Warning[];
}

/** As `readMgh()`. */
export async function decodeMgh({ bytes, name }: Named, options: ReadOptions): Promise<Volume> {
  options.signal?.throwIfAborted();
  const limit = byteLimit(options);
  const plan = (head: Uint8Array, most: number): number => {
    const header = parseHeader(head, options, name);
    return neededBytes(header, most, limit, name);
  };
  const junk: Warning[] = [];
  // What follows the voxels is FreeSurfer's own: how the scan was made.
  const onEnd = (_: number, behind: number) => void (behind && junk.push(junkBehind(name, behind, "gzip")));
  const plain = isGzip(bytes) ? await gunzip(bytes, { name, limit, size: plan, onEnd, signal: options.signal }) : bytes;
  const { shape, frames, type, affine, ...header } = parseHeader(plain, options, name);
  const notes = [...header.notes, ...junk];
  neededBytes({ shape, frames, type }, plain.length, limit, name);
  if (frames > 1 && options.frame === undefined) throw mustChoose("frame", frames, [...shape, frames].join(" × "), name);
  const size = shape[0] * shape[1] * shape[2] * bytesOfType(type);
  const start = HEADER + chosen("frame", options.frame, frames, name) * size;
  const data = decodeValues(plain.subarray(start, start + size), { type, littleEndian: false, view: true }, name);
  return { data, shape, ...(affine && { affine }), ...(options.modality && { modality: options.modality }), ...(notes.length > 0 && { notes }) };
}

/** Bytes of a file with this header, without what may follow its voxels. @throws AnyMC3DError as `readMgh()` */
export function mghSize(head: Uint8Array, name: string): number {
  return neededBytes(parseHeader(head, {}, name), Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, name);
}

function neededBytes({ shape, frames, type }: Pick<MghHeader, "shape" | "frames" | "type">, found: number, limit: number, name: string): number {
  const need = HEADER + shape[0] * shape[1] * shape[2] * frames * bytesOfType(type);
  const what = `${[...shape, frames].join(" × ")} ${type} voxels`;
  if (need > found) throw tooShort(name, need, found, what);
  if (need > limit) throw tooLarge(name, `${what} need ${need} bytes`, limit);
  return need;
}

function parseHeader(bytes: Uint8Array, options: ReadOptions, name: string): MghHeader {
  if (!isMgh(bytes))
    throw new AnyMC3DError("FORMAT_UNKNOWN", `${name}: not a FreeSurfer MGH volume (version 1, sizes above 0). Check that the file is the one you meant.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height, depth, frames, code] = [4, 8, 12, 16, 20].map((at) => view.getInt32(at));
  const type = TYPES[code];
  if (!type)
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: voxel type ${code}; expected 0, 1, 3, 4 or 10 (${Object.values(TYPES).join(", ")}). Convert it with mri_convert.`,
    );
  const shape: [number, number, number] = [width, height, depth];
  if (view.getInt16(28) > 0) {
    const affine = storedAffine(view, shape, name);
    checkTold(affine, options, name);
    return { shape, frames, type, affine, notes: [] };
  }
  // FreeSurfer and nibabel differ in what they then assume.
  const { affine, note } = openAffine({ name, shape, stated: [Number.NaN, Number.NaN, Number.NaN], why: "its header says that it holds none" }, options);
  return { shape, frames, type, affine, notes: note === undefined ? [] : [{ code: "MGH_NO_ORIENTATION", message: note }] };
}

/** Directions × sizes, and the place of voxel (width/2, height/2, depth/2). */
function storedAffine(view: DataView, shape: readonly number[], name: string): Affine {
  const floats = (at: number, count: number) => Array.from({ length: count }, (_, i) => view.getFloat32(at + 4 * i));
  const [sizes, cosines, centre] = [floats(30, 3), floats(42, 9), floats(78, 3)];
  const rows = [0, 1, 2].flatMap((row) => {
    const steps = [0, 1, 2].map((axis) => cosines[3 * axis + row] * sizes[axis]);
    return [...steps, centre[row] - steps.reduce((sum, step, axis) => sum + (step * shape[axis]) / 2, 0)];
  });
  const affine = [...rows, 0, 0, 0, 1];
  if (isInvertible(affine)) return affine;
  const found = `voxel sizes ${sizes.join(" × ")} and directions ${cosines.join(" ")}`;
  throw new AnyMC3DError("GEOMETRY_INVALID", `${name}: ${found}; expected finite numbers that span three directions. Correct the header with mri_convert.`);
}
