// What can be refused of a forward() before the first slice is read.

import { AnyMC3DError } from "../errors.js";
import type { BackboneSpec } from "../types.js";
import { patchGrid } from "./patches.js";
import type { ForwardWants, LoraTensors, Slices } from "./types.js";

/** @throws AnyMC3DError `INPUT_SHAPE`, `OPTION_INVALID` */
export function checkWants(spec: BackboneSpec, slices: Slices, lora: LoraTensors | undefined, want: ForwardWants): void {
  patchGrid(spec, slices.height, slices.width);
  const { from, until, gradients = [] } = want;
  const refuse = (message: string): never => {
    throw new AnyMC3DError("OPTION_INVALID", message);
  };
  const isBlock = (value: number, least: number, most: number) => Number.isInteger(value) && value >= least && value <= most;
  if (from && !isBlock(from.block, 1, spec.depth - 1)) refuse(`from.block is ${from.block}, expected a whole number from 1 to ${spec.depth - 1}`);
  const first = (from?.block ?? 0) + 1;
  if (until !== undefined && !isBlock(until, first, spec.depth)) refuse(`until is ${until}, expected a whole number from ${first} to ${spec.depth}`);
  for (const target of gradients)
    if (target !== "lora" && target !== "tokens") refuse(`gradients names ${JSON.stringify(target)}, expected "lora" and "tokens" alone`);
  if (gradients.includes("lora") && !lora) refuse("gradients of LoRA tensors were wanted, but no LoRA was given");
  if (until === undefined) return;
  const others = Object.entries({ attention: want.attention, patches: want.patches, lastInput: want.lastInput, gradients: gradients.length > 0 });
  const excluded = others.filter(([, wanted]) => wanted).map(([name]) => name);
  if (excluded.length) refuse(`until leaves before the end of the backbone, where ${excluded.join(" and ")} would come from: ask for one or the other`);
}
