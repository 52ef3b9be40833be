// What a zip's central directory says of its entries (APPNOTE.TXT 4.3, zip64 included), and their bytes: never more than it says.

import { AnyMC3DError } from "@anymc3d/core";
import { MOST_SHRUNK, unpack } from "../compression/gzip.js";
import { crc32, InflateError, inflateRaw } from "../compression/inflate.js";
import { allocate, MOST_FILES } from "../options/limits.js";
import { nodeZlib } from "./node-files.js";

export const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

export interface ZipEntry {
  readonly file: string;
  /** Bytes that it unpacks to, as the archive says; {@link zipContent} gives so many or throws. */
  readonly size: number;
  /** CRC-32 of the content. */
  readonly crc: number;
  /** As it lies in the archive. */
  readonly packed: Uint8Array;
  readonly deflated: boolean;
}

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const LOCATOR = 0x07064b50;
const END64 = 0x06064b50;
/** A 32-bit field whose value is in the zip64 extra field. */
const ELSEWHERE = 0xffffffff;

/** What the directory says, before the entry itself was looked at. */
interface Listed {
  readonly file: string;
  readonly size: number;
  readonly packedSize: number;
  readonly crc: number;
  readonly flags: number;
  readonly method: number;
  /** Of its local header. */
  readonly at: number;
}

const invalid = (name: string, what: string): AnyMC3DError =>
  new AnyMC3DError("FORMAT_INVALID", `${name}: the zip archive is damaged: ${what}. Copy or download it again.`);
const cut = (name: string): AnyMC3DError =>
  new AnyMC3DError("FILE_TRUNCATED", `${name}: the zip archive breaks off: its directory, which is its end, is not there. Copy or download it again.`);

/**
 * The entries that `chosen` wants, in the directory's order.
 * @throws AnyMC3DError `FORMAT_INVALID`: what is not read (encryption, other methods), sizes that cannot be, names twice, entries that overlap; `FILE_TRUNCATED`
 */
export function zipEntries(bytes: Uint8Array, name: string, chosen: (entry: Pick<Listed, "file" | "size">) => boolean): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const seen = new Set<string>();
  const taken: { entry: ZipEntry; from: number; to: number }[] = [];
  for (const listed of directory(view, name)) {
    if (seen.size >= MOST_FILES) throw invalid(name, `it claims more than ${MOST_FILES} entries`);
    const { file, size, packedSize, flags, method } = listed;
    const bad = (what: string) => new AnyMC3DError("FORMAT_INVALID", `${name}: ${file} ${what}. Unpack the archive with the program that made it.`);
    if (seen.has(file)) throw bad("is in the archive twice");
    seen.add(file);
    if (!chosen(listed)) continue;
    if (flags & 1) throw bad("is encrypted");
    if (method !== 0 && method !== 8) throw bad(`is compressed by method ${method}, which is not read`);
    if (size > packedSize * MOST_SHRUNK + 64 || (method === 0 && size !== packedSize))
      throw invalid(name, `${file} claims to unpack from ${packedSize} to ${size} bytes, which cannot be`);
    const from = listed.at;
    if (!(from + 30 <= bytes.length) || view.getUint32(from, true) !== LOCAL) throw invalid(name, `${file} is not where its directory says`);
    const start = from + 30 + view.getUint16(from + 26, true) + view.getUint16(from + 28, true);
    const to = start + packedSize;
    if (!(to <= bytes.length)) throw cut(name);
    taken.push({ entry: { file, size, crc: listed.crc, packed: bytes.subarray(start, to), deflated: method === 8 }, from, to });
  }
  // Entries that share their bytes unpack to many times what any one of them does.
  const places = [...taken].sort((a, b) => a.from - b.from);
  const over = places.find(({ to }, i) => to > (places[i + 1]?.from ?? to));
  if (over) throw invalid(name, `${over.entry.file} overlaps another file`);
  return taken.map(({ entry }) => entry);
}

function* directory(view: DataView, name: string): Generator<Listed> {
  let end = view.byteLength - 22;
  // Only a comment of 65535 bytes at most may follow.
  const last = Math.max(0, end - 65535);
  while (end >= last && view.getUint32(end, true) !== END) end--;
  if (end < last || end < 0) throw cut(name);
  let at = view.getUint32(end + 16, true);
  let count = view.getUint16(end + 10, true);
  if ((at === ELSEWHERE || count === 0xffff) && end >= 20 && view.getUint32(end - 20, true) === LOCATOR) {
    const place = Number(view.getBigUint64(end - 12, true));
    if (!(place + 56 <= end) || view.getUint32(place, true) !== END64) throw invalid(name, "its zip64 directory is not where it should be");
    count = Number(view.getBigUint64(place + 32, true));
    at = Number(view.getBigUint64(place + 48, true));
  }
  for (let i = 0; i < count; i++) {
    if (!(at + 46 <= end) || view.getUint32(at, true) !== ENTRY) throw invalid(name, `its directory ends after ${i} of ${count} entries`);
    const [nameLength, extraLength, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const next = at + 46 + nameLength + extraLength + comment;
    if (next > end) throw invalid(name, `its directory ends after ${i} of ${count} entries`);
    yield listed(view, at, nameLength, extraLength);
    at = next;
  }
}

function listed(view: DataView, at: number, nameLength: number, extraLength: number): Listed {
  const flags = view.getUint16(at + 8, true);
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at + 46, nameLength);
  const file = flags & 0x800 ? new TextDecoder().decode(bytes) : Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const wide = zip64(view, at + 46 + nameLength, at + 46 + nameLength + extraLength);
  // In the order in which the extra field has those that are elsewhere.
  const [size, packedSize, local] = [24, 20, 42].map((field) => {
    const value = view.getUint32(at + field, true);
    return value === ELSEWHERE ? (wide.shift() ?? value) : value;
  });
  return { file, size, packedSize, crc: view.getUint32(at + 16, true), flags, method: view.getUint16(at + 10, true), at: local };
}

/** The numbers of the zip64 extra field (APPNOTE.TXT 4.5.3). */
function zip64(view: DataView, from: number, to: number): number[] {
  for (let at = from; at + 4 <= to; at += 4 + view.getUint16(at + 2, true)) {
    const length = Math.min(view.getUint16(at + 2, true), to - at - 4);
    if (view.getUint16(at, true) === 1) return Array.from({ length: Math.min(3, length >> 3) }, (_, i) => Number(view.getBigUint64(at + 4 + 8 * i, true)));
  }
  return [];
}

/** What is wrong with an entry's content. @throws AnyMC3DError `FORMAT_INVALID`, `FILE_TRUNCATED` */
const faults = ({ file, size }: ZipEntry, name: string) => ({
  over: () => invalid(name, `${file} unpacks to more than the ${size} bytes that the archive says`),
  short: (found: number) =>
    new AnyMC3DError("FILE_TRUNCATED", `${name}: ${file}: expected ${size} bytes, found ${found}. The archive is cut short; copy or save it again.`),
  damaged: (what: string) => new AnyMC3DError("FORMAT_INVALID", `${name}: ${file} is damaged: ${what}. Copy or download the archive again.`),
});

function checked(content: Uint8Array, entry: ZipEntry, name: string): Uint8Array {
  if (content.length < entry.size) throw faults(entry, name).short(content.length);
  if (checksum(content) !== entry.crc) throw faults(entry, name).damaged("its checksum does not match");
  return content;
}

/** Bytes that are unpacked at once: to begin a stream takes longer. */
const SMALL = 2 ** 16;

/** An entry's content, exactly as long as the archive says and with its checksum. @throws AnyMC3DError `FORMAT_INVALID`, `FILE_TRUNCATED`, `OUT_OF_MEMORY`; the signal's reason */
export async function zipContent(entry: ZipEntry, name: string, signal?: AbortSignal): Promise<Uint8Array> {
  const { packed, size, deflated } = entry;
  if (!deflated) return checked(packed, entry, name);
  if (size <= SMALL) return zipContentNow(entry, name);
  const { over } = faults(entry, name);
  return checked(await unpack(packed, { name: `${name}: ${entry.file}`, limit: size, size: () => size, over, signal }, "raw"), entry, name);
}

/** As {@link zipContent}, at once. */
export function zipContentNow(entry: ZipEntry, name: string): Uint8Array {
  const { packed, size, deflated } = entry;
  if (!deflated) return checked(packed, entry, name);
  const { over, damaged } = faults(entry, name);
  const zlib = nodeZlib();
  if (!zlib) return checked(firstBytes(entry, size + 1, name, over), entry, name);
  try {
    // One byte more would be too much, and is enough to tell.
    const content = zlib.inflateRawSync(packed, { maxOutputLength: size + 1 });
    if (content.length > size) throw over();
    return checked(content, entry, name);
  } catch (cause) {
    const { code, message } = cause as { code?: unknown; message: string };
    if (code === "ERR_BUFFER_TOO_LARGE") throw over();
    if (code === "Z_BUF_ERROR") throw faults(entry, name).short(packed.length);
    if (typeof code === "string" && code.startsWith("Z_")) throw damaged(message);
    throw cause;
  }
}

/** The first `count` bytes of an entry's content, or what there is of them, without the rest; not checked. @throws AnyMC3DError `FORMAT_INVALID`, `FILE_TRUNCATED` */
export const zipHead = (entry: ZipEntry, count: number, name: string): Uint8Array =>
  entry.deflated ? firstBytes(entry, Math.min(count, entry.size), name) : entry.packed.subarray(0, count);

/** @param over what to throw where all of `count` bytes are there */
function firstBytes(entry: ZipEntry, count: number, name: string, over?: () => AnyMC3DError): Uint8Array {
  const out = allocate(`${name}: ${entry.file}`, count, () => new Uint8Array(count));
  let filled = 0;
  try {
    for (const chunk of inflateRaw(entry.packed)) {
      const part = chunk.subarray(0, count - filled);
      out.set(part, filled);
      filled += part.length;
      if (filled === count) break;
    }
  } catch (cause) {
    if (!(cause instanceof InflateError)) throw cause;
    throw cause.truncated ? faults(entry, name).short(filled) : faults(entry, name).damaged(cause.message);
  }
  if (over && filled === count) throw over();
  return out.subarray(0, filled);
}

/** CRC-32. Node's where it has one (20.15 on): ten times as fast. */
function checksum(bytes: Uint8Array): number {
  return nodeZlib()?.crc32?.(bytes) ?? crc32(bytes, 0);
}
