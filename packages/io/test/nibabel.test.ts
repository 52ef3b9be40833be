// Values and affines equal to what nibabel reads from the same files.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Volume } from "@anymc3d/core";
import { describe, expect, it } from "vitest";
import { readNifti, readVolume } from "../src/index.js";
import { near } from "./build.js";

const here = path.dirname(fileURLToPath(import.meta.url));
const folder = path.resolve(here, "../../../../shared/data/io/nifti");
const hasShared = existsSync(path.join(folder, "expected.json"));
if (!hasShared) console.warn(`SKIPPED: no reference files in ${folder}`);

interface Expected {
  shape: number[];
  affine: number[][];
  axcodes: string;
  min: number;
  max: number;
  mean: number;
  ras_first_voxels: number[];
}
const expected: Record<string, Expected> = hasShared ? JSON.parse(readFileSync(path.join(folder, "expected.json"), "utf8")).files : {};

/** The first voxels, x fastest, of a volume turned to RAS; for volumes with more than `count` along x that need at most x flipped. */
function firstRas({ data, shape: [nx] }: Volume, flipX: boolean, count: number): number[] {
  return Array.from({ length: count }, (_, x) => data[flipX ? nx - 1 - x : x]);
}

describe.skipIf(!hasShared)("files of the reference set", () => {
  it("has files", () => expect(Object.keys(expected).length).toBeGreaterThanOrEqual(4));

  it.each(Object.keys(expected))("%s", async (file) => {
    const want = expected[file];
    const frames = want.shape[3] ?? 1;
    let [least, most, sum, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
    for (let frame = 0; frame < frames; frame++) {
      const volume = await readVolume(path.join(folder, file), frames > 1 ? { frame } : {});
      expect(volume.shape).toEqual(want.shape.slice(0, 3));
      near(volume.affine, want.affine.flat(), 9);
      for (const value of volume.data) {
        least = Math.min(least, value);
        most = Math.max(most, value);
        sum += value;
      }
      count += volume.data.length;
      const first = firstRas(volume, want.axcodes === "LAS", 16);
      if (frame === 0) near(first, want.ras_first_voxels, 2);
    }
    expect(least).toBeCloseTo(want.min, 2);
    expect(most).toBeCloseTo(want.max, 2);
    expect(sum / count / want.mean).toBeCloseTo(1, 6);
  });
});

interface Case {
  file: string;
  shape: number[];
  dtype: string;
  affine: number[];
  voxels: number[];
}
const made: Record<string, Case> = JSON.parse(readFileSync(path.join(here, "fixtures/nibabel.json"), "utf8")).cases;

describe("small files made by nibabel (fixtures/make.py)", () => {
  it.each(Object.keys(made))("%s", async (name) => {
    const want = made[name];
    const volume = await readNifti(Buffer.from(want.file, "base64"));
    expect(volume.shape).toEqual(want.shape);
    near(volume.affine, want.affine, 6);
    // Scaled voxels are float32.
    const scaled = name.includes("scaled");
    expect([...volume.data]).toEqual(scaled ? want.voxels.map(Math.fround) : want.voxels);
    const own =
      { int64: "Float64Array", uint64: "Float64Array" }[want.dtype] ?? `${want.dtype.replace(/^u/, "U").replace(/^[if]/, (c) => c.toUpperCase())}Array`;
    expect(volume.data.constructor.name.toLowerCase()).toBe((scaled ? "Float32Array" : own).toLowerCase());
  });

  it("says that no orientation was stored", async () => {
    const volume = await readNifti(Buffer.from(made["neither form"].file, "base64"));
    expect(volume.notes?.map((note) => note.code)).toEqual(["NIFTI_NO_ORIENTATION"]);
  });
});
