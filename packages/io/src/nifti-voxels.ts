// Voxels of a NIfTI file: stored bytes to a typed array of real-world values.

import { AnyMC3DError, type VoxelArray } from "@anymc3d/core";
import type { NiftiHeader } from "./nifti-header.js";
import { allocate } from "./options.js";

export const LITTLE_HERE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

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
  const stored = storedValues(bytes.subarray(start, start + count * header.type.bytes), header, name, keep || isScaled(header));
  if (!isScaled(header)) return stored;
  const { slope, intercept } = header;
  if (!Number.isFinite(intercept)) {
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: scl_inter is ${intercept} with scl_slope ${slope}; expected a number. Correct the header (0 for no intercept).`,
    );
  }
  const values = allocate(name, count * 4, () => new Float32Array(count));
  for (let i = 0; i < count; i++) values[i] = slope * stored[i] + intercept;
  return values;
}

function storedValues(raw: Uint8Array, header: NiftiHeader, name: string, keep: boolean): VoxelArray {
  const { bytes: width, name: type } = header.type;
  const swap = width > 1 && header.littleEndian !== LITTLE_HERE;
  const unit = type === "int64" || type === "uint64" ? 4 : width;
  const move = swap || !keep || raw.byteOffset % unit !== 0;
  const own = (move ? allocate(name, raw.length, () => new Uint8Array(raw)) : raw) as Uint8Array<ArrayBuffer>;
  const { buffer, byteOffset, length } = own;
  if (swap) swapBytes(own, width);
  if (type === "int64" || type === "uint64") return wideIntegers(new Uint32Array(buffer, byteOffset, length / 4), header, name);
  return new ARRAYS[type as keyof typeof ARRAYS](buffer, byteOffset, length / width) as VoxelArray;
}

export function swapBytes(bytes: Uint8Array, width: number): void {
  for (let at = 0; at < bytes.length; at += width) {
    for (let low = at, high = at + width - 1; low < high; low++, high--) {
      const held = bytes[low];
      bytes[low] = bytes[high];
      bytes[high] = held;
    }
  }
}

/** 64-bit integers, given as 32-bit halves, as doubles; exact or refused. */
function wideIntegers(halves: Uint32Array, header: NiftiHeader, name: string): Float64Array {
  const count = halves.length / 2;
  const signed = header.type.name === "int64";
  const values = allocate(name, count * 8, () => new Float64Array(count));
  const [lowAt, highAt] = LITTLE_HERE ? [0, 1] : [1, 0];
  for (let i = 0; i < count; i++) {
    const low = halves[2 * i + lowAt];
    const stored = halves[2 * i + highAt];
    const high = signed ? stored | 0 : stored;
    if (high > 0x200000 || (high === 0x200000 && low > 0) || high < -0x200000) throw tooWide(name, header, i, (BigInt(high) << 32n) + BigInt(low));
    values[i] = high * 2 ** 32 + low;
  }
  return values;
}

function tooWide(name: string, header: NiftiHeader, index: number, value: bigint): AnyMC3DError {
  return new AnyMC3DError(
    "FORMAT_INVALID",
    `${name}: voxel ${index} (counted with x fastest) is ${value}, a ${header.type.name} beyond 2^53 that no double holds exactly. Store the data as int32 or float64.`,
  );
}
