// Builds DICOM files for tests: explicit or implicit, little or big endian, with sequences, as bytes.

export type Value = string | number | readonly number[] | Uint8Array | readonly Elements[];
/** By tag as "00280010"; the value representation in front: { "00280010": ["US", 4] }. */
export type Elements = Readonly<Record<string, readonly [vr: string, value: Value]>>;

export interface BuildOptions {
  readonly syntax?: string;
  readonly implicit?: boolean;
  readonly big?: boolean;
  readonly preamble?: boolean;
}

const LONG = ["OB", "OD", "OW", "OF", "SQ", "UN", "UT"];

function bytesOf(vr: string, value: Value, options: BuildOptions): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (vr === "SQ") return concat((value as readonly Elements[]).map((item) => wrapped("fffee000", dataSet(item, options), options)));
  if (typeof value === "string") return new TextEncoder().encode(value.length % 2 ? value + (vr === "UI" ? "\0" : " ") : value);
  const numbers = typeof value === "number" ? [value] : (value as readonly number[]);
  if (["DS", "IS"].includes(vr)) return bytesOf("LO", numbers.join("\\"), options);
  const width = { US: 2, SS: 2, UL: 4, FL: 4, FD: 8, AT: 4 }[vr] as number;
  const out = new Uint8Array(numbers.length * width);
  const view = new DataView(out.buffer);
  const little = !options.big;
  numbers.forEach((number, i) => {
    if (vr === "US") view.setUint16(2 * i, number, little);
    else if (vr === "SS") view.setInt16(2 * i, number, little);
    else if (vr === "UL" || vr === "AT") view.setUint32(4 * i, number, little);
    else if (vr === "FL") view.setFloat32(4 * i, number, little);
    else view.setFloat64(8 * i, number, little);
  });
  return out;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function tagBytes(tag: string, { big }: BuildOptions): Uint8Array {
  const out = new Uint8Array(4);
  const view = new DataView(out.buffer);
  view.setUint16(0, Number.parseInt(tag.slice(0, 4), 16), !big);
  view.setUint16(2, Number.parseInt(tag.slice(4), 16), !big);
  return out;
}

function lengthBytes(length: number, width: 2 | 4, { big }: BuildOptions): Uint8Array {
  const out = new Uint8Array(width);
  const view = new DataView(out.buffer);
  if (width === 2) view.setUint16(0, length, !big);
  else view.setUint32(0, length, !big);
  return out;
}

/** An item: tag, four bytes of length, content. */
const wrapped = (tag: string, content: Uint8Array, options: BuildOptions) => concat([tagBytes(tag, options), lengthBytes(content.length, 4, options), content]);

export function dataSet(elements: Elements, options: BuildOptions = {}): Uint8Array {
  const tags = Object.keys(elements).sort();
  return concat(
    tags.map((tag) => {
      const [vr, value] = elements[tag];
      const content = bytesOf(vr, value, options);
      const undefinedLength = tag === "7fe00010" && vr === "OB" && options.syntax?.startsWith("1.2.840.10008.1.2.4");
      const length = undefinedLength ? 0xffffffff : content.length;
      if (options.implicit) return concat([tagBytes(tag, options), lengthBytes(length, 4, options), content]);
      const head = [tagBytes(tag, options), new TextEncoder().encode(vr)];
      if (LONG.includes(vr)) return concat([...head, new Uint8Array(2), lengthBytes(length, 4, options), content]);
      return concat([...head, lengthBytes(length, 2, options), content]);
    }),
  );
}

const EXPLICIT = "1.2.840.10008.1.2.1";

export function dicomFile(elements: Elements, options: BuildOptions = {}): Uint8Array {
  const syntax = options.syntax ?? (options.implicit ? "1.2.840.10008.1.2" : options.big ? "1.2.840.10008.1.2.2" : EXPLICIT);
  const body = dataSet(elements, { ...options, syntax });
  if (options.preamble === false) return body;
  const meta = dataSet({ "00020002": ["UI", "1.2.840.10008.5.1.4.1.1.2"], "00020010": ["UI", syntax] });
  const group = dataSet({ "00020000": ["UL", meta.length] });
  return concat([new Uint8Array(128), new TextEncoder().encode("DICM"), group, meta, body]);
}

/** 16-bit words as pixel data. */
export function words(values: readonly number[], big = false): Uint8Array {
  const out = new Uint8Array(2 * values.length);
  const view = new DataView(out.buffer);
  values.forEach((value, i) => void view.setUint16(2 * i, value & 0xffff, !big));
  return out;
}

/** A small axial CT slice at z mm; `more` adds or replaces elements, undefined ones are left out. */
export function slice(
  z: number,
  pixels: readonly number[],
  more: Record<string, readonly [string, Value] | undefined> = {},
  options: BuildOptions = {},
): Uint8Array {
  const side = Math.sqrt(pixels.length);
  const all: Record<string, readonly [string, Value] | undefined> = {
    "00080008": ["CS", "ORIGINAL\\PRIMARY\\AXIAL"],
    "00080018": ["UI", `1.2.3.${Math.round(1000 * (z + 500))}`],
    "00080060": ["CS", "CT"],
    "0020000d": ["UI", "1.2"],
    "0020000e": ["UI", "1.2.3"],
    "00200032": ["DS", [0, 0, z]],
    "00200037": ["DS", [1, 0, 0, 0, 1, 0]],
    "00280002": ["US", 1],
    "00280004": ["CS", "MONOCHROME2"],
    "00280010": ["US", side],
    "00280011": ["US", side],
    "00280030": ["DS", [1, 1]],
    "00280100": ["US", 16],
    "00280101": ["US", 16],
    "00280102": ["US", 15],
    "00280103": ["US", 1],
    "00281052": ["DS", 0],
    "00281053": ["DS", 1],
    "7fe00010": ["OW", words(pixels, options.big)],
    ...more,
  };
  return dicomFile(Object.fromEntries(Object.entries(all).flatMap(([tag, value]) => (value ? [[tag, value]] : []))), options);
}
