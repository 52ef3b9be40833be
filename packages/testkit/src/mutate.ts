// Seeded mutation of files, for fuzz tests of any reader.

import { gunzipSync, gzipSync } from "node:zlib";

/** Seeded numbers in [0, 1) (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Bytes at the beginning of a file that hold most of what a reader decides by. */
const HEAD = 1024;

type Random = () => number;
type Mutation = (bytes: Uint8Array, next: Random) => Uint8Array;

const below = (next: Random, end: number): number => Math.floor(next() * end);
const pick = <T>(next: Random, from: readonly T[]): T => from[below(next, from.length)];
/** A position, half of the time near the beginning. */
const place = (next: Random, length: number): number => below(next, next() < 0.5 ? Math.min(length, HEAD) : length);
const binary = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Values at which lengths, counts and offsets break. */
const EDGES = [0, 1, 2, 7, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0xffffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const TEXTS = [
  "0",
  "-1",
  "1",
  "3",
  "00",
  "65536",
  "2147483648",
  "4294967296",
  "99999999999999999999",
  "1e400",
  "-1e308",
  "1e-320",
  "nan",
  "inf",
  "0x10",
  "",
  "1 2 3",
];

const flipBits: Mutation = (bytes, next) => {
  for (let i = 1 + below(next, 8); i > 0; i--) bytes[place(next, bytes.length)] ^= 1 << below(next, 8);
  return bytes;
};

const setBytes: Mutation = (bytes, next) => {
  for (let i = 1 + below(next, 6); i > 0; i--) bytes[place(next, bytes.length)] = pick(next, [0, 255, 127, 128, below(next, 256)]);
  return bytes;
};

/** Overwrites a 16-, 32- or 64-bit integer, of either byte order. */
const setField: Mutation = (bytes, next) => {
  const width = pick(next, [2, 4, 4, 8]);
  if (bytes.length < width) return bytes;
  const at = place(next, bytes.length - width + 1) & (next() < 0.7 ? ~1 : ~0);
  const value = Math.floor(next() < 0.8 ? pick(next, EDGES) : next() * 2 ** 32);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = next() < 0.7;
  if (width === 2) view.setUint16(at, value & 0xffff, little);
  else if (width === 4) view.setUint32(at, value, little);
  else view.setBigUint64(at, BigInt(value) << BigInt(pick(next, [0, 0, 31, 32])), little);
  return bytes;
};

/** Replaces a decimal number near the beginning by one that is hard to bear. */
const setNumber: Mutation = (bytes, next) => {
  const head = binary(bytes.subarray(0, 4 * HEAD)).toString("latin1");
  const numbers = [...head.matchAll(/-?\d+(?:\.\d+)?/g)];
  if (numbers.length === 0) return bytes;
  const { index, 0: old } = pick(next, numbers);
  return join(bytes.subarray(0, index), Buffer.from(pick(next, TEXTS)), bytes.subarray(index + old.length));
};

/** Drops, doubles or moves a line near the beginning. */
const shuffleLines: Mutation = (bytes, next) => {
  const head = binary(bytes.subarray(0, 4 * HEAD))
    .toString("latin1")
    .split("\n");
  if (head.length < 3) return bytes;
  const [line] = head.splice(below(next, head.length - 1), 1);
  for (let i = below(next, 3); i > 0; i--) head.splice(below(next, head.length), 0, line);
  return join(Buffer.from(head.join("\n"), "latin1"), bytes.subarray(4 * HEAD));
};

const truncate: Mutation = (bytes, next) => bytes.subarray(0, next() < 0.3 ? below(next, Math.min(bytes.length, HEAD)) : below(next, bytes.length));

const remove: Mutation = (bytes, next) => {
  const at = place(next, bytes.length);
  return join(bytes.subarray(0, at), bytes.subarray(at + 1 + below(next, 64)));
};

/** Repeats a piece of the file, so that structures nest or run on. */
const repeat: Mutation = (bytes, next) => {
  const at = place(next, bytes.length);
  const piece = bytes.subarray(at, at + 1 + below(next, 200));
  return join(bytes.subarray(0, at), ...Array<Uint8Array>(1 + below(next, 40)).fill(piece), bytes.subarray(at));
};

const insert: Mutation = (bytes, next) => {
  const at = place(next, bytes.length);
  const noise = Uint8Array.from({ length: 1 + below(next, 64) }, () => below(next, 256));
  return join(bytes.subarray(0, at), noise, bytes.subarray(at));
};

const MUTATIONS: readonly Mutation[] = [
  flipBits,
  flipBits,
  setBytes,
  setField,
  setField,
  setField,
  setNumber,
  setNumber,
  shuffleLines,
  truncate,
  remove,
  repeat,
  insert,
];

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/**
 * The input of one round: a seed file with one to three mutations; the same for the same seed files, number and round.
 * A gzip file is, half of the time, mutated inside and packed again.
 */
export function mutated(seeds: readonly Uint8Array[], seed: number, round: number): Uint8Array {
  const next = random(seed * 1_000_003 + round);
  next();
  const original = Uint8Array.from(seeds[round % seeds.length]);
  const inside = original[0] === 0x1f && original[1] === 0x8b && next() < 0.6;
  let bytes: Uint8Array = inside ? Uint8Array.from(gunzipSync(original)) : original;
  for (let i = 1 + below(next, 3); i > 0 && bytes.length > 0; i--) bytes = pick(next, MUTATIONS)(bytes, next);
  return inside ? Uint8Array.from(gzipSync(bytes, { level: 1 })) : bytes;
}
