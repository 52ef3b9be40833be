// Augmentation of a view's slices: all parameters are drawn first, from a state that depends on seed, epoch and sample only; then they are applied.

import { seededRandom } from "@anymc3d/core/learn";
import type { AugmentOptions } from "../config.js";
import { textHash } from "../data/text-hash.js";

/** What is done to one view of one volume. All plain numbers, for logs. */
export interface Augmentation {
  /** Mirrored top to bottom, left to right. */
  readonly flipRows: boolean;
  readonly flipColumns: boolean;
  /** The order of the slices is reversed. */
  readonly reverse: boolean;
  /** Counter-clockwise as displayed. */
  readonly degrees: number;
  /** Above 1: things grow. */
  readonly zoom: number;
  /** Downward and to the right, as a share of the slice's height and width. */
  readonly shift: readonly [rows: number, columns: number];
  /** Standard deviation in pixels. */
  readonly blur: number;
  readonly gamma: number;
  readonly contrast: number;
  /** Added, as a share of the intensity range. */
  readonly brightness: number;
  /** Standard deviation, as a share of the intensity range. */
  readonly noise: number;
  readonly noiseSeed: number;
}

/** Where slices lie and what their values mean. */
export interface SliceStack {
  /** Slices, rows, columns. */
  readonly shape: readonly [slices: number, rows: number, columns: number];
  /** Value outside the volume. */
  readonly pad: number;
  /** The intensity range that the adapter sees, in the units of the values. */
  readonly range: readonly [low: number, high: number];
  /** Values are numbers of several labels: they are moved, and never mixed or changed. Default false. */
  readonly labels?: boolean;
}

export interface Augmented {
  readonly values: Float32Array;
  readonly mask?: Float32Array;
}

/**
 * The random state of one sample in one epoch: a hash of the three, so that draws depend neither on order nor on who draws.
 * @param id of the case; with several views, one text a view, such as `${id}/${view}`, so that views draw independently
 */
export function sampleSeed(seed: number, epoch: number, id: string): number {
  return textHash(`${seed}:${epoch}:${id}`);
}

/**
 * Draws what to do. Takes the same number of random numbers whatever the options are, so that changing one leaves the others' draws alone.
 * @param random uniform in [0, 1)
 */
export function drawAugmentation(options: AugmentOptions, random: () => number): Augmentation {
  const { rotate, zoom, shift, noise, blur, brightness, contrast, gamma } = options;
  const happens = (p: number) => random() < p;
  const between = (low: number, high: number) => low + random() * (high - low);
  const maybe = <T>(p: number, value: T, none: T) => (happens(p) ? value : none);
  return {
    flipRows: happens(options.flip),
    flipColumns: happens(options.flip),
    reverse: happens(options.reverse),
    degrees: maybe(rotate.p, between(-rotate.degrees, rotate.degrees), 0),
    zoom: maybe(zoom.p, logBetween(zoom, random), 1),
    shift: maybe<[number, number]>(shift.p, [between(-shift.share, shift.share), between(-shift.share, shift.share)], [0, 0]),
    blur: maybe(blur.p, between(0, blur.sd), 0),
    gamma: maybe(gamma.p, logBetween(gamma, random), 1),
    contrast: maybe(contrast.p, between(contrast.low, contrast.high), 1),
    brightness: maybe(brightness.p, brightness.sd * normalPair(random)[0], 0),
    noise: maybe(noise.p, noise.sd, 0),
    noiseSeed: Math.floor(random() * 2 ** 32),
  };
}

const logBetween = ({ low, high }: { low: number; high: number }, random: () => number): number => low * (high / low) ** random();

/** Two independent normal numbers (Box and Muller 1958). */
function normalPair(random: () => number): [number, number] {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  const angle = 2 * Math.PI * random();
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/**
 * Draws and applies, see {@link drawAugmentation} and {@link applyAugmentation}.
 * @param seed from {@link sampleSeed}
 */
export function augment(
  values: Float32Array,
  mask: Float32Array | undefined,
  { options, seed, ...stack }: SliceStack & { readonly options: AugmentOptions; readonly seed: number },
): Augmented & { readonly drawn: Augmentation } {
  const drawn = drawAugmentation(options, seededRandom(seed));
  return { ...applyAugmentation(values, mask, stack, drawn), drawn };
}

/**
 * Geometry (flip, rotation, zoom, shift about the middle of the slice, in this order), order of slices, then values: blur, gamma, contrast,
 * brightness, noise. What is drawn as "nothing" leaves values exactly as they are.
 * @param values resampled voxel values before the intensity step, [slices, rows, columns]; left as they are
 * @param mask 0 … 1 on the same pixels; follows the geometry, 0 outside
 * @returns new arrays
 */
export function applyAugmentation(values: Float32Array, mask: Float32Array | undefined, stack: SliceStack, drawn: Augmentation): Augmented {
  const { shape, pad, range, labels = false } = stack;
  const place = (from: Float32Array, outside: number, nearest: boolean) => {
    const to = isIdentity(drawn) ? from.slice() : warp(from, shape, outside, drawn, nearest);
    return drawn.reverse ? reversed(to, shape) : to;
  };
  const moved = place(values, pad, labels);
  if (!labels) {
    if (drawn.blur > 0) blur(moved, shape, drawn.blur);
    changeValues(moved, range, drawn);
  }
  return { values: moved, ...(mask && { mask: place(mask, 0, false) }) };
}

const isIdentity = ({ flipRows, flipColumns, degrees, zoom, shift }: Augmentation): boolean =>
  !flipRows && !flipColumns && degrees === 0 && zoom === 1 && shift[0] === 0 && shift[1] === 0;

/**
 * Bilinear sampling at where each output pixel comes from. Outside the slice by more than half a pixel: `outside`; within that, the edge.
 * @param nearest takes the nearest pixel, and mixes none
 */
function warp(from: Float32Array, [slices, height, width]: SliceStack["shape"], outside: number, drawn: Augmentation, nearest: boolean): Float32Array {
  const size = height * width;
  const { at, right, down } = sources(height, width, drawn);
  const to = new Float32Array(from.length);
  for (let s = 0, base = 0; s < slices; s++, base += size) {
    for (let i = 0; i < size; i++) {
      const a = at[i];
      if (a < 0) {
        to[base + i] = outside;
        continue;
      }
      // a slice one pixel wide or high has no neighbour: its weight is 0, and any pixel will do
      const x = nearest ? Math.round(right[i]) : right[i];
      const y = nearest ? Math.round(down[i]) : down[i];
      const first = base + a;
      const nextRow = y > 0 ? first + width : first;
      const step = x > 0 ? 1 : 0;
      const top = from[first] + x * (from[first + step] - from[first]);
      const bottom = from[nextRow] + x * (from[nextRow + step] - from[nextRow]);
      to[base + i] = top + y * (bottom - top);
    }
  }
  return to;
}

/** For every output pixel: the input pixel up and left of its source (-1: outside), and the weights of the ones right and down of that. */
function sources(height: number, width: number, { flipRows, flipColumns, degrees, zoom, shift }: Augmentation) {
  const at = new Int32Array(height * width);
  const right = new Float64Array(height * width);
  const down = new Float64Array(height * width);
  const [middleRow, middleColumn] = [(height - 1) / 2, (width - 1) / 2];
  const cos = Math.cos((degrees * Math.PI) / 180) / zoom;
  const sin = Math.sin((degrees * Math.PI) / 180) / zoom;
  const [signRow, signColumn] = [flipRows ? -1 : 1, flipColumns ? -1 : 1];
  for (let r = 0, i = 0; r < height; r++) {
    for (let c = 0; c < width; c++, i++) {
      const y = r - middleRow - shift[0] * height;
      const x = c - middleColumn - shift[1] * width;
      const row = middleRow + signRow * (cos * y + sin * x);
      const column = middleColumn + signColumn * (cos * x - sin * y);
      if (row < -0.5 || row > height - 0.5 || column < -0.5 || column > width - 0.5) {
        at[i] = -1;
        continue;
      }
      const insideRow = Math.min(height - 1, Math.max(0, row));
      const insideColumn = Math.min(width - 1, Math.max(0, column));
      const [top, left] = [Math.floor(insideRow), Math.floor(insideColumn)];
      at[i] = top * width + left;
      down[i] = insideRow - top;
      right[i] = insideColumn - left;
    }
  }
  return { at, right, down };
}

function reversed(values: Float32Array, [slices, height, width]: SliceStack["shape"]): Float32Array {
  const size = height * width;
  const out = new Float32Array(values.length);
  for (let s = 0; s < slices; s++) out.set(values.subarray(s * size, (s + 1) * size), (slices - 1 - s) * size);
  return out;
}

/** Gaussian in the plane, in place: along rows, then along columns; cut off at 4 standard deviations, edges repeated. */
function blur(values: Float32Array, [slices, height, width]: SliceStack["shape"], sd: number): void {
  const kernel = gaussian(sd);
  if (kernel.length === 1) return;
  for (let at = 0; at < values.length; at += width) blurLines(values.subarray(at, at + width), 1, kernel);
  for (let s = 0; s < slices; s++) blurLines(values.subarray(s * height * width, (s + 1) * height * width), width, kernel);
}

/** Weights of the middle and of 1, 2, … pixels to each side. */
function gaussian(sd: number): number[] {
  const half = Array.from({ length: Math.floor(4 * sd + 0.5) + 1 }, (_, i) => Math.exp(-0.5 * (i / sd) ** 2));
  const sum = half.reduce((total, weight, i) => total + (i ? 2 : 1) * weight, 0);
  return half.map((weight) => weight / sum);
}

/** Blurs `lanes` lines that lie interleaved: neighbours of a line are `lanes` values apart. */
function blurLines(lines: Float32Array, lanes: number, kernel: readonly number[]): void {
  const edge = (kernel.length - 1) * lanes;
  const padded = new Float32Array(lines.length + 2 * edge);
  padded.set(lines, edge);
  for (let i = 0; i < edge; i++) {
    padded[i] = lines[i % lanes];
    padded[edge + lines.length + i] = lines[lines.length - lanes + (i % lanes)];
  }
  for (let i = 0; i < lines.length; i++) lines[i] = kernel[0] * padded[edge + i];
  for (let k = 1; k < kernel.length; k++) {
    const weight = kernel[k];
    const [before, after] = [edge - k * lanes, edge + k * lanes];
    for (let i = 0; i < lines.length; i++) lines[i] += weight * (padded[before + i] + padded[after + i]);
  }
}

/** Gamma, contrast, brightness and noise, in place. */
function changeValues(values: Float32Array, [low, high]: SliceStack["range"], { gamma, contrast, brightness, noise, noiseSeed }: Augmentation): void {
  const width = high - low;
  if (!(width > 0)) return;
  if (gamma !== 1) {
    // exp and log take half the time of a power; log 0 = -∞ gives 0 again
    for (let i = 0; i < values.length; i++) values[i] = low + width * Math.exp(gamma * Math.log(Math.min(1, Math.max(0, (values[i] - low) / width))));
  }
  if (contrast !== 1) {
    let mean = 0;
    for (let i = 0; i < values.length; i++) mean += values[i];
    mean /= values.length;
    for (let i = 0; i < values.length; i++) values[i] = mean + contrast * (values[i] - mean);
  }
  if (brightness !== 0) for (let i = 0; i < values.length; i++) values[i] += brightness * width;
  if (noise > 0) addNoise(values, noise * width, seededRandom(noiseSeed));
}

function addNoise(values: Float32Array, sd: number, random: () => number): void {
  for (let i = 0; i < values.length; i += 2) {
    const radius = sd * Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    values[i] += radius * Math.cos(angle);
    if (i + 1 < values.length) values[i + 1] += radius * Math.sin(angle);
  }
}

/**
 * A random choice of at most `most` of `count` slices, sorted: one from each of `most` shares as equal as whole numbers allow.
 * @param random uniform in [0, 1); not called where all slices are taken
 */
export function trainingSlices(count: number, most: number, random: () => number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  const start = (share: number) => Math.floor((share * count) / most);
  return Array.from({ length: most }, (_, i) => start(i) + Math.floor(random() * (start(i + 1) - start(i))));
}
