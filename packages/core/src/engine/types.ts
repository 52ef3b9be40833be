// The seam between the method and what computes it: slices in, tokens out, gradients back. Types only, no code.

import type { Backbone, Tensors, Warning } from "../types.js";

/**
 * Slices ready for a backbone: normalised pixels, [channel 3, row, column], one slice after the other.
 * Read in chunks, so that memory does not grow with their number.
 */
export interface Slices {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** Pixels of slices start … end-1, (end-start)·3·height·width values. The engine does not keep or change the array. */
  read(start: number, end: number): Float32Array | Promise<Float32Array>;
}

/**
 * LoRA of one view: W' = W + (alpha/rank)·B·A. Names without the view's prefix: `patch.A` [r, 3·p·p], `patch.B` [D, r],
 * `blocks.N.qkv.A` [r, D], `blocks.N.qkv.B` [3D, r], `blocks.N.proj.A` [r, D], `blocks.N.proj.B` [D, r]. A map without its pair is not adapted.
 */
export interface LoraTensors {
  readonly rank: number;
  /** alpha/rank, or alpha/√rank where the adapter was trained with rank-stabilised scaling. */
  readonly scale: number;
  readonly tensors: Tensors;
}

/** Stored token states, to enter the backbone with. T = 1 + registers + P: CLS, registers, patches. */
export interface TokenStates {
  /** The first block that runs, 1 … depth-1; the states are its input. */
  readonly block: number;
  /** States of slices start … end-1, [end-start, T, D], as `Encoded.states` gave them. The engine does not keep or change the array. */
  read(start: number, end: number): Float32Array | Promise<Float32Array>;
}

/** What a gradient is taken with respect to: the LoRA tensors, or the last block's input tokens. */
export type GradientTarget = "lora" | "tokens";

/** What `forward()` is to return beside the CLS embeddings. */
export interface ForwardWants {
  /** Last block's attention from CLS to every patch, mean over heads. */
  readonly attention?: boolean;
  /** Patch tokens after the final LayerNorm. */
  readonly patches?: boolean;
  /** The patches' tokens as the last block takes them in. */
  readonly lastInput?: boolean;
  /** What `backward()` is to give. Activations are kept for it as far as the engine's memory budget goes, and computed again beyond it. */
  readonly gradients?: readonly GradientTarget[];
  /** Enter with these states in the place of pixels, which are then not read; `slices` says how many there are and how large. */
  readonly from?: TokenStates;
  /** Leave before this block, `from.block`+1 … depth, and return the states that it would take in (depth: the last block's output); nothing else. */
  readonly until?: number;
  /** Called after every chunk with the number of slices done. */
  readonly onSlices?: (done: number) => void;
}

/** What a backbone says about slices. P = (height/patch)·(width/patch), D = width of the backbone, T = 1 + registers + P. */
export interface Encoded {
  /** CLS after the final LayerNorm, [count, D]; empty where the pass left before the last block (`until`). */
  readonly cls: Float32Array;
  /** [count, P], if asked for. */
  readonly attention?: Float32Array;
  /** [count, P, D], if asked for. */
  readonly patches?: Float32Array;
  /** [count, P, D], if asked for. */
  readonly lastInput?: Float32Array;
  /** [count, T, D], with `until`. */
  readonly states?: Float32Array;
}

/** What `backward()` gives: what `want.gradients` named. */
export interface Gradients {
  /** Under the names and in the shapes of the LoRA given to `forward()`; maps of blocks before `from` are left out. */
  readonly lora?: LoraTensors;
  /** With respect to the last block's input tokens of the patches, [count, P, D]. */
  readonly tokens?: Float32Array;
}

/**
 * One pass: what came out, and the way back through it. It may hold activations until `backward()` or `release()`: release it in a `finally`.
 * What a forgotten one holds is freed when the garbage collector finds it, and counts against the engine's budget until then.
 */
export interface Forward {
  readonly encoded: Encoded;
  /**
   * Vector-Jacobian product of the backbone; frozen weights get no gradient. Uses up what was kept, chunk by chunk, and computes the rest again;
   * so does a second call, or one after `release()`, with all. Looks for an abort of the signal given to `forward()`.
   * Absent where no gradients were wanted or the engine has none.
   * @param dCls gradient of the loss with respect to `Encoded.cls`, [count, D]
   * @param dPatches the same for `Encoded.patches`, [count, P, D]; absent: zero
   * @throws AnyMC3DError as `forward()`; `INPUT_SHAPE` for gradients of another length
   */
  backward?(dCls: Float32Array, dPatches?: Float32Array): Promise<Gradients>;
  /** Frees what was kept. May be called more than once. */
  release(): void;
}

/** `fp32`: float32 throughout; `int8`: the backbone's matrices in 8 bits, on ONNX Runtime's CPU and WebAssembly builds; moves logits by up to about 0.7. */
export type Precision = "fp32" | "int8";

/** One frozen backbone on one device. */
export interface Engine {
  /** "onnxruntime-node/cpu", "tfjs/webgpu", … */
  readonly id: string;
  readonly precision: Precision;
  readonly backbone: Pick<Backbone, "name" | "hash" | "spec">;
  /** Warnings from its creation: a device passed over, a fallback taken. */
  readonly warnings: readonly Warning[];
  /**
   * Runs the backbone over slices, chunk by chunk.
   * @throws AnyMC3DError `INPUT_SHAPE` for sizes that are no multiple of the patch, `LORA_SHAPE`, `OUT_OF_MEMORY`, `ENGINE_DISPOSED`,
   * `OPTION_INVALID` for wants that exclude each other, or gradients on int8 engines;
   * the signal's reason (an AbortError) at the next chunk after an abort.
   */
  forward(slices: Slices, lora: LoraTensors | undefined, want: ForwardWants, signal?: AbortSignal): Promise<Forward>;
  dispose(): Promise<void>;
}
