// Passes forwards and backwards as tests need them, released.

import { encode } from "../engine/encode.js";
import type { Encoded, Engine, ForwardWants, Gradients, GradientTarget, LoraTensors, Slices, TokenStates } from "../engine/types.js";
import { check } from "./checks.js";
import type { TinyBackbone } from "./fixtures.js";

/** Gradients that come in, and what is wanted. */
export interface PassOptions {
  /** [count, D] */
  readonly dCls: Float32Array;
  /** [count, P, D] */
  readonly dPatches?: Float32Array;
  /** Default: LoRA. */
  readonly targets?: readonly GradientTarget[];
  readonly from?: TokenStates;
  readonly signal?: AbortSignal;
}

/** One pass there and back; with a gradient of tokens also what came out of the way there. */
export async function gradients(
  engine: Engine,
  slices: Slices,
  lora: LoraTensors | undefined,
  { dCls, dPatches, targets = ["lora"], from, signal }: PassOptions,
): Promise<Gradients & Pick<Encoded, "lastInput">> {
  const want: ForwardWants = { gradients: targets, from, patches: dPatches !== undefined, lastInput: targets.includes("tokens") };
  const { encoded, backward, release } = await engine.forward(slices, lora, want, signal);
  try {
    check(backward !== undefined, `${engine.id} has no backward()`);
    return { lastInput: encoded.lastInput, ...(await backward(dCls, dPatches)) };
  } finally {
    release();
  }
}

/** The gradient of the LoRA tensors alone. */
export async function loraGradient(engine: Engine, slices: Slices, lora: LoraTensors, options: Omit<PassOptions, "targets">): Promise<LoraTensors> {
  const found = await gradients(engine, slices, lora, options);
  return found.lora as LoraTensors;
}

/** The states that a block takes in, stored. */
export async function statesBefore(
  engine: Engine,
  { slices }: Pick<TinyBackbone, "slices">,
  lora: LoraTensors | undefined,
  block: number,
): Promise<TokenStates> {
  const states = (await encode(engine, slices, lora, { until: block })).states as Float32Array;
  const size = states.length / slices.count;
  return { block, read: (start, end) => states.subarray(start * size, end * size) };
}
