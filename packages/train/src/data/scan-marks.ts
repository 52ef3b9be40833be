// By what a scan is known again, however it was stored: as other number types, with axes flipped or exchanged, with another header, as DICOM or NIfTI.

import type { Volume } from "@anymc3d/core";

/** Blocks along an axis. Odd, so that no voxel's middle lies on a border, and a flipped axis has the same blocks. */
const BLOCKS = 7;

/** Numbers of a volume that flips and exchanges of axes only reorder, or leave as they are. */
export interface ScanMarks {
  /** Voxels along x, y, z. */
  readonly shape: readonly [number, number, number];
  readonly minimum: number;
  readonly maximum: number;
  /** Sums over all voxels of the value above the minimum: plain, squared, and times the squared distance from the middle in voxels. */
  readonly sums: readonly [plain: number, squared: number, spread: number];
  /** Plain sums over blocks, x fastest. */
  readonly blocks: Float64Array;
}

/** Of finite values; two passes over the voxels. */
export function scanMarks({ data, shape }: Pick<Volume, "data" | "shape">): ScanMarks {
  let [minimum, maximum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
  }
  const counts = shape.map((n) => Math.min(BLOCKS, n));
  const [, by, bz] = shape.map((n, axis) => Int32Array.from({ length: n }, (_, i) => blockOf(i, n, counts[axis])));
  const ends = Array.from(
    { length: counts[0] },
    (_, block) => Array.from({ length: shape[0] }).filter((_, i) => blockOf(i, shape[0], counts[0]) <= block).length,
  );
  const [mx, my, mz] = shape.map((n) => (n - 1) / 2);
  const blocks = new Float64Array(counts[0] * counts[1] * counts[2]);
  const sums: [number, number, number] = [0, 0, 0];
  const part = new Float64Array(3);
  for (let k = 0, start = 0; k < shape[2]; k++)
    for (let j = 0; j < shape[1]; j++, start += shape[0]) {
      const away = (j - my) ** 2 + (k - mz) ** 2;
      const row = counts[0] * (by[j] + counts[1] * bz[k]);
      for (let block = 0; block < counts[0]; block++) {
        addUp(data, start, ends[block - 1] ?? 0, ends[block], minimum, mx, part);
        blocks[row + block] += part[0];
        sums[0] += part[0];
        sums[1] += part[1];
        sums[2] += part[2] + part[0] * away;
      }
    }
  return { shape, minimum, maximum, sums, blocks };
}

const blockOf = (i: number, n: number, count: number): number => Math.floor(((2 * i + 1) * count) / (2 * n));

/** Of a piece of a row: the plain, squared and spread sum along x. */
function addUp(data: Volume["data"], start: number, from: number, to: number, minimum: number, middle: number, out: Float64Array): void {
  let [plain, squared, spread] = [0, 0, 0];
  for (let i = from; i < to; i++) {
    const value = data[start + i] - minimum;
    const away = i - middle;
    plain += value;
    squared += value * value;
    spread += value * away * away;
  }
  out[0] = plain;
  out[1] = squared;
  out[2] = spread;
}

/** Of one value only, it tells nothing of whom it is. */
export const isBlank = ({ minimum, maximum }: ScanMarks): boolean => !(maximum > minimum);

/** Where scans that can be one lie together. */
export const marksKey = ({ shape }: ScanMarks): string => [...shape].sort((a, b) => a - b).join("x");

/** float32 keeps seven digits; sums of it, and of values above a minimum that was rounded too, a little less. */
const TOLERANCE = 1e-5;

/** Whether two are the same scan, for all that their numbers tell. */
export function isSameScan(a: ScanMarks, b: ScanMarks): boolean {
  const largest = Math.max(Math.abs(a.minimum), Math.abs(a.maximum));
  const near = (x: number, y: number, share: number) => Math.abs(x - y) <= TOLERANCE * Math.max(Math.abs(x), Math.abs(y)) + share * largest * 2e-7;
  if (marksKey(a) !== marksKey(b) || !near(a.minimum, b.minimum, 1) || !near(a.maximum, b.maximum, 1)) return false;
  const voxels = a.shape[0] * a.shape[1] * a.shape[2];
  const radius = a.shape.reduce((sum, n) => sum + (n / 2) ** 2, 0);
  const range = a.maximum - a.minimum;
  const shares = [voxels, voxels * 2 * range, voxels * radius];
  if (!a.sums.every((sum, i) => near(sum, b.sums[i], shares[i]))) return false;
  const counts = a.shape.map((n) => Math.min(BLOCKS, n));
  return ORDERS.some((order) => {
    if (!order.every((axis, i) => b.shape[axis] === a.shape[i])) return false;
    return FLIPS.some((flips) => sameBlocks(a.blocks, b.blocks, counts, order, flips, (x, y) => near(x, y, voxels / a.blocks.length)));
  });
}

const ORDERS = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] as const; // biome-ignore format: a line
const FLIPS = Array.from({ length: 8 }, (_, bits) => [bits & 1, (bits >> 1) & 1, bits >> 2]);

function sameBlocks(
  a: Float64Array,
  b: Float64Array,
  counts: readonly number[],
  order: readonly number[],
  flips: readonly number[],
  near: (x: number, y: number) => boolean,
): boolean {
  const strides = [0, 0, 0];
  // Along axis i of a, b moves along its axis order[i].
  const countsOfB = [0, 0, 0];
  for (const [i, axis] of order.entries()) countsOfB[axis] = counts[i];
  for (const [i, axis] of order.entries()) strides[i] = [1, countsOfB[0], countsOfB[0] * countsOfB[1]][axis];
  const place = (i: number, at: number) => strides[i] * (flips[i] ? counts[i] - 1 - at : at);
  for (let z = 0, v = 0; z < counts[2]; z++)
    for (let y = 0; y < counts[1]; y++) for (let x = 0; x < counts[0]; x++, v++) if (!near(a[v], b[place(0, x) + place(1, y) + place(2, z)])) return false;
  return true;
}
