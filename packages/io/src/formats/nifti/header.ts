// The NIfTI-1 and NIfTI-2 header: fields read from bytes and checked, nothing trusted.

import { AnyMC3DError, type Warning } from "@anymc3d/core";
import type { NumberType } from "../../voxels/values.js";

/** Header fields as the file holds them; numbers unscaled, units not applied. */
export interface NiftiHeader {
  readonly version: 1 | 2;
  /** ANALYZE 7.5: the header of NIfTI-1's first half, without its magic; no orientation. */
  readonly analyze: boolean;
  readonly littleEndian: boolean;
  /** Header and voxels in one file, or a .hdr with its .img. */
  readonly single: boolean;
  /** x, y, z, t, channel, u, v; 1 where the file has fewer axes. All ≥ 1. */
  readonly dims: readonly number[];
  /** Axes that the file declares, 1 … 7. */
  readonly axes: number;
  readonly type: VoxelType;
  /** Byte in the file that holds the voxels where the first one begins. */
  readonly offset: number;
  /** pixdim[0] (the handedness of the qform) … pixdim[3]. */
  readonly pixdim: readonly number[];
  readonly slope: number;
  readonly intercept: number;
  readonly units: number;
  /** The voxels are label numbers (NIFTI_INTENT_LABEL). */
  readonly labels: boolean;
  readonly qformCode: number;
  readonly sformCode: number;
  /** quatern_b, c, d and qoffset_x, y, z. */
  readonly quaternion: readonly number[];
  /** srow_x, srow_y, srow_z. */
  readonly srow: readonly number[];
  readonly notes: readonly Warning[];
}

/** A datatype that is read. */
interface VoxelType {
  readonly code: number;
  readonly name: NumberType;
  readonly bytes: 1 | 2 | 4 | 8;
}

const type = (code: number, name: NumberType, bytes: 1 | 2 | 4 | 8): VoxelType => ({ code, name, bytes });
const TYPES: readonly VoxelType[] = [
  type(2, "uint8", 1),
  type(4, "int16", 2),
  type(8, "int32", 4),
  type(16, "float32", 4),
  type(64, "float64", 8),
  type(256, "int8", 1),
  type(512, "uint16", 2),
  type(768, "uint32", 4),
  type(1024, "int64", 8),
  type(1280, "uint64", 8),
];
const COLOURS: Readonly<Record<number, string>> = { 128: "RGB", 2304: "RGBA" };
const OTHERS: Readonly<Record<number, string>> = { 1: "binary, 1 bit", 32: "complex64", 1536: "float128", 1792: "complex128", 2048: "complex256" };

/** nifti1.h: each voxel is an index into a list of labels. */
export const INTENT_LABEL = 1002;

/** Where the fields lie, and how wide they are, in each version. */
const LAYOUT = {
  1: {
    size: 348,
    intent: 68,
    magic: 344,
    data: 352,
    dim: 40,
    type: 70,
    bits: 72,
    pixdim: 76,
    offset: 108,
    slope: 112,
    inter: 116,
    units: 123,
    qform: 252,
    sform: 254,
    quatern: 256,
    srow: 280,
  },
  2: {
    size: 540,
    intent: 504,
    magic: 4,
    data: 544,
    dim: 16,
    type: 12,
    bits: 14,
    pixdim: 104,
    offset: 168,
    slope: 176,
    inter: 184,
    units: 500,
    qform: 344,
    sform: 348,
    quatern: 352,
    srow: 400,
  },
} as const;

/** Reads fields of either version by one set of names. */
class Fields {
  readonly at;
  readonly view: DataView;

  constructor(
    bytes: Uint8Array,
    readonly version: 1 | 2,
    readonly little: boolean,
  ) {
    this.at = LAYOUT[version];
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  real(at: number, index = 0): number {
    return this.version === 1 ? this.view.getFloat32(at + 4 * index, this.little) : this.view.getFloat64(at + 8 * index, this.little);
  }

  reals(at: number, count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.real(at, i));
  }

  dim(index: number): number {
    return this.version === 1 ? this.view.getInt16(this.at.dim + 2 * index, this.little) : Number(this.view.getBigInt64(this.at.dim + 8 * index, this.little));
  }

  code(at: number): number {
    return this.version === 1 ? this.view.getInt16(at, this.little) : this.view.getInt32(at, this.little);
  }

  offset(): number {
    return this.version === 1 ? this.real(this.at.offset) : Number(this.view.getBigInt64(this.at.offset, this.little));
  }

  units(): number {
    return this.version === 1 ? this.view.getUint8(this.at.units) : this.view.getInt32(this.at.units, this.little);
  }
}

/**
 * Reads and checks the header at the beginning of `bytes` (348 or 540 bytes are enough).
 * @throws AnyMC3DError `FILE_EMPTY`, `FORMAT_UNKNOWN` (not NIfTI), `FILE_TRUNCATED` (shorter than a header),
 * `FORMAT_INVALID` (a field that cannot be), `CHANNELS_UNSUPPORTED` (RGB voxels)
 */
export function parseNiftiHeader(bytes: Uint8Array, name: string, packed = false): NiftiHeader {
  const { version, little, single, analyze } = recognise(bytes, name, packed);
  const fields = new Fields(bytes, version, little);
  const { at } = fields;
  const voxel = voxelType(fields.view.getInt16(at.type, little), name);
  const bits = fields.view.getInt16(at.bits, little);
  const notes: Warning[] = [];
  if (bits !== voxel.bytes * 8) {
    notes.push({
      code: "NIFTI_BITPIX",
      message: `${name}: bitpix is ${bits}, but ${voxel.name} voxels (datatype ${voxel.code}) have ${voxel.bytes * 8} bits; read as ${voxel.name}.`,
    });
  }
  return {
    version,
    analyze,
    littleEndian: little,
    single,
    ...dimensions(fields, notes, name),
    type: voxel,
    offset: dataOffset(fields, single, name),
    pixdim: fields.reals(at.pixdim, 4).map((value, i) => (analyze && i > 0 ? Math.abs(value) : value)),
    slope: fields.real(at.slope),
    // ANALYZE has neither of these; SPM keeps its slope where NIfTI has it.
    intercept: analyze ? 0 : fields.real(at.inter),
    units: analyze ? 2 : fields.units() & 7,
    labels: !analyze && fields.code(at.intent) === INTENT_LABEL,
    qformCode: analyze ? 0 : fields.code(at.qform),
    sformCode: analyze ? 0 : fields.code(at.sform),
    quaternion: fields.reals(at.quatern, 6),
    srow: fields.reals(at.srow, 12),
    notes,
  };
}

/** Version, byte order and kind by size field and magic, or the refusal. */
function recognise(bytes: Uint8Array, name: string, packed: boolean): Pick<NiftiHeader, "version" | "single" | "analyze"> & { little: boolean } {
  if (bytes.length === 0)
    throw new AnyMC3DError("FILE_EMPTY", `${name}: the file is empty (0 bytes${packed ? " after unpacking" : ""}). Copy or export it again.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const version of [1, 2] as const) {
    const { size, magic } = LAYOUT[version];
    for (const little of [true, false]) {
      if (bytes.length < 4 || view.getInt32(0, little) !== size) continue;
      if (bytes.length < size) {
        throw new AnyMC3DError(
          "FILE_TRUNCATED",
          `${name}: expected at least the ${size} bytes of a NIfTI-${version} header, found ${bytes.length}. Copy or download the file again.`,
        );
      }
      const found = String.fromCharCode(...bytes.subarray(magic, magic + 4));
      if (found === `n+${version}\0` || found === `ni${version}\0`) return { version, little, single: found[1] === "+", analyze: false };
      if (version === 1 && isAnalyze(view, little)) return { version, little, single: false, analyze: true };
    }
  }
  const magic = String.fromCharCode(...bytes.subarray(344, 347));
  if (/^n[+i]1$/.test(magic)) {
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: sizeof_hdr is ${view.getInt32(0, true)}, expected 348 for NIfTI-1 (its magic says ${magic}). The header is damaged; export the file again.`,
    );
  }
  throw new AnyMC3DError(
    "FORMAT_UNKNOWN",
    `${name}: not NIfTI${packed ? " inside gzip" : ""}: its size field is that of a header, and neither its magic nor its axes are. Convert the file, or check that it is the one you meant.`,
  );
}

/** ANALYZE 7.5 by what it must have: the size (looked at before), 1 to 7 axes, and zeros or anything but letters where NIfTI has its magic. */
function isAnalyze(view: DataView, little: boolean): boolean {
  const axes = view.getInt16(40, little);
  return axes >= 1 && axes <= 7 && view.getUint8(LAYOUT[1].magic) !== 0x6e;
}

function voxelType(code: number, name: string): VoxelType {
  const found = TYPES.find((known) => known.code === code);
  if (found) return found;
  if (COLOURS[code]) {
    throw new AnyMC3DError(
      "CHANNELS_UNSUPPORTED",
      `${name}: ${COLOURS[code]} voxels (datatype ${code}); expected one number a voxel. Convert the image to grey values, or split its channels.`,
    );
  }
  const what = OTHERS[code] ? `${OTHERS[code]} voxels (datatype ${code})` : `datatype ${code}, which NIfTI does not define`;
  throw new AnyMC3DError(
    "FORMAT_INVALID",
    `${name}: ${what}; expected one of ${TYPES.map((known) => known.name).join(", ")}. Convert the voxels (for complex data: its magnitude).`,
  );
}

/** Axis lengths; 0 after the third and with nothing after it is an axis that is not there, as ITK takes it. */
function dimensions(fields: Fields, notes: Warning[], name: string): { dims: number[]; axes: number } {
  const axes = fields.dim(0);
  if (axes < 1 || axes > 7)
    throw new AnyMC3DError("FORMAT_INVALID", `${name}: dim[0] is ${axes}, expected 1 to 7 axes. The header is damaged; export the file again.`);
  const stored = Array.from({ length: 7 }, (_, i) => (i < axes ? fields.dim(i + 1) : 1));
  const absent = (dim: number, i: number) => i > 2 && dim === 0 && stored.slice(i).every((each) => each === 0 || each === 1);
  const dims = stored.map((dim, i) => (absent(dim, i) ? 1 : dim));
  if (stored.some(absent))
    notes.push({
      code: "NIFTI_MENDED",
      message: `${name}: the axis lengths ${stored.slice(0, axes).join(" × ")} were read as ${dims.slice(0, axes).join(" × ")}, as ITK does.`,
    });
  const wrong = dims.findIndex((dim) => dim < 1 || !Number.isSafeInteger(dim));
  if (wrong >= 0)
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: dim[${wrong + 1}] is ${dims[wrong]}, expected at least 1. The header is damaged or was written with an overflow; export the file again.`,
    );
  return { dims, axes };
}

function dataOffset(fields: Fields, single: boolean, name: string): number {
  const offset = fields.offset();
  const least = single ? fields.at.data : 0;
  if (offset === 0) return least;
  if (Number.isSafeInteger(offset) && offset >= least) return offset;
  throw new AnyMC3DError(
    "FORMAT_INVALID",
    `${name}: vox_offset is ${offset}, expected a whole number of at least ${least}, where the voxels begin. The header is damaged; export the file again.`,
  );
}
