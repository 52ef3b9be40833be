// The `anymc3d` field of an adapter's package.json: what a search looks at without fetching the package. It follows from adapter.json.

import { adapterDoubts } from "./doubts.js";
import type { AdapterManifest } from "./manifest.js";

/** What an adapter's package.json says of it, for searches. */
export interface AdapterFacts {
  readonly title: string;
  /** `task.kind` of the manifest. */
  readonly kind: string;
  readonly labels: readonly string[];
  /** DICOM modalities (CT, MR); empty where the adapter takes any. */
  readonly modalities: readonly string[];
  readonly bodyParts: readonly string[];
  /** The backbone's package. */
  readonly backbone: string;
  /** Codes of what speaks against its figures: `NEAR_CHANCE`, …; absent where nothing does. */
  readonly doubts?: readonly string[];
}

/** What the field must be for a manifest. */
export function factsOf({ title, task, input, backbone, metrics }: AdapterManifest): AdapterFacts {
  const modalities = [...new Set(input.views.flatMap(({ expect }) => expect.modality ?? []))];
  const doubts = [...new Set(adapterDoubts({ metrics }).map(({ code }) => code))];
  const labels = task.labels.map(({ id }) => id);
  return { title, kind: task.kind, labels, modalities, bodyParts: input.bodyParts, backbone: backbone.name, ...(doubts.length && { doubts }) };
}
