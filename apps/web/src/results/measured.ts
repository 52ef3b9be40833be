// What was measured of an adapter, as its card says it, in words.

import type { AdapterManifest } from "@anymc3d/core";

type Metrics = AdapterManifest["metrics"][number];

/** What was measured of one label, on the first of the sets that the card names: none or one text. */
export function measuredLabel({ metrics: [first] }: AdapterManifest, id: string): string[] {
  const found = first?.labels.find((label) => label.id === id);
  return found ? [labelText(found)] : [];
}

/** "LIDC-IDRI, val: malignant AUROC 0.82 [0.70–0.94], 43 of 83 positive; …" */
export const measuredText = ({ dataset, split, labels }: Metrics): string =>
  `${dataset}, ${split}: ${labels.map((label) => `${label.id} ${labelText(label)}`).join("; ")}`;

function labelText({ n, positives, auroc, interval }: Metrics["labels"][number]): string {
  const range = interval ? ` [${interval.map((value) => value.toFixed(2)).join("–")}]` : "";
  return `AUROC ${auroc?.toFixed(2) ?? "undefined"}${range}, ${positives} of ${n} positive`;
}
