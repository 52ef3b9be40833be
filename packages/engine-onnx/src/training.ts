// One backbone running forward and backward: two sessions, and the activations that go from the one to the other.

import type { InferenceSession, Tensor } from "onnxruntime-common";
import type { Feeds } from "./feeds.js";
import type { Halves } from "./graph/cut.js";

/** Activations of one chunk, held for the backward pass. */
export interface Activations {
  readonly tensors: Feeds;
  readonly bytes: number;
  /** Patches of a slice, or tokens where states come in: what the sizes depend on. */
  readonly patches: number;
}

export interface TrainingRuntime {
  create(model: Uint8Array): Promise<InferenceSession>;
  tensor(data: Float32Array, shape: readonly number[]): Tensor;
  /** Whether `run()` writes into tensors that are given for the outputs. */
  readonly reusesOutputs: boolean;
}

/** Float32 arrays for the activations of up to `slices` slices, used again and again. */
interface Slot {
  readonly patches: number;
  readonly slices: number;
  readonly arrays: ReadonlyMap<string, Float32Array>;
}

export class TrainingSessions {
  readonly #halves: Halves;
  readonly #runtime: TrainingRuntime;
  readonly #forward: Promise<InferenceSession>;
  readonly #backward: Promise<InferenceSession>;
  readonly #free: Slot[] = [];
  readonly #slots = new WeakMap<Activations, Slot>();
  #live = 0;
  /** Dimensions behind the first, by patches a slice and name. */
  readonly #shapes = new Map<string, readonly number[]>();

  constructor(halves: Halves, runtime: TrainingRuntime) {
    this.#halves = halves;
    this.#runtime = runtime;
    this.#forward = runtime.create(halves.forward);
    this.#backward = runtime.create(halves.backward);
    // Failures are reported by whoever awaits the sessions.
    this.#forward.catch(() => undefined);
    this.#backward.catch(() => undefined);
  }

  /** Whether activations are held that a backward pass may still want. */
  get inUse(): boolean {
    return this.#live > 0;
  }

  /** Runs forward. The activations must go to `backward()` or `release()`. */
  async forward(feeds: Feeds, outputs: readonly string[]): Promise<{ results: Feeds; activations: Activations }> {
    const session = await this.#forward;
    const [count, patches] = (feeds.patches ?? feeds.states).dims;
    const slot = this.#slot(patches, count);
    const fetches: Record<string, Tensor | null> = Object.fromEntries(outputs.map((name) => [name, null]));
    for (const { name, element } of this.#halves.saved) {
      const shape = this.#shapes.get(`${patches} ${name}`);
      const array = element === "float32" && shape ? slot?.arrays.get(name) : undefined;
      fetches[name] = array && shape ? this.#runtime.tensor(array.subarray(0, count * product(shape)), [count, ...shape]) : null;
    }
    const all = await session.run(feeds, fetches);
    const tensors = Object.fromEntries(this.#halves.saved.map(({ name }) => [name, all[name]]));
    const activations = { tensors, patches, bytes: Object.values(tensors).reduce((sum, { data }) => sum + (data as Float32Array).byteLength, 0) };
    this.#slots.set(activations, slot ?? this.#newSlot(activations, count));
    this.#live++;
    return { results: Object.fromEntries(outputs.map((name) => [name, all[name]])), activations };
  }

  /** Runs backward on activations and lets go of them. */
  async backward(feeds: Feeds, activations: Activations): Promise<Feeds> {
    const session = await this.#backward;
    const taken = this.#halves.backwardInputs.map((name) => [name, feeds[name]] as const);
    try {
      return await session.run({ ...Object.fromEntries(taken), ...activations.tensors });
    } finally {
      this.release(activations);
    }
  }

  /** The arrays may be used again; harmless when done again. */
  release(activations: Activations): void {
    const slot = this.#slots.get(activations);
    if (this.#slots.delete(activations)) this.#live--;
    if (slot && this.#runtime.reusesOutputs) this.#free.push(slot);
  }

  /** Frees arrays that nothing is held in. */
  trim(): void {
    this.#free.length = 0;
  }

  #slot(patches: number, count: number): Slot | undefined {
    const at = this.#free.findIndex((slot) => slot.patches === patches && slot.slices >= count);
    if (at >= 0) return this.#free.splice(at, 1)[0];
    // A slot of another size is of no use for long: sizes change with the view.
    if (this.#free.length > 0 && this.#free.every((slot) => slot.slices < count)) this.#free.length = 0;
    return undefined;
  }

  /** The tensors that the runtime made become arrays of a slot. */
  #newSlot({ tensors, patches }: Activations, slices: number): Slot {
    const arrays = new Map<string, Float32Array>();
    for (const { name, element } of this.#halves.saved) {
      if (element !== "float32") continue;
      this.#shapes.set(`${patches} ${name}`, tensors[name].dims.slice(1));
      arrays.set(name, tensors[name].data as Float32Array);
    }
    return { patches, slices, arrays };
  }

  async dispose(): Promise<void> {
    this.trim();
    for (const session of [this.#forward, this.#backward]) await session.then((s) => s.release()).catch(() => undefined);
  }
}

const product = (numbers: readonly number[]) => numbers.reduce((a, b) => a * b, 1);
