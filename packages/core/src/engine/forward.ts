// forwardInChunks(): an engine's forward() and the way back, out of what the engine does with one chunk.

import { AnyMC3DError } from "../errors.js";
import type { Backbone, BackboneSpec } from "../types.js";
import { type Chunk, type ChunkLoop, inChunks, looksLikeOutOfMemory, nextTask } from "./chunks.js";
import { unfoldLoraGradient } from "./fold.js";
import { type ActivationBudget, type KeptChunk, KeptChunks } from "./kept.js";
import { patchGrid } from "./patches.js";
import type { Encoded, Forward, ForwardWants, Gradients, LoraTensors, Slices } from "./types.js";
import { checkWants } from "./wants.js";

/** Gradients that come in for one chunk. */
export interface ChunkSeeds {
  /** [count, D] */
  readonly dCls: Float32Array;
  /** [count, P, D]; present where patches were wanted. */
  readonly dPatches?: Float32Array;
}

/** Gradients that come out of one chunk. */
export interface ChunkGradients {
  /** Of the folded LoRA, see `foldLora`: by map, a [in, r], b [r, out]. */
  readonly lora?: ReadonlyMap<string, { readonly a: Float32Array; readonly b: Float32Array }>;
  /** [count, P, D] */
  readonly tokens?: Float32Array;
}

/** One forward of an engine: what it is asked for, and what it does with one chunk. */
export interface ForwardWork<K extends KeptChunk> {
  readonly backbone: Pick<Backbone, "spec" | "tensors">;
  readonly slices: Slices;
  readonly lora: LoraTensors | undefined;
  readonly want: ForwardWants;
  readonly signal?: AbortSignal;
  /** Slices per chunk. */
  readonly size: number;
  /** Of the engine, for all of its forwards. */
  readonly budget: ActivationBudget;
  /** @param keep whether to keep what `backward` needs */
  forward(chunk: Chunk, keep: boolean): Promise<{ readonly encoded: Encoded; readonly kept?: K }>;
  /** From what was kept of a chunk, or from its input. Absent where the engine has no gradients. */
  backward?(from: K | Chunk, seeds: ChunkSeeds): Promise<ChunkGradients>;
}

/**
 * Runs slices chunk by chunk and puts the results together. Where gradients are wanted, chunks are kept while the budget allows.
 * @throws AnyMC3DError as {@link inChunks}, `OPTION_INVALID`
 */
export async function forwardInChunks<K extends KeptChunk>(work: ForwardWork<K>): Promise<Forward> {
  const { backbone, slices, lora, want, signal, size, budget } = work;
  signal?.throwIfAborted();
  checkWants(backbone.spec, slices, lora, want);
  const kept = want.gradients?.length && work.backward ? new KeptChunks<K>(budget) : undefined;
  const out = emptyOutput(backbone.spec, slices, want);
  const loop = { spec: backbone.spec, slices, from: want.from, size, signal };
  try {
    await inChunks({ ...loop, onSlices: want.onSlices, run: (chunk) => runChunk(work, chunk, kept), take: out.take });
  } catch (error) {
    kept?.close();
    throw error;
  }
  const release = () => kept?.close();
  if (!kept) return { encoded: out.encoded, release };
  return { encoded: out.encoded, backward: (dCls, dPatches) => backwardInChunks(work, loop, kept, dCls, dPatches), release };
}

async function runChunk<K extends KeptChunk>(work: ForwardWork<K>, chunk: Chunk, held: KeptChunks<K> | undefined): Promise<Encoded> {
  const keep = held?.hasRoom(chunk.count) === true;
  try {
    const { encoded, kept } = await work.forward(chunk, keep);
    if (kept) held?.add(chunk.start, chunk.count, kept);
    return encoded;
  } catch (error) {
    // The chunk may fit without what was kept of others.
    if (keep && looksLikeOutOfMemory(error)) held?.close();
    throw error;
  }
}

type Output = "cls" | "attention" | "patches" | "lastInput" | "states";

/** Arrays for all slices, and what puts a chunk's into them. */
function emptyOutput(spec: BackboneSpec, { count, height, width }: Slices, want: ForwardWants) {
  const [rows, columns] = patchGrid(spec, height, width);
  const [patches, D] = [rows * columns, spec.width];
  const leaves = want.until !== undefined;
  const sizes: Record<Output, number> = {
    cls: leaves ? 0 : D,
    attention: want.attention ? patches : 0,
    patches: want.patches ? patches * D : 0,
    lastInput: want.lastInput ? patches * D : 0,
    states: leaves ? (1 + spec.registers + patches) * D : 0,
  };
  const wanted = (Object.entries(sizes) as [Output, number][]).filter(([name, size]) => name === "cls" || size > 0);
  const encoded = Object.fromEntries(wanted.map(([name, size]) => [name, new Float32Array(count * size)])) as unknown as Encoded;
  const take = (part: Encoded, { start }: Chunk) => {
    for (const [name, size] of wanted) if (size > 0) (encoded[name] as Float32Array).set(part[name] as Float32Array, start * size);
  };
  return { encoded, take };
}

/** Backward over the chunks that were kept as they were, over the others after running forward again. */
async function backwardInChunks<K extends KeptChunk>(
  work: ForwardWork<K>,
  loop: Omit<ChunkLoop<unknown>, "run" | "take">,
  kept: KeptChunks<K>,
  dCls: Float32Array,
  dPatches: Float32Array | undefined,
): Promise<Gradients> {
  const { slices, signal } = work;
  const seedsOf = seedsBy(work, dCls, dPatches);
  const sum = gradientSum(work);
  const back = (from: K | Chunk, at: Place) => (work.backward as NonNullable<typeof work.backward>)(from, seedsOf(at));
  /** Whether it fitted the memory. */
  const backFromKept = async (held: K, at: Place): Promise<boolean> => {
    await nextTask();
    signal?.throwIfAborted();
    try {
      sum.take(await back(held, at), at);
      return true;
    } catch (error) {
      if (looksLikeOutOfMemory(error)) return false;
      throw error;
    } finally {
      kept.free(at.start);
    }
  };
  for (let start = 0; start < slices.count; ) {
    const held = kept.at(start);
    const done = held && (await backFromKept(held.kept, { start, count: held.count }));
    const end = done ? start + held.count : kept.nextAfter(start, slices.count);
    const size = held ? Math.floor(held.count / 2) : loop.size;
    if (!done) await inChunks({ ...loop, size, range: [start, end], run: (chunk) => back(chunk, chunk), take: sum.take });
    start = end;
  }
  signal?.throwIfAborted();
  return sum.gradients();
}

type Place = Pick<Chunk, "start" | "count">;

/** The chunk's share of the gradients that come in. */
function seedsBy({ backbone, slices, want }: ForwardWork<KeptChunk>, dCls: Float32Array, dPatches: Float32Array | undefined) {
  const { spec } = backbone;
  const [rows, columns] = patchGrid(spec, slices.height, slices.width);
  const [ofCls, ofPatches] = [spec.width, rows * columns * spec.width];
  checkLength("dCls", dCls, slices.count, ofCls);
  if (dPatches && !want.patches) throw new AnyMC3DError("OPTION_INVALID", "dPatches came in, but patches were not wanted of this forward");
  if (dPatches) checkLength("dPatches", dPatches, slices.count, ofPatches);
  const part = (values: Float32Array, { start, count }: Place, size: number) => values.subarray(start * size, (start + count) * size);
  return (at: Place): ChunkSeeds => ({
    dCls: part(dCls, at, ofCls),
    ...(want.patches && { dPatches: dPatches ? part(dPatches, at, ofPatches) : new Float32Array(at.count * ofPatches) }),
  });
}

function checkLength(name: string, gradient: Float32Array, count: number, size: number): void {
  if (gradient.length === count * size) return;
  throw new AnyMC3DError("INPUT_SHAPE", `${name} holds ${gradient.length} values, expected ${count * size}: ${size} for each of ${count} slices`);
}

/** Adds up the chunks' LoRA gradients, and puts those of tokens one behind the other. */
function gradientSum({ backbone, slices, lora, want }: ForwardWork<KeptChunk>) {
  const [rows, columns] = patchGrid(backbone.spec, slices.height, slices.width);
  const size = rows * columns * backbone.spec.width;
  const tokens = want.gradients?.includes("tokens") ? new Float32Array(slices.count * size) : undefined;
  const sums = new Map<string, { readonly a: Float32Array; readonly b: Float32Array }>();
  const take = (part: ChunkGradients, { start }: Pick<Chunk, "start">) => {
    if (part.tokens) tokens?.set(part.tokens, start * size);
    for (const [map, { a, b }] of part.lora ?? []) {
      const sum = sums.get(map);
      if (!sum) sums.set(map, { a: a.slice(), b: b.slice() });
      else for (const [to, from] of [[sum.a, a] as const, [sum.b, b] as const]) for (let i = 0; i < to.length; i++) to[i] += from[i];
    }
  };
  const gradients = (): Gradients => ({
    ...(lora && want.gradients?.includes("lora") && { lora: unfoldLoraGradient(backbone, lora, sums) }),
    ...(tokens && { tokens }),
  });
  return { take, gradients };
}
