// Padding never mixes with what was measured, and numbers of labels never with each other: from reading through resampling.
import type { Volume } from "@anymc3d/core";
import { slice, type Value } from "@anymc3d/testkit/dicom";
import { describe, expect, it, test } from "vitest";
import { cropToForeground, type Grid, readVolume, reorient, resample, resampleLike } from "../src/index.js";
import { near, nifti, refusal } from "./build.js";

type More = Record<string, readonly [string, Value] | undefined>;

const identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const shifted = (x: number) => identity.map((v, i) => (i === 3 ? x : v));
const marked = ({ noData, data }: Volume) => [...data.keys()].filter((i) => noData && (noData[i >> 3] >> (i & 7)) & 1);
const one = (pixels: readonly number[], more: More = {}) => readVolume(slice(0, pixels, { "00180050": ["DS", 1], ...more }));

describe("DICOM's padding, moved by a lossy codec", () => {
  const lossy: More = { "00282110": ["CS", "01"], "00280120": ["SS", -2000] };
  it("is all known: what the header declares, what lies around it, and what lies below all that a CT measures", async () => {
    const found = await one([-2000, -2009, -1991, -1987, -1500, 40, -1000, -1024, 60], lossy);
    expect([...found.data]).toEqual([-1000, -1000, -1000, -1000, -1000, 40, -1000, -1024, 60]);
    expect(marked(found)).toEqual([0, 1, 2, 3, 4]);
  });
  it("in an MR, by the gap between it and the rest; the smallest of the rest stands for it", async () => {
    const found = await one([-2000, -2005, -1996, 12, 700, 300, 30, 900, 40], { ...lossy, "00080060": ["CS", "MR"] });
    expect([...found.data]).toEqual([12, 12, 12, 12, 700, 300, 30, 900, 40]);
    expect(marked(found)).toEqual([0, 1, 2]);
  });
  it("amid the values: only what is equal to it, as nothing tells the rest apart", async () => {
    const found = await one([500, 503, 490, 0, 1000, 250, 750, 510, 500], { ...lossy, "00280120": ["SS", 500], "00080060": ["CS", "MR"] });
    expect([...found.data]).toEqual([0, 503, 490, 0, 1000, 250, 750, 510, 0]);
    expect(marked(found)).toEqual([0, 8]);
  });
  it("without loss, only in a CT", async () => {
    const mr = await one([-2000, -2005, 12, 900], { "00280120": ["SS", -2000], "00080060": ["CS", "MR"] });
    expect([...mr.data]).toEqual([-2005, -2005, 12, 900]);
    const ct = await one([-2000, -2005, 12, 900], { "00280120": ["SS", -2000] });
    expect([...ct.data]).toEqual([-1000, -1000, 12, 900]);
  });
  it("a CT without loss keeps what a scanner stores below -1024: only what is declared is padding, and the note counts it", async () => {
    const found = await one([-2000, -2000, -1000, -1445, -1300, -1100, -1025, 40, 60], { "00280120": ["SS", -2000] });
    expect([...found.data]).toEqual([-1000, -1000, -1000, -1445, -1300, -1100, -1025, 40, 60]);
    expect(marked(found)).toEqual([0, 1]);
    expect(found.notes?.map(({ message }) => message).join()).toMatch(/ 2 voxels outside/);
    const range = await one([-2000, -1000, 12, 900], { "00280120": ["SS", -2000], "00280121": ["SS", -1000] });
    expect(marked(range)).toEqual([0, 1]);
    expect(range.notes?.map(({ message }) => message).join()).toMatch(/ 2 voxels outside/);
  });
});

describe("a CT with padding beside tissue of 40", () => {
  const row = [-2000, -2000, 40, 40];
  const padded = async () => one([...row, ...row, ...row, ...row], { "00280120": ["SS", -2000] });

  it("half a voxel aside: tissue where it is as near, else padding, which stays known", async () => {
    const volume = await padded();
    const { affine = [] } = volume;
    // DICOM's x runs against R: half a voxel along the first axis.
    const half: Grid = { shape: volume.shape, affine: affine.map((v, i) => (i === 3 ? v - 0.5 : v)) };
    const found = resample(volume, half);
    expect([...found.data.subarray(0, 4)]).toEqual([-1000, 40, 40, -1000]);
    expect(marked(found).filter((i) => i < 4)).toEqual([0, 3]);
    expect([...resampleLike(volume, half, { interpolation: "linear" }).data.subarray(0, 4)]).toEqual([-1000, 40, 40, -1000]);
    expect([...resample(volume, half, { interpolation: "nearest" }).data.subarray(0, 4)]).toEqual([-1000, 40, 40, -1000]);
  });

  it("turned by 30°, made coarse, made fine: no value but 40 and -1000", async () => {
    const volume = await padded();
    const [c, s] = [Math.cos(Math.PI / 6), Math.sin(Math.PI / 6)];
    const turned: Grid = { shape: [9, 9, 1], affine: [c, -s, 0, -3, s, c, 0, -5, 0, 0, 1, 0, 0, 0, 0, 1] };
    for (const target of [turned, { spacing: 0.37 }, { spacing: 1.7 }, { spacing: [3, 0.7, 1] as [number, number, number] }]) {
      const { data } = resample(volume, target);
      expect(data).toContain(40);
      for (const value of data) expect(Math.min(Math.abs(value - 40), Math.abs(value + 1000)), `${value}`).toBeLessThan(1e-3);
    }
  });

  it("slices at uneven places: between two that are data their mean, beside padding the one that is", async () => {
    // At 0, 3, 4 and 7 mm: laid out anew one mm apart.
    const heights = [0, 3, 4, 7];
    const values = [
      [0, 0, -2000, -2000],
      [30, -2000, 30, -2000],
      [40, 40, 40, -2000],
      [70, 70, 70, -2000],
    ];
    const files = heights.map((z, i) => new File([new Uint8Array(slice(z, values[i], { "00280120": ["SS", -2000] }))], `${i}.dcm`));
    const volume = await readVolume(files, { uneven: "resample" });
    const spacing = volume.affine?.[10] ?? 0;
    const column = (at: number) => Array.from({ length: volume.shape[2] }, (_, k) => volume.data[4 * k + at]);
    const places = Array.from({ length: volume.shape[2] }, (_, k) => k * spacing);
    near(
      column(0),
      places.map((mm) => 10 * mm),
      4,
    );
    // Padding at 3 mm alone: from 0 to 1.5 mm it is 0, beyond padding, from 3.5 mm on the value at 4 mm.
    near(
      column(1),
      places.map((mm) => (mm <= 1.5 ? 0 : mm < 3.5 ? -1000 : Math.max(40, 10 * mm))),
      4,
    );
    near(
      column(2),
      places.map((mm) => (mm < 1.5 ? -1000 : Math.max(30, 10 * mm))),
      4,
    );
    expect(column(3).every((value) => value === -1000)).toBe(true);
    expect(marked(volume).filter((i) => i % 4 === 3)).toHaveLength(volume.shape[2]);
  });
});

describe("a CT that does not say where its padding is (NIfTI, a ring of -3024)", () => {
  const ring = () => {
    const data = Int16Array.from({ length: 81 }, (_, i) => (Math.hypot((i % 9) - 4, Math.floor(i / 9) - 4) > 4.2 ? -3024 : 40));
    return nifti({ dims: [9, 9, 1], data: new Uint8Array(data.buffer) });
  };
  it("is read as it is, and resampled without mixtures", async () => {
    const volume = await readVolume(ring(), { modality: "CT" });
    expect(volume.data).toContain(-3024);
    const found = resample(volume, { spacing: [0.6, 0.6, 1] });
    for (const value of found.data) expect(Math.min(Math.abs(value - 40), Math.abs(value + 1000))).toBeLessThan(1e-3);
    expect(marked(found).length).toBeGreaterThan(10);
  });
  it("of no modality: its values are grey values", async () => {
    const found = resample(await readVolume(ring()), { spacing: [0.6, 0.6, 1] });
    expect(found.data.some((value) => value > -2900 && value < 0)).toBe(true);
    expect(found.noData).toBeUndefined();
  });
});

test("outside of a volume there is air in a CT, label 0 in a segmentation, else the smallest value; asked for, what was asked for", () => {
  const volume: Volume = { shape: [2, 1, 1], data: Int16Array.of(7, 9), affine: identity };
  const further: Grid = { shape: [2, 1, 1], affine: shifted(1) };
  const found = (change: Partial<Volume>, options = {}) => [...resample({ ...volume, ...change }, further, options).data];
  expect(found({})).toEqual([9, 7]);
  expect(found({ modality: "MR" })).toEqual([9, 7]);
  expect(found({ modality: "CT" })).toEqual([9, -1000]);
  expect(found({ modality: "CT", meta: { units: "US" } })).toEqual([9, 7]);
  expect(found({ labels: {} })).toEqual([9, 0]);
  expect(found({ modality: "CT" }, { fill: -5 })).toEqual([9, -5]);
});

test("smoothing before a coarser grid leaves padding's weights out (scipy.ndimage: a convolution of values over one of weights)", () => {
  // gaussian_filter(values where data, 0 elsewhere) / gaussian_filter(1 where data), sigma = sqrt(9 - 1) / (2 sqrt(2 ln 2)) = 1.2011224, mode "nearest", truncate 4.
  const data = Float32Array.of(10, 20, 30, -2000, -2000, 60, 70, 80, 90);
  const volume: Volume = { shape: [9, 1, 1], data, affine: identity, noData: Uint8Array.of(0b11000, 0) };
  const found = resample(volume, { spacing: [3, 1, 1] });
  const weight = (d: number) => Math.exp((-d * d) / (2 * 1.2011224 ** 2));
  const at = (centre: number) => {
    let [sum, all] = [0, 0];
    for (let d = -5; d <= 5; d++) {
      const i = Math.min(8, Math.max(0, centre + d));
      if (data[i] < 0) continue;
      sum += weight(d) * data[i];
      all += weight(d);
    }
    return sum / all;
  };
  near(found.data, [at(1), -2000, at(7)].map((v, i) => (i === 1 ? 10 : v)), 3); // biome-ignore format: one line
  expect(marked(found)).toEqual([1]);
});

test("reordering and cropping carry padding along, and padding is no foreground", () => {
  const volume: Volume = { shape: [4, 1, 1], data: Int16Array.of(900, 0, 50, 60), affine: identity, noData: Uint8Array.of(1) };
  expect(marked(reorient(volume, "LAS"))).toEqual([3]);
  const cropped = cropToForeground(volume, { above: 10, margin: 2 });
  expect([cropped.shape[0], marked(cropped)]).toEqual([4, [0]]);
  expect([...cropToForeground(volume, { above: 10 }).data]).toEqual([50, 60]);
});

describe("numbers of labels", () => {
  const labels = { 1: "Liver", 3: "Spleen" };
  const map: Volume = { shape: [4, 1, 1], data: Uint8Array.of(1, 1, 3, 3), affine: identity, labels };
  it("are not mixed: nearest unless asked for otherwise, and between 1 and 3 lies no 2", async () => {
    const found = resample(map, { spacing: [0.4, 1, 1] });
    expect(new Set(found.data)).toEqual(new Set([1, 3]));
    expect(found.labels).toEqual(labels);
    await refusal(() => resample(map, { spacing: [0.4, 1, 1] }, { interpolation: "linear" }), "OPTION_INVALID", /several labels \(1, 3\)/, /nearest/);
    await refusal(() => resampleLike(map, { shape: [4, 1, 1], affine: shifted(0.5) }, { interpolation: "linear" }), "OPTION_INVALID", /several labels/);
  });
  it("one label is a 0/1 image, whose shares may be asked for; these are no labels any more", () => {
    const single = resample(
      { ...map, data: Uint8Array.of(0, 0, 1, 1) },
      { shape: [4, 1, 1], affine: shifted(0.5) },
      { interpolation: "linear", antialias: false },
    );
    expect([...single.data]).toEqual([0, 0.5, 1, 0]);
    expect(single.labels).toBeUndefined();
  });
  it("nearly whole in a segmentation with float voxels: whole (NIfTI, intent label); a tenth off: as they are", async () => {
    const labelled = (values: readonly number[]) => {
      const bytes = nifti({ dims: [values.length, 1, 1], datatype: 16, data: new Uint8Array(Float32Array.from(values).buffer) });
      new DataView(bytes.buffer).setInt16(68, 1002, true);
      return readVolume(bytes);
    };
    const found = await labelled([0.9999999, 2.0004, -1e-7, 3]);
    expect([...found.data]).toEqual([1, 2, 0, 3]);
    expect(Object.is(found.data[2], 0)).toBe(true);
    expect([...(await labelled([0.5, 1])).data]).toEqual([0.5, 1]);
    const plain = await readVolume(nifti({ dims: [1, 1, 1], datatype: 16, data: new Uint8Array(Float32Array.of(0.9999999).buffer) }));
    expect(plain.data[0]).toBe(Math.fround(0.9999999));
  });
});
