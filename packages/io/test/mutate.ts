// Seeded mutation of files, for fuzz tests of any reader: what may come out is a volume that fits its shape, or an AnyMC3DError; soon, and in bounds.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { isAnyMC3DError, type Volume } from "@anymc3d/core";
import { mutated } from "@anymc3d/testkit/mutate";

export { mutated };

/** Mutated inputs a reader; `FUZZ=10000` for the whole. */
export const ROUNDS = Number(process.env.FUZZ ?? 300);
/** Give it to the reader as `maxBytes`. */
export const MAX_BYTES = 2 ** 24;
/** Milliseconds that one input may take. */
const SLOWEST = 5000;
/** Bytes by which resident memory may grow over a whole run: some times the limit, and what waits for the garbage collector. */
const MEMORY = 2 ** 29;
export interface Fuzz {
  readonly name: string;
  /** Whole small files of the format, as many kinds as the reader knows. */
  readonly seeds: readonly Uint8Array[];
  /** Reads one mutated file with `maxBytes: MAX_BYTES`. */
  readonly read: (bytes: Uint8Array) => Promise<Volume> | Volume;
  readonly rounds?: number;
  /** Another number, other mutations. */
  readonly seed?: number;
}

/** What is wrong with a result, if anything. */
function fault({ data, shape, affine }: Volume): string | undefined {
  if (!(shape.length === 3 && shape.every((n) => Number.isInteger(n) && n > 0))) return `shape ${shape}`;
  if (data.length !== shape[0] * shape[1] * shape[2]) return `${data.length} voxels for shape ${shape}`;
  if (data.byteLength > MAX_BYTES) return `${data.byteLength} bytes, more than maxBytes`;
  if (affine && !(affine.length === 16 && affine.every(Number.isFinite))) return `affine ${affine}`;
  return undefined;
}

/**
 * Reads mutated files. Throws, naming the round (see {@link mutated}), at the first that crashes, takes too long, or gives a volume that cannot be;
 * and where memory grew out of bounds.
 * @returns how often each error code came, and "volume"
 */
export async function fuzz({ name, seeds, read, rounds = ROUNDS, seed = 1 }: Fuzz): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  const before = process.memoryUsage().rss;
  for (let round = 0; round < rounds; round++) {
    const where = `${name}, mutated(seeds, ${seed}, ${round})`;
    const start = process.cpuUsage();
    const result = await outcome(read, mutated(seeds, seed, round), where);
    // Of the processor, not of the clock: others may be at work, too.
    const { user, system } = process.cpuUsage(start);
    const took = (user + system) / 1000;
    if (took > SLOWEST) throw new Error(`${where}: took ${Math.round(took)} ms`);
    const grown = process.memoryUsage.rss() - before;
    if (grown > MEMORY) throw new Error(`${where}: memory grew by ${Math.round(grown / 2 ** 20)} MiB`);
    seen.set(result, (seen.get(result) ?? 0) + 1);
  }
  return seen;
}

/** A folder for the inputs that were read, with what came out: for reference/check_fuzzed.py and compare_mutated.py. */
const KEEP = process.env.FUZZ_KEEP;

function keep(bytes: Uint8Array, { data, shape, affine, notes }: Volume, where: string): void {
  const file = path.join(KEEP as string, where.replace(/[^a-z0-9]+/gi, "-"));
  writeFileSync(`${file}.bin`, bytes);
  writeFileSync(`${file}.json`, JSON.stringify({ shape, affine, notes: notes?.map(({ code }) => code) ?? [], values: [...data] }));
}

async function outcome(read: Fuzz["read"], bytes: Uint8Array, where: string): Promise<string> {
  try {
    const volume = await read(bytes);
    if (KEEP) keep(bytes, volume, where);
    const wrong = fault(volume);
    if (wrong) throw new Error(`${where}: a volume that cannot be: ${wrong}`);
    return "volume";
  } catch (error) {
    if (!isAnyMC3DError(error)) throw new Error(`${where}: ${String(error)}`, { cause: error });
    if (error.message.length < 40) throw new Error(`${where}: an error that says little: ${error.message}`);
    return error.code;
  }
}
