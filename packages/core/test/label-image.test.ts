// Images made of a label of a segmentation: SciPy's, in every order of axes; placed, put back, and taken by an adapter of shapes as the array it was trained on.
import { readFile } from "node:fs/promises";
import { type Affine, checkStudy, parseAdapterManifest, type Volume } from "@anymc3d/core";
import { cutRegion, putBack } from "@anymc3d/core/learn";
import { axisOrders, type Loose, refusal, volumeOf } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";

interface Reference {
  shape: [number, number, number];
  affine: Affine;
  labels: string;
  images: {
    axes: string;
    shape: [number, number, number];
    spacing: number | null;
    margin: number;
    count: number;
    near: number;
    bits: string;
    first: number[];
    step: number;
  }[];
}
const reference: Reference = JSON.parse(await readFile(new URL("./reference/label-image.json", import.meta.url), "utf8"));
const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const segmentation: Volume = { data: bytes(reference.labels), shape: reference.shape, affine: reference.affine, labels: { 3: "gland" } };
const roiOf = (change: Loose = {}) => ({ kind: "label", shape: [24, 24, 24], spacing: 1.5, margin: 0, value: 1, axes: null, ...change }) as Loose;
const cut = (volume: Volume, region: Loose, roi: Loose) => cutRegion(volume, region, roi, "shaper");

describe("as SciPy makes it", () => {
  test.each(reference.images)("$axes, $shape, $spacing mm", ({ axes, shape, spacing, margin, bits, near, first, step }) => {
    const roi = roiOf({ shape, spacing, margin, value: 255, axes });
    const { volume, made, place } = cut(segmentation, { mask: segmentation, label: "gland" }, roi);
    const wanted = bytes(bits);
    let differ = 0;
    volume.data.forEach((value: number, at: number) => {
      expect([0, 255]).toContain(value);
      if (value > 0 !== Boolean((wanted[at >> 3] >> (at & 7)) & 1)) differ++;
    });
    // Voxels that are half of the label to the last digits may be either.
    expect(differ).toBeLessThanOrEqual(near);
    expect(volume.affine).toBeUndefined();
    for (const row of [0, 1, 2]) expect(made?.affine[4 * row + 3]).toBeCloseTo(first[row], 6);
    expect(Math.hypot(...[0, 1, 2].map((row) => made?.affine[4 * row] as number))).toBeCloseTo(step, 9);
    expect(place.mm).toBeDefined();
  });

  test("without axes it is RAS, with its orientation", () => {
    const { volume, made } = cut(segmentation, { mask: segmentation, label: 3 }, roiOf());
    expect(volume.affine).toEqual(made?.affine);
    expect([0, 5, 10].map((at) => Math.sign(volume.affine?.[at] as number))).toEqual([1, 1, 1]);
  });
});

test("the same image however the segmentation is stored, and on whatever grid the scan is", () => {
  const blob = (affine: Affine) => {
    // A box of 7 × 5 × 9 mm with two opposite corners off, by patient position: its middle is that of a voxel.
    const isCorner = (x: number, y: number, z: number) => (x < 2 && y < 2 && z < 2) || (x >= 5 && y >= 3 && z >= 7);
    const isIn = (x: number, y: number, z: number) => x >= 0 && x < 7 && y >= 0 && y < 5 && z >= 0 && z < 9 && !isCorner(x, y, z);
    return volumeOf([20, 20, 20], (i, j, k) => {
      const at = [0, 1, 2].map((row) => affine[4 * row] * i + affine[4 * row + 1] * j + affine[4 * row + 2] * k + affine[4 * row + 3]);
      return isIn(at[0], at[1], at[2]) ? 5 : 0;
    }, { affine }); // biome-ignore format: one call
  };
  const images = axisOrders([1, 1, 1], [0, 0, 0]).map((affine) => {
    // The middle of the grid near the blob, whatever the axes.
    const moved = [...affine];
    for (const row of [0, 1, 2]) moved[4 * row + 3] = 3.5 - [0, 1, 2].reduce((sum, column) => sum + affine[4 * row + column] * 10, 0);
    const mask = blob(moved as Affine);
    return [...cut(mask, { mask }, roiOf({ shape: [12, 12, 12], spacing: 1, axes: "LPS" })).volume.data];
  });
  for (const image of images) expect(image).toEqual(images[0]);
  expect(images[0].filter((value) => value > 0)).toHaveLength(7 * 5 * 9 - 16);
});

test("a map of the image lies where the label is in the study", () => {
  const { volume, made, place, warnings } = cut(segmentation, { mask: segmentation, label: 3 }, roiOf({ shape: [32, 32, 32], spacing: 1, axes: "SPL" }));
  expect(warnings).toEqual([]);
  const back = putBack({ ...volume, data: Float32Array.from(volume.data, Number) }, { place, made }, segmentation);
  expect(back.shape).toEqual(segmentation.shape);
  const counted = [0, 0, 0, 0];
  back.data.forEach((value: number, at: number) => void counted[2 * Number(segmentation.data[at] === 3) + Number(value >= 0.5)]++);
  const [, onlyMap, onlyLabel, both] = counted;
  // Two interpolations move the outline by less than half a voxel of 2.5 mm.
  expect((2 * both) / (2 * both + onlyMap + onlyLabel)).toBeGreaterThan(0.9);
});

describe("refusals", () => {
  const errorOf = (region: Loose, roi: Loose = roiOf(), volume: Volume = segmentation) => refusal(() => cut(volume, region, roi));
  test("a point, a label that is not there, no orientation, too small, too large", async () => {
    expect((await errorOf({ point: [0, 0, 0], space: "RAS" })).message).toMatch(/shaper looks at one label of a segmentation.*--roi FILE --label N/);
    expect(await errorOf({ mask: segmentation })).toMatchObject({ code: "REGION_NOT_FOUND", message: expect.stringContaining("3 (gland), 7") });
    // 0.8 × 0.7 × 2.5 mm a voxel.
    const ml = (segmentation.data.filter((value: number) => value === 3).length * 0.8 * 0.7 * 2.5) / 1000;
    expect((await errorOf({ mask: segmentation, label: 3 }, roiOf({ volume: [ml + 0.01, 100] }))).message).toMatch(/ ml; .* Is it of another organ\?/);
    expect((await errorOf({ mask: segmentation, label: 3 }, roiOf({ volume: [0, ml - 0.01] }))).code).toBe("REGION_INVALID");
    expect(cut(segmentation, { mask: segmentation, label: 3 }, roiOf({ volume: [ml - 0.01, ml + 0.01] })).warnings).toEqual([]);
    const bare = { ...segmentation, affine: undefined };
    expect((await errorOf({ mask: bare, label: 3 }, roiOf(), bare)).code).toBe("GEOMETRY_INVALID");
    const two = volumeOf([30, 3, 3], (i, j, k) => (j === 1 && k === 1 && (i === 2 || i === 27) ? 1 : 0), {
      affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
    });
    expect((await errorOf({ mask: two }, roiOf({ shape: [8, 8, 8] }), two)).message).toMatch(/Nothing is left of the label/);
    const { warnings } = cut(segmentation, { mask: segmentation, label: 3 }, roiOf({ shape: [8, 8, 8], spacing: 1 }));
    expect(warnings).toMatchObject([{ code: "REGION_CLIPPED", message: expect.stringMatching(/^\d+ % of the label/) }]);
  });
});

test("adrenal-shape takes a gland of a label map; its image has the values and the size that it was trained on", async () => {
  const manifest = parseAdapterManifest(JSON.parse(await readFile(new URL("../../adapters-adrenal-shape/adapter.json", import.meta.url), "utf8")));
  expect(manifest.input.roi).toMatchObject({ kind: "label", shape: [64, 64, 64], spacing: 1, value: 255, axes: "SPL", volume: [0.3, 30] });
  expect(checkStudy(segmentation, manifest, { roi: { mask: segmentation, label: 3 } })).toEqual({ verdict: "accepted", findings: [] });
  expect(checkStudy(segmentation, manifest).verdict).toBe("refused");
});
