// The loop of every engine: read a chunk of slices, run it, halve it where memory does not suffice, look for an abort.

import { AnyMC3DError, isAnyMC3DError } from "../errors.js";
import type { BackboneSpec } from "../types.js";
import { patchGrid, unfoldPatches } from "./patches.js";
import type { Slices, TokenStates } from "./types.js";

/** A run of slices that goes through the backbone at once. */
export interface Chunk {
  /** Index of its first slice. */
  readonly start: number;
  readonly count: number;
  /** [count, rows·columns, 3·p·p]; empty where stored states come in. */
  readonly patches: Float32Array;
  /** Stored states in the place of patches, [count, 1 + registers + rows·columns, D]. */
  readonly states?: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

export interface ChunkLoop<T> {
  readonly spec: BackboneSpec;
  readonly slices: Slices;
  /** States to read in the place of pixels. */
  readonly from?: TokenStates;
  /** Of the slices only those from the first to before the second. Default: all. */
  readonly range?: readonly [number, number];
  /** Slices per chunk. */
  readonly size: number;
  readonly signal?: AbortSignal;
  readonly onSlices?: (done: number) => void;
  /** Computes one chunk; called again with half of it where that does not fit the device's memory. */
  run(chunk: Chunk): Promise<T>;
  /** Takes in the result of a chunk that went well. */
  take(result: T, chunk: Chunk): void;
}

/**
 * Goes through slices chunk by chunk. A chunk that does not fit the device's memory is tried again at half its size.
 * @throws AnyMC3DError `INPUT_SHAPE`, `OUT_OF_MEMORY` when one slice alone does not fit; the signal's reason after an abort
 */
export async function inChunks<T>(loop: ChunkLoop<T>): Promise<void> {
  const { slices, signal, range = [0, slices.count] } = loop;
  signal?.throwIfAborted();
  patchGrid(loop.spec, slices.height, slices.width);
  let size = Math.max(1, loop.size);
  for (let start = range[0]; start < range[1]; ) {
    const count = Math.min(size, range[1] - start);
    await nextTask();
    signal?.throwIfAborted();
    const chunk = await readChunk(loop, start, count);
    try {
      loop.take(await loop.run(chunk), chunk);
    } catch (error) {
      if (!looksLikeOutOfMemory(error)) throw error;
      if (count === 1) {
        throw new AnyMC3DError(
          "OUT_OF_MEMORY",
          `one slice of ${slices.height}×${slices.width} pixels does not fit the memory of this device. Close other programs, or use an adapter with smaller slices.`,
          { cause: error },
        );
      }
      size = Math.floor(count / 2);
      continue;
    }
    start += count;
    signal?.throwIfAborted();
    loop.onSlices?.(start);
  }
}

async function readChunk({ spec, slices, from, signal }: ChunkLoop<unknown>, start: number, count: number): Promise<Chunk> {
  const [rows, columns] = patchGrid(spec, slices.height, slices.width);
  const values = await (from ?? slices).read(start, start + count);
  signal?.throwIfAborted();
  const expected = count * (from ? (1 + spec.registers + rows * columns) * spec.width : 3 * slices.height * slices.width);
  if (values.length !== expected)
    throw new AnyMC3DError(
      "INPUT_SHAPE",
      `${from ? "stored states of " : ""}slices ${start}–${start + count - 1} hold ${values.length} values, expected ${expected}`,
    );
  if (from) return { start, count, rows, columns, patches: new Float32Array(0), states: values };
  return { start, count, rows, columns, patches: unfoldPatches(values, count, slices.height, slices.width, spec.patch) };
}

/** Lets timers, input and Ctrl-C be heard between chunks: runtimes compute without giving way. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Whether an error says that memory did not suffice, in whichever runtime's words. */
export function looksLikeOutOfMemory(error: unknown): boolean {
  if (isAnyMC3DError(error)) return error.code === "OUT_OF_MEMORY";
  return /out of memory|bad_alloc|failed to allocate|allocation failed|memory access out of bounds|cannot enlarge memory|array buffer allocation/i.test(
    String(error),
  );
}
