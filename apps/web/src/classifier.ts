// The classifier in its worker: one for the page's backbone, another while an adapter with a backbone of its own is in use.

import type { Backbone, Progress } from "@anymc3d/sdk";
import { createWorkerClassifier, type WorkerClassifier } from "@anymc3d/sdk/worker";

type BackboneOf = (() => Promise<Backbone>) | undefined;

let current: { readonly of: BackboneOf; readonly classifier: Promise<WorkerClassifier> } | undefined;

/** The classifier for a backbone; undefined: the one that comes with the page. */
export function classifierFor(of: BackboneOf, onProgress?: (progress: Progress) => void): Promise<WorkerClassifier> {
  if (current && current.of === of) return current.classifier;
  const classifier = start(of, current?.classifier, onProgress);
  current = { of, classifier };
  classifier.catch(() => {
    if (current?.classifier === classifier) current = undefined;
  });
  return classifier;
}

/** For reading, whatever its backbone. */
export const anyClassifier = (): Promise<WorkerClassifier> => current?.classifier ?? classifierFor(undefined);

async function start(of: BackboneOf, before: Promise<WorkerClassifier> | undefined, onProgress?: (progress: Progress) => void): Promise<WorkerClassifier> {
  await (await before?.catch(() => undefined))?.dispose();
  return createWorkerClassifier({ ...(of && { backbone: await of() }), onProgress });
}

/** Makes the engine before it is asked for, where that downloads nothing. */
export async function warmUp(): Promise<void> {
  if ("caches" in globalThis && (await caches.has("weights"))) await anyClassifier().catch(() => undefined);
}

/** After these a stored file may be the fault: it is fetched again next time. */
const BAD_ASSET = new Set(["ASSET_INVALID", "SAFETENSORS_INVALID", "BACKBONE_INVALID", "BACKBONE_MISMATCH", "MANIFEST_INVALID", "ENGINE_SELF_TEST"]);

/** Lets go of stored weights after an error that they may have caused. */
export async function forgetBadAssets(code: string): Promise<void> {
  if (BAD_ASSET.has(code) && "caches" in globalThis) await caches.delete("weights");
}
