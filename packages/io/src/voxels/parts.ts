// Voxels that lie in one or several data files: their bytes, joined; numbers written as text.

import { AnyMC3DError, own, type VoxelArray, type Warning } from "@anymc3d/core";
import { MOST_BEFORE, MOST_SHRUNK, packedAtMost, SLACK, unpack, type Wrapping } from "../compression/gzip.js";
import { allocate } from "../options/limits.js";
import type { Companions } from "../sources/companions.js";
import type { Named } from "../sources/file-entry.js";
import { bytesOfType, decodeValues, LITTLE_HERE, type NumberType } from "./values.js";

/**
 * The `total` bytes of voxels that lie in these files, in equal parts.
 * @param part exactly `need` bytes of voxels out of one file
 * @param most bytes that such a file may have, if it comes out of an archive
 * @throws AnyMC3DError `FORMAT_INVALID` (no equal parts), `OUT_OF_MEMORY`, and what `part` and `companions` throw
 */
export async function joinedParts(
  names: readonly string[],
  total: number,
  companions: Companions,
  part: (file: Named, need: number) => Promise<Uint8Array> | Uint8Array,
  header: string,
  most: (need: number) => number,
): Promise<Uint8Array> {
  if (names.length === 1) return part(await companions(names[0], most(total)), total);
  const need = total / names.length;
  if (!Number.isInteger(need))
    throw new AnyMC3DError("FORMAT_INVALID", `${header}: ${total} bytes of voxels in ${names.length} data files; expected parts of equal size.`);
  const out = allocate(header, total, () => new Uint8Array(total));
  for (const [i, name] of names.entries()) out.set(await part(await companions(name, most(need)), need), i * need);
  return out;
}

/**
 * Bytes that a file may have which holds `need` bytes of voxels.
 * @param before bytes before them; negative: as many as there are
 */
export function mostOf(need: number, type: NumberType, how: "raw" | "packed" | "text" | "hex", before: number): number {
  const body = how === "text" ? (need / bytesOfType(type)) * LONGEST_NUMBER : how === "hex" ? 3 * need : how === "packed" ? packedAtMost(need) : need;
  return body + (before < 0 ? MOST_BEFORE : before) + SLACK;
}

/** Too few bytes of voxels. */
export function tooShort(name: string, need: number, found: number, what: string): AnyMC3DError {
  return new AnyMC3DError(
    "FILE_TRUNCATED",
    `${name}: expected ${need} bytes for ${what}, found ${found}. The file is cut short or its header is wrong; copy or download it again.`,
  );
}

/** The note on bytes that follow the voxels. */
export function extraBytes(name: string, count: number, what: string): Warning {
  return { code: "EXTRA_BYTES", message: `${name}: ${count} bytes follow the ${what}; they were ignored. Are the sizes in the header right?` };
}

/** The note on bytes behind packed data, which are none: as the program gzip, they are left out. */
export function junkBehind(name: string, count: number, wrapping: Wrapping): Warning {
  return {
    code: "EXTRA_BYTES",
    message: `${name}: ${count} bytes follow the ${wrapping} data and are none; they were ignored. Was the file damaged on its way?`,
  };
}

interface Exactly {
  readonly name: string;
  /** Unpacked bytes before the voxels. */
  readonly skip: number;
  readonly need: number;
  readonly what: string;
  /** Where bytes behind the packed data are told of. */
  readonly notes?: Warning[];
  readonly signal?: AbortSignal;
}

/**
 * Decompresses what must be `skip + need` bytes, and gives the last `need`.
 * @throws AnyMC3DError `FILE_TRUNCATED` (fewer), `FORMAT_INVALID` (more, or damaged), `OUT_OF_MEMORY`; the signal's reason
 */
export async function unpackExactly(packed: Uint8Array, wrapping: Wrapping, { name, skip, need, what, notes, signal }: Exactly): Promise<Uint8Array> {
  if (skip > MOST_BEFORE)
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: its header skips ${skip} unpacked bytes before the voxels; expected at most ${MOST_BEFORE}. Correct it.`,
    );
  const total = skip + need;
  const cut = (found: number) => tooShort(name, total, found, `${what}, unpacked from ${wrapping}`);
  if (total > packed.length * MOST_SHRUNK) throw cut(packed.length);
  const over = () => new AnyMC3DError("FORMAT_INVALID", `${name}: unpacks to more than the ${total} bytes of ${what}. Its header is wrong; correct the sizes.`);
  const onEnd = (_: number, behind: number) => void (behind && notes?.push(junkBehind(name, behind, wrapping)));
  const bytes = await unpack(packed, { name, limit: total, size: () => total, over, onEnd, signal }, wrapping);
  if (bytes.length < total) throw cut(bytes.length);
  return bytes.subarray(skip);
}

/** Characters of a number written as text, with what stands between it and the next. */
const LONGEST_NUMBER = 64;

const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13) || byte === 44;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
/** As C prints them. */
const SPECIAL: Readonly<Record<string, number>> = { nan: Number.NaN, "-nan": Number.NaN, inf: Infinity, "+inf": Infinity, "-inf": -Infinity };

/** The number that a word stands for, exactly as the type can hold it (floating point: rounded). */
function numberOf(word: string, type: NumberType, name: string): number {
  const float = type === "float32" || type === "float64";
  const value = NUMBER.test(word) ? Number(word) : float ? own(SPECIAL, word.toLowerCase()) : undefined;
  const [, unsigned, bits] = /^(u?)int(\d+)$/.exec(type) ?? [];
  const most = Math.min(2 ** (Number(bits) - (unsigned ? 0 : 1)) - 1, Number.MAX_SAFE_INTEGER);
  const least = unsigned ? 0 : -most - 1;
  if (value !== undefined && (float || (Number.isInteger(value) && value >= least && value <= most))) return value;
  throw new AnyMC3DError("FORMAT_INVALID", `${name}: among the voxels, written as text, is "${word}"; expected ${type} numbers. Correct the file or its type.`);
}

/**
 * Numbers written as text, between white space or commas; int64 and uint64 as Float64Array.
 * @throws AnyMC3DError `FILE_TRUNCATED` (fewer than `count`), `FORMAT_INVALID` (more; no number; one that its type cannot hold), `OUT_OF_MEMORY`
 */
export function parseNumbers(text: Uint8Array, type: NumberType, count: number, name: string): VoxelArray {
  if (count > (text.length + 1) / 2) throw tooShort(name, 2 * count - 1, text.length, `${count} numbers as text`);
  const size = count * bytesOfType(type);
  const values = decodeValues(
    allocate(name, size, () => new Uint8Array(size)),
    { type, littleEndian: LITTLE_HERE, view: true },
    name,
  );
  let filled = 0;
  for (let at = 0; ; ) {
    while (at < text.length && isSpace(text[at])) at++;
    if (at === text.length) break;
    let end = at;
    while (end < text.length && !isSpace(text[end])) end++;
    if (filled === count) throw new AnyMC3DError("FORMAT_INVALID", `${name}: more numbers than the ${count} that its header declares. Correct the sizes.`);
    values[filled++] = numberOf(String.fromCharCode(...text.subarray(at, Math.min(end, at + 80))), type, name);
    at = end;
  }
  if (filled === count) return values;
  throw new AnyMC3DError("FILE_TRUNCATED", `${name}: expected ${count} numbers as text, found ${filled}. The file is cut short or its sizes are wrong.`);
}

/** Bytes written as pairs of hexadecimal digits, white space between them. @throws AnyMC3DError `FORMAT_INVALID`, `FILE_TRUNCATED`, `OUT_OF_MEMORY` */
export function parseHex(text: Uint8Array, need: number, name: string): Uint8Array {
  if (2 * need > text.length) throw tooShort(name, need, Math.floor(text.length / 2), "voxels in hexadecimal");
  const out = allocate(name, need, () => new Uint8Array(need));
  let digits = 0;
  for (let at = 0; at < text.length && digits < 2 * need; at++) {
    if (isSpace(text[at])) continue;
    const digit = Number.parseInt(String.fromCharCode(text[at]), 16);
    if (Number.isNaN(digit))
      throw new AnyMC3DError("FORMAT_INVALID", `${name}: byte ${text[at]} among the voxels; expected hexadecimal digits. Copy it again.`);
    out[digits >> 1] |= digits & 1 ? digit : digit << 4;
    digits++;
  }
  if (digits === 2 * need) return out;
  throw tooShort(name, need, digits / 2, "voxels in hexadecimal");
}
