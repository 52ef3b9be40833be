// What a plane's slices are called and which way they are counted, and the window a scan begins with.
import type { Volume } from "@anymc3d/sdk";
import { expect, test } from "vitest";
import { LAYOUTS, sliceAxis, sliceText } from "../src/viewer/planes.js";
import { windowsFor } from "../src/viewer/windows.js";

/** Rows: right, front, head; columns: the voxel axes. */
const RAS = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1];
const PIR = [0, 0, 1, 0, -1, 0, 0, 0, 0, -3, 0, 0, 0, 0, 0, 1];

test("the axis follows the layout by the patient's axes, and the words follow the axis's direction", () => {
  const head = { shape: [64, 60, 20] as const, affine: RAS };
  expect(LAYOUTS.map((layout) => sliceAxis(head, layout))).toEqual([2, 1, 0, 2, 2]);
  expect(sliceText(head, 2, 3)).toBe("Axial slice 4 of 20, feet–head");
  expect(sliceText(head, 0, 0)).toBe("Sagittal slice 1 of 64, left–right");
  const turned = { shape: [60, 20, 64] as const, affine: PIR };
  expect(LAYOUTS.map((layout) => sliceAxis(turned, layout))).toEqual([1, 0, 2, 1, 1]);
  expect(sliceText(turned, 1, 3)).toBe("Axial slice 4 of 20, head–feet");
  expect(sliceText(turned, 0, 3)).toBe("Coronal slice 4 of 60, front–back");
  const unknown = { shape: [64, 60, 20] as const, affine: undefined };
  expect(LAYOUTS.map((layout) => sliceAxis(unknown, layout))).toEqual([2, 1, 0, 2, 2]);
  expect(sliceText(unknown, 2, 3)).toBe("Slice 4 of 20, as stored");
});

const scan = (values: readonly number[], more: Partial<Volume> = {}): Volume => ({
  data: Float32Array.from(values),
  shape: [values.length, 1, 1],
  affine: RAS,
  ...more,
});
const names = (volume: Volume) => {
  const values = [...volume.data];
  const full = [Math.min(...values), Math.max(...values)] as const;
  return windowsFor(volume, { full, robust: full }).map(({ name }) => name);
};
const AIR_AND_TISSUE = [-1000, -1000, -1000, 40, 40, 40, 30, 900];
const CHEST = [-1000, -850, -840, -800, 40, 40, 30, 900];

test("a CT begins with the window of its body part; where that is not stated, with Lung if there is lung in it", () => {
  const first = (values: readonly number[], bodyPart?: string) => names(scan(values, { modality: "CT", meta: { bodyPart } }))[0];
  expect(first(AIR_AND_TISSUE, "HEAD")).toBe("Brain");
  expect(first(AIR_AND_TISSUE, "CHEST")).toBe("Lung");
  expect(first(CHEST, "ABDOMEN")).toBe("Soft tissue");
  expect(first(AIR_AND_TISSUE)).toBe("Soft tissue");
  expect(first(CHEST)).toBe("Lung");
  expect(names(scan(AIR_AND_TISSUE))).toEqual(["Soft tissue", "Lung", "Bone", "Brain", "Automatic", "Full range"]);
  expect(names(scan([0, 300], { modality: "CT" }))).toEqual(["Soft tissue", "Bone", "Brain", "Automatic", "Full range"]);
  expect(names(scan([0, 300]))).toEqual(["Automatic", "Full range"]);
  expect(names(scan(CHEST, { modality: "MR" }))).toEqual(["Automatic", "Full range"]);
});
