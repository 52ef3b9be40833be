// Grad-CAM: where the last block's input speaks for one label. The pass that classified is gone back through, where memory allows.

import type { Engine, Forward, LoraTensors, Slices } from "./engine/types.js";
import { AnyMC3DError } from "./errors.js";
import type { PassOptions, ViewPass } from "./kinds/heatmap/heatmap-kind.js";

/** Slices whose gradients are held at once. */
const AT_ONCE = 32;

/** Bytes of tokens that a view's pass may hold until its way back; what the engine keeps beside them is about three times as much. */
const HELD_BYTES = 64 * 2 ** 20;

/** A view's pass through the backbone, from which maps of labels can be made. Release it in a `finally`. */
export interface GradCamPass extends ViewPass {
  /**
   * Grad-CAM (Selvaraju et al. 2017) of one label's logit at the last block's input tokens, slice by slice: channel weights are the gradient's mean
   * over the patches, the map is the ReLU of the tokens' weighted sum. Pooling and fusion weights are in the gradient.
   * @param dCls gradient of the label's logit with respect to `cls`
   * @returns [slices, patches], ≥ 0
   */
  map(dCls: Float32Array): Promise<Float32Array>;
  release(): void;
}

export interface GradCamOptions extends PassOptions {
  /** Bytes of tokens to hold until the way back. Default 64 MiB. */
  readonly held?: number;
}

interface Part {
  readonly start: number;
  readonly slices: Slices;
  /** Absent where it was not held. */
  readonly forward?: Forward;
}

/**
 * Runs a view's slices and holds the way back as far as it may; the rest runs again for a map.
 * @throws AnyMC3DError as `Engine.forward()`; `OPTION_INVALID` where the engine cannot run backwards
 */
export async function gradCamPass(
  engine: Engine,
  slices: Slices,
  lora: LoraTensors | undefined,
  { signal, onSlices, held: most = HELD_BYTES }: GradCamOptions = {},
): Promise<GradCamPass> {
  const { width, patch } = engine.backbone.spec;
  const bytes = 4 * width * ((slices.height * slices.width) / patch ** 2);
  const cls = new Float32Array(slices.count * width);
  const parts: Part[] = [];
  const release = () => {
    for (const { forward } of parts) forward?.release();
  };
  try {
    for (let start = 0; start < slices.count; start += AT_ONCE) {
      const some = part(slices, start);
      const held = (start + some.count) * bytes <= most;
      const counted = onSlices && ((done: number) => onSlices(start + done));
      const forward = await (held ? forwardThere(engine, some, lora, signal, counted) : engine.forward(some, lora, { onSlices: counted }, signal));
      cls.set(forward.encoded.cls, start * width);
      if (!held) forward.release();
      parts.push({ start, slices: some, ...(held && { forward }) });
    }
  } catch (error) {
    release();
    throw error;
  }
  const map = async (dCls: Float32Array) => {
    const maps: Float32Array[] = [];
    for (const { start, slices: some, forward } of parts) {
      const dSome = dCls.subarray(start * width, (start + some.count) * width);
      maps.push(await mapOf(forward ?? (await forwardThere(engine, some, lora, signal)), dSome, some.count, width));
    }
    return joined(maps);
  };
  return { cls, map, release };
}

function part(slices: Slices, start: number): Slices {
  const count = Math.min(AT_ONCE, slices.count - start);
  return { ...slices, count, read: (from, to) => slices.read(start + from, start + to) };
}

/** A forward with a way back. */
async function forwardThere(
  engine: Engine,
  slices: Slices,
  lora: LoraTensors | undefined,
  signal: AbortSignal | undefined,
  onSlices?: (done: number) => void,
): Promise<Forward> {
  const forward = await engine.forward(slices, lora, { lastInput: true, gradients: ["tokens"], onSlices }, signal);
  if (forward.backward) return forward;
  forward.release();
  throw new AnyMC3DError("OPTION_INVALID", `engine ${engine.id} cannot run backwards, which gradcam needs; use "attention"`);
}

async function mapOf({ encoded, backward, release }: Forward, dCls: Float32Array, count: number, width: number): Promise<Float32Array> {
  try {
    const { tokens } = (await backward?.(dCls)) ?? {};
    return weightedSums(encoded.lastInput as Float32Array, tokens as Float32Array, count, width);
  } finally {
    release();
  }
}

/** ReLU of Σ_k mean_p(gradient)_k · token_pk, slice by slice. */
function weightedSums(tokens: Float32Array, gradient: Float32Array, slices: number, width: number): Float32Array {
  const patches = tokens.length / slices / width;
  const out = new Float32Array(slices * patches);
  for (let s = 0; s < slices; s++) {
    const weights = new Float64Array(width);
    const from = s * patches * width;
    for (let i = 0; i < patches * width; i++) weights[i % width] += gradient[from + i] / patches;
    for (let p = 0; p < patches; p++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += weights[k] * tokens[from + p * width + k];
      out[s * patches + p] = Math.max(0, sum);
    }
  }
  return out;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
