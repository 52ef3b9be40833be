// An adapter's logits for slices that are normalised already: to compare with another program's, preprocessing apart.

import { type Adapter, AnyMC3DError, type Engine, type Tensor } from "@anymc3d/core";
import { encode, slicesOf } from "@anymc3d/core/engine";
import { bindAdapter, forwardStudy } from "@anymc3d/core/learn";

/**
 * @param pixels of each view, [slices, 3, height, width], normalised by the backbone's mean and sd
 * @returns [labels]
 * @throws AnyMC3DError `INPUT_SHAPE`, and as `bindAdapter` and `encode()`
 */
export async function pixelLogits(adapter: Adapter, engine: Engine, pixels: readonly Tensor[]): Promise<Float32Array> {
  const bound = bindAdapter(adapter, engine.backbone);
  const embeddings: Float32Array[] = [];
  for (const [v, view] of bound.views.entries()) {
    const { shape, data } = pixels[v] ?? { shape: [], data: new Float32Array() };
    if (shape.length !== 4 || shape[1] !== 3 || shape[0] === 0)
      throw new AnyMC3DError("INPUT_SHAPE", `pixels of view ${v} are [${shape}], expected [slices, 3, height, width]`);
    embeddings.push((await encode(engine, slicesOf(data, shape[2], shape[3]), view.lora, {})).cls);
  }
  return forwardStudy(embeddings, bound).logits;
}
