// Position tables and rotary angles against PyTorch.
import type { BackboneSpec } from "@anymc3d/core";
import { patchPositions, prefixTokens, ropeTables } from "@anymc3d/core/engine";
import { expectClose, reference } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";

interface Wanted {
  grid: [number, number];
  width: number;
  table: number[];
  cases: { rows: number; columns: number; antialias: boolean; values: number[] }[];
  ropes: { size: number; rows: number; columns: number; theta: number; q: number[]; turned: number[] }[];
}
const wanted = reference<Wanted>("position");

const spec = (change: Partial<BackboneSpec>): BackboneSpec => ({
  family: "vit",
  patch: 16,
  width: 3,
  depth: 1,
  heads: 1,
  mlp: { kind: "plain", activation: "gelu", hidden: 4 },
  layerScale: false,
  registers: 0,
  position: { kind: "learned", grid: wanted.grid, antialias: false },
  normEps: 1e-6,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  ...change,
});
const tensors = new Map([
  ["position", { shape: [1 + wanted.grid[0] * wanted.grid[1], wanted.width], data: Float32Array.from(wanted.table) }],
  ["cls", { shape: [3], data: Float32Array.of(1, 2, 3) }],
  ["registers", { shape: [2, 3], data: Float32Array.of(4, 5, 6, 7, 8, 9) }],
]);

describe("a learned table of 5 × 7 resized bicubically", () => {
  test.each(wanted.cases)("to $rows × $columns, antialias $antialias", ({ rows, columns, antialias, values }) => {
    expectClose(patchPositions({ spec: spec({ position: { kind: "learned", grid: wanted.grid, antialias } }), tensors }, rows, columns), values, 2e-6);
  });

  test("leaves the table itself alone", () => {
    const own = patchPositions({ spec: spec({}), tensors }, 5, 7);
    own.fill(0);
    expectClose(tensors.get("position")?.data ?? [], Float32Array.from(wanted.table), 0);
  });
});

test("CLS carries its position, registers none", () => {
  const [a, b, c] = wanted.table;
  expectClose(prefixTokens({ spec: spec({ registers: 2 }), tensors }), [1 + a, 2 + b, 3 + c, 4, 5, 6, 7, 8, 9], 1e-6);
});

describe("rotary angles", () => {
  test.each(wanted.ropes)("turn a query of head size $size on $rows × $columns as DINOv3's formula in PyTorch", ({ size, rows, columns, theta, q, turned }) => {
    const registers = 2;
    const tables = ropeTables(spec({ width: 2 * size, heads: 2, registers, position: { kind: "rope", theta } }), rows, columns);
    if (!tables) throw new Error("no tables");
    const prefix = (1 + registers) * size;
    expect(tables.cos.length).toBe(prefix + rows * columns * size);
    expect(tables.cos.subarray(0, prefix).every((v) => v === 1) && tables.sin.subarray(0, prefix).every((v) => v === 0)).toBe(true);
    const found = q.map((value, n) => {
      const swapped = q[n - (n % size) + ((n + size / 2) % size)];
      return value * tables.cos[prefix + n] + swapped * tables.sin[prefix + n];
    });
    expectClose(found, turned, 1e-6);
  });

  test("none for a learned table, and no table for rotary backbones", () => {
    expect(ropeTables(spec({}), 2, 2)).toBeUndefined();
    expect([...patchPositions({ spec: spec({ position: { kind: "rope", theta: 100 } }), tensors }, 2, 2)]).toEqual(new Array(12).fill(0));
  });
});
