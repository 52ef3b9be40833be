// Parses a DICOM file's header (PS3.5 section 7, PS3.10 section 7): explicit and implicit, little and big endian, with or without preamble.

import { AnyMC3DError } from "@anymc3d/core";
import { InflateError, inflateRaw } from "../../compression/inflate.js";
import { DicomData, type DicomElement, tagText } from "./data.js";
import { IMPLICIT_VR, TAG } from "./tags.js";

/** Nested sequences, and elements in all; a file with more is no image. */
const MAX_DEPTH = 32;
const MAX_ELEMENTS = 500_000;
const UNDEFINED = 0xffffffff;
const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;
/** Value representations with a four-byte length after two reserved bytes. */
const LONG = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]);
const SHORT = new Set("AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split(" "));

const IMPLICIT_LITTLE = "1.2.840.10008.1.2";
const EXPLICIT_BIG = "1.2.840.10008.1.2.2";
const DEFLATED = "1.2.840.10008.1.2.1.99";

/** More bytes than were given are needed to tell. */
export class NeedMore extends Error {}

export interface DicomHeader {
  readonly data: DicomData;
  readonly transferSyntax: string;
  /** The data set was unpacked: offsets are not those of the file. */
  readonly deflated: boolean;
  /** Where the pixel data's value begins, how long it is (-1: encapsulated), and its kind. */
  readonly pixels?: DicomElement & { readonly tag: number };
  /** What the data set is, where the transfer syntax says another thing: "explicit, little endian". */
  readonly contradicts?: string;
}

/** "DICM" after the preamble, whatever that holds (PS3.10 7.1): also another format's beginning. */
export const hasDicomPrefix = (bytes: Uint8Array): boolean => bytes.length >= 132 && String.fromCharCode(...bytes.subarray(128, 132)) === "DICM";

/** Whether bytes begin as a DICOM file does, or as a data set without preamble. */
export function isDicom(bytes: Uint8Array): boolean {
  if (hasDicomPrefix(bytes)) return true;
  if (bytes.length < 16) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // A data set begins with group 2 or 8; its first length must be believable, or its first value representation known.
  if (view.getUint16(0) === 8) return hasVr(bytes, 4);
  const group = view.getUint16(0, true);
  if (group !== 2 && group !== 8) return false;
  return hasVr(bytes, 4) || (view.getUint32(4, true) <= 1024 && view.getUint16(2, true) <= 0x1140);
}

const vrAt = (bytes: Uint8Array, at: number) => String.fromCharCode(bytes[at], bytes[at + 1]);
const hasVr = (bytes: Uint8Array, at: number) => SHORT.has(vrAt(bytes, at)) || LONG.has(vrAt(bytes, at));

/**
 * Parses up to the pixel data.
 * @param bytes the file or its beginning
 * @param total bytes that the file has
 * @param inflate unpacks the data set of a deflated file, as far as it is asked for
 * @throws NeedMore where `bytes` is not all and not enough; AnyMC3DError `FORMAT_UNKNOWN`, `FORMAT_INVALID`, `FILE_TRUNCATED`
 */
export async function parseDicom(bytes: Uint8Array, total: number, name: string, inflate: Inflate): Promise<ParsedFile> {
  const marked = hasDicomPrefix(bytes);
  if (!marked && !isDicom(bytes))
    throw new AnyMC3DError("FORMAT_UNKNOWN", `${name}: not a DICOM file: neither "DICM" at byte 128 nor a data set at its start.`);
  const meta = new Parser(bytes, total, name, { explicit: true, little: true });
  const start = marked ? 132 : 0;
  const grouped = bytes.length > start + 1 && bytes[start] === 2 && bytes[start + 1] === 0;
  const end = grouped ? meta.dataSet(start, (tag) => tag >>> 16 !== 2).end : start;
  const transferSyntax = meta.data.text(TAG.transferSyntax);
  if (end + 6 > bytes.length && bytes.length < total) throw new NeedMore();
  const rest = bytes.subarray(end);
  if (transferSyntax !== undefined && isDeflated(rest, transferSyntax, bytes.length === total)) {
    if (bytes.length < total) throw new NeedMore();
    const parsed = (part: Uint8Array, whole: boolean) => {
      const { contradicts, ...encoding } = encodingAt(part, 0, DEFLATED);
      const told = transferSyntax === DEFLATED ? contradicts : `deflated, ${spoken(encoding)}`;
      return body(part, 0, whole ? part.length : Number.POSITIVE_INFINITY, name, { ...encoding, contradicts: told }, transferSyntax, true);
    };
    const inflated = await inflate(isZlib(rest) ? rest.subarray(2) : rest, (part) => parsed(part, false));
    return { bytes: inflated, header: parsed(inflated, true) };
  }
  const encoding = encodingAt(bytes, end, transferSyntax);
  const contradicts = transferSyntax === DEFLATED && rest.length > 0 ? `not deflated, ${spoken(encoding)}` : encoding.contradicts;
  return { bytes, header: body(bytes, end, total, name, { ...encoding, contradicts }, transferSyntax ?? encoding.syntax, false) };
}

/** Some writers wrap what they deflate (PS3.5 A.5 does not): RFC 1950, by its first two bytes. */
const isZlib = (bytes: Uint8Array): boolean => bytes[0] === 0x78 && ((bytes[0] << 8) | bytes[1]) % 31 === 0;

/** First elements are of group 8, with or without value representations. */
const beginsDataSet = (bytes: Uint8Array): boolean =>
  (bytes[0] === 8 && bytes[1] === 0 && (hasVr(bytes, 4) || (bytes[3] <= 0x11 && bytes[6] === 0 && bytes[7] === 0))) || (bytes[0] === 0 && bytes[1] === 8);

/**
 * Whether a data set is deflated: as its beginning is, which some writers' transfer syntax contradicts.
 * @param whole whether the bytes are all that there are
 * @throws NeedMore where they are too few to tell
 */
function isDeflated(bytes: Uint8Array, stated: string, whole: boolean): boolean {
  if (stated === DEFLATED) return !beginsDataSet(bytes);
  if (beginsDataSet(bytes) || bytes.length < 8 || ![IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG].includes(stated)) return false;
  try {
    const { value } = inflateRaw(isZlib(bytes) ? bytes.subarray(2) : bytes).next();
    return value instanceof Uint8Array && beginsDataSet(value);
  } catch (error) {
    if (!(error instanceof InflateError)) throw error;
    if (error.truncated && !whole) throw new NeedMore();
    return false;
  }
}

const spoken = ({ explicit, little }: Encoding): string => `${explicit ? "explicit" : "implicit"}, ${little ? "little" : "big"} endian`;

/**
 * Unpacks a deflated data set.
 * @param parse what the first bytes of it say; throws NeedMore where they are too few
 */
export type Inflate = (packed: Uint8Array, parse: (part: Uint8Array) => DicomHeader) => Promise<Uint8Array>;

export interface ParsedFile {
  /** What the offsets refer to: the file, or what was deflated in it. */
  readonly bytes: Uint8Array;
  readonly header: DicomHeader;
}

const EXPLICIT_LITTLE = "1.2.840.10008.1.2.1";

/**
 * How a data set is encoded: as it begins. Where its first two elements have value representations it is explicit, where neither has implicit; the
 * first byte of group 8 is 0 in big endian alone. Some writers' transfer syntax says another thing than their data set is.
 */
function encodingAt(bytes: Uint8Array, at: number, stated: string | undefined): Encoding & { readonly syntax: string; readonly contradicts?: string } {
  const told = { explicit: stated !== IMPLICIT_LITTLE, little: stated !== EXPLICIT_BIG };
  // Of a data set that begins with another group, or that is not there, nothing is known.
  const group = bytes[at] === 8 && bytes[at + 1] === 0 ? true : bytes[at] === 0 && bytes[at + 1] === 8 ? false : undefined;
  if (at + 6 > bytes.length || (group === undefined && stated !== undefined)) return { ...told, syntax: stated ?? IMPLICIT_LITTLE };
  const little = group ?? true;
  const explicit = hasVr(bytes, at + 4) || !little || (told.explicit && !beginsImplicit(bytes, at));
  const syntax = little ? (explicit ? EXPLICIT_LITTLE : IMPLICIT_LITTLE) : EXPLICIT_BIG;
  const same = explicit === told.explicit && little === told.little;
  return {
    explicit,
    little,
    syntax,
    ...(stated !== undefined && !same && { contradicts: spoken({ explicit, little }) }),
  };
}

/** Whether lengths stand where an explicit data set has value representations, in its first element and in its second. */
function beginsImplicit(bytes: Uint8Array, at: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLength = (place: number) => !hasVr(bytes, place) && !/^[\x20-\x7e]{2}$/.test(vrAt(bytes, place));
  if (at + 8 > bytes.length || !isLength(at + 4)) return false;
  const next = at + 8 + view.getUint32(at + 4, true);
  return next + 6 > bytes.length || isLength(next + 4);
}

const PIXELS: ReadonlySet<number> = new Set([TAG.pixelData, TAG.floatPixelData, TAG.doublePixelData]);

function body(
  bytes: Uint8Array,
  start: number,
  total: number,
  name: string,
  encoding: Encoding & { readonly contradicts?: string },
  transferSyntax: string,
  deflated: boolean,
): DicomHeader {
  const parser = new Parser(bytes, total, name, encoding);
  const { pixels } = parser.dataSet(start, (tag) => PIXELS.has(tag));
  return { data: parser.data, transferSyntax, deflated, pixels, contradicts: encoding.contradicts };
}

interface Head {
  readonly tag: number;
  readonly at: number;
  readonly vr: string;
  readonly length: number;
  /** Where the value begins. */
  readonly value: number;
}

interface Encoding {
  readonly explicit: boolean;
  readonly little: boolean;
}

class Parser {
  readonly data: DicomData;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #total: number;
  readonly #name: string;
  readonly #encoding: Encoding;
  #count = 0;

  constructor(bytes: Uint8Array, total: number, name: string, encoding: Encoding) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#total = total;
    this.#name = name;
    this.#encoding = encoding;
    this.data = new DicomData(bytes, encoding.little, this.#view);
  }

  /** The top data set, up to an element at which `stop` says so, or the end of the file. */
  dataSet(start: number, stop: (tag: number) => boolean): { end: number; pixels?: DicomElement & { tag: number } } {
    let at = start;
    let last = -1;
    while (at < this.#total) {
      // Bytes of zero after the last element are padding.
      if (this.#total - at < 8) break;
      const head = this.#head(at, this.#total, this.#encoding);
      if (stop(head.tag)) {
        const { tag, vr, value, length } = head;
        if (!PIXELS.has(tag)) return { end: at };
        return { end: at, pixels: { tag, vr, offset: value, length: length === UNDEFINED ? -1 : length } };
      }
      if (head.tag === 0 && last >= 0) {
        if (this.#bytes.subarray(at).some((byte) => byte !== 0))
          throw new AnyMC3DError(
            "FORMAT_INVALID",
            `${this.#name}: zeros from byte ${at} and something after them: the file is damaged; copy or export it again.`,
          );
        break;
      }
      at = this.#element(this.data, head, this.#total, 0, this.#encoding);
      last = head.tag;
    }
    return { end: at };
  }

  #need(at: number, size: number, end: number): void {
    if (at + size > end) throw this.#cut(at);
    if (at + size > this.#bytes.length) throw new NeedMore();
  }

  #cut(at: number): AnyMC3DError {
    return new AnyMC3DError(
      "FILE_TRUNCATED",
      `${this.#name}: an element at byte ${at} reaches beyond ${at > this.#total ? "the file" : `its end at byte ${this.#total}`}. The file is cut short or damaged; copy or export it again.`,
    );
  }

  #head(at: number, end: number, { explicit, little }: Encoding): Head {
    this.#need(at, 8, end);
    const tag = ((this.#view.getUint16(at, little) << 16) | this.#view.getUint16(at + 2, little)) >>> 0;
    if (tag >>> 16 === 0xfffe || !explicit) {
      return { tag, at, vr: tag >>> 16 === 0xfffe ? "" : (IMPLICIT_VR.get(tag) ?? "UN"), length: this.#view.getUint32(at + 4, little), value: at + 8 };
    }
    const vr = vrAt(this.#bytes, at + 4);
    if (SHORT.has(vr)) return { tag, at, vr, length: this.#view.getUint16(at + 6, little), value: at + 8 };
    if (!LONG.has(vr) && !/^[A-Z]{2}$/.test(vr)) {
      // Some writers put implicit elements, or a wrong value representation, into explicit files.
      const implicit = this.#view.getUint32(at + 4, little);
      if (/^[\x20-\x7e]{2}$/.test(vr) || at + 8 + implicit > end) return { tag, at, vr: "UN", length: this.#view.getUint16(at + 6, little), value: at + 8 };
      return { tag, at, vr: IMPLICIT_VR.get(tag) ?? "UN", length: implicit, value: at + 8 };
    }
    this.#need(at, 12, end);
    return { tag, at, vr, length: this.#view.getUint32(at + 8, little), value: at + 12 };
  }

  #mustFit({ tag, value, length }: { tag: number; value: number; length: number }, end: number): void {
    if (length === UNDEFINED || value + length <= end) return;
    throw new AnyMC3DError(
      "FILE_TRUNCATED",
      `${this.#name}: ${tagText(tag)} should have ${length} bytes, ${end - value} are there. The file is cut short or damaged; copy or export it again.`,
    );
  }

  /** Takes one element in, and gives where the next begins. */
  #element(into: DicomData, head: Head, end: number, depth: number, encoding: Encoding): number {
    const { tag, value, length } = head;
    if (++this.#count > MAX_ELEMENTS) throw this.#damaged(`more than ${MAX_ELEMENTS} elements`);
    this.#mustFit(head, end);
    // UN of undefined length is a sequence in implicit little endian (PS3.5 6.2.2 note 2), and UN may hide an element that is known.
    const hidden = head.vr === "UN" && encoding.explicit ? IMPLICIT_VR.get(tag) : undefined;
    const vr = hidden ?? head.vr;
    const inside = hidden || (head.vr === "UN" && length === UNDEFINED) ? { explicit: false, little: true } : encoding;
    if (vr !== "SQ" && length !== UNDEFINED) {
      into.elements.set(tag, { vr, offset: value, length });
      return value + length;
    }
    if (vr === "OB" || vr === "OW") {
      // Compressed pixels of an icon: pieces, not data sets.
      const next = this.#pieces(value, end);
      into.elements.set(tag, { vr, offset: value, length: next - value });
      return next;
    }
    const { items, next } = this.#sequence(value, length === UNDEFINED ? undefined : value + length, end, depth + 1, inside);
    into.elements.set(tag, { vr: "SQ", offset: value, length: next - value, items });
    return next;
  }

  /** Passes over items whose content is not looked at. */
  #pieces(start: number, end: number): number {
    let at = start;
    for (;;) {
      const head = this.#head(at, end, this.#encoding);
      if (head.tag === SEQUENCE_END) return head.value;
      if (head.tag !== ITEM || head.length === UNDEFINED) throw this.#damaged(`${tagText(head.tag)} at byte ${at} where an item should begin`);
      this.#mustFit(head, end);
      at = head.value + head.length;
    }
  }

  #damaged(what: string): AnyMC3DError {
    return new AnyMC3DError("FORMAT_INVALID", `${this.#name}: the DICOM header is damaged: ${what}. Copy or export it again.`);
  }

  /** Items up to `stop`, or up to the delimiter where there is none. */
  #sequence(start: number, stop: number | undefined, end: number, depth: number, encoding: Encoding): { items: DicomData[]; next: number } {
    if (depth > MAX_DEPTH) throw this.#damaged(`sequences nested more than ${MAX_DEPTH} deep`);
    const limit = stop ?? end;
    const items: DicomData[] = [];
    let at = start;
    while (stop === undefined || at < stop) {
      const head = this.#head(at, limit, encoding);
      if (head.tag === SEQUENCE_END && stop === undefined) return { items, next: head.value };
      if (head.tag !== ITEM) throw this.#damaged(`${tagText(head.tag)} at byte ${at} where an item should begin`);
      if (++this.#count > MAX_ELEMENTS) throw this.#damaged(`more than ${MAX_ELEMENTS} elements`);
      this.#mustFit(head, limit);
      const item = new DicomData(this.#bytes, encoding.little, this.#view);
      at = this.#item(item, head.value, head.length === UNDEFINED ? undefined : head.value + head.length, limit, depth, encoding);
      items.push(item);
    }
    return { items, next: at };
  }

  #item(item: DicomData, start: number, stop: number | undefined, end: number, depth: number, encoding: Encoding): number {
    const limit = stop ?? end;
    let at = start;
    while (stop === undefined || at < stop) {
      const head = this.#head(at, limit, encoding);
      if (head.tag === ITEM_END && stop === undefined) return head.value;
      at = this.#element(item, head, limit, depth, encoding);
    }
    return at;
  }
}

/** A piece of encapsulated pixel data, without its item header. */
export interface Fragment {
  /** Offset of the item's header from the first fragment's, as offset tables count. */
  readonly place: number;
  readonly offset: number;
  readonly length: number;
}

/**
 * Basic offset table and fragments of encapsulated pixel data (PS3.5 A.4).
 * @param start where the value begins; always little endian
 * @throws AnyMC3DError `FORMAT_INVALID`, `FILE_TRUNCATED`
 */
export function fragmentsOf(bytes: Uint8Array, start: number, name: string): { table: number[]; fragments: Fragment[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const items: { header: number; offset: number; length: number }[] = [];
  const cut = () => new AnyMC3DError("FILE_TRUNCATED", `${name}: the compressed pixel data break off. The file is cut short; copy or export it again.`);
  for (let at = start; ; ) {
    if (at + 8 > bytes.length) throw cut();
    const tag = ((view.getUint16(at, true) << 16) | view.getUint16(at + 2, true)) >>> 0;
    const length = view.getUint32(at + 4, true);
    if (tag === SEQUENCE_END) break;
    if (tag !== ITEM || length === UNDEFINED)
      throw new AnyMC3DError("FORMAT_INVALID", `${name}: ${tagText(tag)} among the compressed pixel data, expected an item. The file is damaged.`);
    if (at + 8 + length > bytes.length) throw cut();
    items.push({ header: at, offset: at + 8, length });
    at += 8 + length;
  }
  const [first, ...rest] = items;
  if (!first) throw new AnyMC3DError("FORMAT_INVALID", `${name}: compressed pixel data without an offset table. The file is damaged.`);
  const table = Array.from({ length: Math.floor(first.length / 4) }, (_, i) => view.getUint32(first.offset + 4 * i, true));
  const base = rest[0]?.header ?? 0;
  return { table, fragments: rest.map(({ header, offset, length }) => ({ place: header - base, offset, length })) };
}
