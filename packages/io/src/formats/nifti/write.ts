// Writes a Volume as one NIfTI-1 file.

import { type Affine, AnyMC3DError, type Volume, type VoxelArray, voxelSpacing } from "@anymc3d/core";
import { allocate } from "../../options/limits.js";
import { isInvertible } from "../../volume/geometry.js";
import { affineDistance, affineQuaternion, quaternionAffine } from "./affine.js";
import { INTENT_LABEL } from "./header.js";

const HEADER = 352;
/** Distance in voxels within which qform and sform count as the same. */
const SAME = 0.01;

const CODES: Readonly<Record<string, { readonly code: number; readonly set: "setInt8" | "setInt16" | "setInt32" | "setFloat32" | "setFloat64" }>> = {
  Uint8Array: { code: 2, set: "setInt8" },
  Int16Array: { code: 4, set: "setInt16" },
  Int32Array: { code: 8, set: "setInt32" },
  Float32Array: { code: 16, set: "setFloat32" },
  Float64Array: { code: 64, set: "setFloat64" },
  Int8Array: { code: 256, set: "setInt8" },
  Uint16Array: { code: 512, set: "setInt16" },
  Uint32Array: { code: 768, set: "setInt32" },
};

/**
 * A volume as the bytes of a single-file NIfTI-1 (.nii): voxels in their own type, little-endian, scl_slope 1; units mm; sform code 1 and, where
 * the voxel axes are at right angles, the same qform with code 1. Both codes are 0 for a volume without affine. A segmentation (`labels`) gets the label intent; names of labels have no place, and no
 * free text is written.
 * @throws AnyMC3DError `VOLUME_INVALID` (shape and voxels do not match; an axis over 32767), `GEOMETRY_INVALID` (an affine that cannot be), `OUT_OF_MEMORY`
 */
export function writeNifti(volume: Volume): Uint8Array {
  const { code, set } = checkVolume(volume);
  const { data, shape, affine } = volume;
  const size = HEADER + data.byteLength;
  const bytes = allocate("NIfTI", size, () => new Uint8Array(size));
  const view = new DataView(bytes.buffer);
  view.setInt32(0, 348, true);
  view.setUint8(38, "r".charCodeAt(0));
  for (const [i, dim] of [3, ...shape, 1, 1, 1, 1].entries()) view.setInt16(40 + 2 * i, dim, true);
  if (volume.labels) view.setInt16(68, INTENT_LABEL, true);
  view.setInt16(70, code, true);
  view.setInt16(72, data.BYTES_PER_ELEMENT * 8, true);
  view.setFloat32(108, HEADER, true);
  view.setFloat32(112, 1, true);
  view.setUint8(123, 2);
  if (set.startsWith("setFloat")) writeRange(view, data);
  writeForms(view, affine, shape);
  bytes.set([0x6e, 0x2b, 0x31, 0], 344);
  writeVoxels(bytes, view, data, set);
  return bytes;
}

function checkVolume({ data, shape, affine }: Volume) {
  const type = CODES[Object.prototype.toString.call(data).slice(8, -1)];
  const fail = (what: string) => new AnyMC3DError("VOLUME_INVALID", `The volume to write has ${what}.`);
  if (!type) throw fail(`voxels in ${Object.prototype.toString.call(data)}; expected one of ${Object.keys(CODES).join(", ")}`);
  if (shape.length !== 3 || shape.some((size) => !Number.isInteger(size) || size < 1 || size > 32767)) {
    throw fail(`the shape ${shape.join(" × ")}; expected three whole numbers from 1 to 32767, which is what NIfTI-1 can hold`);
  }
  const count = shape[0] * shape[1] * shape[2];
  if (data.length !== count) throw fail(`${data.length} voxels; its shape ${shape.join(" × ")} asks for ${count}`);
  if (affine && (affine.length !== 16 || !isInvertible(affine.map(Math.fround)) || affine.slice(12).join() !== "0,0,0,1")) {
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      `The volume to write has the affine ${affine.join(" ")}; expected 16 finite numbers, row by row, that span three directions, the last row 0 0 0 1.`,
    );
  }
  return type;
}

/** cal_min and cal_max of float data: the range that a viewer shows. */
function writeRange(view: DataView, data: VoxelArray): void {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const value of data) {
    if (!Number.isFinite(value)) continue;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (!Number.isFinite(Math.fround(least)) || !Number.isFinite(Math.fround(most))) return;
  view.setFloat32(124, most, true);
  view.setFloat32(128, least, true);
}

function writeForms(view: DataView, affine: Affine | undefined, shape: Volume["shape"]): void {
  const size = affine ? voxelSpacing(affine) : [1, 1, 1];
  const { bcd, qfac } = affine ? affineQuaternion(affine) : { bcd: [0, 0, 0], qfac: 1 };
  writeFloats(view, 76, [qfac, ...size, 1, 1, 1, 1]);
  if (!affine) return;
  const form = [...bcd, affine[3], affine[7], affine[11]].map(Math.fround);
  const edges = [size[0], size[1], qfac * size[2]].map(Math.fround);
  const same = affineDistance(affine, quaternionAffine(form, edges), shape) < SAME;
  view.setInt16(252, same ? 1 : 0, true);
  view.setInt16(254, 1, true);
  if (same) writeFloats(view, 256, form);
  writeFloats(view, 280, affine.slice(0, 12));
}

function writeFloats(view: DataView, at: number, values: readonly number[]): void {
  for (const [i, value] of values.entries()) view.setFloat32(at + 4 * i, value, true);
}

function writeVoxels(bytes: Uint8Array, view: DataView, data: VoxelArray, set: (typeof CODES)[string]["set"]): void {
  const littleHere = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  if (littleHere) bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), HEADER);
  else for (let i = 0; i < data.length; i++) view[set](HEADER + i * data.BYTES_PER_ELEMENT, data[i], true);
}
