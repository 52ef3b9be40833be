// What a viewer shows of a scan that does not fit into graphics memory.
import { applyAffine } from "@anymc3d/io";
import { expect, test } from "vitest";
import { displaySteps, thinned } from "../src/viewer/display-grid.js";

const chest = { shape: [512, 512, 300] as const, affine: [-0.8, 0, 0, 200, 0, -0.8, 0, 180, 0, 0, 1.25, -300, 0, 0, 0, 1] };
const ANY = 2 ** 30;

test("everything where there is room; else the finer axes are thinned first", () => {
  expect(displaySteps(chest, { voxels: 2 ** 27, side: 2048 })).toEqual([1, 1, 1]);
  expect(displaySteps(chest, { voxels: 2 ** 26, side: 2048 })).toEqual([2, 2, 1]);
  expect(displaySteps(chest, { voxels: 2 ** 24, side: 2048 })).toEqual([2, 2, 2]);
  expect(displaySteps({ shape: [8192, 8192, 1], affine: undefined }, { voxels: 2 ** 25, side: 8192 })).toEqual([2, 2, 1]);
});

test("no side is longer than a texture can be", () => {
  expect(displaySteps(chest, { voxels: ANY, side: 256 })).toEqual([2, 2, 2]);
  expect(displaySteps({ shape: [3000, 10, 10], affine: undefined }, { voxels: ANY, side: 2048 })).toEqual([2, 1, 1]);
});

test("voxels that stay keep their value and their place in the patient", () => {
  const shape = [7, 5, 4] as const;
  const affine = [0, -0.9, 0, 11, 0.7, 0, 0.1, -4, 0, 0, 2.5, 30, 0, 0, 0, 1];
  const data = Float32Array.from({ length: 140 }, (_, i) => i);
  const { data: out, shape: left, affine: placed } = thinned({ data, shape, affine }, [2, 2, 3]);
  expect([left, out.length]).toEqual([[4, 3, 2], 24]);
  for (const [x, y, z] of [
    [0, 0, 0],
    [3, 2, 1],
    [1, 2, 0],
  ]) {
    expect(out[x + 4 * (y + 3 * z)]).toBe(2 * x + 7 * (2 * y + 5 * 3 * z));
    expect(applyAffine(placed as number[], [x, y, z])).toEqual(applyAffine(affine, [2 * x, 2 * y, 3 * z]));
  }
});
