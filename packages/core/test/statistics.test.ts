// That a volume's statistics are computed once, and of the voxels that are there; their values stand against numpy in intensity.test.ts.
import { volumeStatistics } from "@anymc3d/core";
import { expect, test } from "vitest";

const ramp = () => Int16Array.from({ length: 5000 }, (_, i) => i - 1000);

test("are kept with the voxels, whatever else is said of the volume", () => {
  const data = ramp();
  const first = volumeStatistics({ data });
  expect(volumeStatistics({ data, modality: "MR" } as { data: Int16Array })).toBe(first);
  expect(volumeStatistics({ data: ramp() })).not.toBe(first);
  expect([first.minimum, first.maximum]).toEqual([-1000, 3999]);
});

test("an array that was filled anew is looked at anew", () => {
  const data = Float32Array.from(ramp());
  expect(volumeStatistics({ data }).percentiles([50])).toEqual([1499.5]);
  for (let i = 0; i < data.length; i++) data[i] = data[i] / 2 + 10;
  const { minimum, maximum, percentiles } = volumeStatistics({ data });
  expect([minimum, maximum, ...percentiles([50])]).toEqual([-490, 2009.5, 759.75]);
});

test("one voxel that was NaN and was replaced is seen, though the other voxels are as they were", () => {
  const data = new Float32Array(64 ** 3);
  data[12345] = Number.NaN;
  expect(volumeStatistics({ data }).finite).toBe(false);
  data[12345] = -7;
  const { finite, minimum, maximum } = volumeStatistics({ data });
  expect([finite, minimum, maximum]).toEqual([true, -7, 0]);
});

/** numpy: percentile(range(-1000, 4000), [1, 50, 99]); of a range of more than 65536 values, percentile(range(0, 500000, 100), …). */
test("order statistics of whole numbers, in a small range and in a large one", () => {
  expect(volumeStatistics({ data: ramp() }).percentiles([1, 50, 99])).toEqual([-950.01, 1499.5, 3949.01]);
  const wide = Int32Array.from({ length: 5000 }, (_, i) => 100 * i);
  expect(volumeStatistics({ data: wide }).percentiles([1, 50, 99])).toEqual([4999, 249950, 494901]);
});

test("says whether all voxels are finite", () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) expect(volumeStatistics({ data: Float32Array.of(1, bad, 2) }).finite).toBe(false);
  expect(volumeStatistics({ data: Float32Array.of(1, 2) }).finite).toBe(true);
});
