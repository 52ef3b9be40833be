// Voxels of a NIfTI file: stored bytes to a typed array of real-world values.

import { AnyMC3DError, type VoxelArray } from "@anymc3d/core";
import { decodeValues, scaleValues } from "../../voxels/values.js";
import type { NiftiHeader } from "./header.js";

/** True where the header asks for scaling: a slope of 0 or no number means none, and the intercept then counts for nothing. */
function isScaled({ slope, intercept }: NiftiHeader): boolean {
  return Number.isFinite(slope) && slope !== 0 && !(slope === 1 && intercept === 0);
}

/** Bytes that one voxel takes in the array that {@link readVoxels} returns. */
export function bytesPerValue(header: NiftiHeader): number {
  return isScaled(header) ? 4 : header.type.bytes;
}

/**
 * The `count` voxels that begin at byte `start`: in their own type where no scaling applies (int64 and uint64 as Float64Array), else float32 of
 * slope · v + intercept, computed in double precision.
 * May be a view into `bytes`; `keep` says that `bytes` holds little else, so that a view wastes no memory.
 * @throws AnyMC3DError `FORMAT_INVALID` (an integer beyond 2^53, an intercept that is no number), `OUT_OF_MEMORY`
 */
export function readVoxels(bytes: Uint8Array, start: number, count: number, header: NiftiHeader, name: string, keep: boolean): VoxelArray {
  const raw = bytes.subarray(start, start + count * header.type.bytes);
  const stored = decodeValues(raw, { type: header.type.name, littleEndian: header.littleEndian, view: keep || isScaled(header) }, name);
  if (!isScaled(header)) return stored;
  const { slope, intercept } = header;
  if (!Number.isFinite(intercept)) {
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: scl_inter is ${intercept} with scl_slope ${slope}; expected a number. Correct the header (0 for no intercept).`,
    );
  }
  return scaleValues(stored, slope, intercept, name);
}
