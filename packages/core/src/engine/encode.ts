// encode(): a forward that nobody goes back through.

import type { Encoded, Engine, ForwardWants, LoraTensors, Slices } from "./types.js";

/** What the backbone says about slices. @throws AnyMC3DError as `Engine.forward()` */
export async function encode(
  engine: Pick<Engine, "forward">,
  slices: Slices,
  lora: LoraTensors | undefined,
  want: Omit<ForwardWants, "gradients">,
  signal?: AbortSignal,
): Promise<Encoded> {
  const { encoded, release } = await engine.forward(slices, lora, want, signal);
  release();
  return encoded;
}
