// The NRRD header (teem.sourceforge.net/nrrd/format.html, versions 1 to 5): its fields, read and checked; nothing trusted.

import { AnyMC3DError, own } from "@anymc3d/core";
import { listedNames, numberedNames } from "../../sources/companions.js";
import { dicomModality } from "../../voxels/modality.js";
import type { NumberType } from "../../voxels/values.js";

type NrrdEncoding = "raw" | "gzip" | "text" | "hex";

export interface NrrdHeader {
  readonly type: NumberType;
  readonly littleEndian: boolean;
  readonly encoding: NrrdEncoding;
  /** Axis lengths, fastest first; all ≥ 1. */
  readonly sizes: readonly number[];
  readonly kinds: readonly string[] | undefined;
  /** The space's name in lower case, acronyms written out; undefined where the file names none. */
  readonly space: string | undefined;
  /** Per axis, its step in space; undefined for `none`. */
  readonly directions: readonly (readonly number[] | undefined)[] | undefined;
  readonly origin: readonly number[] | undefined;
  /** Of the space. */
  readonly units: readonly string[] | undefined;
  /** Of each axis's spacing. */
  readonly axisUnits: readonly string[] | undefined;
  /** Per axis; NaN where the file gives none. */
  readonly spacings: readonly number[] | undefined;
  /** Per axis, where its extent begins and ends; NaN where the file gives none. */
  readonly mins: readonly number[] | undefined;
  readonly maxs: readonly number[] | undefined;
  /** Per axis: "cell", "node", or neither. */
  readonly centers: readonly string[] | undefined;
  readonly lineSkip: number;
  /** -1: the voxels are the file's last bytes. */
  readonly byteSkip: number;
  /** The files that hold the voxels; undefined: they follow the header. */
  readonly files: readonly string[] | undefined;
  /** "CT", "MR", …, where a converter from DICOM passed it on. */
  readonly modality: string | undefined;
  /** Of a segmentation as 3D Slicer writes it. */
  readonly segments: readonly Segment[] | undefined;
  /** What the smallest and the largest value stood for before they were mapped to integers. */
  readonly oldRange: readonly [number, number] | undefined;
  /** Byte that follows the header. */
  readonly end: number;
}

/** A segment: the voxels of one number in one layer, which is an index along the list axis. */
interface Segment {
  readonly name: string;
  readonly label: number;
  readonly layer: number;
}

const TYPES: readonly (readonly [NumberType, RegExp])[] = [
  ["int8", /^(?:signed char|int8(?:_t)?)$/],
  ["uint8", /^(?:uchar|unsigned char|uint8(?:_t)?)$/],
  ["int16", /^(?:(?:signed )?short(?: int)?|int16(?:_t)?)$/],
  ["uint16", /^(?:ushort|unsigned short(?: int)?|uint16(?:_t)?)$/],
  ["int32", /^(?:(?:signed )?int|int32(?:_t)?)$/],
  ["uint32", /^(?:uint|unsigned int|uint32(?:_t)?)$/],
  ["int64", /^(?:longlong|(?:signed )?long long(?: int)?|int64(?:_t)?)$/],
  ["uint64", /^(?:ulonglong|unsigned long long(?: int)?|uint64(?:_t)?)$/],
  ["float32", /^float$/],
  ["float64", /^double$/],
];
const ENCODINGS: Readonly<Record<string, NrrdEncoding>> = { raw: "raw", gzip: "gzip", gz: "gzip", txt: "text", text: "text", ascii: "text", hex: "hex" };
const ACRONYMS: Readonly<Record<string, string>> = {
  ras: "right-anterior-superior",
  las: "left-anterior-superior",
  lps: "left-posterior-superior",
  rast: "right-anterior-superior-time",
  last: "left-anterior-superior-time",
  lpst: "left-posterior-superior-time",
};
/** A key that converters from DICOM write. */
const MODALITY = "0008|0060";
/** Fields that have a second spelling. */
const ALIASES: Readonly<Record<string, string>> = {
  datafile: "data file",
  lineskip: "line skip",
  byteskip: "byte skip",
  blocksize: "block size",
  oldmin: "old min",
  oldmax: "old max",
  axismins: "axis mins",
  axismaxs: "axis maxs",
  centerings: "centers",
  sampleunits: "sample units",
};
/** Every field that the format has. One that it does not have may be a misspelt one that matters; teem refuses it, too. */
const FIELDS = new Set(
  "type|block size|dimension|sizes|spacings|thicknesses|axis mins|axis maxs|centers|labels|units|kinds|min|max|old min|old max|endian|encoding|line skip|byte skip|data file|content|number|sample units|space|space dimension|space units|space origin|space directions|measurement frame".split(
    "|",
  ),
);

/** Most bytes of a header, and axes of an array (teem's own bound). */
const LONGEST = 2 ** 20;
const MOST_AXES = 16;

const invalid = (name: string, what: string): AnyMC3DError =>
  new AnyMC3DError("FORMAT_INVALID", `${name}: ${what}. The NRRD header is damaged or of a kind that is not read; correct it, or write the file again.`);

/** Of keys and values: a backslash before n is a line's end, before another backslash nothing. */
const unescaped = (text: string): string => text.replace(/\\([\\n])/g, (_, letter) => (letter === "n" ? "\n" : letter));

/** Fields by name, the writer's own pairs, the lines after `data file: LIST`, and where the header ends. */
interface Lines {
  readonly fields: ReadonlyMap<string, string>;
  readonly pairs: ReadonlyMap<string, string>;
  readonly list: readonly string[];
  readonly end: number;
}

function readLines(bytes: Uint8Array, name: string): Lines {
  const fields = new Map<string, string>();
  const pairs = new Map<string, string>();
  const list: string[] = [];
  let listing = false;
  let at = bytes.indexOf(10) + 1;
  if (at === 0) throw invalid(name, "a first line without an end");
  while (at < bytes.length) {
    const stop = bytes.indexOf(10, at);
    const end = stop < 0 ? bytes.length : stop;
    if (end > LONGEST) throw invalid(name, `no empty line, which ends the header, within ${LONGEST} bytes`);
    const line = new TextDecoder().decode(bytes.subarray(at, end)).replace(/\r$/, "");
    at = end + 1;
    if (listing) {
      list.push(line);
      continue;
    }
    if (line === "") return { fields, pairs, list, end: Math.min(at, bytes.length) };
    if (line.startsWith("#")) continue;
    // The first of the two separators tells a pair of the writer's own from a field.
    const [, written, said] = /^((?:(?!: ).)*?):=(.*)$/.exec(line) ?? [];
    if (written !== undefined) {
      pairs.set(unescaped(written), unescaped(said));
      continue;
    }
    const [, key, value] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
    if (key === undefined) throw invalid(name, `the line "${line.slice(0, 80)}"; expected "field: value"`);
    const field = own(ALIASES, key.trim().toLowerCase()) ?? key.trim().toLowerCase();
    if (fields.has(field)) throw invalid(name, `two fields "${field}"`);
    if (!FIELDS.has(field)) throw invalid(name, `the field "${field.slice(0, 80)}", which NRRD does not have (a pair of the writer's own has := between)`);
    fields.set(field, value.trim());
    listing = field === "data file" && /^LIST\b/.test(value.trim());
  }
  return { fields, pairs, list, end: bytes.length };
}

/**
 * Reads the header at the beginning of `bytes`.
 * @throws AnyMC3DError `FORMAT_INVALID`, naming the field; `FORMAT_UNKNOWN` for bzip2
 */
export function parseNrrdHeader(bytes: Uint8Array, name: string): NrrdHeader {
  const version = /^NRRD000([1-5])\r?$/.exec(new TextDecoder().decode(bytes.subarray(0, Math.max(0, bytes.subarray(0, 32).indexOf(10)))));
  if (!version) throw invalid(name, `the first line "${String.fromCharCode(...bytes.subarray(0, 8))}…"; expected NRRD0001 to NRRD0005`);
  const lines = readLines(bytes, name);
  const field = (key: string, needed = false): string | undefined => {
    const value = lines.fields.get(key);
    if (value === undefined && needed) throw invalid(name, `no field "${key}"`);
    return value;
  };
  const axes = wholeNumber(field("dimension", true), 1, MOST_AXES, "dimension", name);
  const type = typeOf(field("type", true) as string, name);
  const encoding = encodingOf(field("encoding", true) as string, name);
  const sizes = words(field("sizes", true) as string).map((word) => wholeNumber(word, 1, Number.MAX_SAFE_INTEGER, "sizes", name));
  if (sizes.length !== axes) throw invalid(name, `"sizes: ${sizes.join(" ")}" with dimension ${axes}`);
  const space = field("space")?.toLowerCase();
  return {
    type,
    encoding,
    sizes,
    littleEndian: endianness(field("endian"), type, encoding, name),
    kinds: perAxis(field("kinds"), "kinds", axes, name),
    space: space === undefined ? undefined : (own(ACRONYMS, space) ?? space),
    directions: directionsOf(field("space directions"), axes, name),
    origin: vectors(field("space origin"), "space origin", name)?.[0],
    units: quoted(field("space units"), "space units", name),
    axisUnits: quoted(field("units"), "units", name),
    spacings: perAxisNumbers(field("spacings"), "spacings", axes, name),
    mins: perAxisNumbers(field("axis mins"), "axis mins", axes, name),
    maxs: perAxisNumbers(field("axis maxs"), "axis maxs", axes, name),
    centers: perAxis(field("centers"), "centers", axes, name)?.map((word) => word.toLowerCase()),
    lineSkip: wholeNumber(field("line skip") ?? "0", 0, LONGEST, "line skip", name),
    byteSkip: byteSkipOf(field("byte skip"), encoding, name),
    files: dataFiles(field("data file"), lines.list, sizes, name),
    segments: segmentsOf(lines.pairs),
    oldRange: oldRange(field("old min"), field("old max"), name),
    modality: dicomModality(lines.pairs.get(MODALITY)),
    end: lines.end,
  };
}

/** Units stand in quotes, as they may hold blanks. @throws AnyMC3DError `FORMAT_INVALID` for others */
function quoted(value: string | undefined, field: string, name: string): string[] | undefined {
  if (value === undefined || value.trim() === "") return undefined;
  if (!/^\s*(?:"[^"]*"\s*)+$/.test(value)) throw invalid(name, `"${field}: ${value}"; expected units in quotes, "mm" "mm" "mm" for example`);
  return (value.match(/"[^"]*"/g) ?? []).map((unit) => unit.slice(1, -1));
}

const words = (value: string): string[] => value.split(/\s+/).filter((word) => word !== "");

function numberOf(word: string, field: string, name: string): number {
  const value = Number(word);
  if (/^[+-]?(?:\d|\.\d)[\d.e+-]*$/i.test(word) && Number.isFinite(value)) return value;
  throw invalid(name, `"${word.slice(0, 80)}" in "${field}"; expected a number`);
}

function wholeNumber(word: string | undefined, least: number, most: number, field: string, name: string): number {
  const value = numberOf(word ?? "", field, name);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(name, `"${word}" in "${field}"; expected a whole number from ${least} to ${most}`);
}

function typeOf(value: string, name: string): NumberType {
  const found = TYPES.find(([, spelling]) => spelling.test(value.toLowerCase().replace(/\s+/g, " ")));
  if (found) return found[0];
  throw invalid(name, `type "${value}"; expected one of ${TYPES.map(([type]) => type).join(", ")} in NRRD's spellings`);
}

function encodingOf(value: string, name: string): NrrdEncoding {
  const word = value.toLowerCase();
  if (Object.hasOwn(ENCODINGS, word)) return ENCODINGS[word];
  if (word !== "bzip2" && word !== "bz2") throw invalid(name, `encoding "${value}"; expected raw, gzip, text or hex`);
  throw new AnyMC3DError(
    "FORMAT_UNKNOWN",
    `${name}: encoding bzip2, which is not read; expected raw, gzip, text or hex. Convert it: unu save -f nrrd -e gzip -i in.nrrd -o out.nrrd`,
  );
}

function endianness(value: string | undefined, type: NumberType, encoding: NrrdEncoding, name: string): boolean {
  const word = value?.toLowerCase();
  if (word === "little" || word === "big") return word === "little";
  if (word === undefined && (type.endsWith("int8") || encoding === "text")) return true;
  throw invalid(name, word === undefined ? `no field "endian" with ${type} voxels` : `endian "${value}"; expected little or big`);
}

function perAxis(value: string | undefined, field: string, axes: number, name: string): string[] | undefined {
  if (value === undefined) return undefined;
  const each = words(value);
  if (each.length !== axes) throw invalid(name, `${each.length} ${field} with dimension ${axes}`);
  return each;
}

const perAxisNumbers = (value: string | undefined, field: string, axes: number, name: string): number[] | undefined =>
  perAxis(value, field, axes, name)?.map((word) => (/^[+-]?nan$/i.test(word) ? Number.NaN : numberOf(word, field, name)));

/** "(1,0,0) (0,1,0)"; `none` is undefined. */
function vectors(value: string | undefined, field: string, name: string): (number[] | undefined)[] | undefined {
  if (value === undefined) return undefined;
  const found = value.match(/\([^()]*\)|[^\s()]+/g) ?? [];
  return found.map((vector) => {
    if (vector === "none") return undefined;
    if (!vector.startsWith("(")) throw invalid(name, `"${vector.slice(0, 80)}" in "${field}"; expected vectors such as (1,0,0)`);
    return vector
      .slice(1, -1)
      .split(",")
      .map((word) => numberOf(word.trim(), field, name));
  });
}

function directionsOf(value: string | undefined, axes: number, name: string): (number[] | undefined)[] | undefined {
  const found = vectors(value, "space directions", name);
  if (found && found.length !== axes) throw invalid(name, `${found.length} space directions with dimension ${axes}`);
  return found;
}

/** Only -1 is allowed below zero, and only where the file's last bytes are the voxels themselves. */
function byteSkipOf(value: string | undefined, encoding: NrrdEncoding, name: string): number {
  const skip = wholeNumber(value ?? "0", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, "byte skip", name);
  if (skip >= 0 || (skip === -1 && encoding === "raw")) return skip;
  throw invalid(name, `byte skip ${skip} with encoding ${encoding}; expected 0 or more, or -1 with encoding raw`);
}

/**
 * Names of data files; each holds an array of the last number's axes where the field gives one.
 * @throws AnyMC3DError `FORMAT_INVALID`
 */
function dataFiles(value: string | undefined, list: readonly string[], sizes: readonly number[], name: string): string[] | undefined {
  if (value === undefined) return undefined;
  const [, listing, axes] = /^(LIST)(?:\s+(\d+))?$/.exec(value) ?? [];
  if (listing) return inParts(listedNames(list, name), axes, sizes, name);
  const [, pattern, first, last, step, each] = /^(\S*%\S*)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)(?:\s+(\d+))?$/.exec(value) ?? [];
  return pattern === undefined ? [value] : inParts(numberedNames(pattern, [first, last, step].map(Number), name), each, sizes, name);
}

/** Checks the number of files against the axes that each is said to hold. */
function inParts(files: string[], axes: string | undefined, sizes: readonly number[], name: string): string[] {
  if (axes === undefined || Number(axes) === sizes.length) return files;
  const count = sizes.slice(Number(axes)).reduce((product, size) => product * size, 1);
  if (Number(axes) >= 1 && Number(axes) < sizes.length && files.length === count) return files;
  throw invalid(name, `${files.length} data files of ${axes} axes each for sizes ${sizes.join(" ")}`);
}

/** Key and value by which 3D Slicer says that voxels are label numbers, also where no segment is named. */
export const LABEL_MAP = ["Segmentation_SourceRepresentation", "Binary labelmap"] as const;

/** What Slicer writes of its segments: Segment0_Name, _LabelValue, _Layer; before it had layers, each segment was a 0/1 image of its own. */
function segmentsOf(pairs: ReadonlyMap<string, string>): Segment[] | undefined {
  const numbers = [...pairs.keys()].flatMap((key) => /^Segment(\d{1,6})_(?:ID|Name)$/.exec(key)?.[1] ?? []);
  if (numbers.length === 0) return pairs.get(LABEL_MAP[0]) === LABEL_MAP[1] ? [] : undefined;
  const whole = (value: string | undefined, otherwise: number) => (/^\d{1,9}$/.test(value?.trim() ?? "") ? Number(value) : otherwise);
  return [...new Set(numbers)].map((number) => {
    const told = (key: string) => pairs.get(`Segment${number}_${key}`);
    return { name: told("Name") ?? told("ID") ?? "", label: whole(told("LabelValue"), 1), layer: whole(told("Layer"), Number(number)) };
  });
}

function oldRange(least: string | undefined, most: string | undefined, name: string): [number, number] | undefined {
  const [from, to] = [least, most].map((word) => (word === undefined || /^[+-]?nan$/i.test(word) ? Number.NaN : numberOf(word, "old min, old max", name)));
  return Number.isNaN(from) || Number.isNaN(to) ? undefined : [from, to];
}
