// The cases with the real backbone: PyTorch's tokens, attention, slice weights and logits.

import { encode } from "../engine/encode.js";
import { slicesOf } from "../engine/selftest.js";
import type { Encoded, Engine, LoraTensors } from "../engine/types.js";
import { headForward } from "../kinds/head/index.js";
import { attentionPool } from "../pool.js";
import { readTensors } from "../safetensors.js";
import type { Backbone, Tensor, Tensors } from "../types.js";
import { checkClose } from "./checks.js";
import type { ConformanceOptions } from "./conformance.js";
import { splitTokens } from "./fixtures.js";

type Create = ConformanceOptions["create"];
type Golden = NonNullable<ConformanceOptions["golden"]>;

export function tensor(tensors: Tensors, name: string): Tensor {
  const found = tensors.get(name);
  if (!found) throw new Error(`the reference file has no ${name}`);
  return found;
}

async function withEngine(create: Create, backbone: Backbone, work: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = await create(backbone);
  try {
    await work(engine);
  } finally {
    await engine.dispose();
  }
}

async function encodeAndCompare(engine: Engine, reference: Tensors, prefix: string, lora: LoraTensors | undefined, tolerance: number): Promise<Encoded> {
  const pixels = tensor(reference, `${prefix}.pixels`);
  const encoded = await encode(engine, slicesOf(pixels.data, pixels.shape[2], pixels.shape[3]), lora, { attention: true, patches: true });
  const { cls, patches } = splitTokens(tensor(reference, `${prefix}.tokens`), 1);
  checkClose(`${prefix} CLS`, encoded.cls, cls, tolerance);
  checkClose(`${prefix} patch tokens`, encoded.patches, patches, tolerance);
  checkClose(`${prefix} attention`, encoded.attention, tensor(reference, `${prefix}.clsAttention`).data, 10 * tolerance);
  return encoded;
}

/** LoRA of one view out of tensors that carry the view's prefix. */
export function viewLora(tensors: Tensors, prefix: string, scale: number): LoraTensors {
  const own = new Map<string, Tensor>();
  for (const [name, value] of tensors) if (name.startsWith(prefix)) own.set(name.slice(prefix.length), value);
  return { rank: tensor(own, "patch.A").shape[0], scale, tensors: own };
}

/** The fixture `dinov2-small-56.safetensors`: the shipped backbone, without and with LoRA. */
export async function encodeGolden(options: ConformanceOptions, backbone: Backbone, tolerance: number): Promise<void> {
  const reference = readTensors(await options.fixtures("dinov2-small-56.safetensors"), "dinov2-small-56");
  await withEngine(options.create, backbone, async (engine) => {
    await encodeAndCompare(engine, reference, "plain", undefined, tolerance);
    await encodeAndCompare(engine, reference, "lora", viewLora(reference, "lora.params.", 2), tolerance);
  });
}

export async function goldenPlain(create: Create, golden: Golden, size: string, tolerance: number): Promise<void> {
  const reference = readTensors(golden.plain, "golden plain");
  await withEngine(create, golden.backbone, async (engine) => {
    await encodeAndCompare(engine, reference, size, undefined, tolerance);
  });
}

export async function goldenTwoView(create: Create, golden: Golden, tolerance: number): Promise<void> {
  const reference = readTensors(golden.twoView, "golden two-view");
  await withEngine(create, golden.backbone, async (engine) => {
    const embeddings: Float32Array[] = [];
    for (const view of ["views.0", "views.1"]) {
      const lora = viewLora(reference, `params.${view}.lora.`, 2);
      const encoded = await encodeAndCompare(engine, reference, view, lora, tolerance);
      const pooled = attentionPool(encoded.cls, tensor(reference, `params.${view}.pool.query`).data, tensor(reference, `${view}.mask`).data);
      checkClose(`${view} slice weights`, pooled.weights, tensor(reference, `${view}.sliceWeights`).data, 10 * tolerance);
      checkClose(`${view} embedding`, pooled.embedding, tensor(reference, `${view}.embedding`).data, 10 * tolerance);
      embeddings.push(pooled.embedding);
    }
    const stacked = new Float32Array(embeddings.flatMap((e) => [...e]));
    const fused = attentionPool(stacked, tensor(reference, "params.fusion.query").data);
    checkClose("fusion weights", fused.weights, tensor(reference, "fusion.weights").data, 10 * tolerance);
    const logits = headForward(fused.embedding, tensor(reference, "params.head.weight"), tensor(reference, "params.head.bias"));
    checkClose("logits", logits, tensor(reference, "logits").data, 10 * tolerance);
  });
}
