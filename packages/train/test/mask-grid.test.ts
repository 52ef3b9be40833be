// Masks on another grid: refused, or resampled as nibabel does it.
import { readFileSync } from "node:fs";
import type { Volume } from "@anymc3d/core";
import { expect, test } from "vitest";
import { maskOnGrid } from "../src/data/mask-grid.js";
import { lps, volumeOf } from "./build.js";

interface Case {
  image: { shape: [number, number, number]; affine: number[] };
  mask: { shape: [number, number, number]; affine: number[]; data: number[] };
  resampled: number[];
}
const cases: Case[] = JSON.parse(readFileSync(new URL("reference/data.json", import.meta.url), "utf8")).masks;

test.each(cases)("$mask.shape onto $image.shape: refused, or the nearest voxel as nibabel takes it (O59)", ({ image, mask, resampled }) => {
  const volume: Volume = { ...mask, data: Uint8Array.from(mask.data) };
  expect(() => maskOnGrid(volume, image, "m.nii")).toThrow(expect.objectContaining({ code: "DATA_INVALID" }));
  const found = maskOnGrid(volume, image, "m.nii", true);
  expect(found).toMatchObject({ shape: image.shape, affine: image.affine });
  // what counts of a mask is whether it is above 0
  expect(Array.from(found.data, (value) => Number(value > 0))).toEqual(resampled);
});

test("the same grid up to the rounding of headers is the mask itself", () => {
  const mask = volumeOf([4, 5, 6], lps([0.7, 0.7, 2.5], [10, -20, 30]));
  expect(maskOnGrid(mask, { shape: [4, 5, 6], affine: lps([0.70001, 0.70001, 2.50004], [10.001, -20, 30]) }, "m")).toBe(mask);
  expect(maskOnGrid({ ...mask, affine: undefined }, { shape: [4, 5, 6] }, "m").data).toBe(mask.data);
});

test.each<[string, Partial<Volume>, RegExp]>([
  ["shape", { shape: [5, 4, 6] }, /m: the mask lies on another grid.*5 × 4 × 6 voxels of 0\.7 × 0\.7 × 2\.5 mm, the image has 4 × 5 × 6/],
  ["origin", { affine: lps([0.7, 0.7, 2.5], [10, -20, 31]) }, /corners up to 1 mm apart/],
  ["a mirrored axis", { affine: [0.7, 0, 0, 10, 0, -0.7, 0, -20, 0, 0, 2.5, 30, 0, 0, 0, 1] }, /corners up to 4\.2 mm apart/],
  ["no orientation", { affine: undefined }, /the mask has no orientation.*no affine to resample it by/],
])("refused: %s", (_, change, says) => {
  const image = volumeOf([4, 5, 6], lps([0.7, 0.7, 2.5], [10, -20, 30]));
  expect(() => maskOnGrid({ ...image, ...change }, image, "m")).toThrow(says);
});

test("a mask of another place is refused, not resampled to nothing; one that is empty stays empty", () => {
  const image = volumeOf([4, 5, 6], lps([1, 1, 1]));
  const far = volumeOf([4, 5, 6], lps([1, 1, 1], [500, 0, 0]), () => 1);
  expect(() => maskOnGrid(far, image, "m", true)).toThrow(/m: nothing of the mask lies within its image/);
  const empty = volumeOf([4, 5, 6], lps([1, 1, 1], [500, 0, 0]), () => 0);
  expect(maskOnGrid(empty, image, "m", true).data.some((value: number) => value > 0)).toBe(false);
});
