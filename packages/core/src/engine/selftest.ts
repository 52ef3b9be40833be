// The creation self-test: an engine must reproduce a stored answer before anyone trusts it. Devices do go silently wrong.

import { AnyMC3DError } from "../errors.js";
import { seededRandom } from "../random.js";
import type { Backbone, BackboneSpec, Tensor } from "../types.js";
import { loraMaps } from "./fold.js";
import type { Engine, LoraTensors, Slices } from "./types.js";

const RANK = 8;

/** Slices held in memory, [count, 3, height, width] values. */
export function slicesOf(pixels: Float32Array, height: number, width: number): Slices {
  const size = 3 * height * width;
  return { count: pixels.length / size, height, width, read: (start, end) => pixels.subarray(start * size, end * size) };
}

/**
 * The self-test's input for a spec: one slice of 4×4 patches, uniform in [-2, 2), then LoRA of rank 8 and scale 2,
 * uniform in ±0.05, drawn in the order of `loraMaps`, A before B.
 */
export function selfTestInput(spec: BackboneSpec, seed: number): { slices: Slices; lora: LoraTensors } {
  const random = seededRandom(seed);
  const draw = (length: number, reach: number) => Float32Array.from({ length }, () => (random() * 2 - 1) * reach);
  const side = 4 * spec.patch;
  const slices = slicesOf(draw(3 * side * side, 2), side, side);
  const tensors = new Map<string, Tensor>();
  for (const [map, size] of loraMaps(spec)) {
    tensors.set(`${map}.A`, { shape: [RANK, size.in], data: draw(RANK * size.in, 0.05) });
    tensors.set(`${map}.B`, { shape: [size.out, RANK], data: draw(RANK * size.out, 0.05) });
  }
  return { slices, lora: { rank: RANK, scale: 2, tensors } };
}

/** Largest difference, relative to the largest reference value. NaN counts as infinite. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = found.length === expected.length ? 0 : Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(found[i] - expected[i]);
    difference = d <= difference ? difference : Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return difference / largest;
}

/** What a self-test accepts: float32 kernels differ in rounding (about 1e-6 found), int8 ones by quantisation (0.025 found on DINOv2 ViT-S/14). */
export const SELF_TEST_TOLERANCE = { fp32: 0.01, int8: 0.1 } as const;

/**
 * Runs the self-test of the engine's backbone, with and without LoRA. A backbone without a stored answer passes with a warning
 * from whoever created the engine, not from here.
 * @throws AnyMC3DError `ENGINE_SELF_TEST` with the error found and the error allowed
 */
export async function runSelfTest(
  engine: Pick<Engine, "id" | "precision" | "forward">,
  backbone: Pick<Backbone, "spec" | "selfTest">,
  variants: readonly ("lora" | "plain")[] = ["lora", "plain"],
): Promise<void> {
  const stored = backbone.selfTest;
  if (!stored) return;
  const { slices, lora } = selfTestInput(backbone.spec, stored.seed);
  const allowed = SELF_TEST_TOLERANCE[engine.precision];
  for (const variant of variants) {
    const given = variant === "lora" ? lora : undefined;
    const { encoded, release } = await engine.forward(slices, given, {});
    release();
    const error = relativeError(encoded.cls, stored[variant]);
    if (error <= allowed) continue;
    throw new AnyMC3DError(
      "ENGINE_SELF_TEST",
      `${engine.id} computes wrongly: its answer to the stored self-test ${given ? "with" : "without"} LoRA is off by ${error.toPrecision(3)} of the largest value, ${allowed} is allowed. Use another engine or device, or update its driver.`,
      { details: { engine: engine.id, difference: error, allowed } },
    );
  }
}
