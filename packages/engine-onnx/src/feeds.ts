// What goes into a session: a chunk's pixels or states, the tables of its grid, the LoRA.

import type { Backbone, ForwardWants, LoraTensors } from "@anymc3d/core";
import { type Chunk, foldLora, loraMapPlace, loraMaps, patchPositions, prefixTokens, ropeTables } from "@anymc3d/core/engine";
import type { Tensor, TensorConstructor } from "onnxruntime-common";

export type Feeds = Record<string, Tensor>;

type Source = Pick<Backbone, "spec" | "tensors">;

export class FeedMaker {
  readonly #source: Source;
  readonly #Tensor: TensorConstructor;
  readonly #loras = new WeakMap<LoraTensors, Feeds>();
  #tables: { key: string; feeds: Feeds } | undefined;

  constructor(source: Source, Tensor: TensorConstructor) {
    this.#source = source;
    this.#Tensor = Tensor;
  }

  tensor(data: Float32Array, shape: readonly number[]): Tensor {
    return new this.#Tensor("float32", data, shape);
  }

  /** Of one chunk, LoRA left out. */
  chunk(chunk: Chunk): Feeds {
    const { count, rows, columns, patches, states } = chunk;
    const { spec } = this.#source;
    const { position, ...rope } = this.#tablesOf(rows, columns);
    if (states) return { states: this.tensor(states, [count, 1 + spec.registers + rows * columns, spec.width]), ...rope };
    return {
      patches: this.tensor(patches, [count, rows * columns, 3 * spec.patch ** 2]),
      prefix: this.#prefix(count),
      ...(position && { position }),
      ...rope,
    };
  }

  /** @throws AnyMC3DError `LORA_SHAPE` */
  check(lora: LoraTensors): void {
    this.#allOf(lora);
  }

  /** LoRA inputs of the given maps, zeros where one is not adapted. */
  lora(lora: LoraTensors, maps: readonly string[]): Feeds {
    const all = this.#allOf(lora);
    return Object.fromEntries(maps.flatMap((map) => ["a", "b"].map((side) => [`lora.${map}.${side}`, all[`lora.${map}.${side}`]])));
  }

  #allOf(lora: LoraTensors): Feeds {
    const known = this.#loras.get(lora);
    if (known) return known;
    const feeds: Feeds = {};
    for (const [map, { a, b, in: into, out, rank }] of foldLora(this.#source, lora)) {
      feeds[`lora.${map}.a`] = this.tensor(a, [into, rank]);
      feeds[`lora.${map}.b`] = this.tensor(b, [rank, out]);
    }
    this.#loras.set(lora, feeds);
    return feeds;
  }

  #prefix(count: number): Tensor {
    const one = prefixTokens(this.#source);
    const all = new Float32Array(count * one.length);
    for (let n = 0; n < count; n++) all.set(one, n * one.length);
    return this.tensor(all, [count, 1 + this.#source.spec.registers, this.#source.spec.width]);
  }

  /** `position`, or `cos` and `sin`. */
  #tablesOf(rows: number, columns: number): Feeds {
    const key = `${rows}×${columns}`;
    if (this.#tables?.key === key) return this.#tables.feeds;
    const { spec } = this.#source;
    const rope = ropeTables(spec, rows, columns);
    const shape = [1 + spec.registers + rows * columns, spec.width / spec.heads];
    const feeds: Feeds = rope
      ? { cos: this.tensor(rope.cos, shape), sin: this.tensor(rope.sin, shape) }
      : { position: this.tensor(patchPositions(this.#source, rows, columns), [rows * columns, spec.width]) };
    this.#tables = { key, feeds };
    return feeds;
  }
}

/** Maps of the blocks that run, in the backbone's order; with a LoRA only those that it adapts. */
export function mapsThatRun({ spec }: Pick<Backbone, "spec">, { from, until }: Pick<ForwardWants, "from" | "until">, lora?: LoraTensors): string[] {
  const runs = (map: string) => {
    const { block } = loraMapPlace(map);
    return block >= (from?.block ?? -1) && block < (until ?? spec.depth);
  };
  return [...loraMaps(spec).keys()].filter((map) => runs(map) && (!lora || lora.tensors.has(`${map}.A`)));
}
