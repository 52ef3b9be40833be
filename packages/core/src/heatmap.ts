// Where the model looked: attention of the last block, weighted by the slices' pooling weights, back on the volume's own grid.

import type { GridAxis } from "./geometry.js";
import type { PreparedView, Sampling } from "./preprocess.js";
import type { Volume } from "./types.js";

export interface ViewAttention {
  readonly view: PreparedView;
  /** [slices, rows·columns of patches], CLS → patches. */
  readonly attention: Float32Array;
  /** Patch grid of a slice. */
  readonly patches: readonly [rows: number, columns: number];
  /** Per slice: pooling weight times fusion weight. */
  readonly weights: Float32Array;
}

/**
 * Heatmap of one source, on its grid, scaled so that the strongest place is 1. Attention is interpolated linearly between
 * patch centres; places outside the slices' field of view are 0; a slice that was not looked at takes the values of the
 * nearest one that was, if that is at most half the gap between chosen slices away.
 */
export function attentionHeatmap(volume: Volume, views: readonly ViewAttention[]): Volume {
  const data = new Float32Array(volume.data.length);
  for (const view of views) addView(data, view);
  let top = 0;
  for (let i = 0; i < data.length; i++) if (data[i] > top) top = data[i];
  if (top > 0) for (let i = 0; i < data.length; i++) data[i] /= top;
  return { data, shape: volume.shape, affine: volume.affine };
}

/** Per voxel of an axis: the patch before it, the share of the next one; -1 outside the field of view. */
function patchTaps(axis: GridAxis, sampling: Sampling, patches: number): { index: Int32Array; share: Float32Array } {
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

function addView(data: Float32Array, { view, attention, patches, weights }: ViewAttention): void {
  const { grid, chosen, rows, columns } = view;
  const across = patchTaps(grid.columns, columns, patches[1]);
  const down = patchTaps(grid.rows, rows, patches[0]);
  const line = new Float32Array(patches[0] * grid.columns.length);
  for (const [s, n] of nearestChosen(chosen, grid.slices.length)) {
    const weight = weights[n];
    const map = attention.subarray(n * patches[0] * patches[1], (n + 1) * patches[0] * patches[1]);
    for (let p = 0; p < patches[0]; p++) {
      for (let c = 0; c < grid.columns.length; c++) {
        const i = across.index[c];
        const at = p * patches[1] + i;
        line[p * grid.columns.length + c] = i < 0 ? 0 : weight * (map[at] + (patches[1] > 1 ? across.share[c] * (map[at + 1] - map[at]) : 0));
      }
    }
    addSlice(data, view, s, line, down);
  }
}

function addSlice(data: Float32Array, { grid }: PreparedView, slice: number, line: Float32Array, down: { index: Int32Array; share: Float32Array }): void {
  const width = grid.columns.length;
  for (let r = 0; r < grid.rows.length; r++) {
    if (down.index[r] < 0) continue;
    const above = down.index[r] * width;
    const below = above + width < line.length ? above + width : above;
    const share = down.share[r];
    const row = grid.offset + slice * grid.slices.stride + r * grid.rows.stride;
    for (let c = 0; c < width; c++) data[row + c * grid.columns.stride] += line[above + c] + share * (line[below + c] - line[above + c]);
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
