// What answers mean, in words: every number from the manifest, nothing where it says nothing.
import { readFile } from "node:fs/promises";
import { type AdapterManifest, explain, parseAdapterManifest } from "@anymc3d/core";
import type { Loose } from "@anymc3d/testkit/expectations";
import { expect, test } from "vitest";

const lung = JSON.parse(await readFile(new URL("../../adapters-lung-nodule/adapter.json", import.meta.url), "utf8"));
const manifestOf = (change: (metrics: Loose) => void): AdapterManifest => {
  const manifest = structuredClone(lung);
  change(manifest.metrics[0]);
  return parseAdapterManifest(manifest);
};

test("threshold, decisions, AUROC, training cases; size where it does as well, and only there", () => {
  const manifest = manifestOf((metrics) => {
    metrics.thresholds = "Youden's index on val";
    Object.assign(metrics.labels[0], {
      n: 83,
      positives: 43,
      auroc: 0.82,
      interval: [0.69, 0.94],
      sensitivity: { value: 0.7209, interval: [0.58, 0.85] },
      specificity: { value: 0.9, interval: null },
      trained: { n: 400, positives: 100 },
    });
    const size = (id: string, auroc: number) => ({ id, n: 83, positives: 43, auroc, interval: [0.6, 0.9] });
    metrics.baselines = [{ id: "size", name: "the best that size alone does", labels: [size("malignant", 0.7), size("spiculated", 0.5)] }];
  });
  const { labels } = explain(manifest);
  expect(labels[0]).toEqual({
    id: "malignant",
    name: "Rated malignant",
    lines: [
      "decided from a probability of 0.596 on, chosen by Youden's index on val",
      "at that threshold, on val, of 43 cases with it 72 % [58 % to 85 %] were found, and of 40 without it 90 % were let pass",
      "AUROC 0.82 [0.69 to 0.94] on val: how often a case with it gets more than a case without it; it is of the model, not of this scan",
      "the best that size alone does is as good: AUROC 0.70 [0.60 to 0.90] on the same cases",
      "trained on 400 cases, 100 of them with it (25 %): where it is rarer or commoner, probabilities are off",
    ],
  });
  expect(labels[1].lines.join()).not.toContain("as good");
});

test("what the manifest does not say is left out", () => {
  const { labels, whole } = explain(
    manifestOf((metrics) => {
      metrics.labels = [{ id: "malignant", n: 3, positives: 3, auroc: null, interval: null, sensitivity: { value: null, interval: null } }];
      delete metrics.thresholds;
      delete metrics.baselines;
    }),
  );
  expect(labels[0].lines).toEqual(["decided from a probability of 0.596 on"]);
  expect(labels[4].lines).toEqual(["decided from a probability of 0.482 on"]);
  expect(whole).toEqual([]);
});

test("figures of the task, and how often sets held the truth", () => {
  const { whole } = explain(
    manifestOf((metrics) => {
      metrics.figures = [{ id: "meanAbsoluteError", name: "Mean absolute error", n: 50, value: 1.77, interval: [1.42, 2.24], unit: "mm" }];
      metrics.coverage = [{ id: "size", nominal: 0.9, measured: 0.896, n: 127, how: "halves" }];
      metrics.baselines = [
        { id: "size", name: "the best that size alone does", figures: [{ id: "meanAbsoluteError", name: "x", n: 50, value: 1.9, interval: null }] },
      ];
    }),
  );
  expect(whole).toEqual([
    "Mean absolute error 1.77 mm [1.42 to 2.24], of 50 cases of val",
    "size: sets or intervals are made to hold the truth in 90 % of cases; of 127 they held 90 %",
    "the best that size alone does: Mean absolute error 1.9 on the same cases",
  ]);
});
