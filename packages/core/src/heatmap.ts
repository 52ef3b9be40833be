// Where the model looked: maps over patches (attention times pooling weights, or Grad-CAM), back on the volume's own grid.

import type { GridAxis } from "./geometry.js";
import type { PreparedView, Sampling } from "./preprocess.js";
import type { Volume } from "./types.js";

export interface ViewMap {
  readonly view: PreparedView;
  /** [slices, rows·columns of patches]: attention from CLS, or Grad-CAM. */
  readonly map: Float32Array;
  /** Patch grid of a slice. */
  readonly patches: readonly [rows: number, columns: number];
  /** What each slice's map is multiplied with. */
  readonly weights: Float32Array;
}

/**
 * Heatmap of one source, on its grid, scaled so that the strongest place is 1. Values are interpolated linearly between
 * patch centres; places outside the slices' field of view are 0; a slice that was not looked at takes the values of the
 * nearest one that was, if that is at most half the gap between chosen slices away.
 */
export function heatmapOf(volume: Volume, views: readonly ViewMap[]): Volume {
  const data = new Float32Array(volume.data.length);
  if (views.length === 1) {
    // One view: the largest value is known before anything is written, which saves two passes over the volume.
    const planes = new PlaneMaker(views[0]);
    const top = strongest(views[0], planes);
    writeView(data, planes, top > 0 ? top : 1, true);
  } else {
    for (const view of views) writeView(data, new PlaneMaker(view), 1, false);
    const top = largest(data);
    if (top > 0) for (let i = 0; i < data.length; i++) data[i] /= top;
  }
  return { data, shape: volume.shape, affine: volume.affine };
}

/** Largest heat of any voxel. Slices whose strongest patch cannot reach it are not interpolated. */
function strongest({ view, map, weights }: ViewMap, planes: PlaneMaker): number {
  const size = map.length / view.chosen.length;
  const bounds = view.chosen.map((_, n) => ({ n, bound: weights[n] * largest(map.subarray(n * size, (n + 1) * size)) }));
  let top = 0;
  for (const { n, bound } of bounds.sort((a, b) => b.bound - a.bound)) {
    if (bound <= top) break;
    top = Math.max(top, largest(planes.make(n, 1)));
  }
  return top;
}

function largest(values: Float32Array): number {
  let top = 0;
  for (let i = 0; i < values.length; i++) if (values[i] > top) top = values[i];
  return top;
}

interface PatchTaps {
  readonly index: Int32Array;
  readonly share: Float32Array;
}

/** Per voxel of an axis: the patch before it, the share of the next one; -1 outside the field of view. */
function patchTaps(axis: GridAxis, sampling: Sampling, patches: number): PatchTaps {
  const index = new Int32Array(axis.length).fill(-1);
  const share = new Float32Array(axis.length);
  for (let v = 0; v < axis.length; v++) {
    const pixel = (v - sampling.centre) / sampling.step + (sampling.count - 1) / 2;
    if (pixel < -0.5 || pixel > sampling.count - 0.5) continue;
    const position = Math.min(patches - 1, Math.max(0, ((pixel + 0.5) * patches) / sampling.count - 0.5));
    index[v] = Math.min(Math.floor(position), Math.max(0, patches - 2));
    share[v] = position - index[v];
  }
  return { index, share };
}

/** Makes the heat of one slice after the other, in the order in which the slice lies in the voxel array where it lies in one piece. */
class PlaneMaker {
  readonly view: ViewMap;
  /** True where slices are contiguous in the voxel array: cut along z. */
  readonly contiguous: boolean;
  readonly #across: PatchTaps;
  readonly #down: PatchTaps;
  readonly #lines: Float32Array;
  readonly #plane: Float32Array;

  constructor(view: ViewMap) {
    const { grid, rows, columns } = view.view;
    this.view = view;
    this.contiguous = grid.slices.voxelAxis === 2;
    this.#across = patchTaps(grid.columns, columns, view.patches[1]);
    this.#down = patchTaps(grid.rows, rows, view.patches[0]);
    this.#lines = new Float32Array(view.patches[0] * grid.columns.length);
    this.#plane = new Float32Array(grid.rows.length * grid.columns.length);
  }

  /**
   * Heat of the n-th chosen slice, over `divisor`; as float32 before it is divided, so that the largest heat over itself is exactly 1.
   * The array is used again by the next call.
   */
  make(n: number, divisor: number): Float32Array {
    const { grid } = this.view.view;
    this.#fillLines(n, this.view.weights[n]);
    const width = grid.columns.length;
    const { rowStep, columnStep, start } = this.#layout();
    for (let r = 0; r < grid.rows.length; r++) {
      if (this.#down.index[r] < 0) continue;
      const above = this.#down.index[r] * width;
      const below = above + width < this.#lines.length ? above + width : above;
      const share = this.#down.share[r];
      for (let c = 0, at = start + r * rowStep; c < width; c++, at += columnStep) {
        const value = this.#lines[above + c];
        this.#plane[at] = Math.fround(value + share * (this.#lines[below + c] - value)) / divisor;
      }
    }
    return this.#plane;
  }

  /** Interpolates along columns: patch rows × voxel columns. */
  #fillLines(n: number, weight: number): void {
    const [rows, columns] = this.view.patches;
    const width = this.view.view.grid.columns.length;
    const map = this.view.map.subarray(n * rows * columns, (n + 1) * rows * columns);
    for (let p = 0; p < rows; p++) {
      for (let c = 0; c < width; c++) {
        const i = this.#across.index[c];
        const at = p * columns + i;
        this.#lines[p * width + c] = i < 0 ? 0 : weight * (map[at] + (columns > 1 ? this.#across.share[c] * (map[at + 1] - map[at]) : 0));
      }
    }
  }

  #layout() {
    const { columns, rows } = this.view.view.grid;
    if (!this.contiguous) return { rowStep: columns.length, columnStep: 1, start: 0 };
    const back = ({ stride, length }: GridAxis) => (stride < 0 ? -stride * (length - 1) : 0);
    return { rowStep: rows.stride, columnStep: columns.stride, start: back(columns) + back(rows) };
  }
}

/** Writes (or adds) every slice's heat, over `divisor`, into the volume. */
function writeView(data: Float32Array, planes: PlaneMaker, divisor: number, first: boolean): void {
  const { grid, chosen } = planes.view.view;
  let made = -1;
  let plane: Float32Array = new Float32Array(0);
  for (const [s, n] of nearestChosen(chosen, grid.slices.length)) {
    if (n !== made) plane = planes.make(n, divisor);
    // Rounding can put the strongest place a last digit above 1.
    if (n !== made && first) for (let i = 0; i < plane.length; i++) if (plane[i] > 1) plane[i] = 1;
    made = n;
    if (planes.contiguous && first) data.set(plane, (grid.slices.stride < 0 ? grid.slices.length - 1 - s : s) * plane.length);
    else addPlane(data, planes, s, plane);
  }
}

function addPlane(data: Float32Array, planes: PlaneMaker, slice: number, plane: Float32Array): void {
  const { grid } = planes.view.view;
  if (planes.contiguous) {
    const from = (grid.slices.stride < 0 ? grid.slices.length - 1 - slice : slice) * plane.length;
    for (let i = 0; i < plane.length; i++) data[from + i] += plane[i];
    return;
  }
  const width = grid.columns.length;
  for (let r = 0; r < grid.rows.length; r++) {
    const row = grid.offset + slice * grid.slices.stride + r * grid.rows.stride;
    for (let c = 0; c < width; c++) data[row + c * grid.columns.stride] += plane[r * width + c];
  }
}

/** [display slice, index of the chosen slice that stands for it]. */
function nearestChosen(chosen: readonly number[], length: number): [number, number][] {
  const gap = chosen.length > 1 ? Math.max(...chosen.slice(1).map((s, i) => s - chosen[i])) : 1;
  const pairs: [number, number][] = [];
  let n = 0;
  for (let s = 0; s < length; s++) {
    while (n + 1 < chosen.length && Math.abs(chosen[n + 1] - s) < Math.abs(chosen[n] - s)) n++;
    if (Math.abs(chosen[n] - s) <= gap / 2) pairs.push([s, n]);
  }
  return pairs;
}
