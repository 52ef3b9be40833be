// Affine algebra, reordering, resampling, cropping: as nibabel, SimpleITK and scipy do it (reference/make_geometry.py).
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { axisCodes, type Volume } from "@anymc3d/core";
import { describe, expect, it } from "vitest";
import { applyAffine, canonical, composeAffines, cropToForeground, invertAffine, reorient, resample, resampleLike } from "../src/index.js";
import { near, refusal } from "./build.js";

interface Stored {
  shape: [number, number, number];
  affine: number[];
  values: number[];
}
interface Reference {
  orientations: (Stored & { name: string; codes: string; canonical: Stored })[];
  resampled: { source: Stored; targets: { name: string; shape: [number, number, number]; affine: number[]; linear: number[]; nearest: number[] }[] };
  antialiased: { source: Stored; spacing: [number, number, number] } & Stored;
}
const file = path.join(path.dirname(fileURLToPath(import.meta.url)), "reference/geometry.json");
const { orientations, resampled, antialiased }: Reference = JSON.parse(readFileSync(file, "utf8"));
const int16 = ({ shape, affine, values }: Stored): Volume => ({ shape, affine, data: Int16Array.from(values) });
const identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

describe("orientation, as nibabel", () => {
  it.each(orientations.map((each) => [each.name, each] as const))("%s", (_, want) => {
    const volume = int16(want);
    expect(axisCodes(volume.affine)).toBe(want.codes);
    const turned = canonical(volume);
    expect(turned.shape).toEqual(want.canonical.shape);
    near(turned.affine, want.canonical.affine, 10);
    expect([...turned.data]).toEqual(want.canonical.values);
    expect(turned.data).toBeInstanceOf(Int16Array);
    // and back again
    const back = reorient(turned, want.codes);
    expect([...back.data]).toEqual(want.values);
    near(back.affine, want.affine, 10);
  });

  it("leaves what is canonical, and what has no affine, as it is", async () => {
    const volume: Volume = { shape: [2, 1, 1], data: Int16Array.of(1, 2), affine: identity };
    expect(canonical(volume)).toBe(volume);
    const { affine: _, ...bare } = volume;
    expect(canonical(bare)).toBe(bare);
    for (const code of ["RAX", "RL", "RRS", ""]) await refusal(() => reorient(volume, code), "OPTION_INVALID", /three letters/);
  });
});

describe("affines", () => {
  it("times their inverse are the identity", async () => {
    for (const { affine } of orientations) {
      near(composeAffines(affine, invertAffine(affine)), identity, 12);
      const place = applyAffine(affine, [1, 2, 3]);
      near(applyAffine(invertAffine(affine), place), [1, 2, 3], 12);
    }
    await refusal(() => invertAffine(Array(16).fill(0)), "GEOMETRY_INVALID", /no inverse/);
  });
});

describe("resampling, as SimpleITK's ResampleImageFilter", () => {
  const volume = int16(resampled.source);
  it.each(resampled.targets.map((each) => [each.name, each] as const))("%s", (_, { shape, affine, linear, nearest }) => {
    const grid = { shape, affine };
    const smooth = resample(volume, grid, { fill: -7, antialias: false });
    expect(smooth.data).toBeInstanceOf(Float32Array);
    near(smooth.data, linear, 2);
    const hard = resample(volume, grid, { fill: -7, interpolation: "nearest" });
    expect(hard.data).toBeInstanceOf(Int16Array);
    expect([...hard.data]).toEqual(nearest);
    expect(hard.affine).toEqual(affine);
  });

  it("has targets that reach outside", () => {
    expect(resampled.targets.filter(({ nearest }) => nearest.includes(-7)).length).toBeGreaterThan(1);
  });

  it("smooths what shrinks, with the stated Gaussian", () => {
    const { source, spacing, shape, affine, values } = antialiased;
    const found = resample({ ...source, data: Float64Array.from(source.values) }, { spacing });
    expect(found.shape).toEqual(shape);
    near(found.affine, affine, 10);
    near(found.data, values, 3);
    const rough = resample({ ...source, data: Float64Array.from(source.values) }, { spacing }, { antialias: false });
    const spread = (data: ArrayLike<number>) => Math.hypot(...Array.from(data));
    expect(spread(rough.data)).toBeGreaterThan(2 * spread(found.data));
  });

  it("onto its own grid changes nothing", () => {
    const same = resample(volume, volume);
    expect([...same.data]).toEqual(resampled.source.values);
    expect(resample(volume, { spacing: [1.1, 0.9, 2] }).shape).toEqual(volume.shape);
  });

  it("needs affines, and a grid that can be", async () => {
    const { affine: _, ...bare } = volume;
    await refusal(() => resample(bare, volume), "GEOMETRY_INVALID", /no orientation/);
    await refusal(() => resample(volume, { shape: [1, 1, 1] }), "GEOMETRY_INVALID", /grid/);
    await refusal(() => resample(volume, { shape: [1, 0, 1], affine: identity }), "OPTION_INVALID", /1 × 0 × 1/);
    for (const spacing of [0, -1, Number.NaN]) await refusal(() => resample(volume, { spacing }), "OPTION_INVALID", /spacing/);
  });
});

describe("cropping, and the way back", () => {
  const mask: Volume = { shape: [7, 6, 5], affine: resampled.source.affine, data: new Uint8Array(210) };
  for (const [x, y, z] of [
    [2, 1, 1],
    [4, 3, 1],
    [3, 2, 3],
  ])
    mask.data[x + 7 * (y + 6 * z)] = 255;

  it("keeps the box of all foreground, its places and its values", () => {
    const box = cropToForeground(mask);
    expect(box.shape).toEqual([3, 3, 3]);
    near(applyAffine(box.affine as number[], [0, 0, 0]), applyAffine(mask.affine as number[], [2, 1, 1]), 10);
    expect([...resampleLike(box, mask).data]).toEqual([...mask.data]);
  });

  it("with a margin in mm, ending at the volume", () => {
    // voxels of 1.1 × 0.9 × 2 mm
    expect(cropToForeground(mask, { margin: 2 }).shape).toEqual([7, 6, 5]);
    expect(cropToForeground(mask, { margin: 1 }).shape).toEqual([5, 5, 5]);
    expect(cropToForeground({ ...mask, affine: undefined }, { margin: 1 }).shape).toEqual([5, 5, 5]);
  });

  it("refuses an empty volume", () => refusal(() => cropToForeground(mask, { above: 255 }), "INPUT_VALUES", /above 255/));

  it("maps a heatmap linearly, 0 outside", () => {
    const heat: Volume = { shape: [2, 1, 1], affine: [2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], data: Float32Array.of(0.5, 1) };
    const onto = resampleLike(heat, { shape: [5, 1, 1], affine: identity });
    expect([...onto.data]).toEqual([0.5, 0.75, 1, 0, 0]);
  });
});
