// The measures of localisation.mjs on maps that can be reckoned by hand.
import { expect, test } from "vitest";
import { centreMap, pointing } from "./localisation-measures.mjs";

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
