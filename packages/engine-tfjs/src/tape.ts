// The record of a forward pass, and the way back through it. TensorFlow.js's own tape keeps every intermediate gradient to the end,
// forgets what it saved when an operation fails, and has no gradients registered where tfjs-core is imported alone in Node.

import * as tf from "@tensorflow/tfjs-core";

interface Step {
  readonly output: tf.Tensor;
  readonly inputs: readonly tf.Tensor[];
  readonly saved: readonly tf.Tensor[];
  gradient(dy: tf.Tensor): tf.Tensor[];
}

export class Tape {
  readonly #sources: tf.Tensor[];
  /** Ids of the tensors that depend on a source, and of the sources. */
  readonly #dependent: Set<number>;
  readonly #steps: Step[] = [];
  readonly #kept = new Set<tf.Tensor>();

  /** @param sources what gradients are wanted for */
  constructor(sources: readonly tf.Tensor[]) {
    this.#sources = [...sources];
    this.#dependent = new Set(sources.map(({ id }) => id));
  }

  /** From here on `x` is a source, too: the last, whether it depends on others or not. */
  addSource(x: tf.Tensor): void {
    this.#sources.push(x);
    this.#dependent.add(x.id);
  }

  /** Of what is kept. */
  get bytes(): number {
    return [...this.#kept].reduce((sum, x) => sum + 4 * x.size, 0);
  }

  dependsOnSource(x: tf.Tensor): boolean {
    return this.#dependent.has(x.id);
  }

  /** Keeps a tensor through the surrounding tidies, for one step's `saved`. */
  keep<T extends tf.Tensor>(x: T): T {
    this.#kept.add(x);
    return tf.keep(x);
  }

  /**
   * Notes where `output` came from. What depends on no source is not noted, and nothing of it kept.
   * @param saved what `gradient` reads; let go when the step is done with, so each tensor belongs to one step
   * @param gradient from the output's gradient to new tensors, those of the inputs in their order. Inputs that depend on no source may be left out at the end
   */
  record(output: tf.Tensor, inputs: readonly tf.Tensor[], saved: readonly tf.Tensor[], gradient: (dy: tf.Tensor) => tf.Tensor[]): void {
    if (!inputs.some((x) => this.dependsOnSource(x))) return;
    this.#dependent.add(output.id);
    for (const x of saved) this.keep(x);
    this.#steps.push({ output, inputs, saved, gradient });
  }

  /** Gradients of Σ dy·y with respect to the sources, zero where y does not depend on one. Uses the record and `dy` up. */
  back(y: Pick<tf.Tensor, "id">, dy: tf.Tensor): tf.Tensor[] {
    const gradients = new Map([[y.id, dy]]);
    const ofSources = new Map<number, tf.Tensor>();
    const sources = new Set(this.#sources.map(({ id }) => id));
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      const given = gradients.get(step.output.id);
      // A source on the way: whatever else its gradient goes into, it is complete by now.
      if (given && sources.has(step.output.id)) ofSources.set(step.output.id, given.clone());
      if (given) this.#stepBack(step, given, gradients);
      gradients.delete(step.output.id);
      this.#release(step.saved);
    }
    return this.#sources.map((x) => ofSources.get(x.id) ?? gradients.get(x.id) ?? tf.zerosLike(x));
  }

  #stepBack({ inputs, gradient }: Step, dy: tf.Tensor, gradients: Map<number, tf.Tensor>): void {
    const found = tf.tidy(() => gradient(dy));
    dy.dispose();
    found.forEach((dx, i) => {
      const { id } = inputs[i];
      const before = gradients.get(id);
      if (!this.#dependent.has(id)) dx.dispose();
      else if (!before) gradients.set(id, dx);
      else {
        gradients.set(id, tf.add(before, dx));
        tf.dispose([before, dx]);
      }
    });
  }

  #release(tensors: Iterable<tf.Tensor>): void {
    for (const x of tensors) {
      this.#kept.delete(x);
      x.dispose();
    }
  }

  /** Lets go of what is still kept: after {@link back} nothing, after a failure all. */
  dispose(): void {
    this.#release([...this.#kept]);
    this.#steps.length = 0;
  }
}
