// The classifier in its worker: one for the page's backbone, another while an adapter with a backbone of its own is in use.

import type { Backbone, Progress } from "@anymc3d/sdk";
import { createWorkerClassifier, type WorkerClassifier } from "@anymc3d/sdk/worker";
import { missingParts, storeParts, storesOnTheWay } from "../offline/offline.js";

type BackboneOf = (() => Promise<Backbone>) | undefined;

let current: { readonly of: BackboneOf; readonly classifier: Promise<WorkerClassifier> } | undefined;

/** The classifier for a backbone; undefined: the one that comes with the page. */
export function classifierFor(of: BackboneOf, onProgress?: (progress: Progress) => void): Promise<WorkerClassifier> {
  if (current?.of !== of || !current) {
    const classifier = start(of, current?.classifier, onProgress);
    current = { of, classifier };
    classifier.catch(() => {
      if (current?.classifier === classifier) current = undefined;
    });
  }
  void storeOnTheWay(current.classifier);
  return current.classifier;
}

/** Stores what the worker fetches: while it does, so that it is fetched once, and again where that failed and the worker's did not. */
async function storeOnTheWay(classifier: Promise<WorkerClassifier>): Promise<void> {
  await storeParts();
  await classifier.then(({ engine }) => engine).then(storeParts, () => undefined);
}

/** For reading, whatever its backbone. */
export const anyClassifier = (): Promise<WorkerClassifier> => current?.classifier ?? classifierFor(undefined);

async function start(of: BackboneOf, before: Promise<WorkerClassifier> | undefined, onProgress?: (progress: Progress) => void): Promise<WorkerClassifier> {
  await (await before?.catch(() => undefined))?.dispose();
  await storesOnTheWay();
  return createWorkerClassifier({ ...(of && { backbone: await of() }), onProgress });
}

/** Makes the engine before it is asked for, where that downloads nothing. */
export async function warmUp(): Promise<void> {
  if ((await missingParts()).length === 0) await anyClassifier().catch(() => undefined);
}
