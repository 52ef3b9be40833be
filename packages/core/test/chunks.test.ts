// The loop of every engine: out-of-memory halves the chunk, one slice that does not fit is refused, sizes are checked.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Encoded, Slices } from "@anymc3d/core";
import { ActivationBudget, type Chunk, forwardInChunks } from "@anymc3d/core/engine";
import { expect, test } from "vitest";
import { inChunks } from "../src/engine/chunks.js";

const spec = { family: "vit", patch: 2, width: 1, depth: 1, heads: 1 } as never;
/** Slice n is filled with n; a run answers with each slice's first value. */
const slices: Slices = {
  count: 10,
  height: 2,
  width: 2,
  read: (start, end) => Float32Array.from({ length: (end - start) * 12 }, (_, i) => start + Math.floor(i / 12)),
};

function device(fits: number, sizes: number[], message = "std::bad_alloc") {
  return async ({ count, patches }: Chunk) => {
    sizes.push(count);
    if (count > fits) throw new Error(message);
    return { cls: Float32Array.from({ length: count }, (_, n) => patches[n * 12]) };
  };
}

async function encoded(slices: Slices, size: number, run: (chunk: Chunk) => Promise<Encoded>): Promise<Encoded> {
  const forward = async (chunk: Chunk) => ({ encoded: await run(chunk) });
  const backbone = { spec, tensors: new Map() };
  return (await forwardInChunks({ backbone, slices, lora: undefined, want: {}, size, budget: new ActivationBudget(0), forward })).encoded;
}

test("a chunk that does not fit is tried again at half its size; every slice is answered once, in order", async () => {
  const sizes: number[] = [];
  const { cls } = await encoded(slices, 8, device(3, sizes));
  expect([...cls]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(sizes).toEqual([8, 4, 2, 2, 2, 2, 2]);
});

test("one slice that does not fit is refused with a code, not a stack of retries", async () => {
  const sizes: number[] = [];
  await expect(encoded(slices, 4, device(0, sizes))).rejects.toMatchObject({
    code: "OUT_OF_MEMORY",
    message: expect.stringContaining("2×2"),
  });
  expect(sizes).toEqual([4, 2, 1]);
});

test("a result is taken in once a chunk went well, with the place of its first slice", async () => {
  const taken: [number, number, number][] = [];
  const run = async (chunk: Chunk) => (await device(3, [])(chunk)).cls[0];
  await inChunks({ spec, slices, size: 4, run, take: (first, { start, count }) => void taken.push([first, start, count]) });
  expect(taken).toEqual([0, 2, 4, 6, 8].map((start) => [start, start, 2]));
});

test("another fault is not taken for a lack of memory", async () => {
  const sizes: number[] = [];
  await expect(encoded(slices, 4, device(0, sizes, "kernel not found"))).rejects.toThrow("kernel not found");
  expect(sizes).toEqual([4]);
});

test("slices that hold too few pixels are refused", async () => {
  const short: Slices = { ...slices, read: () => new Float32Array(5) };
  await expect(encoded(short, 4, device(9, []))).rejects.toMatchObject({ code: "INPUT_SHAPE" });
});

const kept = (start: number, freed: number[]) => ({ start, bytes: 100, free: () => void freed.push(start) });

/** A pass over 10 slices, 2 a chunk, that keeps what fits 250 bytes; a chunk's gradient of tokens is its first slice's number. */
async function keeping(freed: number[], went: string[], fails: (start: number) => boolean = () => false) {
  const tokens = { ...(spec as object), registers: 0 } as never;
  return forwardInChunks<ReturnType<typeof kept>>({
    backbone: { spec: tokens, tensors: new Map() },
    slices,
    lora: undefined,
    want: { gradients: ["tokens"] },
    size: 2,
    budget: new ActivationBudget(250),
    forward: async ({ start, count }, keep) => ({ encoded: { cls: new Float32Array(count) }, ...(keep && { kept: kept(start, freed) }) }),
    backward: async (from, { dCls }) => {
      const how = "free" in from ? "kept" : "again";
      went.push(`${how} ${from.start}+${dCls.length}`);
      if (how === "kept" && fails(from.start)) throw new Error("std::bad_alloc");
      return { tokens: Float32Array.from({ length: dCls.length }, () => from.start) };
    },
  });
}

test("the way back takes the chunks that were kept, runs the others again, and frees each as it goes", async () => {
  const [freed, went]: [number[], string[]] = [[], []];
  const { backward, release } = await keeping(freed, went);
  const { tokens } = (await backward?.(new Float32Array(10))) ?? {};
  expect(went).toEqual(["kept 0+2", "kept 2+2", "again 4+2", "again 6+2", "again 8+2"]);
  expect([...(tokens ?? [])]).toEqual([0, 0, 2, 2, 4, 4, 6, 6, 8, 8]);
  expect(freed).toEqual([0, 2]);
  release();
  expect(freed).toEqual([0, 2]);
});

test("a kept chunk whose way back does not fit the memory is let go and run again in halves", async () => {
  const [freed, went]: [number[], string[]] = [[], []];
  const { backward } = await keeping(freed, went, (start) => start === 0);
  const { tokens } = (await backward?.(new Float32Array(10))) ?? {};
  expect(went.slice(0, 4)).toEqual(["kept 0+2", "again 0+1", "again 1+1", "kept 2+2"]);
  expect([...(tokens ?? [])].slice(0, 4)).toEqual([0, 1, 2, 2]);
});

test("release() frees what was kept, once", async () => {
  const freed: number[] = [];
  const { release } = await keeping(freed, []);
  release();
  release();
  expect(freed).toEqual([0, 2]);
});

test("what a forgotten pass holds is freed when the garbage collector finds it", async () => {
  const freed: number[] = [];
  await keeping(freed, []);
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let i = 0; i < 100 && freed.length < 2; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(freed.toSorted()).toEqual([0, 2]);
});
