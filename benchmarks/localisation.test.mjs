// The measures of localisation.mjs on maps that can be reckoned by hand.
import { expect, test } from "vitest";
import { centreMap, grown, meanOverGroups, pointing, shareOf } from "./localisation-measures.mjs";

test("mass and pointing game", () => {
  expect(pointing([0, 1, 2, 5], [0, 0, 1, 1])).toEqual({ mass: 7 / 8, hit: 1 });
  expect(pointing([5, 1, 2, 0], [0, 0, 1, 1])).toEqual({ mass: 2 / 8, hit: 0 });
  // Two highest places, one of them inside.
  expect(pointing([5, 1, 5, 0], [0, 0, 255, 1])).toEqual({ mass: 5 / 11, hit: 0.5 });
  expect(pointing([0, 0], [1, 0]).mass).toBeNaN();
});

test("a uniform map has the mask's share of the voxels as its mass", () => {
  const mask = Array.from({ length: 60 }, (_, i) => (i % 5 === 0 ? 1 : 0));
  expect(pointing(new Float32Array(60).fill(0.3), mask)).toEqual({ mass: expect.closeTo(0.2, 6), hit: 0.2 });
});

test("the blob is highest in the middle and falls to exp(-0.5) at a sixth of a side", () => {
  const map = centreMap([7, 13, 19]);
  const at = (x, y, z) => map[x + 7 * (y + 13 * z)];
  expect(at(3, 6, 9)).toBe(1);
  expect(Math.log(at(3, 6, 9 + 1))).toBeCloseTo(-0.5 / (19 / 6) ** 2, 6);
  expect(Math.max(...map)).toBe(1);
});

test("a mask grown by millimetres knows the voxels' size and stops at the edge", () => {
  // One voxel at (1, 1, 0) of a 4×3×2 grid, voxels of 1×1×3 mm: nearer than 1.5 mm are its 8 neighbours in the plane (√2), not the next slice.
  const mask = new Uint8Array(24);
  mask[5] = 255;
  const affine = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1];
  expect([...grown(mask, [4, 3, 2], affine, 1.5)]).toEqual([1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, ...new Array(12).fill(0)]);
  // Less than 1 mm is the voxel itself, less than 3.1 mm reaches the slice above, straight on (3 mm), not beside it (√10).
  expect(shareOf(grown(mask, [4, 3, 2], affine, 1))).toBe(1 / 24);
  expect([...grown(mask, [4, 3, 2], affine, 3.1)].slice(12)).toEqual([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
});

test("mean over cases, interval over patients", () => {
  // Patients of 3 and 1 cases: a resample holds the first twice (mean 1), both (3/4) or the second twice (0), with chances 1/4, 1/2, 1/4.
  const cases = [1, 1, 1, 0].map((v, i) => ({ group: i < 3 ? "a" : "b", v }));
  expect(meanOverGroups(cases, ({ v }) => v)).toEqual({ mean: 0.75, interval: [0, 1] });
  // 400 patients of one case each, half 1: mean ± 1.96·√(0.25/400) = 0.5 ± 0.049.
  const many = meanOverGroups(
    Array.from({ length: 400 }, (_, i) => ({ group: `${i}`, v: i % 2 })),
    ({ v }) => v,
  );
  expect(many.mean).toBe(0.5);
  expect(Math.abs(many.interval[0] - 0.451)).toBeLessThan(0.006);
  expect(Math.abs(many.interval[1] - 0.549)).toBeLessThan(0.006);
});
