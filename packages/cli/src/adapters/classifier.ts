// A command's classifier: the flags' engine, on the backbone that the flags or the adapter name.

import type { Backbone, Progress } from "@anymc3d/core";
import { type Classifier, createClassifier, type EngineChoice } from "@anymc3d/sdk";
import type { EngineFlags } from "../options/engine.js";

export async function startClassifier(
  found: { backbone(): Promise<Backbone> },
  flags: EngineFlags,
  signal: AbortSignal,
  onProgress?: (progress: Progress) => void,
): Promise<Classifier> {
  return createClassifier({
    backbone: flags.backbone ?? (await found.backbone()),
    engine: flags.engine as EngineChoice,
    precision: flags.precision,
    threads: flags.threads,
    signal,
    onProgress,
  });
}
