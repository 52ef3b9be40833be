// Stored numbers to typed arrays: type, byte order, 64-bit integers, scaling; and one volume picked out of more axes.

import { AnyMC3DError, type VoxelArray } from "@anymc3d/core";
import { allocate } from "../options/limits.js";

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

export type NumberType = keyof typeof ARRAYS | "int64" | "uint64";

/** Bytes that a stored number takes; and in the array that {@link decodeValues} returns. */
export const bytesOfType = (type: NumberType): number => (type === "int64" || type === "uint64" ? 8 : ARRAYS[type].BYTES_PER_ELEMENT);

export interface StoredAs {
  readonly type: NumberType;
  readonly littleEndian: boolean;
  /** May the result be a view into `raw`? Say no where `raw` is a small part of a large buffer, which the view would keep alive. */
  readonly view: boolean;
}

/**
 * The numbers that `raw` holds, in their own type; int64 and uint64 as Float64Array.
 * @throws AnyMC3DError `FORMAT_INVALID` (an integer beyond 2^53), `OUT_OF_MEMORY`
 */
export function decodeValues(raw: Uint8Array, { type, littleEndian, view }: StoredAs, name: string): VoxelArray {
  const width = bytesOfType(type);
  const wide = type === "int64" || type === "uint64";
  const swap = width > 1 && littleEndian !== LITTLE_HERE;
  const move = swap || !view || raw.byteOffset % (wide ? 4 : width) !== 0;
  const own = (move ? allocate(name, raw.length, () => new Uint8Array(raw)) : raw) as Uint8Array<ArrayBuffer>;
  const { buffer, byteOffset, length } = own;
  if (swap) swapBytes(own, width);
  if (wide) return wideIntegers(new Uint32Array(buffer, byteOffset, length / 4), type, name);
  return new ARRAYS[type](buffer, byteOffset, length / width);
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
function wideIntegers(halves: Uint32Array, type: "int64" | "uint64", name: string): Float64Array {
  const count = halves.length / 2;
  const values = allocate(name, count * 8, () => new Float64Array(count));
  const [lowAt, highAt] = LITTLE_HERE ? [0, 1] : [1, 0];
  for (let i = 0; i < count; i++) {
    const low = halves[2 * i + lowAt];
    const stored = halves[2 * i + highAt];
    const high = type === "int64" ? stored | 0 : stored;
    if (high > 0x200000 || (high === 0x200000 && low > 0) || high < -0x200000) throw tooWide(name, type, i, (BigInt(high) << 32n) + BigInt(low));
    values[i] = high * 2 ** 32 + low;
  }
  return values;
}

function tooWide(name: string, type: string, index: number, value: bigint): AnyMC3DError {
  return new AnyMC3DError(
    "FORMAT_INVALID",
    `${name}: voxel ${index} (counted in the file's order) is ${value}, an ${type} beyond 2^53 that no double holds exactly. Store the data as int32 or float64.`,
  );
}

/** Of float32. */
export const LARGEST = 3.4028234663852886e38;

export const overflow = (name: string, value: number): AnyMC3DError =>
  new AnyMC3DError("FORMAT_INVALID", `${name}: a voxel is ${value}, beyond what float32 holds. Rescale the data, or correct slope and intercept.`);

/** slope · v + intercept as float32, computed in double precision. @throws AnyMC3DError `OUT_OF_MEMORY` */
export function scaleValues(stored: VoxelArray, slope: number, intercept: number, name: string): Float32Array {
  const values = allocate(name, stored.length * 4, () => new Float32Array(stored.length));
  for (let i = 0; i < values.length; i++) values[i] = slope * stored[i] + intercept;
  // Only stored doubles and large slopes can go beyond float32.
  const wide = stored instanceof Float64Array || stored instanceof Float32Array || Math.abs(slope) > 1e18 || Math.abs(intercept) > 1e37;
  const lost = wide ? values.findIndex((value, i) => !Number.isFinite(value) && Number.isFinite(stored[i])) : -1;
  if (lost >= 0) throw overflow(name, slope * stored[lost] + intercept);
  return values;
}

/** An axis of a file's array: one of the volume's, or one of which a single index is taken. */
export interface FileAxis {
  readonly size: number;
  /** Index taken; undefined: an axis of the volume. */
  readonly taken?: number;
}

/**
 * The volume's voxels out of an array with more axes.
 * @param axes fastest first; at most three of them without `taken`
 * @returns in the order of the axes that stay; a view where they lie in one piece and make up most of the array
 * @throws AnyMC3DError `OUT_OF_MEMORY`
 */
export function pickVoxels(values: VoxelArray, axes: readonly FileAxis[], name: string): VoxelArray {
  let stride = 1;
  let offset = 0;
  const kept: { size: number; stride: number }[] = [];
  for (const { size, taken } of axes) {
    if (taken === undefined) kept.push({ size, stride });
    else offset += taken * stride;
    stride *= size;
  }
  const [x, y, z] = [...kept, { size: 1, stride: 1 }, { size: 1, stride: 1 }];
  const count = x.size * y.size * z.size;
  if (inOnePiece(kept)) {
    const part = values.subarray(offset, offset + count);
    return 2 * count >= values.length ? part : allocate(name, part.byteLength, () => part.slice());
  }
  const out = allocate(name, count * values.BYTES_PER_ELEMENT, () => values.slice(0, count));
  for (let k = 0, at = 0; k < z.size; k++) {
    for (let j = 0; j < y.size; j++) {
      const row = offset + k * z.stride + j * y.stride;
      for (let i = 0; i < x.size; i++) out[at++] = values[row + i * x.stride];
    }
  }
  return out;
}

function inOnePiece(axes: readonly { size: number; stride: number }[]): boolean {
  let next = 1;
  return axes.every(({ size, stride }) => {
    const follows = size === 1 || stride === next;
    next *= size;
    return follows;
  });
}
