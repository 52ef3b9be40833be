// A classifier's engine: one of the table, or the caller's own, checked before it is trusted.

import { AnyMC3DError, type Backbone, type Engine } from "@anymc3d/core";
import { runSelfTest } from "@anymc3d/core/engine";
import { createEngine, type EngineOptions } from "./create.js";
import type { EngineChoice } from "./table.js";

/**
 * An engine's name, an engine, or what makes one. An engine stays its owner's, who disposes it; what a function makes is the classifier's.
 * Both must have been made for the backbone that is classified with, and reproduce its stored answer.
 */
export type EngineSource = EngineChoice | Engine | ((backbone: Backbone) => Engine | Promise<Engine>);

/** Like the options of `createEngine()`, with engines of one's own. */
export interface ClassifierEngineOptions extends Omit<EngineOptions, "engine"> {
  /** A name, as for `createEngine()`; an engine, which stays the caller's to dispose; or a function that makes one of the backbone. Default `auto`. */
  readonly engine?: EngineSource;
}

/** An engine and who disposes it. */
export interface HeldEngine {
  readonly engine: Engine;
  /** Whether another can be made in its place. */
  readonly renewable: boolean;
  /** Frees it where it is not its owner's. */
  dispose(): Promise<void>;
}

/**
 * @throws AnyMC3DError as `createEngine()`; for an engine of the caller's `OPTION_INVALID` where it is none, `BACKBONE_MISMATCH`, `ENGINE_SELF_TEST`;
 * what a function throws
 */
export async function holdEngine(backbone: Backbone, { engine: source, ...options }: ClassifierEngineOptions): Promise<HeldEngine> {
  if (source === undefined || typeof source === "string") {
    const engine = await createEngine(backbone, { ...options, engine: source });
    return { engine, renewable: true, dispose: () => engine.dispose() };
  }
  if (typeof source !== "function") {
    await checkOwn(source, backbone);
    return { engine: source, renewable: false, dispose: async () => undefined };
  }
  const engine = await source(backbone);
  try {
    await checkOwn(engine, backbone);
  } catch (error) {
    await engine?.dispose?.();
    throw error;
  }
  return { engine, renewable: true, dispose: () => engine.dispose() };
}

async function checkOwn(engine: Engine, backbone: Backbone): Promise<void> {
  const isEngine = typeof engine?.forward === "function" && typeof engine.dispose === "function" && Boolean(engine.backbone?.hash);
  if (!isEngine) throw new AnyMC3DError("OPTION_INVALID", "engine is no engine: forward(), dispose() and backbone of @anymc3d/core's Engine are needed");
  if (engine.backbone.hash !== backbone.hash)
    throw new AnyMC3DError(
      "BACKBONE_MISMATCH",
      `engine ${engine.id} was made for backbone ${engine.backbone.name} (${engine.backbone.hash}), but ${backbone.name} (${backbone.hash}) is classified with; make the engine of that one`,
      { details: { backbone: backbone.name, expected: backbone.hash, found: engine.backbone.hash } },
    );
  await runSelfTest(engine, backbone);
}
