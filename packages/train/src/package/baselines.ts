// What size alone reaches, as a manifest states it beside the adapter's own figures.

import type { AdapterManifest } from "@anymc3d/core";
import type { ComparedModel } from "../metrics/compare.js";

type Metrics = AdapterManifest["metrics"][number];

const NAME = "the best that size alone does";

/**
 * The manifest with the best of the size-only baselines, label by label, or, where figures are of the task, the one that scores best. The best of several
 * on the same cases, so it is flattered; that is to the adapter's disadvantage.
 * @param models with the adapter itself and its variants; those without trained numbers are the baselines
 */
export function withBaselines(manifest: AdapterManifest, models: readonly ComparedModel[]): AdapterManifest {
  const simple = models.filter(({ parameters }) => parameters === 0);
  const [first, ...others] = manifest.metrics;
  if (simple.length === 0 || first === undefined) return manifest;
  const labels = first.labels.flatMap(({ id, n, positives }): Metrics["labels"] => {
    const estimates = simple.flatMap(({ figures }) => figures[id] ?? []).filter(({ value }) => value !== null);
    if (estimates.length === 0) return [];
    const { value, interval } = estimates.reduce((best, one) => ((one.value as number) > (best.value as number) ? one : best));
    return [{ id, n, positives, auroc: value, interval }];
  });
  const best = simple.reduce((top, one) => ((one.score.value ?? Number.NEGATIVE_INFINITY) > (top.score.value ?? Number.NEGATIVE_INFINITY) ? one : top));
  const figures = labels.length
    ? []
    : (first.figures ?? []).flatMap(({ id, name, n, unit }): NonNullable<Metrics["figures"]> => {
        const found = best.figures[id];
        return found ? [{ id, name, n, value: found.value, interval: found.interval, ...(unit && { unit }) }] : [];
      });
  if (labels.length + figures.length === 0) return manifest;
  const baseline = { id: "size", name: NAME, ...(labels.length && { labels }), ...(figures.length && { figures }) };
  return { ...manifest, metrics: [{ ...first, baselines: [baseline] }, ...others] };
}
