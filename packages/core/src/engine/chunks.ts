// The loop every engine's encode() and backward() is: read a chunk of slices, run it, keep what was asked for, look for an abort.

import { AnyMC3DError, isAnyMC3DError } from "../errors.js";
import type { BackboneSpec, Encoded, EncodeWants, Slices } from "../types.js";
import { patchGrid, unfoldPatches } from "./patches.js";

/** A run of slices that goes through the backbone at once. */
export interface Chunk {
  /** Index of its first slice. */
  readonly start: number;
  readonly count: number;
  /** [count, rows·columns, 3·p·p] */
  readonly patches: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

export interface ChunkLoop<T> {
  readonly spec: BackboneSpec;
  readonly slices: Slices;
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
  const { slices, signal } = loop;
  signal?.throwIfAborted();
  patchGrid(loop.spec, slices.height, slices.width);
  let size = Math.max(1, loop.size);
  for (let start = 0; start < slices.count; ) {
    const count = Math.min(size, slices.count - start);
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

async function readChunk({ spec, slices, signal }: Pick<ChunkLoop<unknown>, "spec" | "slices" | "signal">, start: number, count: number): Promise<Chunk> {
  const [rows, columns] = patchGrid(spec, slices.height, slices.width);
  const pixels = await slices.read(start, start + count);
  signal?.throwIfAborted();
  const expected = count * 3 * slices.height * slices.width;
  if (pixels.length !== expected)
    throw new AnyMC3DError("INPUT_SHAPE", `slices ${start}–${start + count - 1} hold ${pixels.length} values, expected ${expected}`);
  return { start, count, rows, columns, patches: unfoldPatches(pixels, count, slices.height, slices.width, spec.patch) };
}

export interface EncodeLoop extends Omit<ChunkLoop<Encoded>, "take" | "onSlices"> {
  readonly want: EncodeWants;
}

/**
 * Runs slices chunk by chunk and puts the results together.
 * @throws AnyMC3DError as {@link inChunks}
 */
export async function encodeInChunks(loop: EncodeLoop): Promise<Encoded> {
  const { spec, slices, want, signal } = loop;
  signal?.throwIfAborted();
  const [rows, columns] = patchGrid(spec, slices.height, slices.width);
  const patches = rows * columns;
  const out = {
    cls: new Float32Array(slices.count * spec.width),
    attention: want.attention ? new Float32Array(slices.count * patches) : undefined,
    patches: want.patches ? new Float32Array(slices.count * patches * spec.width) : undefined,
  };
  const take = (part: Encoded, { start }: Chunk) => {
    out.cls.set(part.cls, start * spec.width);
    if (out.attention && part.attention) out.attention.set(part.attention, start * patches);
    if (out.patches && part.patches) out.patches.set(part.patches, start * patches * spec.width);
  };
  await inChunks({ ...loop, onSlices: want.onSlices, take });
  return out;
}

/** Lets timers, input and Ctrl-C be heard between chunks: runtimes compute without giving way. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function looksLikeOutOfMemory(error: unknown): boolean {
  if (isAnyMC3DError(error)) return error.code === "OUT_OF_MEMORY";
  return /out of memory|bad_alloc|failed to allocate|allocation failed|memory access out of bounds|cannot enlarge memory|array buffer allocation/i.test(
    String(error),
  );
}
