// What was measured of an adapter, as its card says it, in words.

import type { AdapterManifest } from "@anymc3d/core";
import { coverageText, number, quantityText } from "./outcomes/numbers.js";

type Metrics = AdapterManifest["metrics"][number];

/** What was measured of one label, on the first of the sets that the card names: none or one text. */
export function measuredLabel({ metrics: [first] }: AdapterManifest, id: string): string[] {
  const found = first?.labels.find((label) => label.id === id);
  return found ? [labelText(found)] : [];
}

/** What was measured of the task as a whole, on the first of the sets: a text a figure. */
export const measuredFigures = ({ metrics: [first] }: AdapterManifest): string[] => (first ? wholeTexts(first) : []);

/** "LIDC-IDRI, val: malignant AUROC 0.82 [0.70–0.94], 43 of 83 positive; …" */
export const measuredText = (metrics: Metrics): string =>
  `${metrics.dataset}, ${metrics.split}: ${[...metrics.labels.map((label) => `${label.id} ${labelText(label)}`), ...wholeTexts(metrics)].join("; ")}`;

/** "Mean absolute error 1.2 mm [1.0–1.4], of 83 cases"; "the truth was within in 91 % of 83 cases, 90 % promised" */
function wholeTexts({ figures = [], coverage = [] }: Metrics): string[] {
  const texts = figures.map(({ name, value, unit, interval, n }) => {
    const range = interval ? ` [${interval.map(number).join("–")}]` : "";
    return `${name} ${value === null ? "undefined" : quantityText(number(value), unit)}${range}, of ${n} cases`;
  });
  const held = coverage.map(({ id, measured, nominal, n }) => {
    const whose = coverage.length > 1 ? `${id}: ` : "";
    return `${whose}the truth was within in ${coverageText(measured)} of ${n} cases, ${coverageText(nominal)} promised`;
  });
  return [...texts, ...held];
}

function labelText({ n, positives, auroc, interval }: Metrics["labels"][number]): string {
  const range = interval ? ` [${interval.map((value) => value.toFixed(2)).join("–")}]` : "";
  return `AUROC ${auroc?.toFixed(2) ?? "undefined"}${range}, ${positives} of ${n} positive`;
}
