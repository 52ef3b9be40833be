// From a volume to the slices one view of an adapter wants: crop, choice of slices, resampling, intensity. Slices are made when read.

import { asDeclared, hasSeveralLabels } from "./declared.js";
import type { Slices } from "./engine/types.js";
import { AnyMC3DError } from "./errors.js";
import { type DisplayGrid, displayGrid, type GridAxis } from "./geometry.js";
import { intensityKind } from "./kinds/intensity/index.js";
import type { ViewManifest } from "./manifest.js";
import { volumeStatistics } from "./statistics.js";
import type { BackboneSpec, Volume, VoxelArray } from "./types.js";

/** One in-plane axis: where its output pixels lie on the volume's axis, in voxel indices. */
export interface Sampling {
  /** Index of output pixel i: `centre + (i - (count-1)/2)·step`. */
  readonly centre: number;
  readonly step: number;
  readonly count: number;
}

/** A view of a volume, ready for an engine, with what is needed to find the way back. */
export interface PreparedView {
  readonly slices: Slices;
  readonly grid: DisplayGrid;
  /** Display index of each chosen slice. */
  readonly chosen: readonly number[];
  readonly rows: Sampling;
  readonly columns: Sampling;
  /** Resampled voxel values of the n-th chosen slice before the intensity step, [rows, columns]. */
  values(n: number): Float32Array;
  /** The same places of another volume on the same voxel grid, a mask for instance; 0 outside. */
  sampler(volume: Volume): (n: number) => Float32Array;
  /** The intensity step: values [rows, columns] → normalised pixels [3, rows, columns]. */
  channels(values: Float32Array): Float32Array;
  /** Whether values are numbers of several labels, which nothing that comes after may mix. */
  readonly severalLabels: boolean;
  /** Values between which the intensity step distinguishes; z-score: two standard deviations about the mean. */
  readonly range: readonly [low: number, high: number];
}

/**
 * Prepares one view of a volume.
 * @throws AnyMC3DError `INPUT_VALUES` when the adapter wants foreground and there is none
 */
export function prepareView(given: Volume, view: ViewManifest, spec: Pick<BackboneSpec, "mean" | "std">): PreparedView {
  const volume = asDeclared(given, view);
  const grid = displayGrid(volume, view.plane);
  const box = cropBox(volume, grid, view);
  const [height, width] = view.size;
  const rows = sampling(grid.rows, box.rows, view.spacing, height);
  const columns = sampling(grid.columns, box.columns, view.spacing, width);
  const chosen = chooseSlices(volume, grid, box.slices, view);
  const intensity = intensityKind(view.intensity).prepare(view.intensity, volume, spec);
  const severalLabels = hasSeveralLabels(volume, view);
  const make = severalLabels ? labelResampler : volume.noData ? measuredResampler : resampler;
  const resample = make(volume, grid, rows, columns, view.pad);
  const size = height * width;
  const read = (start: number, end: number) => {
    const out = new Float32Array((end - start) * 3 * size);
    for (let n = start; n < end; n++) intensity.write(resample(chosen[n]), out, (n - start) * 3 * size);
    return out;
  };
  return {
    slices: { count: chosen.length, height, width, read },
    grid,
    chosen,
    rows,
    columns,
    values: (n) => resample(chosen[n]),
    sampler: (other) => {
      const sample = (hasSeveralLabels(other, undefined) ? labelResampler : resampler)(other, grid, rows, columns, 0);
      return (n) => sample(chosen[n]);
    },
    channels: (values) => {
      const out = new Float32Array(3 * values.length);
      intensity.write(values, out, 0);
      return out;
    },
    severalLabels,
    range: intensity.range,
  };
}

type Interval = readonly [first: number, last: number];
interface Box {
  readonly columns: Interval;
  readonly rows: Interval;
  readonly slices: Interval;
}

/** Voxels, and which of them are data. */
type Voxels = Pick<Volume, "data" | "noData">;

const isAbove = ({ data, noData }: Voxels, at: number, above: number): boolean => data[at] > above && !(noData && (noData[at >> 3] >> (at & 7)) & 1);

function cropBox(voxels: Voxels, grid: DisplayGrid, { crop, source }: ViewManifest): Box {
  const whole = (axis: GridAxis): Interval => [0, axis.length - 1];
  if (crop === "volume") return { columns: whole(grid.columns), rows: whole(grid.rows), slices: whole(grid.slices) };
  const { above, margin } = crop.foreground;
  const found = foregroundBox(voxels, grid, above, source);
  const widen = (axis: GridAxis, [first, last]: Interval): Interval => {
    const voxels = Math.round(margin / axis.spacing);
    return [Math.max(0, first - voxels), Math.min(axis.length - 1, last + voxels)];
  };
  return { columns: widen(grid.columns, found.columns), rows: widen(grid.rows, found.rows), slices: widen(grid.slices, found.slices) };
}

function foregroundBox(voxels: Voxels, grid: DisplayGrid, above: number, source: string): Box {
  const { columns, rows, slices, offset } = grid;
  const reach = { c: [columns.length, -1], r: [rows.length, -1], s: [slices.length, -1] };
  for (let s = 0; s < slices.length; s++) {
    for (let r = 0; r < rows.length; r++) {
      const row = offset + s * slices.stride + r * rows.stride;
      for (let c = 0; c < columns.length; c++) {
        if (!isAbove(voxels, row + c * columns.stride, above)) continue;
        if (c < reach.c[0]) reach.c[0] = c;
        if (c > reach.c[1]) reach.c[1] = c;
        if (r < reach.r[0]) reach.r[0] = r;
        if (r > reach.r[1]) reach.r[1] = r;
        if (s < reach.s[0]) reach.s[0] = s;
        reach.s[1] = s;
      }
    }
  }
  if (reach.s[1] < 0) throw noForeground(voxels, above, source);
  return { columns: [reach.c[0], reach.c[1]], rows: [reach.r[0], reach.r[1]], slices: [reach.s[0], reach.s[1]] };
}

function noForeground(voxels: Voxels, above: number, source: string): AnyMC3DError {
  return new AnyMC3DError(
    "INPUT_VALUES",
    `the volume has no voxel above ${above}, which this adapter takes as foreground: it is empty, or scaled otherwise than the adapter expects`,
    { details: { source, measured: "foreground", found: volumeStatistics(voxels).maximum, expected: [above] } },
  );
}

function sampling(axis: GridAxis, [first, last]: Interval, spacing: number | null, count: number): Sampling {
  const step = spacing === null ? (last - first + 1) / count : spacing / axis.spacing;
  return { centre: (first + last) / 2, step, count };
}

function chooseSlices(voxels: Voxels, grid: DisplayGrid, [first, last]: Interval, { slices, source }: ViewManifest): number[] {
  const all = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  if (slices.choice === "all") return all;
  if (slices.choice === "even") return spread(all, slices.count);
  const filled = all.filter((s) => sliceHasAbove(voxels, grid, s, slices.above));
  if (filled.length === 0) throw noForeground(voxels, slices.above, source);
  const every = slices.every ?? 1;
  return spread(
    filled.filter((_, i) => i % every === 0),
    slices.count ?? filled.length,
  );
}

function sliceHasAbove(voxels: Voxels, { columns, rows, slices, offset }: DisplayGrid, s: number, above: number): boolean {
  for (let r = 0; r < rows.length; r++) {
    const row = offset + s * slices.stride + r * rows.stride;
    for (let c = 0; c < columns.length; c++) if (isAbove(voxels, row + c * columns.stride, above)) return true;
  }
  return false;
}

/** At most `count` items, the middles of equal shares. */
function spread(items: readonly number[], count: number): number[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / count)]);
}

/** Input voxels and weights of one output pixel; none where it lies outside the volume. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/** Linear interpolation; when shrinking, a triangle as wide as an output pixel, so that nothing is skipped. Edges are repeated within half a voxel. */
function axisTaps({ centre, step, count }: Sampling, length: number): Taps[] {
  return Array.from({ length: count }, (_, i) => {
    const position = centre + (i - (count - 1) / 2) * step;
    if (position < -0.5 || position > length - 0.5) return { first: 0, weights: [] };
    const reach = Math.max(1, step);
    const inside = reach === 1 ? Math.min(length - 1, Math.max(0, position)) : position;
    const first = Math.max(0, Math.floor(inside - reach) + 1);
    const last = Math.min(length - 1, Math.ceil(inside + reach) - 1);
    const raw = Array.from({ length: last - first + 1 }, (_, j) => 1 - Math.abs(first + j - inside) / reach);
    const sum = raw.reduce((s, w) => s + w, 0);
    return { first, weights: raw.map((w) => w / sum) };
  });
}

/** Taps of an axis in flat arrays, for the inner loops: `count[i]` weights from `weights[i * most]` on, for voxels from `first[i]` on. */
function flatten(taps: readonly Taps[]) {
  const most = Math.max(1, ...taps.map(({ weights }) => weights.length));
  const weights = new Float64Array(taps.length * most);
  taps.forEach((tap, i) => weights.set(tap.weights, i * most));
  return { most, weights, first: Int32Array.from(taps, ({ first }) => first), count: Int32Array.from(taps, (tap) => tap.weights.length) };
}

type FlatTaps = ReturnType<typeof flatten>;

/** Separable resampling of single slices: along columns for every voxel row that is needed, then across rows. */
function resampler({ data }: Voxels, grid: DisplayGrid, rows: Sampling, columns: Sampling, pad: number): (slice: number) => Float32Array {
  const down = axisTaps(rows, grid.rows.length);
  const used = down.filter((taps) => taps.weights.length);
  const top = Math.min(...used.map((taps) => taps.first), grid.rows.length);
  const bottom = Math.max(...used.map((taps) => taps.first + taps.weights.length), top);
  const across = flatten(axisTaps(columns, grid.columns.length));
  const flatDown = flatten(down);
  const lines = new Float32Array((bottom - top) * columns.count);
  return (slice) => {
    for (let y = top; y < bottom; y++) {
      const row = grid.offset + slice * grid.slices.stride + y * grid.rows.stride;
      resampleRow(data, row, grid.columns.stride, across, lines, (y - top) * columns.count);
    }
    return combineLines(lines, top, flatDown, across, pad);
  };
}

function resampleRow(data: VoxelArray, row: number, stride: number, { most, weights, first, count }: FlatTaps, lines: Float32Array, to: number): void {
  for (let x = 0; x < first.length; x++) {
    let sum = 0;
    let at = row + first[x] * stride;
    const end = x * most + count[x];
    for (let t = x * most; t < end; t++, at += stride) sum += weights[t] * data[at];
    lines[to + x] = sum;
  }
}

function combineLines(lines: Float32Array, top: number, down: FlatTaps, across: FlatTaps, pad: number): Float32Array {
  const width = across.first.length;
  const out = new Float32Array(down.first.length * width).fill(pad);
  for (let y = 0; y < down.first.length; y++) {
    if (down.count[y] === 0) continue;
    const from = (down.first[y] - top) * width;
    for (let x = 0; x < width; x++) {
      if (across.count[x] === 0) continue;
      let sum = 0;
      for (let t = 0; t < down.count[y]; t++) sum += down.weights[y * down.most + t] * lines[from + t * width + x];
      out[y * width + x] = sum;
    }
  }
  return out;
}

/** A slice laid out by itself, in display order, and the grid that says so. */
function sliceCopy(grid: DisplayGrid) {
  const [width, height] = [grid.columns.length, grid.rows.length];
  const alone: DisplayGrid = {
    columns: { ...grid.columns, stride: 1 },
    rows: { ...grid.rows, stride: width },
    slices: { ...grid.slices, stride: 0 },
    offset: 0,
  };
  /** Calls with the place in the volume and the place in the copy. */
  const each = (slice: number, voxel: (from: number, to: number) => void) => {
    for (let r = 0, to = 0; r < height; r++) {
      let from = grid.offset + slice * grid.slices.stride + r * grid.rows.stride;
      for (let c = 0; c < width; c++, to++, from += grid.columns.stride) voxel(from, to);
    }
  };
  return { alone, each, size: width * height };
}

/**
 * As {@link resampler}, with the weights of no-data voxels left out: an output pixel is the weighted mean of the data under it, or, where they have less
 * than half of the weight, the mean of what stands for no data.
 */
function measuredResampler(volume: Voxels, grid: DisplayGrid, rows: Sampling, columns: Sampling, pad: number): (slice: number) => Float32Array {
  const { data } = volume;
  const noData = volume.noData as Uint8Array;
  const { alone, each, size } = sliceCopy(grid);
  const plain = resampler(volume, grid, rows, columns, pad);
  const parts = { data: new Float64Array(size), standIn: new Float64Array(size), share: new Float64Array(size) };
  const [ofData, ofStandIn, ofShare] = (["data", "standIn", "share"] as const).map((part) =>
    resampler({ data: parts[part] }, alone, rows, columns, part === "data" ? pad : 0),
  );
  return (slice) => {
    let any = 0;
    each(slice, (from, to) => {
      const none = (noData[from >> 3] >> (from & 7)) & 1;
      any |= none;
      parts.share[to] = none;
      parts.data[to] = none ? 0 : data[from];
      parts.standIn[to] = none ? data[from] : 0;
    });
    if (!any) return plain(slice);
    const [values, standIn, share] = [ofData(0), ofStandIn(0), ofShare(0)];
    for (let i = 0; i < values.length; i++) if (share[i] > 0) values[i] = share[i] > HALF ? standIn[i] / share[i] : values[i] / (1 - share[i]);
    return values;
  };
}

/** Of a weight, with room for rounding: what is as near to data as to none is data. */
const HALF = 0.5 + 1e-6;

/** Label numbers onto pixels, one label at a time as a 0/1 image: the label with the largest weight, of equal ones the lowest. */
function labelResampler({ data }: Voxels, grid: DisplayGrid, rows: Sampling, columns: Sampling, pad: number): (slice: number) => Float32Array {
  const { alone, each, size } = sliceCopy(grid);
  const one = new Uint8Array(size);
  // Outside the volume no label has a weight, and the pad stays.
  const weigh = resampler({ data: one }, alone, rows, columns, -1);
  return (slice) => {
    const found = new Set<number>();
    each(slice, (from) => void found.add(data[from]));
    const out = new Float32Array(rows.count * columns.count).fill(pad);
    const best = new Float32Array(out.length);
    for (const label of [...found].sort((a, b) => a - b)) {
      each(slice, (from, to) => {
        one[to] = data[from] === label ? 1 : 0;
      });
      const weight = weigh(0);
      for (let i = 0; i < out.length; i++) {
        if (!(weight[i] > best[i])) continue;
        best[i] = weight[i];
        out[i] = label;
      }
    }
    return out;
  };
}
