// One chunk forward: in a session that gives what was wanted, or in one that also gives the activations that backward needs.

import type { Backbone, Encoded, ForwardWants, LoraTensors } from "@anymc3d/core";
import type { Chunk, KeptChunk } from "@anymc3d/core/engine";
import { type FeedMaker, type Feeds, mapsThatRun } from "./feeds.js";
import type { Sessions } from "./sessions.js";
import type { Activations, TrainingSessions } from "./training.js";

/** What an engine runs chunks with. */
export interface Parts {
  readonly source: Pick<Backbone, "spec" | "tensors">;
  readonly sessions: Sessions;
  readonly feeds: FeedMaker;
}

/** A forward's LoRA and wants. */
export interface Pass {
  readonly lora: LoraTensors | undefined;
  readonly want: ForwardWants;
}

/** A chunk's way back. */
export interface KeptActivations extends KeptChunk {
  readonly count: number;
  /** P */
  readonly patches: number;
  readonly feeds: Feeds;
  readonly sessions: TrainingSessions;
  readonly activations: Activations;
}

export async function forwardChunk(
  parts: Parts,
  pass: Pass,
  chunk: Chunk,
  keep: boolean,
): Promise<{ readonly encoded: Encoded; readonly kept?: KeptActivations }> {
  if (!keep) return { encoded: encodedOf(await runPlain(parts, pass, chunk)) };
  const { results, kept } = await runKept(parts, pass, chunk, outputsOf(pass.want));
  return { encoded: encodedOf(results), kept };
}

async function runPlain({ source, sessions, feeds }: Parts, { lora, want }: Pass, chunk: Chunk): Promise<Feeds> {
  const { from, until, patches = false, lastInput = false } = want;
  const adapted = lora ? mapsThatRun(source, want) : [];
  const session = await sessions.plain({ adapted, patches, lastInput, attention: true, from: from?.block, until });
  return session.run({ ...feeds.chunk(chunk), ...(lora && feeds.lora(lora, adapted)) }, outputsOf(want));
}

/** @param outputs to give, beside the activations */
export async function runKept(
  { source, sessions, feeds }: Parts,
  { lora, want }: Pass,
  chunk: Chunk,
  outputs: readonly string[],
): Promise<{ readonly results: Feeds; readonly kept: KeptActivations }> {
  const { from, patches = false, lastInput = false, attention = false, gradients = [] } = want;
  // Tokens' gradients go through every map's product; with all maps as inputs one pair of sessions does for every adapter.
  const adapted = lora ? mapsThatRun(source, want, gradients.includes("lora") ? lora : undefined) : [];
  const graph = { adapted, patches, lastInput, attention, from: from?.block };
  const pair = sessions.training(graph, gradients, lora?.rank ?? 0, (data, shape) => feeds.tensor(data, shape));
  const given = { ...feeds.chunk(chunk), ...(lora && feeds.lora(lora, adapted)) };
  const { results, activations } = await pair.forward(given, outputs);
  const free = () => pair.release(activations);
  return {
    results,
    kept: { count: chunk.count, patches: chunk.rows * chunk.columns, feeds: given, sessions: pair, activations, bytes: activations.bytes, free },
  };
}

function outputsOf({ attention, patches, lastInput, until }: ForwardWants): string[] {
  if (until !== undefined) return ["states.out"];
  return ["cls", ...(attention ? ["attention"] : []), ...(patches ? ["tokens"] : []), ...(lastInput ? ["input"] : [])];
}

function encodedOf({ cls, attention, tokens, input, "states.out": states }: Feeds): Encoded {
  const values = (tensor: Feeds[string] | undefined) => tensor?.data as Float32Array;
  return { cls: values(cls), attention: values(attention), patches: values(tokens), lastInput: values(input), states: values(states) };
}
