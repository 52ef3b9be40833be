// Builds NIfTI and NumPy bytes for tests, field by field, independently of the package's own writers, and catches errors.

import { AnyMC3DError, type ErrorCode } from "@anymc3d/core";
import { expect } from "vitest";

export { random } from "@anymc3d/testkit/mutate";

export interface Fields {
  version?: 1 | 2;
  little?: boolean;
  dims?: number[];
  datatype?: number;
  bitpix?: number;
  pixdim?: number[];
  /** vox_offset; default: right after the header and its extension flag. */
  offset?: number;
  slope?: number;
  inter?: number;
  units?: number;
  qform?: number;
  sform?: number;
  quatern?: number[];
  srow?: number[];
  magic?: string;
  /** The four bytes after the header. */
  flag?: number[];
  /** Bytes between the flag and vox_offset. */
  extension?: Uint8Array;
  /** Voxels as bytes; default int16 0, 1, 2, … */
  data?: Uint8Array;
}

export const identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];

/** int16 voxels first, first + 1, … as little-endian bytes. */
export const counting = (count: number, first = 0): Uint8Array => new Uint8Array(Int16Array.from({ length: count }, (_, i) => first + i).buffer);

const at1 = { dim: 40, type: 70, bits: 72, pixdim: 76, offset: 108, slope: 112, units: 123, qform: 252, quatern: 256, srow: 280, magic: 344, size: 348 };
const at2 = { dim: 16, type: 12, bits: 14, pixdim: 104, offset: 168, slope: 176, units: 500, qform: 344, quatern: 352, srow: 400, magic: 4, size: 540 };

export function nifti(fields: Fields = {}): Uint8Array {
  const { version = 1, little = true, dims = [4, 4, 4], datatype = 4, bitpix = { 2: 8, 4: 16, 16: 32, 64: 64, 1024: 64, 1280: 64 }[datatype] ?? 16 } = fields;
  const at = version === 1 ? at1 : at2;
  const data = fields.data ?? counting(dims.reduce((a, b) => a * b, 1));
  const extension = fields.extension ?? new Uint8Array(0);
  const header = new Uint8Array(at.size);
  const view = new DataView(header.buffer);
  const real = (where: number, values: number[]) =>
    values.forEach((value, i) => {
      if (version === 1) view.setFloat32(where + 4 * i, value, little);
      else view.setFloat64(where + 8 * i, value, little);
    });
  const code = (where: number, value: number) => (version === 1 ? view.setInt16(where, value, little) : view.setInt32(where, value, little));
  view.setInt32(0, at.size, little);
  [dims.length, ...dims].forEach((dim, i) => {
    if (version === 1) view.setInt16(at.dim + 2 * i, dim, little);
    else view.setBigInt64(at.dim + 8 * i, BigInt(dim), little);
  });
  view.setInt16(at.type, datatype, little);
  view.setInt16(at.bits, bitpix, little);
  real(at.pixdim, fields.pixdim ?? [1, 1, 1, 1, 1, 1, 1, 1]);
  const offset = fields.offset ?? at.size + 4 + extension.length;
  if (version === 1) view.setFloat32(at.offset, offset, little);
  else view.setBigInt64(at.offset, BigInt(offset), little);
  real(at.slope, [fields.slope ?? 1, fields.inter ?? 0]);
  if (version === 1) view.setUint8(at.units, fields.units ?? 2);
  else view.setInt32(at.units, fields.units ?? 2, little);
  code(at.qform, fields.qform ?? 0);
  code(at.qform + (version === 1 ? 2 : 4), fields.sform ?? 1);
  real(at.quatern, fields.quatern ?? [0, 0, 0, 0, 0, 0]);
  real(at.srow, fields.srow ?? identity);
  header.set(new TextEncoder().encode(fields.magic ?? `n+${version}\0`), at.magic);
  const single = (fields.magic ?? "n+")[1] === "+";
  return single ? concat(header, Uint8Array.from(fields.flag ?? [0, 0, 0, 0]), extension, data) : concat(header, Uint8Array.from(fields.flag ?? [0, 0, 0, 0]));
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Expects a refusal with this code whose message matches, and gives the message. */
export async function refusal(run: () => unknown, code: ErrorCode, ...says: (string | RegExp)[]): Promise<string> {
  let error: unknown;
  try {
    await run();
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(AnyMC3DError);
  const { message } = error as AnyMC3DError;
  expect((error as AnyMC3DError).code, message).toBe(code);
  for (const each of says) expect(message).toMatch(each);
  return message;
}

/** Expects the same numbers to this many digits after the point. */
export function near(found: ArrayLike<number> | undefined, expected: readonly number[], digits: number): void {
  expect(found?.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) expect(found?.[i]).toBeCloseTo(expected[i], digits);
}

/** An array of uint8 0, 1, 2, … of this shape, as numpy.save writes it. */
export function npy(...shape: number[]): Uint8Array {
  const header = new TextEncoder().encode(`{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(", ")},), }\n`);
  const start = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0);
  return concat(
    start,
    header,
    Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
  );
}
