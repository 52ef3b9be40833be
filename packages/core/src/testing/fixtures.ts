// The fixtures that ship with this package: six tiny random backbones with PyTorch's answers.

import { slicesOf } from "../engine/selftest.js";
import type { Slices } from "../engine/types.js";
import { specFromHuggingFace, tensorsFromHuggingFace } from "../huggingface.js";
import { readTensors } from "../safetensors.js";
import type { Backbone, SelfTest, Tensor } from "../types.js";

/** Reads one file of the fixtures folder, for example `tiny-vit/config.json`. */
export type Fixtures = (path: string) => Promise<Uint8Array>;

/** Names of the small backbones in the fixtures, one of every kind that an engine must run. */
export const TINY_FAMILIES = ["tiny-dinov2", "tiny-dinov2-registers", "tiny-dinov2-swiglu", "tiny-dinov3", "tiny-dinov3-gated", "tiny-vit"] as const;

/** A small random backbone with the answers of its PyTorch original. */
export interface TinyBackbone {
  readonly backbone: Backbone;
  /** Two slices of 48×64 pixels. */
  readonly slices: Slices;
  /** Reference CLS [2, D] and patch tokens [2, P, D] after the final LayerNorm. */
  readonly cls: Float32Array;
  readonly patches: Float32Array;
}

const json = async (fixtures: Fixtures, path: string) => JSON.parse(new TextDecoder().decode(await fixtures(path)));

/** One of the small backbones, with slices and reference answers. @param family one of {@link TINY_FAMILIES} */
export async function loadTiny(fixtures: Fixtures, family: string): Promise<TinyBackbone> {
  const spec = specFromHuggingFace(await json(fixtures, `${family}/config.json`));
  const tensors = tensorsFromHuggingFace(spec, readTensors(await fixtures(`${family}/model.safetensors`), family));
  const selfTests: Record<string, SelfTest> = await json(fixtures, "self-tests.json");
  const expected = readTensors(await fixtures(`${family}/expected.safetensors`), family);
  const pixels = expected.get("pixels") as Tensor;
  const tokens = expected.get("tokens") as Tensor;
  const { cls, patches } = splitTokens(tokens, 1 + spec.registers);
  const backbone = { name: family, hash: `fixture-${family}`, spec, tensors, selfTest: selfTests[family] };
  return { backbone, slices: slicesOf(pixels.data, pixels.shape[2], pixels.shape[3]), cls, patches };
}

/** [n, prefix + P, D] → CLS [n, D] and patches [n, P, D]. */
export function splitTokens(tokens: Tensor, prefix: number): { cls: Float32Array; patches: Float32Array } {
  const [count, length, width] = tokens.shape;
  const cls = new Float32Array(count * width);
  const patches = new Float32Array(count * (length - prefix) * width);
  for (let n = 0; n < count; n++) {
    const from = n * length * width;
    cls.set(tokens.data.subarray(from, from + width), n * width);
    patches.set(tokens.data.subarray(from + prefix * width, from + length * width), n * (length - prefix) * width);
  }
  return { cls, patches };
}
