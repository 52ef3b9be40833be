// Activations kept from a forward for its backward: an engine's budget for them, and what one forward holds.

/** What an engine keeps of one chunk. */
export interface KeptChunk {
  readonly bytes: number;
  /** Lets go of them; called once, also after the engine was disposed. */
  free(): void;
}

/** Bytes that the forwards of one engine may hold together. */
export class ActivationBudget {
  readonly #limit: number;
  #held = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether so many bytes fit beside those held; nothing fits a limit of 0. */
  fits(bytes: number): boolean {
    return this.#held + Math.max(1, bytes) <= this.#limit;
  }

  add(bytes: number): void {
    this.#held += bytes;
  }
}

interface Held<K> {
  readonly count: number;
  readonly kept: K;
  free(): void;
}

/** A forward that was dropped without release(). */
const whenDropped = new FinalizationRegistry<Map<number, Held<unknown>>>((chunks) => freeAll(chunks));

function freeAll(chunks: Map<number, Held<unknown>>): void {
  for (const [start, { free }] of chunks) {
    chunks.delete(start);
    free();
  }
}

/** The chunks that one forward holds, by their first slice. */
export class KeptChunks<K extends KeptChunk> {
  readonly #chunks = new Map<number, Held<K>>();
  readonly #budget: ActivationBudget;
  /** Of those kept last; a guess for the next. */
  #bytesPerSlice = 0;
  #closed = false;

  constructor(budget: ActivationBudget) {
    this.#budget = budget;
    whenDropped.register(this, this.#chunks);
  }

  /** Whether so many slices more may be kept, guessed to be as large as those before them. */
  hasRoom(slices: number): boolean {
    return !this.#closed && this.#budget.fits(slices * this.#bytesPerSlice);
  }

  add(start: number, count: number, kept: K): void {
    const budget = this.#budget;
    this.#bytesPerSlice = kept.bytes / count;
    budget.add(kept.bytes);
    const free = () => {
      budget.add(-kept.bytes);
      kept.free();
    };
    this.#chunks.set(start, { count, kept, free });
  }

  /** First slice of the next kept chunk after `start`, or `end`. */
  nextAfter(start: number, end: number): number {
    return Math.min(end, ...[...this.#chunks.keys()].filter((at) => at > start));
  }

  at(start: number): { readonly count: number; readonly kept: K } | undefined {
    return this.#chunks.get(start);
  }

  /** Frees one chunk. */
  free(start: number): void {
    const held = this.#chunks.get(start);
    this.#chunks.delete(start);
    held?.free();
  }

  /** Frees all, and keeps nothing from now on. */
  close(): void {
    this.#closed = true;
    freeAll(this.#chunks as Map<number, Held<unknown>>);
  }
}
