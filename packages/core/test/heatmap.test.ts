// Heatmaps land where the model looked: one hot patch must peak at its own patient position, computed here from the affine alone.
import type { Volume } from "@anymc3d/core";
import { type PreparedView, prepareView } from "@anymc3d/core/learn";
import { axisOrders, DIRECTIONS, expectClose, plain, planes, positionOf, viewOf, volumeOf } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";
import { heatmapOf } from "../src/heatmap.js";

const PATCHES = [4, 6] as const;
const SIZE = [56, 84] as const;
const SHAPE = [26, 22, 24] as const;

function hot(view: PreparedView, slice: number, patch: readonly [number, number]) {
  const count = PATCHES[0] * PATCHES[1];
  const attention = new Float32Array(view.chosen.length * count);
  attention[slice * count + patch[0] * PATCHES[1] + patch[1]] = 0.3;
  return { view, map: attention, patches: PATCHES, weights: new Float32Array(view.chosen.length).fill(0.1) };
}

function peak({ data, shape }: Volume): number[] {
  const n = data.indexOf(Math.max(...data));
  return [n % shape[0], Math.floor(n / shape[0]) % shape[1], Math.floor(n / (shape[0] * shape[1]))];
}

/** Turns an affine's directions about the patient axes, in degrees: an oblique scan. */
function turned(affine: readonly number[], rotation: readonly number[]): number[] {
  const out = [...affine];
  for (let row = 0; row < 3; row++)
    for (let col = 0; col < 3; col++) out[4 * row + col] = [0, 1, 2].reduce((sum, k) => sum + rotation[3 * row + k] * affine[4 * k + col], 0);
  return out;
}
const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const [c, s] = [Math.cos(0.25), Math.sin(0.25)];
const OBLIQUE = [c, -s, 0, s * c, c * c, -s, s * s, s * c, c]; // about z, then x, by 14.3°

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i], 0);
const minus = (a: readonly number[], b: readonly number[]) => a.map((v, i) => v - b[i]);
const apply = (rotation: readonly number[], v: readonly number[]) => [0, 1, 2].map((row) => dot(rotation.slice(3 * row, 3 * row + 3), v));

interface Layout {
  readonly rotation: readonly number[];
  readonly spacing: number | null;
  readonly box?: { first: readonly number[]; last: readonly number[] };
}

/** Every axis order, every plane: the peak against the hot patch's own position. */
function checkPeaks({ rotation, spacing, box }: Layout): void {
  const voxel = [0.8, 1.3, 1.7] as const;
  for (const order of axisOrders(voxel)) {
    const affine = turned(order, rotation);
    const [first, last] = [box?.first ?? [0, 0, 0], box?.last ?? SHAPE.map((n) => n - 1)];
    const volume = volumeOf(SHAPE, (...index) => (index.every((v, a) => v >= first[a] && v <= last[a]) ? 1 : 0), { affine });
    const crop = box ? { foreground: { above: 0.5, margin: 0 } } : "volume";
    const centre = positionOf(
      affine,
      first.map((v, a) => (v + last[a]) / 2),
    );
    for (const plane of planes) {
      const view = prepareView(volume, viewOf({ plane, spacing, size: SIZE, crop }), plain);
      const slice = Math.floor(view.chosen.length / 3);
      const patch = [1, 3] as const;
      const heat = heatmapOf(volume, [hot(view, slice, patch)]);
      const offset = minus(positionOf(affine, peak(heat)), centre);
      const [across, down, through] = DIRECTIONS[plane].map((d) => apply(rotation, d));
      const axes = DIRECTIONS[plane].map((d) => [0, 1, 2].find((a) => Math.abs(dot(d, [order[a], order[4 + a], order[8 + a]])) > 0) as 0 | 1 | 2);
      const extent = axes.map((a) => (last[a] - first[a] + 1) * voxel[a]);
      const pixel = [spacing ?? extent[0] / SIZE[1], spacing ?? extent[1] / SIZE[0]];
      const place = [((patch[1] + 0.5) / PATCHES[1] - 0.5) * SIZE[1] * pixel[0], ((patch[0] + 0.5) / PATCHES[0] - 0.5) * SIZE[0] * pixel[1]];
      expect(Math.abs(dot(offset, across) - place[0])).toBeLessThanOrEqual(voxel[axes[0]] / 2 + 1e-6);
      expect(Math.abs(dot(offset, down) - place[1])).toBeLessThanOrEqual(voxel[axes[1]] / 2 + 1e-6);
      expect(dot(offset, through)).toBeCloseTo((slice + 0.5) * voxel[axes[2]] - extent[2] / 2, 6);
    }
  }
}

describe("one hot patch peaks at its own position, in 48 axis orders and three planes", () => {
  test("slices stretched over the volume", () => checkPeaks({ rotation: IDENTITY, spacing: null }));
  test("slices of a fixed pixel size, smaller than the volume", () => checkPeaks({ rotation: IDENTITY, spacing: 0.2 }));
  test("slices larger than the volume", () => checkPeaks({ rotation: IDENTITY, spacing: 0.5 }));
  test("cropped to a foreground box off the centre", () => {
    const box = { first: [3, 4, 2], last: [15, 12, 13] };
    checkPeaks({ rotation: IDENTITY, spacing: null, box });
    checkPeaks({ rotation: IDENTITY, spacing: 0.15, box });
  });
  test("oblique scans", () => {
    checkPeaks({ rotation: OBLIQUE, spacing: 0.3 });
    checkPeaks({ rotation: OBLIQUE, spacing: null, box: { first: [1, 9, 5], last: [20, 19, 21] } });
  });
});

describe("on the volume's own grid", () => {
  const LPS = [-1, 0, 0, 5, 0, -1, 0, 6, 0, 0, 2, 7, 0, 0, 0, 1];
  const volume = volumeOf([40, 30, 6], () => 0, { affine: LPS, modality: "CT" });
  const view = prepareView(volume, viewOf({ spacing: 0.25, size: SIZE }), plain);
  const ones = { view, map: new Float32Array(6 * 24).fill(1), patches: PATCHES, weights: Float32Array.of(0.1, 0.2, 0.4, 0.1, 0.1, 0.1) };

  test("shape and affine are the input's, values 0 … 1 with a maximum of 1", () => {
    const heat = heatmapOf(volume, [ones]);
    expect(heat.shape).toEqual(volume.shape);
    expect(heat.affine).toEqual(LPS);
    expect(heat.data).toBeInstanceOf(Float32Array);
    expect(Math.max(...heat.data)).toBe(1);
    expect(Math.min(...heat.data)).toBe(0);
  });

  test("even attention gives the slices' weights inside the field of view of 21 × 14 mm, 0 outside", () => {
    const { data } = heatmapOf(volume, [ones]);
    const wanted = volumeOf(volume.shape, (i, j, k) => (Math.abs(i - 19.5) <= 10.5 && Math.abs(j - 14.5) <= 7 ? ones.weights[k] / 0.4 : 0));
    expectClose(data, wanted.data, 1e-6);
  });

  test("the field of view ends half a pixel beyond the outermost pixel centres", () => {
    const own = prepareView(volume, viewOf({ spacing: 1, size: [14, 14] }), plain);
    const { data } = heatmapOf(volume, [{ view: own, map: new Float32Array(6).fill(1), patches: [1, 1], weights: new Float32Array(6).fill(1) }]);
    expectClose(data, volumeOf(volume.shape, (i, j) => (i >= 13 && i <= 26 && j >= 8 && j <= 21 ? 1 : 0)).data, 0);
  });

  test("between patch centres it is linear, as PyTorch's bilinear interpolation is", () => {
    const line = volumeOf([6, 1, 1], () => 0);
    const own = prepareView(line, viewOf({ size: [14, 42] }), plain);
    const { data } = heatmapOf(line, [{ view: own, map: Float32Array.of(0, 1, 3), patches: [1, 3], weights: Float32Array.of(1) }]);
    // torch.nn.functional.interpolate([0, 1, 3], size=6, mode="linear", align_corners=False) / 3
    expectClose(
      data,
      [0, 0.25, 0.75, 1.5, 2.5, 3].map((v) => v / 3),
      1e-6,
    );
  });

  test("slices left out take the nearest chosen one's values", () => {
    const even = prepareView(volume, viewOf({ size: SIZE, slices: { choice: "even", count: 2 } }), plain);
    expect(even.chosen).toEqual([1, 4]);
    const { data } = heatmapOf(volume, [{ view: even, map: new Float32Array(48).fill(1), patches: PATCHES, weights: Float32Array.of(0.25, 0.75) }]);
    expectClose(
      [0, 1, 2, 3, 4, 5].map((k) => data[1200 * k + 620]),
      [1 / 3, 1 / 3, 1 / 3, 1, 1, 1],
      1e-6,
    );
  });

  test("two views add up; no attention at all stays 0", () => {
    const coronal = prepareView(volume, viewOf({ plane: "coronal", spacing: 0.25, size: SIZE }), plain);
    const second = { view: coronal, map: new Float32Array(30 * 24).fill(1), patches: PATCHES, weights: new Float32Array(30).fill(0.4) };
    const both = heatmapOf(volume, [ones, second]).data;
    const at = (i: number, j: number, k: number) => both[i + 40 * j + 1200 * k];
    expect(at(20, 15, 2)).toBe(1); // 0.4 + 0.4
    expect(at(20, 15, 0)).toBeCloseTo(0.5 / 0.8, 6);
    expect(at(20, 0, 2)).toBeCloseTo(0.5, 6); // the coronal view alone
    expect(at(0, 0, 2)).toBe(0);
    expect(Math.max(...heatmapOf(volume, [{ ...ones, map: new Float32Array(6 * 24) }]).data)).toBe(0);
  });
});
