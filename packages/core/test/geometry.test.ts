// Orientation against nibabel, and display order as the convention says, for all 48 axis orders and oblique ones.
import { assertVolume, axisCodes, determinant, nearestAxes, type Plane, type Volume, voxelSpacing } from "@anymc3d/core";
import { displayGrid } from "@anymc3d/core/learn";
import { axisOrders, DIRECTIONS, expectClose, planes, positionOf, reference, refusal, volumeOf } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";

const wanted = reference<{ affine: number[]; codes: string; orientation: [number, number][]; spacing: number[] }[]>("geometry");

test("nearest axes, codes and spacing of 80 random affines equal nibabel's", () => {
  for (const { affine, codes, orientation, spacing } of wanted) {
    expect(axisCodes(affine), JSON.stringify(affine)).toBe(codes);
    expect(nearestAxes(affine).map(({ axis, sign }) => [axis, sign])).toEqual(orientation);
    expectClose(voxelSpacing(affine), spacing, 1e-5);
  }
});

test("all 48 axis orders have their own code, left-handed ones a negative determinant", () => {
  const orders = axisOrders([1, 2, 3]);
  expect(new Set(orders.map(axisCodes)).size).toBe(48);
  expect(axisCodes([-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])).toBe("LPS");
  expect(orders.filter((affine) => determinant(affine) < 0).length).toBe(24);
  for (const affine of orders) expect(Math.abs(determinant(affine))).toBeCloseTo(6, 12);
});

test("without an affine: code ?, spacing 1", () => {
  expect(axisCodes(undefined)).toBe("?");
  expect(voxelSpacing(undefined)).toEqual([1, 1, 1]);
});

const shape = [2, 3, 4] as const;
const indexed = (affine: number[] | undefined) => volumeOf(shape, (i, j, k) => i + 10 * j + 100 * k, { affine });
const decode = (value: number) => [value % 10, Math.floor(value / 10) % 10, Math.floor(value / 100)];

/** Voxel index at (slice, row, column) of a volume that holds its own indices. */
function walk(volume: Volume, plane: Plane): { sizes: number[]; at(column: number, row: number, slice: number): number[] } {
  const { columns, rows, slices, offset } = displayGrid(volume, plane);
  const at = (c: number, r: number, s: number) => decode(volume.data[offset + c * columns.stride + r * rows.stride + s * slices.stride]);
  return { sizes: [columns.length, rows.length, slices.length], at };
}

describe("display order", () => {
  test.each(planes)("%s: columns, rows and slices run as the convention says, from corner to corner", (plane) => {
    for (const affine of axisOrders([0.5, 2, 3])) {
      const { sizes, at } = walk(indexed(affine), plane);
      const start = positionOf(affine, at(0, 0, 0));
      const seen = new Set<string>();
      for (let c = 0; c < sizes[0]; c++) {
        for (let r = 0; r < sizes[1]; r++) {
          for (let s = 0; s < sizes[2]; s++) {
            const index = at(c, r, s);
            seen.add(index.join());
            const moved = positionOf(affine, index).map((mm, axis) => mm - start[axis]);
            const steps = [c, r, s];
            DIRECTIONS[plane].forEach((direction, n) => {
              const along = direction.reduce<number>((sum, d, axis) => sum + d * moved[axis], 0);
              if (steps[n] === 0) expect(along).toBeCloseTo(0, 9);
              else expect(along / steps[n]).toBeGreaterThan(0.4);
            });
          }
        }
      }
      expect(seen.size).toBe(24);
    }
  });

  test("oblique volumes: the nearest directions", () => {
    for (const { affine } of wanted) {
      for (const plane of planes) {
        const { at } = walk(indexed(affine), plane);
        const start = positionOf(affine, at(0, 0, 0));
        const ends = [at(1, 0, 0), at(0, 1, 0), at(0, 0, 1)];
        ends.forEach((index, n) => {
          const step = positionOf(affine, index).map((mm, axis) => mm - start[axis]);
          expect(DIRECTIONS[plane][n].reduce<number>((sum, d, axis) => sum + d * step[axis], 0)).toBeGreaterThan(0);
        });
      }
    }
  });

  test("acquired: slices along the stored third axis, shown as its nearest plane", () => {
    for (const affine of axisOrders([1, 1, 1])) {
      const world = [0, 1, 2].findIndex((row) => affine[4 * row + 2] !== 0);
      const named = (["sagittal", "coronal", "axial"] as const)[world];
      expect(displayGrid(indexed(affine), "acquired")).toEqual(displayGrid(indexed(affine), named));
      expect(displayGrid(indexed(affine), "acquired").slices.voxelAxis).toBe(2);
    }
  });

  test("without orientation: as stored, the slowest axis of the array gives the slices", () => {
    const { sizes, at } = walk(indexed(undefined), "axial");
    expect(sizes).toEqual([2, 3, 4]);
    expect([at(0, 0, 0), at(1, 0, 0), at(0, 1, 0), at(0, 0, 1)]).toEqual([
      [0, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    expect(displayGrid(indexed(undefined), "acquired")).toEqual(displayGrid(indexed(undefined), "axial"));
    expect(walk(indexed(undefined), "coronal").sizes).toEqual([2, 4, 3]);
    expect(walk(indexed(undefined), "sagittal").sizes).toEqual([3, 4, 2]);
  });
});

describe("volumes that contradict themselves", () => {
  const good = indexed(axisOrders([1, 1, 1])[0]);
  const broken = (change: Record<string, unknown>) => refusal(() => assertVolume({ ...good, ...change } as Volume));

  test("a good one passes", () => expect(() => assertVolume(good)).not.toThrow());

  test.each([
    ["too few voxels", { data: new Float32Array(23) }],
    ["no data", { data: undefined }],
    ["two sides", { shape: [4, 6] }],
    ["a side of zero", { shape: [0, 3, 4], data: new Float32Array(0) }],
    ["a negative pair of sides", { shape: [-2, -3, 4] }],
    ["a fractional side", { shape: [2.5, 3, 4], data: new Float32Array(30) }],
    ["no shape", { shape: undefined }],
    ["64-bit integers, which are no numbers", { data: new BigInt64Array(24) }],
    ["text", { data: new Array(24).fill("1") }],
  ])("%s: VOLUME_INVALID", async (_, change) => expect((await broken(change)).code).toBe("VOLUME_INVALID"));

  test.each([
    ["all zero", new Array(16).fill(0)],
    ["a column of zeros", [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]],
    ["two equal columns", [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]],
    ["a third column in the plane of the others", [1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ["NaN", [1, 0, 0, 0, 0, Number.NaN, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]],
    ["infinite origin", [1, 0, 0, Number.POSITIVE_INFINITY, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]],
    ["twelve numbers", [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]],
  ])("affine with %s: GEOMETRY_INVALID", async (_, affine) => expect((await broken({ affine })).code).toBe("GEOMETRY_INVALID"));

  test("tiny but regular spacing is no fault", () => expect(() => assertVolume(indexed(axisOrders([1e-4, 2e-4, 1e-3])[0]))).not.toThrow());
});

test("bits and labels that do not fit a volume are refused", async () => {
  const data = new Int16Array(9);
  const noData = (bytes: unknown) => ({ data, shape: [3, 3, 1], noData: bytes }) as unknown as Volume;
  const labels = (names: unknown) => ({ data, shape: [3, 3, 1], labels: names }) as unknown as Volume;
  assertVolume(noData(new Uint8Array(2)));
  assertVolume(labels({}));
  for (const bytes of [new Uint8Array(1), new Uint8Array(9), new Uint16Array(2), null, [0, 0]])
    expect(await refusal(() => assertVolume(noData(bytes)))).toMatchObject({ code: "VOLUME_INVALID", message: expect.stringContaining("2 bytes") });
  for (const names of [null, ["Liver"], "Liver"]) expect(await refusal(() => assertVolume(labels(names)))).toMatchObject({ code: "VOLUME_INVALID" });
});
