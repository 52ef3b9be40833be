// Percentiles and z-scores against numpy; windows and ranges by hand.
import { type VoxelArray, volumeStatistics } from "@anymc3d/core";
import { prepareView } from "@anymc3d/core/learn";
import { expectClose, plain, reference, viewOf } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";

interface Case {
  values: number[];
  all: number[];
  mean: number;
  sd: number;
  nonzero: number[] | null;
  nonzeroMean: number | null;
  nonzeroSd: number | null;
}
const { percents, cases } = reference<{ percents: number[]; cases: Record<string, Case> }>("intensity");

/** The three channels of a volume of one row, voxel by voxel. */
function channels(
  data: VoxelArray,
  intensity: unknown,
  spec: { mean: readonly [number, number, number]; std: readonly [number, number, number] } = plain,
): number[][] {
  const view = viewOf({ spacing: 1, size: [1, data.length], intensity });
  const pixels = prepareView({ data, shape: [data.length, 1, 1] }, view, spec).slices.read(0, 1) as Float32Array;
  return [0, 1, 2].map((c) => [...pixels.subarray(c * data.length, (c + 1) * data.length)]);
}

describe.each(Object.keys(cases))("%s", (name) => {
  const wanted = cases[name];
  const data = Float64Array.from(wanted.values);
  const size = Math.max(1, ...wanted.values.map(Math.abs));

  test("percentiles equal numpy.percentile, of all values and of those that are not zero", () => {
    expectClose(volumeStatistics({ data }).percentiles(percents), wanted.all, 1e-9 * size);
    expectClose(volumeStatistics({ data }).percentiles(percents, "nonzero"), wanted.nonzero ?? percents.map(() => 0), 1e-9 * size);
    if (wanted.values.every(Number.isInteger))
      expectClose(volumeStatistics({ data: Int16Array.from(wanted.values) }).percentiles(percents), wanted.all, 1e-9 * size);
  });

  test("z-score equals (v - mean)/sd, without the backbone's mean and sd", () => {
    const score = (mean: number, sd: number) => wanted.values.map((v) => (v - mean) / (sd || 1));
    const spec = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.3] } as const;
    for (const channel of channels(data, { kind: "zscore" }, spec))
      expectClose(channel, score(wanted.mean, wanted.sd), 1e-5 * Math.max(1, size / (wanted.sd || 1) / 10));
    if (wanted.nonzeroMean === null || wanted.nonzeroSd === null) return;
    expectClose(
      channels(data, { kind: "zscore", over: "nonzero" })[0],
      score(wanted.nonzeroMean, wanted.nonzeroSd),
      1e-5 * Math.max(1, size / (wanted.nonzeroSd || 1) / 10),
    );
  });

  test("percentile clip scales to 0 … 1", () => {
    const [low, high] = [wanted.all[1], wanted.all[4]];
    const scaled = wanted.values.map((v) => (Math.min(high, Math.max(low, v)) - low) / (high - low || 1));
    expectClose(channels(data, { kind: "percentile", low: 0.5, high: 99.5 })[1], scaled, 1e-5);
  });
});

test("input order does not matter, and the data stays as it is", () => {
  const data = Float32Array.of(5, 1, 4, 2, 3);
  expect(volumeStatistics({ data }).percentiles([0, 50, 100])).toEqual([1, 3, 5]);
  expect([...data]).toEqual([5, 1, 4, 2, 3]);
});

test("three CT windows, then ImageNet's mean and sd, by hand", () => {
  const spec = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
  const windows = [
    [-1000, 1000],
    [-150, 250],
    [-1000, 400],
  ];
  const found = channels(Int16Array.of(-2000, -1000, -150, 50, 400, 3000), { kind: "windows", windows }, spec);
  const scaled = [
    [0, 0, 0.425, 0.525, 0.7, 1],
    [0, 0, 0, 0.5, 1, 1],
    [0, 0, 850 / 1400, 1050 / 1400, 1, 1],
  ];
  scaled.forEach((values, c) =>
    expectClose(
      found[c],
      values.map((v) => (v - spec.mean[c]) / spec.std[c]),
      2e-6,
    ),
  );
});

test("one window is repeated for the three channels", () => {
  const [a, b, c] = channels(Int16Array.of(0, 50, 100), { kind: "windows", windows: [[0, 100]] });
  expectClose(a, [0, 0.5, 1], 1e-7);
  expect(b).toEqual(a);
  expect(c).toEqual(a);
});
