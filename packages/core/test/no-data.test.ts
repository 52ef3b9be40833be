// Places where nothing was measured never mix with what was: sampling, statistics, intensity steps, foreground; and how a CT's padding is known.
import { checkStudy, parseAdapterManifest, type Volume, volumeStatistics } from "@anymc3d/core";
import { asDeclared, prepareView, withoutPadding } from "@anymc3d/core/learn";
import { expectClose, manifestJson, plain, viewOf, volumeOf } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";

const LPS = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const bits = (count: number, set: readonly number[]) => {
  const noData = new Uint8Array(Math.ceil(count / 8));
  for (const at of set) noData[at >> 3] |= 1 << (at & 7);
  return noData;
};
const CT = { modality: ["CT"] };
/** Raw values between the resampling and the intensity step. */
const sampled = (volume: Volume, fields: Parameters<typeof viewOf>[0], n = 0) => [...prepareView(volume, viewOf({ pad: -1000, ...fields }), plain).values(n)];

describe("sampling", () => {
  const row = (values: readonly number[], rest: Partial<Volume> = {}): Volume => ({
    data: Int16Array.from(values),
    shape: [values.length, 1, 1],
    affine: LPS,
    ...rest,
  });

  test("half a voxel beside tissue: 40 or background, and no mixture", () => {
    // Display order is that of an LPS volume. Five pixels of 1 mm over four voxels of 1 mm lie at -0.5, 0.5, 1.5, 2.5, 3.5.
    const found = sampled(row([-2000, -2000, 40, 40], { modality: "CT" }), { spacing: 1, size: [1, 5], expect: CT });
    // -0.5: padding alone; 0.5: padding alone; 1.5: as near to both, so the data; 2.5 and 3.5: tissue.
    expect(found).toEqual([-1000, -1000, 40, 40, 40]);
  });

  test("any share of padding: the data's mean by their own weights, from half of the weight on", () => {
    // Pixels of 0.8 mm over [pad, 40, 80, 120]: five of them, at -0.1, 0.7, 1.5, 2.3, 3.1.
    const volume = row([7, 40, 80, 120], { noData: bits(4, [0]) });
    expectClose(sampled(volume, { spacing: 0.8, size: [1, 5] }), [7, 40, 60, 92, 120], 1e-5);
    // Three voxels a pixel: triangles of reach 3 about 1 and 4 (weights 1/3, 2/3, 1 from the middle), of [40, 40, pad, 100, 130, pad].
    // Pixel 0 at 1: voxels 0 to 3 (2/3, 1, 2/3, 1/3), the pad's 2/3 left out: (40·2/3 + 40 + 100/3)/(2/3 + 1 + 1/3) = 50.
    // Pixel 1 at 4: voxels 2 to 5 (1/3, 2/3, 1, 2/3): (100·2/3 + 130)/(5/3) = 118, since the pads have 1 of 8/3.
    const shrunk = row([40, 40, -2000, 100, 130, -2000], { modality: "CT" });
    expectClose(sampled(shrunk, { spacing: 3, size: [1, 2], expect: CT }), [50, 118], 1e-4);
    // The other way round the pads have more than half: background.
    const mostly = row([-2000, -2000, 40, -2000, -2000, 40], { modality: "CT" });
    expectClose(sampled(mostly, { spacing: 3, size: [1, 2], expect: CT }), [-1000, -1000], 1e-3);
  });

  test("as a normalised convolution in two directions, for all planes", () => {
    const shape = [7, 6, 5] as const;
    const random = (i: number) => ((i * 2654435761) % 1000) / 10;
    const set = Array.from({ length: 210 }, (_, i) => i).filter((i) => random(i + 999) < 30);
    const image = volumeOf(shape, (i, j, k) => random(i + 7 * (j + 6 * k)), { affine: LPS, noData: bits(210, set) });
    const isSet = new Set(set);
    for (const [plane, axes] of Object.entries({ axial: [0, 1, 2], coronal: [0, 2, 1], sagittal: [1, 2, 0] } as const)) {
      const view = viewOf({ plane: plane as "axial", spacing: 1.4, size: [4, 4], pad: 9 });
      const prepared = prepareView(image, view, plain);
      const zeroed = prepareView({ ...image, noData: undefined, data: image.data.map((v, i) => (isSet.has(i) ? 0 : v)) }, view, plain);
      const share = prepareView({ ...image, noData: undefined, data: image.data.map((_, i) => (isSet.has(i) ? 1 : 0)) }, { ...view, pad: 0 }, plain);
      for (let n = 0; n < shape[axes[2]]; n++) {
        const [found, sum, weight] = [prepared.values(n), zeroed.values(n), share.values(n)];
        found.forEach((value, i) => {
          if (weight[i] < 0.4999) expect(value).toBeCloseTo(sum[i] / (1 - weight[i]), 3);
        });
        expect(found.some((_, i) => weight[i] > 0 && weight[i] < 0.4999)).toBe(true);
      }
    }
  });

  test("where no padding is under a pixel, no bit changes, and bits that are all 0 are none", () => {
    const image = volumeOf([9, 9, 2], (i, j, k) => Math.sin(i + 3 * j + 7 * k), { affine: LPS });
    const view = viewOf({ spacing: 1.3, size: [7, 7] });
    const before = prepareView(image, view, plain);
    const corner = prepareView({ ...image, noData: bits(162, [81]) }, view, plain);
    expect(corner.values(0)).toEqual(before.values(0));
    expect([...corner.values(1)].filter((v, i) => v !== before.values(1)[i]).length).toBeLessThan(5);
    expect(prepareView({ ...image, noData: bits(162, []) }, view, plain).values(1)).toEqual(before.values(1));
  });
});

test("statistics and intensity steps count data alone (numpy of 1, 2, 3, 4, 10)", () => {
  const data = Float32Array.of(1, -500, 2, 3, 4, -500, 10);
  const noData = bits(7, [1, 5]);
  const { count, minimum, maximum, percentiles, meanAndSd } = volumeStatistics({ data, noData });
  expect([count, minimum, maximum]).toEqual([5, 1, 10]);
  expect(percentiles([1, 50, 99])).toEqual([1.04, 3, 9.76].map((v) => expect.closeTo(v, 10)));
  expect(meanAndSd()).toEqual({ mean: 4, sd: expect.closeTo(Math.sqrt(10), 10) });
  // The same array without bits is another matter.
  expect(volumeStatistics({ data }).minimum).toBe(-500);
  const volume: Volume = { data, noData, shape: [7, 1, 1], affine: LPS };
  const pixels = (intensity: unknown) =>
    [...(prepareView(volume, viewOf({ spacing: 1, size: [1, 7], intensity } as never), plain).slices.read(0, 1) as Float32Array)].slice(0, 7);
  const z = (v: number) => expect.closeTo((v - 4) / Math.sqrt(10), 4);
  expect(pixels({ kind: "zscore", over: "all" })).toEqual([1, -500, 2, 3, 4, -500, 10].map(z));
  expect(pixels({ kind: "percentile", low: 0, high: 100, over: "all" })).toEqual([0, 0, 1 / 9, 2 / 9, 3 / 9, 0, 1].map((v) => expect.closeTo(v, 5)));
});

test("no data is no foreground, and a volume of it alone is refused", () => {
  const volume: Volume = { data: Int16Array.of(900, 0, 50, 0), noData: bits(4, [0]), shape: [1, 1, 4], affine: LPS };
  const view = viewOf({ slices: { choice: "foreground", above: 10 }, size: [1, 1] });
  expect(prepareView(volume, view, plain).chosen).toEqual([2]);
  const none = checkStudy({ ...volume, noData: bits(4, [0, 1, 2, 3]) }, parseAdapterManifest(manifestJson()));
  expect(none).toMatchObject({ verdict: "refused", findings: [{ code: "INPUT_VALUES", message: expect.stringContaining("all are padding") }] });
});

describe("a CT's padding", () => {
  const ct = (values: readonly number[], rest: Partial<Volume> = {}): Volume => ({
    data: Int16Array.from(values),
    shape: [values.length, 1, 1],
    modality: "CT",
    ...rest,
  });
  const marked = ({ noData, data }: Volume) => [...data.keys()].filter((i) => noData && (noData[i >> 3] >> (i & 7)) & 1);

  test.each([
    ["a value", [-2000, 40, -1000], [0]],
    ["what a lossy codec makes of it", [-2009, 40, -1991, -2003, -1000], [0, 2, 3]],
    ["two values, one within the other's circle", [-3024, -2048, -2048, -3024, 40], [0, 1, 2, 3]],
    ["the smallest of 16 bits", [-32768, 40], [0]],
  ])("known by %s", (_, values, none) => {
    const found = withoutPadding(ct(values));
    expect(marked(found)).toEqual(none);
    expect([...found.data]).toEqual(values.map((v, i) => (none.includes(i) ? -1000 : v)));
  });

  test("noise of a scanner that stores what lies below -1024, and air on another scale, are none", () => {
    for (const values of [[-1028, -1036, -1069, -900], [-1445, -1380, -1200, -1100, -1050, -1025], Array.from({ length: 400 }, (_, i) => -10000 + i)])
      expect(withoutPadding(ct(values)).noData).toBeUndefined();
  });

  test("known beside noise that is stored as it is, whatever the noise: and the noise stays", () => {
    // Air is -1000 with a noise that reaches 20, 60, 200 or 440 below and above; every fourth, twentieth voxel is padding, plain or from a lossy codec.
    const noise = (i: number) => ((i * 7919) % 2001) / 1000 - 1;
    for (const reach of [20, 60, 200, 440])
      for (const every of [4, 20, 100])
        for (const pad of [() => -2000, (i: number) => -2000 + Math.round(9 * noise(i * 3)), (i: number) => (i % 8 ? -3024 : -2048), () => -32768]) {
          const isPad = (i: number) => i % every === 0;
          const values = Array.from({ length: 2400 }, (_, i) => (isPad(i) ? pad(i) : i % 3 ? 40 : Math.round(-1000 + reach * noise(i))));
          const found = withoutPadding(ct(values));
          expect(marked(found), `${reach} ${every}`).toEqual(values.flatMap((_, i) => (isPad(i) ? [i] : [])));
          expect([...found.data]).toEqual(values.map((v, i) => (isPad(i) ? -1000 : v)));
        }
    // Noise alone, also where only some voxels of it lie well below: a few of them apart are no mass.
    for (const reach of [190, 210, 250, 440, 900]) {
      const values = Array.from({ length: 2400 }, (_, i) => Math.round(-1000 + reach * noise(i) ** 3));
      expect(withoutPadding(ct(values)).noData, `${reach}`).toBeUndefined();
      expect(withoutPadding(ct([...values, -2000, -2003])).noData, `${reach}`).toBeUndefined();
    }
  });

  describe("a mass at one value of -1200 or below, beside air whose noise (Gaussian) reaches it, or all but", () => {
    let seed = 7;
    const random = () => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return (seed + 0.5) / 2 ** 32;
    };
    const gauss = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
    const scan = (sd: number, at: (i: number, hu: number) => number) =>
      Array.from({ length: 20_000 }, (_, i) => Math.round(at(i, i % 2 ? -1000 + sd * gauss() : 40 + 20 * gauss())));

    test.each([-1200, -1250, -1300, -1500, -2000, -2048, -3024, -32768])("padding of %d", (pad) => {
      for (const sd of [10, 30, 60])
        for (const every of [20, 5, 2]) {
          // A twentieth stands out of the noise's own tail (0.55 % of it lies from -1199 to -1136) only where there is less of that.
          if (pad === -1200 && sd === 60 && every === 20) continue;
          const isPad = (i: number) => i % every === 0;
          const values = scan(sd, (i, hu) => (isPad(i) ? pad : hu));
          const right = values.flatMap((value, i) => (value <= pad ? [i] : []));
          expect(marked(withoutPadding(ct(values))), `${sd} ${every}`).toEqual(right);
          expect(right.length).toBeLessThan(1.01 * Math.ceil(values.length / every));
        }
    });

    test.each([-1024, -1100, -1200, -1300, -1500])("noise that is cut off at %d is none", (floor) => {
      for (const sd of [60, 100, 200, 300]) expect(withoutPadding(ct(scan(sd, (_, hu) => Math.max(floor, hu)))).noData, `${sd}`).toBeUndefined();
    });

    test("what another program mixed of padding and tissue at its border is padding, down to the floor", () => {
      const values = scan(4, (i, hu) => (i % 2 === 0 ? -2000 : i % 20 === 1 ? 40 - 2040 * random() : hu));
      expect(marked(withoutPadding(ct(values)))).toEqual(values.flatMap((value, i) => (value < -1024 && (i % 2 === 0 || i % 20 === 1) ? [i] : [])));
    });
  });

  test("known as the volume or the adapter says HU; what the adapter's own pad is stays", () => {
    const values = [-3024, 40, -1000];
    const view = viewOf({ expect: CT, pad: -1000 });
    expect(marked(asDeclared(ct(values, { modality: undefined }), view))).toEqual([0]);
    expect(marked(asDeclared(ct(values), viewOf({ pad: 0 })))).toEqual([0]);
    expect(marked(asDeclared(ct(values, { modality: undefined }), viewOf({ pad: 0 })))).toEqual([]);
    expect(marked(asDeclared(ct(values, { modality: "MR" }), view))).toEqual([]);
    expect(marked(asDeclared(ct(values, { meta: { units: "US" } }), view))).toEqual([]);
    expect(marked(asDeclared(ct(values), viewOf({ expect: CT, pad: -3024 })))).toEqual([]);
  });

  test("is looked at anew where the voxels changed, and kept where they did not", () => {
    const volume = ct([-2000, 40, -1000]);
    const view = viewOf({ expect: CT, pad: -1000 });
    const first = asDeclared(volume, view);
    expect(asDeclared(volume, view).data).toBe(first.data);
    volume.data[0] = 0;
    expect(asDeclared(volume, view)).toBe(volume);
  });
});
