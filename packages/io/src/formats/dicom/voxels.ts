// From frames to voxels: bytes to stored values, stored values to real ones, slice by slice into one array.

import { AnyMC3DError, type VoxelArray, type Warning } from "@anymc3d/core";
import { AIR, FLOOR, withoutPadding } from "@anymc3d/core/learn";
import { allocate, tooLarge } from "../../options/limits.js";
import { LARGEST, LITTLE_HERE, overflow, swapBytes } from "../../voxels/values.js";
import { type CodecUrl, decodeFrame } from "./codecs.js";
import { type DicomFrame, type DicomImage, tooFew } from "./image.js";
import { fragmentsOf } from "./parse.js";
import { parseWhole } from "./series.js";
import { TAG } from "./tags.js";

export interface VoxelOptions {
  readonly name: string;
  readonly limit: number;
  readonly codecUrl?: CodecUrl;
  readonly signal?: AbortSignal;
  readonly onSlice?: () => void;
}

export interface FramesOptions extends VoxelOptions {
  /** Of the frames, also where there are none. */
  readonly image: DicomImage;
  /** Where each frame lies among so many slices; those of none are 0. Default: one behind the other. */
  readonly grid?: { readonly count: number; readonly at: readonly number[] };
}

const FLOATS: ReadonlySet<number> = new Set([TAG.floatPixelData, TAG.doublePixelData]);

type Stored = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

/** Reads frames; of a compressed file it holds the pixel data, as its frames come one after the other. */
export class FrameReader {
  readonly #options: VoxelOptions;
  #open: { readonly image: DicomImage; readonly frames: readonly Uint8Array[] } | undefined;
  #mosaic: { readonly image: DicomImage; readonly pixels: Stored } | undefined;
  #inflated: { readonly image: DicomImage; readonly bytes: Uint8Array } | undefined;

  constructor(options: VoxelOptions) {
    this.#options = options;
  }

  /** Stored values. @throws AnyMC3DError `FORMAT_INVALID`, `FILE_TRUNCATED`, `FILE_TOO_LARGE`, `ASSET_INVALID` */
  async stored({ image, index }: DicomFrame): Promise<Stored> {
    if (image.stored.across === undefined) return this.#frame(image, index);
    if (this.#mosaic?.image !== image) this.#mosaic = { image, pixels: await this.#frame(image, 0) };
    return tile(this.#mosaic.pixels, index, image);
  }

  /** A frame as it lies in the file. */
  async #frame(image: DicomImage, index: number): Promise<Stored> {
    if (image.codec === "native") return this.#native(image, index);
    if (this.#open?.image !== image) {
      const bytes = await this.#bytes(image, image.pixels.offset, Number.POSITIVE_INFINITY);
      this.#open = { image, frames: encapsulatedFrames(bytes, image) };
    }
    const shape = { ...image.stored, bitsAllocated: image.bitsAllocated };
    const samples = await decodeFrame(image.codec, this.#open.frames[index], shape, image.file.name, this.#options.codecUrl);
    checkStoredBits(samples, image);
    return storedValues(samples, image);
  }

  /** One frame of pixel data that are not compressed. */
  async #native(image: DicomImage, index: number): Promise<Stored> {
    const { bitsAllocated, littleEndian, file, pixels } = image;
    const { rows, columns } = image.stored;
    const count = rows * columns;
    if (!littleEndian && bitsAllocated <= 8 && pixels.vr === "OW") return this.#swappedPairs(image, index);
    const first = pixels.offset + Math.floor((index * count * bitsAllocated) / 8);
    const last = pixels.offset + Math.ceil(((index + 1) * count * bitsAllocated) / 8);
    const raw = await this.#bytes(image, first, last);
    if (raw.length < last - first)
      throw tooFew(file.name, `${columns}×${rows} pixels of ${bitsAllocated} bits`, last - pixels.offset, raw.length + first - pixels.offset);
    if (bitsAllocated === 1) return bits(raw, (index * count) & 7, count);
    const width = bitsAllocated / 8;
    const swapped = width > 1 && littleEndian !== LITTLE_HERE;
    // What is given out is only read, so that a copy is needed for swapping and for alignment alone.
    const bytes = swapped || raw.byteOffset % width !== 0 ? raw.slice() : raw;
    if (swapped) swapBytes(bytes, width);
    const words = <T>(type: new (buffer: ArrayBuffer, offset: number, length: number) => T): T =>
      new type(bytes.buffer as ArrayBuffer, bytes.byteOffset, count);
    if (pixels.tag === TAG.floatPixelData) return words(Float32Array);
    if (pixels.tag === TAG.doublePixelData) return words(Float64Array);
    if (width === 8) throw new AnyMC3DError("FORMAT_INVALID", `${file.name}: whole numbers of 64 bits; they cannot be held exactly. Convert the file.`);
    return storedValues(width === 1 ? (bytes as Uint8Array<ArrayBuffer>) : width === 2 ? words(Uint16Array) : words(Uint32Array), image);
  }

  /** Big endian, OW: the words of the file are swapped, though a pixel is smaller than one (PS3.5 8.1.1). */
  async #swappedPairs(image: DicomImage, index: number): Promise<Stored> {
    const { bitsAllocated, file, pixels } = image;
    const { rows, columns } = image.stored;
    const [count, bit] = [rows * columns, index * rows * columns * bitsAllocated];
    const [first, last] = [Math.floor(bit / 16) * 2, Math.ceil((bit + count * bitsAllocated) / 16) * 2];
    const bytes = (await this.#bytes(image, pixels.offset + first, pixels.offset + last)).slice();
    if (bytes.length < last - first) throw tooFew(file.name, `${columns}×${rows} pixels of ${bitsAllocated} bits`, last, bytes.length + first);
    swapBytes(bytes, 2);
    if (bitsAllocated === 1) return bits(bytes, bit - 8 * first, count);
    return storedValues(bytes.slice(bit / 8 - first, bit / 8 - first + count), image);
  }

  async #bytes(image: DicomImage, start: number, end: number): Promise<Uint8Array> {
    const { limit } = this.#options;
    const { file, deflated } = image;
    if (!deflated) {
      const size = Math.min(end, file.size) - start;
      if (size > limit) throw tooLarge(file.name, `its pixel data have ${size} bytes`, limit);
      return file.read(start, end);
    }
    if (this.#inflated?.image !== image) this.#inflated = { image, bytes: (await parseWhole(file, limit)).bytes };
    return this.#inflated.bytes.subarray(start, end);
  }
}

/** A stream holds samples alone: one that needs more bits than are stored contradicts the header, and to cut it off would make it another value. */
function checkStoredBits(samples: Uint8Array | Uint16Array | Uint32Array, { bitsStored, highBit, signed, file }: DicomImage): void {
  if (signed || highBit !== bitsStored - 1 || bitsStored >= 8 * samples.BYTES_PER_ELEMENT) return;
  const beyond = samples.find((sample) => sample >= 2 ** bitsStored);
  if (beyond === undefined) return;
  throw new AnyMC3DError(
    "FORMAT_INVALID",
    `${file.name}: a compressed sample of ${beyond}, where the header says ${bitsStored} unsigned bits. Correct the header.`,
  );
}

/** Words as they lie in the file: what is not stored is masked out, signs are extended (PS3.5 8.1.1: nothing is known about the other bits). */
function storedValues(words: Uint8Array | Uint16Array | Uint32Array, { bitsStored, highBit, signed }: DicomImage): Stored {
  const width = 8 * words.BYTES_PER_ELEMENT;
  const shift = highBit + 1 - bitsStored;
  if (bitsStored >= width) {
    if (!signed) return words;
    const type = width === 8 ? Int8Array : width === 16 ? Int16Array : Int32Array;
    return new type(words.buffer as ArrayBuffer, words.byteOffset, words.length);
  }
  const count = words.length;
  const up = 32 - bitsStored;
  if (signed) {
    const out = bitsStored <= 16 ? new Int16Array(count) : new Int32Array(count);
    for (let i = 0; i < count; i++) out[i] = ((words[i] >>> shift) << up) >> up;
    return out;
  }
  const mask = 2 ** bitsStored - 1;
  let all = 0;
  for (let i = 0; i < count; i++) all |= words[i];
  if (shift === 0 && (all & ~mask) === 0) return words;
  const out = bitsStored <= 16 ? new Uint16Array(count) : new Uint32Array(count);
  for (let i = 0; i < count; i++) out[i] = (words[i] >>> shift) & mask;
  return out;
}

/** One tile of a mosaic, the first at the upper left, row by row. */
function tile(pixels: Stored, index: number, { rows, columns, stored: { across = 1 } }: DicomImage): Stored {
  const out = pixels.slice(0, rows * columns);
  const first = Math.floor(index / across) * rows * columns * across + (index % across) * columns;
  for (let y = 0; y < rows; y++) out.set(pixels.subarray(first + y * columns * across, first + y * columns * across + columns), y * columns);
  return out;
}

/** Bits run on over the ends of rows and frames, the lowest first (PS3.5 8.1.1). */
function bits(bytes: Uint8Array, first: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => (bytes[(first + i) >> 3] >> ((first + i) & 7)) & 1);
}

/** The bytes of each frame: by the number of fragments, an offset table, or where streams begin. */
function encapsulatedFrames(bytes: Uint8Array, { stored: { frames }, file, extendedOffsets }: DicomImage): Uint8Array[] {
  const { table, fragments } = fragmentsOf(bytes, 0, file.name);
  const join = (parts: readonly { offset: number; length: number }[]): Uint8Array => {
    if (parts.length === 1) return bytes.subarray(parts[0].offset, parts[0].offset + parts[0].length);
    const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      out.set(bytes.subarray(part.offset, part.offset + part.length), at);
      at += part.length;
    }
    return out;
  };
  const streams = fragments.filter(({ offset }) => bytes[offset] === 0xff && (bytes[offset + 1] === 0xd8 || bytes[offset + 1] === 0x4f)).length;
  if (frames === 1 && (table.length > 1 || streams > 1))
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${file.name}: ${Math.max(table.length, streams)} compressed images, where the header says 1 frame. Correct Number of Frames, or export the file again.`,
    );
  if (frames === 1 && fragments.length > 0) return [join(fragments)];
  if (fragments.length === frames) return fragments.map((fragment) => join([fragment]));
  const starts = extendedOffsets.length === frames ? extendedOffsets : table.length === frames ? table : undefined;
  const begins = starts ? new Set(starts) : undefined;
  const isStart = (fragment: { place: number; offset: number }) =>
    begins ? begins.has(fragment.place) : bytes[fragment.offset] === 0xff && (bytes[fragment.offset + 1] === 0xd8 || bytes[fragment.offset + 1] === 0x4f);
  const grouped: (typeof fragments)[] = [];
  for (const fragment of fragments) {
    if (isStart(fragment)) grouped.push([fragment]);
    else grouped.at(-1)?.push(fragment);
  }
  if (grouped.length === frames) return grouped.map(join);
  throw new AnyMC3DError(
    "FORMAT_INVALID",
    `${file.name}: ${fragments.length} pieces of compressed pixel data cannot be told apart into ${frames} frames. The file is damaged; export it again.`,
  );
}

/** Takes slices in and holds them in the smallest of int16, int32 and float32 that is exact for what came so far. */
class Voxels {
  data: Int16Array | Int32Array | Float32Array;
  readonly #name: string;
  readonly #padded: Uint8Array;
  #anyPadding = false;
  /** Real values that the header declares as padding. */
  #declared: [low: number, high: number] | undefined;
  #lowest = Number.POSITIVE_INFINITY;

  constructor(count: number, whole: boolean, name: string) {
    this.#name = name;
    this.data = allocate(name, count * (whole ? 2 : 4), () => (whole ? new Int16Array(count) : new Float32Array(count)));
    this.#padded = new Uint8Array(Math.ceil(count / 8));
  }

  /** Stored values of one slice, rescaled by its own slope and intercept (PS3.3 C.11.1.1). */
  take(stored: Stored, { slope, intercept, image: { padding } }: DicomFrame, at: number): void {
    if (slope === 1 && !padding && this.data instanceof Int16Array && this.#addTo(this.data, stored, intercept, at)) return;
    let { data } = this;
    let lowest = this.#lowest;
    for (let i = 0; i < stored.length; i++) {
      const value = slope * stored[i] + intercept;
      if (padding) {
        this.#declared ??= [slope * padding[0] + intercept, slope * padding[1] + intercept].sort((a, b) => a - b) as [number, number];
        if (stored[i] >= padding[0] && stored[i] <= padding[1]) this.#pad(at + i);
        else if (value < lowest) lowest = value;
      }
      if (value > 32767 || value < -32768) data = this.#widen(value);
      data[at + i] = value;
    }
    this.#lowest = lowest;
  }

  /** The common case, in whole numbers; false where a value does not fit, and all is to be done again. */
  #addTo(data: Int16Array, stored: Stored, intercept: number, at: number): boolean {
    if (intercept === 0 && stored instanceof Int16Array) {
      data.set(stored, at);
      return true;
    }
    for (let i = 0; i < stored.length; i++) {
      const value = stored[i] + intercept;
      if ((value << 16) >> 16 !== value) return false;
      data[at + i] = value;
    }
    return true;
  }

  #pad(at: number): void {
    this.#anyPadding = true;
    this.#padded[at >> 3] |= 1 << (at & 7);
  }

  /** Makes room for whole numbers beyond 16 bits; beyond 32 bits there is float32 only, which is exact up to 2^24. */
  #widen(value: number): Int32Array | Int16Array | Float32Array {
    if (Math.abs(value) > LARGEST && Number.isFinite(value)) throw overflow(this.#name, value);
    if (this.data instanceof Float32Array) return this.data;
    const fits = value <= 2147483647 && value >= -2147483648;
    if (this.data instanceof Int32Array && fits) return this.data;
    const before = this.data;
    this.data = allocate(this.#name, 4 * before.length, () => (fits ? Int32Array.from(before) : Float32Array.from(before)));
    return this.data;
  }

  /**
   * Sets padding to what is no tissue: -1000 HU in a CT, the smallest other value elsewhere, where it is not 0 already. Of a CT that declares padding also
   * what else is filler by {@link withoutPadding}; other values below what can be measured are a scanner's own.
   * @param lossy a codec has moved the values: those about padding at an end of the range are padding, too, and in a CT all below what can be measured
   * @returns which voxels are padding, one bit each
   */
  fillPadding(hounsfield: boolean, lossy: boolean): { readonly noData?: Uint8Array; readonly note?: Warning } {
    if (lossy && this.#declared) this.#padNear(...this.#declared);
    if (lossy && this.#declared && hounsfield) this.#padBelow(FLOOR);
    if (!this.#anyPadding && !(hounsfield && this.#declared)) return {};
    const to = hounsfield ? AIR : Number.isFinite(this.#lowest) ? this.#lowest : 0;
    let changed = 0;
    for (let i = 0; i < this.data.length; i++) {
      if (!this.#isPad(i) || this.data[i] === to || (!hounsfield && this.data[i] === 0)) continue;
      this.data[i] = to;
      changed++;
    }
    if (hounsfield && this.#fillPlateau()) changed++;
    if (!this.#anyPadding) return {};
    if (!changed) return { noData: this.#padded };
    const note: Warning = {
      code: "PADDING_FILLED",
      message: `${this.#name}: ${this.#count()} voxels outside the image (pixel padding) were set to ${to}${hounsfield ? " HU" : ""}`,
    };
    return { noData: this.#padded, note };
  }

  /** @returns whether there was filler that is not what is declared */
  #fillPlateau(): boolean {
    const { data, noData } = withoutPadding({ data: this.data, shape: [this.data.length, 1, 1] });
    if (!noData) return false;
    this.data = data as typeof this.data;
    for (const [i, byte] of noData.entries()) this.#padded[i] |= byte;
    this.#anyPadding = true;
    return true;
  }

  #count(): number {
    let count = 0;
    for (let byte of this.#padded) for (; byte; byte &= byte - 1) count++;
    return count;
  }

  #padBelow(floor: number): void {
    for (let i = 0; i < this.data.length; i++) if (this.data[i] < floor) this.#pad(i);
  }

  #isPad(at: number): boolean {
    return ((this.#padded[at >> 3] >> (at & 7)) & 1) === 1;
  }

  /** Padding at one end of the values, from which a gap parts the rest: what lies nearer to it than to the rest came of it. */
  #padNear(low: number, high: number): void {
    const { data } = this;
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < data.length; i++) {
      const value = data[i];
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const error = Math.max(2, (most - least) / CODEC_SHARE);
    const near = (value: number, by: number) => value >= low - by && value <= high + by;
    // Padding amid the values cannot be told from what was measured.
    if (low - error > least && high + error < most) return;
    let between = 0;
    for (let i = 0; i < data.length; i++) if (near(data[i], 2 * error) && !near(data[i], error)) between++;
    this.#lowest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < data.length; i++) {
      if (between === 0 && near(data[i], error)) this.#pad(i);
      else if (!this.#isPad(i) && data[i] < this.#lowest) this.#lowest = data[i];
    }
  }
}

/** Of the range of values: how far a lossy codec may move padding. */
const CODEC_SHARE = 128;

/** Pixel data that are longer than the image: the tail is dropped (PS3.5 8.1.1 allows padding), and more than an even length needs is told. */
function leftOver(frames: readonly DicomFrame[]): Warning[] {
  const extra = ({
    image: {
      pixels,
      stored: { rows, columns, frames: count },
      bitsAllocated,
    },
  }: DicomFrame) => pixels.length - Math.ceil((rows * columns * count * bitsAllocated) / 8);
  const long = frames.filter((frame) => frame.image.codec === "native" && extra(frame) > 1);
  if (long.length === 0) return [];
  const message = `${long[0].image.file.name}: ${extra(long[0])} bytes follow the pixels${long.length > 1 ? `, and in ${long.length - 1} more frames` : ""}; they were ignored. Are Rows and Columns right?`;
  return [{ code: "EXTRA_BYTES", message }];
}

/**
 * Voxels of the frames, one behind the other.
 * @throws AnyMC3DError as {@link FrameReader.stored}, `OUT_OF_MEMORY`; the signal's reason
 */
export async function readFrames(frames: readonly DicomFrame[], options: FramesOptions): Promise<{ data: VoxelArray; noData?: Uint8Array; notes: Warning[] }> {
  const { name, limit, signal, onSlice, image, grid } = options;
  const count = grid?.count ?? frames.length;
  const size = image.rows * image.columns;
  const whole = frames.every((frame) => Number.isInteger(frame.slope) && Number.isInteger(frame.intercept)) && !FLOATS.has(image.pixels.tag);
  if (size * count * (whole ? 2 : 4) > limit)
    throw tooLarge(name, `${image.columns}×${image.rows}×${count} voxels take ${size * count * (whole ? 2 : 4)} bytes`, limit);
  const reader = new FrameReader(options);
  const voxels = new Voxels(size * count, whole, name);
  let next = frames.length ? reader.stored(frames[0]) : Promise.resolve(new Uint8Array(0));
  for (const [i, frame] of frames.entries()) {
    signal?.throwIfAborted();
    const stored = await next;
    // The next file is on its way while this one is taken in.
    if (i + 1 < frames.length) next = reader.stored(frames[i + 1]);
    next.catch(() => undefined);
    voxels.take(stored, frame, (grid?.at[i] ?? i) * size);
    onSlice?.();
  }
  const { noData, note } = voxels.fillPadding(
    image.series.modality === "CT",
    frames.some((frame) => frame.image.lossy),
  );
  return { data: voxels.data, ...(noData && { noData }), notes: [...leftOver(frames), ...(note ? [note] : [])] };
}
