// Gzip, zlib and DEFLATE (RFC 1952, 1950, 1951) in plain TypeScript, for runtimes whose own decompressor stops at the end of the first member.

const CHUNK = 2 ** 18;
const WINDOW = 32768;

/** Why compressed bytes could not be read. `truncated`: they end too early; otherwise they are damaged. */
export class InflateError extends Error {
  constructor(
    message: string,
    readonly truncated: boolean,
  ) {
    super(message);
  }
}

const damaged = (what: string): InflateError => new InflateError(what, false);

/** Bits of the input, least significant first. */
class Bits {
  at: number;
  #held = 0;
  #count = 0;

  constructor(
    readonly bytes: Uint8Array,
    at: number,
  ) {
    this.at = at;
  }

  /** The next `count` (≤ 16) bits without taking them; zeros past the end. */
  peek(count: number): number {
    while (this.#count < count) {
      this.#held |= (this.bytes[this.at] ?? 0) << this.#count;
      this.at++;
      this.#count += 8;
    }
    return this.#held & ((1 << count) - 1);
  }

  drop(count: number): void {
    this.#held >>>= count;
    this.#count -= count;
    if (this.at - (this.#count >> 3) > this.bytes.length) throw new InflateError("the compressed data ends too early", true);
  }

  take(count: number): number {
    const value = this.peek(count);
    this.drop(count);
    return value;
  }

  /** Goes to the next whole byte and gives its position. */
  align(): number {
    this.at -= this.#count >> 3;
    this.#held = 0;
    this.#count = 0;
    return this.at;
  }
}

/** A prefix code: `table[next bits]` holds symbol · 16 + length, 0 where no code begins so. */
interface Code {
  readonly bits: number;
  readonly table: Uint16Array;
}

function makeCode(lengths: Uint8Array): Code {
  const counts = new Uint16Array(16);
  for (const length of lengths) counts[length]++;
  counts[0] = 0;
  const next = new Uint16Array(17);
  let used = 0;
  let bits = 1;
  for (let length = 1; length <= 15; length++) {
    next[length + 1] = (next[length] + counts[length]) << 1;
    used += counts[length] << (15 - length);
    if (counts[length] > 0) bits = length;
  }
  if (used > 1 << 15) throw damaged("a prefix code has too many symbols");
  const table = new Uint16Array(1 << bits);
  lengths.forEach((length, symbol) => {
    if (length === 0) return;
    let reversed = 0;
    for (let code = next[length]++, i = 0; i < length; i++, code >>= 1) reversed = (reversed << 1) | (code & 1);
    for (let i = reversed; i < table.length; i += 1 << length) table[i] = symbol * 16 + length;
  });
  return { bits, table };
}

function decode(input: Bits, code: Code): number {
  const entry = code.table[input.peek(code.bits)];
  if (entry === 0) throw damaged("a code that is not in the table");
  input.drop(entry & 15);
  return entry >> 4;
}

/** Base values and extra bits of lengths (257 …) and distances, RFC 1951 §3.2.5. */
function ranges(count: number, first: number, plain: number, step: number): { base: Uint16Array; extra: Uint8Array } {
  const base = new Uint16Array(count);
  const extra = new Uint8Array(count);
  for (let i = 0, value = first; i < count; i++) {
    base[i] = value;
    extra[i] = i < plain ? 0 : Math.floor((i - plain) / step) + 1;
    value += 1 << extra[i];
  }
  return { base, extra };
}

const LENGTHS = ranges(29, 3, 8, 4);
LENGTHS.base[28] = 258;
LENGTHS.extra[28] = 0;
const DISTANCES = ranges(30, 1, 4, 2);
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const FIXED = {
  literals: makeCode(Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))),
  distances: makeCode(new Uint8Array(30).fill(5)),
};

function readCodes(input: Bits): { literals: Code; distances: Code } {
  const literals = input.take(5) + 257;
  const distances = input.take(5) + 1;
  const orders = input.take(4) + 4;
  const order = new Uint8Array(19);
  for (let i = 0; i < orders; i++) order[ORDER[i]] = input.take(3);
  const code = makeCode(order);
  const lengths = new Uint8Array(literals + distances);
  for (let i = 0; i < lengths.length; ) {
    const symbol = decode(input, code);
    if (symbol < 16) {
      lengths[i++] = symbol;
      continue;
    }
    if (symbol === 16 && i === 0) throw damaged("a repeated code length with none before it");
    const value = symbol === 16 ? lengths[i - 1] : 0;
    const repeat = symbol === 16 ? 3 + input.take(2) : symbol === 17 ? 3 + input.take(3) : 11 + input.take(7);
    if (i + repeat > lengths.length) throw damaged("too many code lengths");
    lengths.fill(value, i, i + repeat);
    i += repeat;
  }
  return { literals: makeCode(lengths.subarray(0, literals)), distances: makeCode(lengths.subarray(literals)) };
}

/** Output: the last 32 KiB to copy from, then what was not handed on yet. */
class Output {
  readonly buffer = new Uint8Array(WINDOW + CHUNK + 258);
  /** Where the member's output and what is not handed on begin, and where it all ends. */
  begin = WINDOW;
  start = WINDOW;
  end = WINDOW;

  copy(distance: number, length: number): void {
    if (distance > this.end - this.begin) throw damaged("a copy from before the beginning");
    for (let i = 0; i < length; i++, this.end++) this.buffer[this.end] = this.buffer[this.end - distance];
  }

  get full(): boolean {
    return this.end >= WINDOW + CHUNK;
  }

  /** What was not handed on; keeps the window. */
  flush(): Uint8Array {
    const chunk = this.buffer.slice(this.start, this.end);
    const shift = this.end - WINDOW;
    this.buffer.copyWithin(0, shift, this.end);
    this.begin = Math.max(0, this.begin - shift);
    this.start = WINDOW;
    this.end = WINDOW;
    return chunk;
  }
}

function* storedBlock(input: Bits, output: Output): Generator<Uint8Array> {
  const at = input.align();
  const { bytes } = input;
  if (at + 4 > bytes.length) throw new InflateError("the compressed data ends too early", true);
  const length = bytes[at] | (bytes[at + 1] << 8);
  if ((length ^ (bytes[at + 2] | (bytes[at + 3] << 8))) !== 0xffff) throw damaged("a stored block whose length does not match its complement");
  if (at + 4 + length > bytes.length) throw new InflateError("the compressed data ends too early", true);
  if (output.end + length > output.buffer.length) yield output.flush();
  output.buffer.set(bytes.subarray(at + 4, at + 4 + length), output.end);
  output.end += length;
  input.at = at + 4 + length;
}

function* codedBlock(input: Bits, output: Output, { literals, distances }: { literals: Code; distances: Code }): Generator<Uint8Array> {
  for (;;) {
    if (output.full) yield output.flush();
    const symbol = decode(input, literals);
    if (symbol < 256) {
      output.buffer[output.end++] = symbol;
      continue;
    }
    if (symbol === 256) return;
    if (symbol > 285) throw damaged("a length code that does not exist");
    const length = LENGTHS.base[symbol - 257] + input.take(LENGTHS.extra[symbol - 257]);
    const far = decode(input, distances);
    if (far > 29) throw damaged("a distance code that does not exist");
    output.copy(DISTANCES.base[far] + input.take(DISTANCES.extra[far]), length);
  }
}

/** One DEFLATE stream from `at`; returns the position after it. */
function* inflate(bytes: Uint8Array, at: number): Generator<Uint8Array, number> {
  const input = new Bits(bytes, at);
  const output = new Output();
  for (let last = 0; !last; ) {
    last = input.take(1);
    const kind = input.take(2);
    if (kind === 3) throw damaged("a block of a kind that does not exist");
    if (kind === 0) yield* storedBlock(input, output);
    else yield* codedBlock(input, output, kind === 1 ? FIXED : readCodes(input));
  }
  yield output.flush();
  return input.align();
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let i = 0; i < 8; i++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

export function crc32(bytes: Uint8Array, before: number): number {
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++) crc = CRC[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Position after the member header that begins at `at`. */
function skipHeader(bytes: Uint8Array, at: number): number {
  if (at + 10 > bytes.length) throw new InflateError("the compressed data ends within a gzip header", true);
  const flags = bytes[at + 3];
  if (bytes[at + 2] !== 8 || flags & 0xe0) throw damaged("a gzip header with an unknown method or flag");
  let next = at + 10;
  if (flags & 4) next += 2 + ((bytes[next] ?? 0) | ((bytes[next + 1] ?? 0) << 8));
  for (const flag of [8, 16]) {
    if (!(flags & flag)) continue;
    const zero = bytes.indexOf(0, next);
    next = zero < 0 ? bytes.length + 1 : zero + 1;
  }
  if (flags & 2) next += 2;
  if (next > bytes.length) throw new InflateError("the compressed data ends within a gzip header", true);
  return next;
}

/**
 * The content of a gzip file, all members joined, in chunks; checksums verified. Bytes after the last member that begin no other are ignored.
 * @returns where the last member ends
 * @throws InflateError
 */
export function* inflateGzip(bytes: Uint8Array): Generator<Uint8Array, number> {
  let at = 0;
  do {
    const chunks = inflate(bytes, skipHeader(bytes, at));
    let crc = 0;
    let length = 0;
    let step = chunks.next();
    for (; !step.done; step = chunks.next()) {
      crc = crc32(step.value, crc);
      length += step.value.length;
      yield step.value;
    }
    at = step.value;
    if (at + 8 > bytes.length) throw new InflateError("the compressed data ends before its checksum", true);
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
    if (view.getUint32(0, true) !== crc) throw damaged("the checksum does not match");
    if (view.getUint32(4, true) !== length >>> 0) throw damaged("the length does not match");
    at += 8;
    if (bytes[at] === 0x1f && at + 1 === bytes.length) throw new InflateError("the compressed data ends within a gzip header", true);
  } while (bytes[at] === 0x1f && bytes[at + 1] === 0x8b);
  return at;
}

/** The content of a raw DEFLATE stream, in chunks. Bytes after it are ignored. @returns where it ends @throws InflateError */
export function* inflateRaw(bytes: Uint8Array): Generator<Uint8Array, number> {
  return yield* inflate(bytes, 0);
}

function adler32(bytes: Uint8Array, before: number): number {
  let a = before & 0xffff;
  let b = before >>> 16;
  // 5552 additions of bytes cannot overflow 32 bits.
  for (let start = 0; start < bytes.length; start += 5552) {
    const end = Math.min(bytes.length, start + 5552);
    for (let i = start; i < end; i++) b += a += bytes[i];
    a %= 65521;
    b %= 65521;
  }
  return ((b << 16) | a) >>> 0;
}

/** The content of a zlib stream, in chunks; checksum verified. Bytes after it are ignored. @returns where it ends @throws InflateError */
export function* inflateZlib(bytes: Uint8Array): Generator<Uint8Array, number> {
  if (bytes.length < 2) throw new InflateError("the compressed data ends within its header", true);
  if ((bytes[0] & 15) !== 8 || ((bytes[0] << 8) | bytes[1]) % 31 !== 0) throw damaged("no zlib header");
  if (bytes[1] & 32) throw damaged("a preset dictionary");
  const chunks = inflate(bytes, 2);
  let sum = 1;
  let step = chunks.next();
  for (; !step.done; step = chunks.next()) {
    sum = adler32(step.value, sum);
    yield step.value;
  }
  if (step.value + 4 > bytes.length) throw new InflateError("the compressed data ends before its checksum", true);
  if (new DataView(bytes.buffer, bytes.byteOffset + step.value, 4).getUint32(0) !== sum) throw damaged("the checksum does not match");
  return step.value + 4;
}
