// The MetaImage header (.mha, .mhd; itk.org/Wiki/MetaIO/Documentation): its fields, read and checked; nothing trusted.

import { AnyMC3DError, own } from "@anymc3d/core";
import { listedNames, numberedNames } from "../../sources/companions.js";
import { dicomModality } from "../../voxels/modality.js";
import type { NumberType } from "../../voxels/values.js";

export interface MhaHeader {
  readonly type: NumberType;
  readonly littleEndian: boolean;
  /** Voxels as bytes, or as text. */
  readonly binary: boolean;
  readonly compressed: boolean;
  /** Bytes of the zlib stream, as the file says. */
  readonly compressedSize: number | undefined;
  /** Bytes before the voxels of a data file; -1: the voxels are its last bytes. */
  readonly headerSize: number;
  /** Axis lengths, fastest first, 2 to 4; without the channels, which lie fastest of all. */
  readonly sizes: readonly number[];
  readonly channels: number;
  /** Edge lengths, one an axis; undefined where the file gives none. */
  readonly spacing: readonly number[] | undefined;
  /** Direction of each axis, one after the other, in the axes of LPS space; undefined where the file gives none. */
  readonly matrix: readonly number[] | undefined;
  readonly offset: readonly number[] | undefined;
  /** Three letters: where each axis comes from. */
  readonly orientation: string | undefined;
  readonly units: string | undefined;
  readonly slope: number;
  readonly intercept: number;
  /** "CT", "MR", … */
  readonly modality: string | undefined;
  /** The files that hold the voxels; undefined: they follow the header. */
  readonly files: readonly string[] | undefined;
  /** Byte that follows the header. */
  readonly end: number;
}

/** MetaIO's long has four bytes. */
const TYPES: Readonly<Record<string, NumberType>> = {
  MET_CHAR: "int8",
  MET_ASCII_CHAR: "int8",
  MET_UCHAR: "uint8",
  MET_SHORT: "int16",
  MET_USHORT: "uint16",
  MET_INT: "int32",
  MET_UINT: "uint32",
  MET_LONG: "int32",
  MET_ULONG: "uint32",
  MET_LONG_LONG: "int64",
  MET_ULONG_LONG: "uint64",
  MET_FLOAT: "float32",
  MET_DOUBLE: "float64",
};
/** Fields that are read; any other is the writer's own, a DICOM element for example, and may go over several lines. */
const FIELDS = new Set(
  "objecttype ndims binarydata binarydatabyteordermsb compresseddata compresseddatasize headersize dimsize elementnumberofchannels elementtype elementspacing elementsize transformmatrix offset anatomicalorientation distanceunits elementtointensityfunctionslope elementtointensityfunctionoffset modality elementdatafile 0008|0060".split(
    " ",
  ),
);
/** Fields with several names. */
const ALIASES: Readonly<Record<string, string>> = {
  elementbyteordermsb: "binarydatabyteordermsb",
  rotation: "transformmatrix",
  orientation: "transformmatrix",
  position: "offset",
  origin: "offset",
};

/** Most bytes of a header. */
const LONGEST = 2 ** 20;

const invalid = (name: string, what: string): AnyMC3DError =>
  new AnyMC3DError("FORMAT_INVALID", `${name}: ${what}. The MetaImage header is damaged or of a kind that is not read; correct it, or write the file again.`);

interface Lines {
  readonly fields: ReadonlyMap<string, string>;
  /** Lines after ElementDataFile. */
  readonly rest: () => string[];
  readonly end: number;
}

/** ElementDataFile is the last field. */
function readLines(bytes: Uint8Array, name: string): Lines {
  const fields = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const stop = bytes.indexOf(10, at);
    const end = stop < 0 ? bytes.length : stop;
    if (end > LONGEST) break;
    const line = new TextDecoder().decode(bytes.subarray(at, end)).trim();
    at = end + 1;
    const [, key, value] = /^([^=]*?)\s*=\s*(.*)$/.exec(line) ?? [];
    const field = own(ALIASES, key?.toLowerCase()) ?? key?.toLowerCase();
    if (!FIELDS.has(field)) continue;
    if (fields.has(field) && fields.get(field)?.trim().toLowerCase() !== value.trim().toLowerCase())
      throw invalid(name, `two fields "${key}", or two names of one, with different values`);
    fields.set(field, value);
    if (field === "elementdatafile") {
      const rest = () => new TextDecoder().decode(bytes.subarray(at, at + LONGEST)).split("\n");
      return { fields, rest, end: Math.min(at, bytes.length) };
    }
  }
  throw invalid(name, 'no field "ElementDataFile", which ends the header');
}

/**
 * Reads the header at the beginning of `bytes`.
 * @throws AnyMC3DError `FORMAT_INVALID`, naming the field
 */
export function parseMhaHeader(bytes: Uint8Array, name: string): MhaHeader {
  const { fields, rest, end } = readLines(bytes, name);
  const text = (key: string) => fields.get(key.toLowerCase());
  const needed = (key: string) => text(key) ?? fail(name, `no field "${key}"`);
  const numbers = (key: string, count: number, check = Number.isFinite) => numbersOf(text(key), key, count, check, name);
  if ((text("ObjectType") ?? "Image") !== "Image") throw invalid(name, `ObjectType ${text("ObjectType")}; expected Image`);
  const [axes] = numbersOf(needed("NDims"), "NDims", 1, (n) => n >= 2 && n <= 4 && Number.isInteger(n), name) as number[];
  const positive = (n: number) => Number.isSafeInteger(n) && n >= 1;
  const whole = (n: number) => Number.isSafeInteger(n) && n >= -1;
  const type = needed("ElementType");
  if (!Object.hasOwn(TYPES, type)) throw invalid(name, `ElementType ${type.slice(0, 80)}; expected one of ${Object.keys(TYPES).join(", ")}`);
  needed("DimSize");
  return {
    type: TYPES[type],
    littleEndian: !flag(text("BinaryDataByteOrderMSB"), "BinaryDataByteOrderMSB", false, name),
    binary: flag(text("BinaryData"), "BinaryData", true, name),
    compressed: flag(text("CompressedData"), "CompressedData", false, name),
    compressedSize: numbers("CompressedDataSize", 1)?.[0],
    headerSize: numbers("HeaderSize", 1, whole)?.[0] ?? 0,
    sizes: numbers("DimSize", axes, positive) as number[],
    channels: numbers("ElementNumberOfChannels", 1, positive)?.[0] ?? 1,
    spacing: numbers("ElementSpacing", axes) ?? numbers("ElementSize", axes),
    matrix: numbers("TransformMatrix", axes * axes),
    offset: numbers("Offset", axes),
    orientation: text("AnatomicalOrientation"),
    units: text("DistanceUnits"),
    slope: numbers("ElementToIntensityFunctionSlope", 1)?.[0] ?? 1,
    intercept: numbers("ElementToIntensityFunctionOffset", 1)?.[0] ?? 0,
    modality: /^MET_MOD_([A-Z]{2})$/.exec(text("Modality") ?? "")?.[1] ?? dicomModality(text("0008|0060")),
    files: dataFiles(needed("ElementDataFile"), rest, name),
    end,
  };
}

function fail(name: string, what: string): never {
  throw invalid(name, what);
}

function numbersOf(text: string | undefined, field: string, count: number, check: (n: number) => boolean, name: string): number[] | undefined {
  if (text === undefined) return undefined;
  const found = text.split(/\s+/).filter((word) => word !== "");
  const values = found.map((word) => (/^[+-]?(?:\d|\.\d)[\d.e+-]*$/i.test(word) ? Number(word) : Number.NaN));
  if (values.length === count && values.every((value) => Number.isFinite(value) && check(value))) return values;
  throw invalid(name, `${field} = ${text.slice(0, 120)}; expected ${count} number${count > 1 ? "s" : ""} that can be`);
}

function flag(text: string | undefined, field: string, otherwise: boolean, name: string): boolean {
  if (text === undefined) return otherwise;
  if (/^(?:true|1|yes)$/i.test(text)) return true;
  if (/^(?:false|0|no)$/i.test(text)) return false;
  throw invalid(name, `${field} = ${text.slice(0, 80)}; expected True or False`);
}

function dataFiles(value: string, rest: () => string[], name: string): string[] | undefined {
  if (/^local$/i.test(value)) return undefined;
  if (/^LIST\b/.test(value)) return listedNames(rest(), name);
  const [, pattern, first, last, step] = /^(\S*%\S*)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)$/.exec(value) ?? [];
  return pattern === undefined ? [value] : numberedNames(pattern, [first, last, step].map(Number), name);
}
