// Grey sequential JPEG (ITU-T T.81): lossless (SOF3, all predictors, 2 to 16 bits), baseline and extended (SOF0, SOF1, 8 and 12 bits).
// Other kinds are refused. Lossy data go through the accurate integer inverse DCT that the reference library calls "islow".

import { AnyMC3DError } from "@anymc3d/core";

export interface GreyImage {
  readonly width: number;
  readonly height: number;
  /** Bits a sample in the stream. */
  readonly precision: number;
  readonly samples: Uint16Array;
}

interface Huffman {
  /** By the next 9 bits: (length << 8) | value; 0 where the code is longer. */
  readonly fast: Uint16Array;
  /** Largest code of each length plus one, shifted to 16 bits; and where its values begin. */
  readonly limit: Int32Array;
  readonly delta: Int32Array;
  readonly values: Uint8Array;
}

const FAST = 9;

/**
 * @param check looks at the size that the stream states, before anything is made of it; throws to refuse
 * @throws AnyMC3DError `FORMAT_INVALID` (damaged), `FILE_TRUNCATED`, with `name` in front
 */
export function decodeGreyJpeg(bytes: Uint8Array, name: string, check: (width: number, height: number) => void): GreyImage {
  return new Decoder(bytes, name, check).decode();
}

class Decoder {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  #at = 0;
  readonly #tables = new Map<number, Huffman>();
  readonly #quantisers = new Map<number, Uint16Array>();
  #frame: { kind: number; precision: number; width: number; height: number; quantiser: number } | undefined;
  #restart = 0;
  // Bits of the scan.
  #bits = 0;
  #have = 0;

  readonly #check: (width: number, height: number) => void;

  constructor(bytes: Uint8Array, name: string, check: (width: number, height: number) => void) {
    this.#bytes = bytes;
    this.#name = name;
    this.#check = check;
  }

  #fail(what: string): never {
    throw new AnyMC3DError("FORMAT_INVALID", `${this.#name}: the JPEG data are damaged or of another kind: ${what}.`);
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) throw new AnyMC3DError("FILE_TRUNCATED", `${this.#name}: the JPEG data break off after ${this.#at} bytes.`);
    return this.#bytes[this.#at++];
  }

  #word(): number {
    return (this.#byte() << 8) | this.#byte();
  }

  decode(): GreyImage {
    if (this.#word() !== 0xffd8) this.#fail("no start of image");
    for (;;) {
      let marker = this.#byte();
      if (marker !== 0xff) this.#fail(`byte ${marker} where a marker should be`);
      while (marker === 0xff) marker = this.#byte();
      if (marker === 0xd9) this.#fail("it ends without a scan");
      if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) continue;
      const start = this.#at;
      const length = this.#word();
      if (length < 2 || start + length > this.#bytes.length) throw new AnyMC3DError("FILE_TRUNCATED", `${this.#name}: the JPEG data break off in a header.`);
      if (marker === 0xda) return this.#scan(start + length);
      this.#segment(marker, start + length);
      this.#at = start + length;
    }
  }

  #segment(marker: number, end: number): void {
    if (marker === 0xc4) while (this.#at < end) this.#huffman(end);
    else if (marker === 0xdb) while (this.#at < end) this.#quantiser(end);
    else if (marker === 0xdd) this.#restart = this.#word();
    else if (marker === 0xc0 || marker === 0xc1 || marker === 0xc3) this.#startOfFrame(marker);
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc8 && marker !== 0xcc) this.#fail(`coding process SOF${marker - 0xc0} is not supported`);
  }

  #startOfFrame(kind: number): void {
    const precision = this.#byte();
    const height = this.#word();
    const width = this.#word();
    const components = this.#byte();
    this.#byte();
    const sampling = this.#byte();
    const quantiser = this.#byte();
    if (components !== 1) this.#fail(`${components} components, one is expected`);
    if (width === 0 || height === 0) this.#fail(`${width}×${height} pixels`);
    this.#check(width, height);
    if (sampling === 0) this.#fail("sampling factor 0");
    if (kind === 0xc3 ? precision < 2 || precision > 16 : precision !== 8 && precision !== 12) this.#fail(`${precision} bits a sample`);
    this.#frame = { kind, precision, width, height, quantiser };
  }

  #quantiser(end: number): void {
    const info = this.#byte();
    const table = new Uint16Array(64);
    for (let i = 0; i < 64; i++) table[ZIGZAG[i]] = info >> 4 ? this.#word() : this.#byte();
    if (this.#at > end) this.#fail("a quantisation table is cut short");
    this.#quantisers.set(info & 15, table);
  }

  #huffman(end: number): void {
    const info = this.#byte();
    const counts = Array.from({ length: 16 }, () => this.#byte());
    const total = counts.reduce((a, b) => a + b, 0);
    if (total > 256 || this.#at + total > end) this.#fail("a Huffman table is cut short");
    const values = Uint8Array.from({ length: total }, () => this.#byte());
    const table: Huffman = { fast: new Uint16Array(1 << FAST), limit: new Int32Array(18), delta: new Int32Array(17), values };
    let code = 0;
    let index = 0;
    for (let length = 1; length <= 16; length++) {
      table.delta[length] = index - code;
      for (let i = 0; i < counts[length - 1]; i++, code++, index++) {
        if (code >= 1 << length) this.#fail("a Huffman table with too many codes");
        if (length <= FAST) table.fast.fill((length << 8) | values[index], code << (FAST - length), (code + 1) << (FAST - length));
      }
      table.limit[length] = code << (16 - length);
      code <<= 1;
    }
    table.limit[17] = 0x7fffffff;
    this.#tables.set(info, table);
  }

  #scan(end: number): GreyImage {
    const frame = this.#frame ?? this.#fail("a scan before its frame");
    if (this.#byte() !== 1) this.#fail("a scan of several components");
    this.#byte();
    const tables = this.#byte();
    const predictor = this.#byte();
    this.#byte();
    const transform = this.#byte() & 15;
    this.#at = end;
    const dc = this.#tables.get(tables >> 4) ?? this.#fail("a scan without its Huffman table");
    const { width, height, precision } = frame;
    // A pixel takes a bit at least (lossless), a block of 64 two (DCT); a header that promises more is a bomb.
    const bits = 8 * (this.#bytes.length - end);
    if (width * height > (frame.kind === 0xc3 ? bits : 32 * bits))
      throw new AnyMC3DError("FILE_TRUNCATED", `${this.#name}: too few JPEG data for ${width}×${height} pixels.`);
    const samples = new Uint16Array(width * height);
    if (frame.kind === 0xc3) this.#lossless(samples, frame, dc, predictor, transform);
    else {
      const ac = this.#tables.get(0x10 | (tables & 15)) ?? this.#fail("a scan without its Huffman table");
      const quantiser = this.#quantisers.get(frame.quantiser) ?? this.#fail("a scan without its quantisation table");
      this.#blocks(samples, frame, dc, ac, quantiser);
    }
    return { width, height, precision, samples };
  }

  /** At least `count` (up to 16) bits in #bits; zeros after a marker. */
  #fill(): void {
    while (this.#have <= 16) {
      let byte = 0;
      if (this.#at < this.#bytes.length) {
        byte = this.#bytes[this.#at];
        if (byte !== 0xff) this.#at++;
        else if (this.#bytes[this.#at + 1] === 0) this.#at += 2;
        else {
          byte = 0;
          this.#past++;
        }
      } else this.#past++;
      this.#bits = ((this.#bits << 8) | byte) & 0xffffffff;
      this.#have += 8;
    }
  }

  /** Bytes that were made up after the end of the data. */
  #past = 0;

  #symbol(table: Huffman): number {
    if (this.#have < 16) this.#fill();
    const next = (this.#bits >>> (this.#have - 16)) & 0xffff;
    const fast = table.fast[next >> (16 - FAST)];
    if (fast) {
      this.#have -= fast >> 8;
      return fast & 255;
    }
    let length = FAST + 1;
    while (length <= 16 && next >= table.limit[length]) length++;
    if (length > 16) this.#fail("a code that no Huffman table has");
    this.#have -= length;
    return table.values[(next >> (16 - length)) + table.delta[length]] ?? this.#fail("a code that no Huffman table has");
  }

  /** A number of so many bits, sign-extended as T.81 F.2.2.1 does. */
  #extended(size: number): number {
    if (size === 0) return 0;
    if (this.#have < size) this.#fill();
    this.#have -= size;
    const value = (this.#bits >>> this.#have) & ((1 << size) - 1);
    return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
  }

  /** At a restart interval's end: the next marker, and empty bits. */
  #resync(): void {
    this.#have = 0;
    this.#bits = 0;
    if (this.#past > 4) this.#cut();
    while (this.#at + 1 < this.#bytes.length && !(this.#bytes[this.#at] === 0xff && this.#bytes[this.#at + 1] >= 0xd0 && this.#bytes[this.#at + 1] <= 0xd7)) {
      if (this.#bytes[this.#at] === 0xff && this.#bytes[this.#at + 1] !== 0) this.#fail("a restart marker is missing");
      this.#at++;
    }
    this.#at += 2;
    this.#past = 0;
  }

  #cut(): never {
    throw new AnyMC3DError("FILE_TRUNCATED", `${this.#name}: the JPEG data break off before the last pixel. The file is cut short; copy or export it again.`);
  }

  /** T.81 H.2: every sample is its prediction from left (a), above (b) and above left (c), plus a difference. */
  #lossless(
    out: Uint16Array,
    { width, height, precision }: { width: number; height: number; precision: number },
    table: Huffman,
    predictor: number,
    transform: number,
  ): void {
    if (predictor < 1 || predictor > 7) this.#fail(`predictor ${predictor}`);
    if (transform >= precision) this.#fail(`point transform ${transform}`);
    if (this.#restart % width !== 0) this.#fail("restart intervals that are no whole rows");
    const rows = this.#restart / width;
    const first = 1 << (precision - transform - 1);
    const { fast, limit, delta, values } = table;
    const bytes = this.#bytes;
    // The bit reader of #fill and #symbol, in local variables: this loop runs once a pixel.
    let [at, bits, have, past] = [this.#at, 0, 0, 0];
    for (let y = 0, to = 0; y < height; y++) {
      const fresh = y === 0 || (rows > 0 && y % rows === 0);
      if (fresh && y > 0) {
        [this.#at, this.#past] = [at, past];
        this.#resync();
        [at, bits, have, past] = [this.#at, 0, 0, 0];
      }
      let left = fresh ? first : out[to - width];
      for (let x = 0; x < width; x++, to++) {
        while (have <= 16) {
          let byte = at < bytes.length ? bytes[at] : 0xff;
          if (byte !== 0xff) at++;
          else if (at + 1 < bytes.length && bytes[at + 1] === 0) at += 2;
          else {
            byte = 0;
            past++;
          }
          bits = (bits << 8) | byte;
          have += 8;
        }
        const next = (bits >>> (have - 16)) & 0xffff;
        const short = fast[next >> (16 - FAST)];
        let size: number;
        if (short) {
          have -= short >> 8;
          size = short & 255;
        } else {
          let length = FAST + 1;
          while (length <= 16 && next >= limit[length]) length++;
          if (length > 16) this.#fail("a code that no Huffman table has");
          have -= length;
          size = values[(next >> (16 - length)) + delta[length]];
        }
        let difference = 0;
        if (size === 16) difference = 32768;
        else if (size > 16) this.#fail("a difference of more than 16 bits");
        else if (size > 0) {
          while (have < size) {
            let byte = at < bytes.length ? bytes[at] : 0xff;
            if (byte !== 0xff) at++;
            else if (at + 1 < bytes.length && bytes[at + 1] === 0) at += 2;
            else {
              byte = 0;
              past++;
            }
            bits = (bits << 8) | byte;
            have += 8;
          }
          have -= size;
          const value = (bits >>> have) & ((1 << size) - 1);
          difference = value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
        }
        const prediction = x === 0 || fresh || predictor === 1 ? left : predicted(predictor, left, out[to - width], out[to - width - 1]);
        left = (prediction + difference) & 0xffff;
        out[to] = left;
      }
      if (past > 8) this.#cut();
    }
    if (transform) for (let i = 0; i < out.length; i++) out[i] <<= transform;
  }

  #blocks(
    out: Uint16Array,
    { width, height, precision }: { width: number; height: number; precision: number },
    dc: Huffman,
    ac: Huffman,
    quantiser: Uint16Array,
  ): void {
    const across = Math.ceil(width / 8);
    const down = Math.ceil(height / 8);
    const block = new Int32Array(64);
    let last = 0;
    for (let n = 0; n < across * down; n++) {
      if (this.#restart && n > 0 && n % this.#restart === 0) {
        this.#resync();
        last = 0;
      }
      block.fill(0);
      const size = this.#symbol(dc);
      if (size > 15) this.#fail("a difference of more than 15 bits");
      last += this.#extended(size);
      block[0] = last * quantiser[0];
      for (let k = 1; k < 64; k++) {
        const run = this.#symbol(ac);
        if ((run & 15) === 0) {
          if (run !== 0xf0) break;
          k += 15;
          continue;
        }
        k += run >> 4;
        if (k > 63) this.#fail("a block with more than 64 coefficients");
        const place = ZIGZAG[k];
        block[place] = this.#extended(run & 15) * quantiser[place];
      }
      if (this.#past > 8) this.#cut();
      inverseDct(block, precision);
      const [left, top] = [8 * (n % across), 8 * Math.floor(n / across)];
      for (let y = 0; y < 8 && top + y < height; y++) for (let x = 0; x < 8 && left + x < width; x++) out[(top + y) * width + left + x] = block[8 * y + x];
    }
  }
}

function predicted(predictor: number, a: number, b: number, c: number): number {
  switch (predictor) {
    case 2:
      return b;
    case 3:
      return c;
    case 4:
      return a + b - c;
    case 5:
      return a + ((b - c) >> 1);
    case 6:
      return b + ((a - c) >> 1);
    default:
      return (a + b) >> 1;
  }
}

// biome-ignore format: a table
const ZIGZAG = [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63];

const BITS = 13;
const fixed = (value: number) => Math.round(value * (1 << BITS));
// biome-ignore format: a table
const [C0298, C0390, C0541, C0765, C0899, C1175, C1501, C1847, C1961, C2053, C2562, C3072] =
  [0.298631336, 0.390180644, 0.541196100, 0.765366865, 0.899976223, 1.175875602, 1.501321110, 1.847759065, 1.961570560, 2.053119869, 2.562915447, 3.072711026].map(fixed);

/**
 * Inverse DCT in place, the rotations of Loeffler, Ligtenberg and Moschytz (ICASSP 1989) in 13-bit fixed point: columns keep some fraction bits,
 * rows round to samples, which are then shifted up by half their range and clamped.
 */
function inverseDct(block: Int32Array, precision: number): void {
  const kept = precision === 8 ? 2 : 1;
  for (let c = 0; c < 8; c++) pass(block, c, 8, BITS - kept);
  for (let r = 0; r < 64; r += 8) pass(block, r, 1, BITS + kept + 3);
  const half = 1 << (precision - 1);
  const top = (1 << precision) - 1;
  for (let i = 0; i < 64; i++) block[i] = Math.min(top, Math.max(0, block[i] + half));
}

function pass(block: Int32Array, at: number, step: number, shift: number): void {
  const [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => block[at + i * step]);
  const round = 2 ** (shift - 1);
  const even = (s2 + s6) * C0541;
  const e2 = even - s6 * C1847;
  const e3 = even + s2 * C0765;
  const e0 = (s0 + s4) * (1 << BITS);
  const e1 = (s0 - s4) * (1 << BITS);
  const [t10, t13, t11, t12] = [e0 + e3, e0 - e3, e1 + e2, e1 - e2];
  const z5 = (s7 + s3 + s5 + s1) * C1175;
  const z1 = -(s7 + s1) * C0899;
  const z2 = -(s5 + s3) * C2562;
  const z3 = -(s7 + s3) * C1961 + z5;
  const z4 = -(s5 + s1) * C0390 + z5;
  const t0 = s7 * C0298 + z1 + z3;
  const t1 = s5 * C2053 + z2 + z4;
  const t2 = s3 * C3072 + z2 + z3;
  const t3 = s1 * C1501 + z1 + z4;
  const descale = (value: number) => Math.floor((value + round) / 2 ** shift);
  block[at] = descale(t10 + t3);
  block[at + 7 * step] = descale(t10 - t3);
  block[at + step] = descale(t11 + t2);
  block[at + 6 * step] = descale(t11 - t2);
  block[at + 2 * step] = descale(t12 + t1);
  block[at + 5 * step] = descale(t12 - t1);
  block[at + 3 * step] = descale(t13 + t0);
  block[at + 4 * step] = descale(t13 - t0);
}
