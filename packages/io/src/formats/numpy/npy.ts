// NPY (NumPy's array file, versions 1 to 3): bytes to a typed array in C order.

import { AnyMC3DError, toFloat32, type VoxelArray } from "@anymc3d/core";
import { allocate } from "../../options/limits.js";
import { decodeValues, LITTLE_HERE, type NumberType, swapBytes } from "../../voxels/values.js";

/** An array of a NumPy file, in C order (last axis fastest). */
export interface NpyArray {
  /** The type as stored: "uint8", "float32", …, "bool" (as 0 and 1). int64 and uint64 come as Float64Array, float16 as Float32Array. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** May be a view into the file's bytes. */
  readonly data: VoxelArray;
}

/** NumPy's type code: name, bytes a value, how its numbers are stored where that is one of the plain types. */
const TYPES: Readonly<Record<string, { readonly dtype: string; readonly bytes: number; readonly stored?: NumberType }>> = {
  b1: { dtype: "bool", bytes: 1, stored: "uint8" },
  u1: { dtype: "uint8", bytes: 1, stored: "uint8" },
  i1: { dtype: "int8", bytes: 1, stored: "int8" },
  u2: { dtype: "uint16", bytes: 2, stored: "uint16" },
  i2: { dtype: "int16", bytes: 2, stored: "int16" },
  u4: { dtype: "uint32", bytes: 4, stored: "uint32" },
  i4: { dtype: "int32", bytes: 4, stored: "int32" },
  f4: { dtype: "float32", bytes: 4, stored: "float32" },
  f8: { dtype: "float64", bytes: 8, stored: "float64" },
  f2: { dtype: "float16", bytes: 2 },
  u8: { dtype: "uint64", bytes: 8, stored: "uint64" },
  i8: { dtype: "int64", bytes: 8, stored: "int64" },
};

const MAGIC = "\x93NUMPY";
const MAX_AXES = 64;

interface NpyHeader {
  readonly littleEndian: boolean;
  readonly type: (typeof TYPES)[string];
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Byte at which the values begin. */
  readonly start: number;
}

/**
 * Reads the bytes of a .npy file. The format: numpy.lib.format.
 * @throws AnyMC3DError `FORMAT_INVALID` (no NPY; text, objects, records, complex numbers; an integer beyond 2^53), `FILE_TRUNCATED`, `OUT_OF_MEMORY`
 */
export function readNpy(bytes: Uint8Array, name: string): NpyArray {
  const { type, littleEndian, fortran, shape, start } = parseHeader(bytes, name);
  const count = shape.reduce((product, n) => product * n, 1);
  const need = count * type.bytes;
  if (!(need <= bytes.length - start)) {
    throw new AnyMC3DError(
      "FILE_TRUNCATED",
      `${name}: expected ${need} bytes for ${type.dtype} [${shape.join(", ")}] from byte ${start}, found ${bytes.length - start}. Save or copy the file again.`,
    );
  }
  const values = valuesOf(bytes.subarray(start, start + need), type, littleEndian, name);
  return { dtype: type.dtype, shape, data: fortran && shape.length > 1 ? toCOrder(values, shape, name) : values };
}

/** Bytes that a file with this beginning must have. @throws AnyMC3DError as {@link readNpy} */
export function npySize(head: Uint8Array, name: string): number {
  const { type, shape, start } = parseHeader(head, name);
  return start + shape.reduce((product, n) => product * n, type.bytes);
}

function invalid(name: string, found: string): AnyMC3DError {
  return new AnyMC3DError("FORMAT_INVALID", `${name}: ${found}; expected a numeric array as numpy.save writes it. Save it again with numpy.`);
}

function parseHeader(bytes: Uint8Array, name: string): NpyHeader {
  if (String.fromCharCode(...bytes.subarray(0, 6)) !== MAGIC) throw invalid(name, "no NPY array (its first bytes are others)");
  const version = bytes[6];
  if (!(version >= 1 && version <= 3)) throw invalid(name, `NPY version ${version ?? "missing"}`);
  const begin = version === 1 ? 10 : 12;
  if (bytes.length < begin) throw new AnyMC3DError("FILE_TRUNCATED", `${name}: ends within its header, after ${bytes.length} bytes. Copy it again.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > bytes.length - begin) {
    const found = `its header claims ${length} bytes, the file has ${bytes.length - begin} more`;
    throw new AnyMC3DError("FILE_TRUNCATED", `${name}: ${found}. Copy it again.`);
  }
  // a header of plain numbers takes some hundred bytes: a longer one is a table of records
  if (length > 65535) throw invalid(name, `a header of ${length} bytes`);
  const text = new TextDecoder().decode(bytes.subarray(begin, begin + length));
  return { ...parseDictionary(text, name), start: begin + length };
}

/** The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }. */
function parseDictionary(text: string, name: string): Omit<NpyHeader, "start"> {
  const field = (key: string, value: string) => new RegExp(`['"]${key}['"]\\s*:\\s*${value}`).exec(text)?.[1];
  const descr = field("descr", "['\"]([^'\"]*)['\"]");
  const fortran = field("fortran_order", "(True|False)");
  const shape = field("shape", "\\(([\\d\\sL,]*)\\)");
  if (fortran === undefined || shape === undefined) throw invalid(name, `a header that cannot be read: ${text.slice(0, 120).trim()}`);
  if (descr === undefined) throw invalid(name, "an array of records");
  const [, order, code] = /^([<>|=])?(\w+)$/.exec(descr) ?? [];
  if (code === undefined || !Object.hasOwn(TYPES, code)) throw invalid(name, `values of type "${descr}"`);
  const lengths = shape.split(",").flatMap((part) => (part.trim() === "" ? [] : [Number.parseInt(part, 10)]));
  if (lengths.length > MAX_AXES || !lengths.every(Number.isSafeInteger)) throw invalid(name, `a shape of (${shape.slice(0, 80)})`);
  return { littleEndian: order !== ">", type: TYPES[code], fortran: fortran === "True", shape: lengths };
}

function valuesOf(raw: Uint8Array, { stored, bytes }: NpyHeader["type"], littleEndian: boolean, name: string): VoxelArray {
  if (stored) return decodeValues(raw, { type: stored, littleEndian, view: true }, name);
  const own = littleEndian === LITTLE_HERE && raw.byteOffset % bytes === 0 ? raw : allocate(name, raw.length, () => Uint8Array.from(raw));
  if (littleEndian !== LITTLE_HERE) swapBytes(own, bytes);
  return toFloat32({ dtype: "F16", shape: [raw.length / 2], bytes: own });
}

/** Fortran order (first axis fastest) to C order (last axis fastest). */
function toCOrder(values: VoxelArray, shape: readonly number[], name: string): VoxelArray {
  const out = allocate(name, values.byteLength, () => values.slice());
  const stride = shape.map((_, axis) => shape.slice(0, axis).reduce((product, n) => product * n, 1));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = values[from];
    // the next index, last axis first, and its place in the file
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += stride[axis];
      if (++index[axis] < shape[axis]) break;
      from -= stride[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}
