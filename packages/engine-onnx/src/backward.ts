// One chunk backward: from the activations that were kept of it, or from its input, which then runs forward first.

import type { Chunk, ChunkGradients, ChunkSeeds } from "@anymc3d/core/engine";
import type { Feeds } from "./feeds.js";
import { type KeptActivations, type Parts, type Pass, runKept } from "./forward.js";

export async function backwardChunk(parts: Parts, pass: Pass, from: KeptActivations | Chunk, seeds: ChunkSeeds): Promise<ChunkGradients> {
  const kept = "activations" in from ? from : (await runKept(parts, pass, from, [])).kept;
  const { count, patches, feeds, sessions, activations } = kept;
  const { width } = parts.source.spec;
  const given: Feeds = { ...feeds, "d.cls": parts.feeds.tensor(seeds.dCls, [count, width]) };
  if (seeds.dPatches) given["d.tokens"] = parts.feeds.tensor(seeds.dPatches, [count, patches, width]);
  return gradientsOf(await sessions.backward(given, activations));
}

function gradientsOf(results: Feeds): ChunkGradients {
  const lora = new Map<string, { a: Float32Array; b: Float32Array }>();
  for (const name of Object.keys(results)) {
    const map = /^d\.lora\.(.+)\.a$/.exec(name)?.[1];
    if (map) lora.set(map, { a: results[name].data as Float32Array, b: results[`d.lora.${map}.b`].data as Float32Array });
  }
  return { lora, tokens: results["d.input"]?.data as Float32Array | undefined };
}
