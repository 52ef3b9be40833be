// Facts about the voxels of a volume that were measured (range, percentiles, mean and standard deviation), computed once a volume and kept as long as its array lives.

import type { Volume, VoxelArray } from "./types.js";

/** Which voxels count: all, or those that are not 0. */
type Over = "all" | "nonzero";

/** Facts about the voxels of one volume; those of no data are left out. Each is computed when it is first asked for. */
export interface VolumeStatistics {
  /** Voxels that are data. */
  readonly count: number;
  /** Smallest and largest voxel; undetermined where `finite` is false. */
  readonly minimum: number;
  readonly maximum: number;
  /** Whether no voxel, of data or not, is NaN or infinite. */
  readonly finite: boolean;
  /** Exact percentiles (0 to 100) with linear interpolation between order statistics, as numpy.percentile. 0 where no voxel counts. */
  percentiles(wanted: readonly number[], over?: Over): number[];
  /** Mean and population standard deviation, as numpy.mean and numpy.std. 0 where no voxel counts. */
  meanAndSd(over?: Over): { readonly mean: number; readonly sd: number };
}

interface Kept {
  readonly sample: Float64Array;
  readonly noData: Uint8Array | undefined;
  readonly statistics: VolumeStatistics;
}

const kept = new WeakMap<object, Kept>();

/**
 * The statistics of a volume's voxels. They are kept with the array, so the voxels must not change afterwards: give a changed volume an array of its
 * own. A change all over the array (rescaled in place, a buffer filled anew) is noticed by a sample of voxels, and the statistics are made anew; a
 * change of a few voxels is not.
 */
export function volumeStatistics({ data, noData }: Pick<Volume, "data" | "noData">): VolumeStatistics {
  const known = kept.get(data);
  const sample = sampleOf(data);
  if (known?.noData === noData && known?.sample.length === sample.length && known.sample.every((value, i) => Object.is(value, sample[i])))
    return known.statistics;
  const statistics = noData ? statisticsOfMeasured(data, noData) : statisticsOf(data);
  // What is refused for a few voxels is looked at again once they are replaced.
  if (statistics.finite) kept.set(data, { sample, noData, statistics });
  return statistics;
}

const SAMPLE = 1024;

function sampleOf(data: VoxelArray): Float64Array {
  const count = Math.min(SAMPLE, data.length);
  return Float64Array.from({ length: count }, (_, i) => data[Math.floor((i * data.length) / count)]);
}

/** Of the voxels that are data; where there are none, of the stand-ins, with the count 0. */
function statisticsOfMeasured(data: VoxelArray, noData: Uint8Array): VolumeStatistics {
  const measured = data.slice();
  let count = 0;
  for (let i = 0; i < data.length; i++) if (!((noData[i >> 3] >> (i & 7)) & 1)) measured[count++] = data[i];
  const statistics = statisticsOf(count ? measured.subarray(0, count) : measured);
  return { ...statistics, count, finite: statistics.finite && (count === data.length || statisticsOf(data).finite) };
}

function statisticsOf(data: VoxelArray): VolumeStatistics {
  const { minimum, maximum } = extremes(data);
  // By tag, so that arrays of another realm count; plain arrays and Float16Array are looked at voxel by voxel.
  const whole = /^\[object (Ui|I)nt(8|16|32)Array\]$/.test(Object.prototype.toString.call(data));
  const finite = whole || (Number.isFinite(minimum) && Number.isFinite(maximum) && !hasNaN(data));
  const orders: Partial<Record<Over, OrderStatistics>> = {};
  const moments: Partial<Record<Over, ReturnType<typeof meanAndSd>>> = {};
  return {
    count: data.length,
    minimum,
    maximum,
    finite,
    percentiles: (wanted, over = "all") => {
      orders[over] ??= orderStatistics(data, { minimum, maximum, whole, over });
      return percentilesOf(orders[over], wanted);
    },
    meanAndSd: (over = "all") => {
      moments[over] ??= meanAndSd(data, over);
      return moments[over];
    },
  };
}

/** Begins with the first voxel, so that whole numbers stay whole in the loop. NaN is left to the caller. */
function extremes(data: VoxelArray): { minimum: number; maximum: number } {
  let minimum = data[0];
  let maximum = data[0];
  for (let i = 1; i < data.length; i++) {
    const v = data[i];
    if (v < minimum) minimum = v;
    if (v > maximum) maximum = v;
  }
  return { minimum, maximum };
}

function hasNaN(data: VoxelArray): boolean {
  for (let i = 0; i < data.length; i++) if (Number.isNaN(data[i])) return true;
  return false;
}

function meanAndSd(data: VoxelArray, over: Over): { readonly mean: number; readonly sd: number } {
  const zeros = over === "all";
  let n = 0;
  let sum = 0;
  for (let i = 0; i < data.length; i++) {
    if (!zeros && data[i] === 0) continue;
    n++;
    sum += data[i];
  }
  const mean = n ? sum / n : 0;
  let squares = 0;
  for (let i = 0; i < data.length; i++) if (zeros || data[i] !== 0) squares += (data[i] - mean) ** 2;
  return { mean, sd: n ? Math.sqrt(squares / n) : 0 };
}

interface OrderStatistics {
  /** How many voxels count. */
  readonly count: number;
  /** The k-th smallest voxels, k from 0. */
  at(ks: readonly number[]): number[];
}

function percentilesOf({ count, at }: OrderStatistics, wanted: readonly number[]): number[] {
  if (count === 0) return wanted.map(() => 0);
  const places = wanted.map((percent) => (percent / 100) * (count - 1));
  const values = at(places.flatMap((place) => [Math.floor(place), Math.min(count - 1, Math.floor(place) + 1)]));
  return places.map((place, i) => values[2 * i] + (place - Math.floor(place)) * (values[2 * i + 1] - values[2 * i]));
}

const BINS = 65536;

interface Binning {
  readonly minimum: number;
  readonly maximum: number;
  /** Whether all voxels are whole numbers. */
  readonly whole: boolean;
  readonly over: Over;
}

/** A histogram finds the bin of an order statistic. Of whole numbers in a small range a bin is one value; else its voxels are collected and sorted. */
function orderStatistics(data: VoxelArray, { minimum, maximum, whole, over }: Binning): OrderStatistics {
  const exact = whole && maximum - minimum < BINS;
  const scale = exact ? 1 : maximum > minimum ? (BINS - 1) / (maximum - minimum) : 0;
  const binOf = (v: number) => Math.floor((v - minimum) * scale);
  const counts = new Uint32Array(BINS);
  let count = 0;
  for (let i = 0; i < data.length; i++) {
    const v = data[i];
    if (v === 0 && over === "nonzero") continue;
    counts[Math.floor((v - minimum) * scale)]++;
    count++;
  }
  const found = new Map<number, number>();
  const find = (ks: readonly number[]): void => {
    const places = placesIn(counts, ks);
    const sorted = exact ? undefined : sortedBins(data, new Map([...places.values()].map(({ bin }) => [bin, counts[bin]])), binOf, over);
    for (const [k, { bin, before }] of places) found.set(k, sorted ? (sorted.get(bin) as Float64Array)[k - before] : minimum + bin);
  };
  return {
    count,
    at: (ks) => {
      const missing = ks.filter((k) => !found.has(k));
      if (missing.length > 0) find(missing);
      return ks.map((k) => found.get(k) as number);
    },
  };
}

/** In which bin each of the k-th smallest values lies, and how many lie in the bins before it. */
function placesIn(counts: Uint32Array, ks: readonly number[]): Map<number, { readonly bin: number; readonly before: number }> {
  const places = new Map<number, { bin: number; before: number }>();
  let bin = 0;
  let before = 0;
  for (const k of [...ks].sort((a, b) => a - b)) {
    while (before + counts[bin] <= k) before += counts[bin++];
    places.set(k, { bin, before });
  }
  return places;
}

/** The voxels in some bins, each bin's in order. */
function sortedBins(data: VoxelArray, sizes: ReadonlyMap<number, number>, binOf: (v: number) => number, over: Over): Map<number, Float64Array> {
  const bins = new Map([...sizes].map(([bin, size]) => [bin, { values: new Float64Array(size), n: 0 }]));
  for (let i = 0; i < data.length; i++) {
    const v = data[i];
    if (v === 0 && over === "nonzero") continue;
    const bin = bins.get(binOf(v));
    if (bin) bin.values[bin.n++] = v;
  }
  return new Map([...bins].map(([bin, { values }]) => [bin, values.sort()]));
}
