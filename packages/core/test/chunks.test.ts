// The loop of every engine: out-of-memory halves the chunk, one slice that does not fit is refused, sizes are checked.
import { type Chunk, encodeInChunks, inChunks, type Slices } from "@anymc3d/core";
import { expect, test } from "vitest";

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

test("a chunk that does not fit is tried again at half its size; every slice is answered once, in order", async () => {
  const sizes: number[] = [];
  const { cls } = await encodeInChunks({ spec, slices, size: 8, want: {}, run: device(3, sizes) });
  expect([...cls]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(sizes).toEqual([8, 4, 2, 2, 2, 2, 2]);
});

test("one slice that does not fit is refused with a code, not a stack of retries", async () => {
  const sizes: number[] = [];
  await expect(encodeInChunks({ spec, slices, size: 4, want: {}, run: device(0, sizes) })).rejects.toMatchObject({
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
  await expect(encodeInChunks({ spec, slices, size: 4, want: {}, run: device(0, sizes, "kernel not found") })).rejects.toThrow("kernel not found");
  expect(sizes).toEqual([4]);
});

test("slices that hold too few pixels are refused", async () => {
  const short: Slices = { ...slices, read: () => new Float32Array(5) };
  await expect(encodeInChunks({ spec, slices: short, size: 4, want: {}, run: device(9, []) })).rejects.toMatchObject({ code: "INPUT_SHAPE" });
});
