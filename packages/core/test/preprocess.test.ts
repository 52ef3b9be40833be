// Slices cut from volumes: PyTorch's sampling, all axis orders, crops, slice choice, and the reference slices of a CT.
import { readFile } from "node:fs/promises";
import type { Volume } from "@anymc3d/core";
import { readTensors } from "@anymc3d/core/engine";
import { type PreparedView, prepareView } from "@anymc3d/core/learn";
import { readVolume } from "@anymc3d/io";
import { axisOrders, expectClose, plain, positionOf, reference, refusal, viewOf, volumeOf } from "@anymc3d/testkit/expectations";
import { hasShared, shared } from "@anymc3d/testkit/fixtures";
import { describe, expect, test } from "vitest";

interface Case {
  shape: [number, number];
  voxel: [number, number];
  spacing: number | null;
  size: [number, number];
  image: number[];
  values: number[];
}
const wanted = reference<Case[]>("preprocess");
const LPS = (x: number, y: number, z: number) => [-x, 0, 0, 0, 0, -y, 0, 0, 0, 0, z, 0, 0, 0, 0, 1];

const slice = ({ slices }: PreparedView, n: number) => slices.read(n, n + 1) as Float32Array;
const channel = (view: PreparedView, n: number, c = 0) => slice(view, n).subarray((c * slice(view, n).length) / 3, ((c + 1) * slice(view, n).length) / 3);

describe("in-plane sampling equals PyTorch's", () => {
  test.each(wanted)("$shape voxels of $voxel mm → $size pixels of $spacing mm", ({ shape: [rows, columns], voxel, spacing, size, image, values }) => {
    const volume = volumeOf([columns, rows, 3], (i, j, k) => (k === 1 ? image[j * columns + i] : 0.9), { affine: LPS(voxel[1], voxel[0], 4) });
    const prepared = prepareView(volume, viewOf({ spacing, size, pad: 0.25 }), plain);
    expect(prepared.slices).toMatchObject({ count: 3, height: size[0], width: size[1] });
    for (const c of [0, 1, 2]) expectClose(channel(prepared, 1, c), values, 2e-6);
  });

  test("the same patient in any of 48 axis orders gives the same slices", () => {
    const {
      shape: [rows, columns],
      voxel,
      spacing,
      size,
      image,
      values,
    } = wanted[1];
    for (const order of axisOrders([1, 1, 1], [0, 0, 0])) {
      // the voxel axis that lies along each patient axis decides its length and spacing
      const axes = [0, 1, 2].map((world) => [0, 1, 2].findIndex((v) => order[4 * world + v] !== 0));
      const lengths = [columns, rows, 3];
      const spacings = [voxel[1], voxel[0], 4];
      const shape = [0, 0, 0] as [number, number, number];
      const affine = [...order];
      axes.forEach((v, world) => {
        shape[v] = lengths[world];
        affine[4 * world + v] *= spacings[world];
      });
      const volume = volumeOf(
        shape,
        (...index) => {
          const [x, y, z] = axes.map((v, world) => (order[4 * world + v] > 0 ? index[v] : shape[v] - 1 - index[v]));
          return z === 0 ? image[(rows - 1 - y) * columns + (columns - 1 - x)] : 0.5; // from right to left, from front to back
        },
        { affine },
      );
      expectClose(channel(prepareView(volume, viewOf({ spacing, size, pad: 0.25 }), plain), 0), values, 2e-6);
    }
  });

  test("pixels lie at the volume's centre plus (i - (n-1)/2)·spacing: a ramp in mm is read off exactly", () => {
    const affine = LPS(0.7, 0.9, 2);
    for (const [columns, rows] of [
      [30, 21],
      [31, 20],
    ] as const) {
      const ramp = volumeOf([columns, rows, 1], (i) => 0.5 + (i - (columns - 1) / 2) * 0.7 * 0.01, { affine });
      const found = channel(prepareView(ramp, viewOf({ spacing: 0.5, size: [4, 14] }), plain), 0);
      expectClose(
        found.subarray(0, 14),
        Array.from({ length: 14 }, (_, i) => 0.5 + (i - 6.5) * 0.5 * 0.01),
        1e-6,
      );
    }
  });

  test("the pad value fills what lies more than half a voxel outside, and goes through the intensity step", () => {
    const volume = volumeOf([4, 4, 1], () => 100, { affine: LPS(1, 1, 1) });
    const view = viewOf({ spacing: 1, size: [6, 6], pad: -1000, intensity: { kind: "range", range: [-1000, 100] } });
    const found = channel(prepareView(volume, view, plain), 0);
    const inside = (n: number) => n >= 1 && n <= 4;
    expectClose(
      found,
      Array.from({ length: 36 }, (_, i) => (inside(i % 6) && inside(Math.floor(i / 6)) ? 1 : 0)),
      1e-6,
    );
  });

  test("reading in chunks gives the same pixels as reading at once, and the voxels stay as they are", () => {
    const volume = volumeOf([9, 8, 7], (i, j, k) => Math.sin(i + 3 * j + 7 * k), { affine: LPS(1, 1, 1) });
    const before = volume.data.slice();
    const { slices } = prepareView(volume, viewOf({ spacing: 0.6, size: [10, 12] }), plain);
    const all = slices.read(0, 7) as Float32Array;
    const parts = [slices.read(5, 7), slices.read(0, 2), slices.read(2, 5)] as Float32Array[];
    expect([...parts[1], ...parts[2], ...parts[0]]).toEqual([...all]);
    expect(volume.data).toEqual(before);
  });
});

describe("slice choice", () => {
  const volume = volumeOf([2, 2, 10], (_i, _j, k) => k / 10, { affine: LPS(1, 1, 1) });
  const chosen = (slices: unknown, crop: unknown = "volume", v: Volume = volume) => prepareView(v, viewOf({ size: [2, 2], slices, crop }), plain).chosen;

  test("all", () => expect(chosen({ choice: "all" })).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  test("evenly: the middles of equal shares", () => {
    expect(chosen({ choice: "even", count: 5 })).toEqual([1, 3, 5, 7, 9]);
    expect(chosen({ choice: "even", count: 2 })).toEqual([2, 7]);
    expect(chosen({ choice: "even", count: 1 })).toEqual([5]);
    expect(chosen({ choice: "even", count: 3 })).toEqual([1, 5, 8]);
  });
  test("evenly: all of them where there are fewer", () => expect(chosen({ choice: "even", count: 64 })).toHaveLength(10));
  test("foreground: only slices with a voxel above, strictly", () => {
    expect(chosen({ choice: "foreground", above: 0.65 })).toEqual([7, 8, 9]);
    expect(chosen({ choice: "foreground", above: 0 })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(chosen({ choice: "foreground", above: 0, every: 4 })).toEqual([1, 5, 9]);
    expect(chosen({ choice: "foreground", above: 0, count: 3 })).toEqual([2, 5, 8]);
  });
  test("in display order, whichever way the slices were stored", () => {
    const stored = { ...volume, affine: [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1] };
    expect(chosen({ choice: "foreground", above: 0.65 }, "volume", stored)).toEqual([0, 1, 2]);
  });
  test("no foreground: INPUT_VALUES", async () => {
    expect((await refusal(() => chosen({ choice: "foreground", above: 5 }))).code).toBe("INPUT_VALUES");
    expect((await refusal(() => chosen({ choice: "all" }, { foreground: { above: 5, margin: 1 } }))).code).toBe("INPUT_VALUES");
  });
});

describe("foreground crop", () => {
  // a bright box, voxels 6…9 × 4…5 × 2…3 of 20 × 12 × 8
  const box = (affine: readonly number[]) => volumeOf([20, 12, 8], (i, j, k) => (i >= 6 && i <= 9 && j >= 4 && j <= 5 && k >= 2 && k <= 3 ? 1 : 0), { affine });

  test("stretches the box over the slice and keeps its slices only", () => {
    const prepared = prepareView(box(LPS(1, 2, 3)), viewOf({ size: [2, 4], crop: { foreground: { above: 0.5, margin: 0 } } }), plain);
    expect(prepared.chosen).toEqual([2, 3]);
    expectClose(channel(prepared, 0), new Array(8).fill(1), 1e-6);
  });

  test("the margin is in mm on every axis, cut at the volume's edge", () => {
    const prepared = prepareView(box(LPS(1, 2, 3)), viewOf({ size: [4, 8], crop: { foreground: { above: 0.5, margin: 2 } } }), plain);
    expect(prepared.chosen).toEqual([1, 2, 3, 4]);
    const inside = (r: number, c: number) => (r >= 1 && r <= 2 && c >= 2 && c <= 5 ? 1 : 0);
    expectClose(
      channel(prepared, 1),
      Array.from({ length: 32 }, (_, n) => inside(Math.floor(n / 8), n % 8)),
      1e-6,
    );
    expect(prepareView(box(LPS(1, 2, 3)), viewOf({ crop: { foreground: { above: 0.5, margin: 1000 } } }), plain).chosen).toHaveLength(8);
  });

  test("with a spacing, the pixels are centred on the box in all axis orders", () => {
    for (const affine of axisOrders([1, 1, 1])) {
      const volume = box(affine);
      const centre = positionOf(affine, [7.5, 4.5, 2.5]);
      const prepared = prepareView(volume, viewOf({ spacing: 0.5, size: [3, 3], crop: { foreground: { above: 0.5, margin: 0 } } }), plain);
      const index = [0, 0, 0];
      index[prepared.grid.columns.voxelAxis] = prepared.columns.centre;
      index[prepared.grid.rows.voxelAxis] = prepared.rows.centre;
      const { columns, rows } = prepared.grid;
      if (columns.stride < 0) index[columns.voxelAxis] = columns.length - 1 - prepared.columns.centre;
      if (rows.stride < 0) index[rows.voxelAxis] = rows.length - 1 - prepared.rows.centre;
      expectClose(positionOf(affine, index).slice(0, 2), centre.slice(0, 2), 1e-9);
    }
  });
});

if (!hasShared) console.warn("SKIPPED: reference slices of ct_0009, ../shared is absent");
test.skipIf(!hasShared)("the normalised slices of ct_0009 equal those the adapter was trained with", async () => {
  const manifest = JSON.parse(await readFile(new URL("../../adapters-lung-nodule/adapter.json", import.meta.url), "utf8"));
  const volume = await readVolume(`${shared}/data/lung-nodule/images/ct_0009.nii.gz`);
  const pixels = [...readTensors(await readFile(`${shared}/data/weights/lung-nodule-v0/pixels-ct_0009.safetensors`)).values()][0];
  expect(pixels.shape).toEqual([2, 3, 112, 112]);
  const spec = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
  const { slices } = prepareView(volume, viewOf(manifest.input.views[0]), spec);
  expect(slices.count).toBe(2);
  expectClose(slices.read(0, 2) as Float32Array, pixels.data, 1e-3);
});
