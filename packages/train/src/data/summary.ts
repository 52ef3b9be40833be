// How many cases, groups, labels and masks each split has, and whether that can be learned and judged.

import { AnyMC3DError, type Warning } from "@anymc3d/core";
import type { Task } from "../config.js";
import type { TrainCase } from "./cases.js";
import type { Split } from "./splits.js";

/** How many cases of a split have a label, have it not, and do not say. */
export interface LabelCount {
  readonly id: string;
  readonly positives: number;
  readonly negatives: number;
  readonly unknown: number;
}

/** Cases, groups, labels and masks of one split. */
export interface SplitSummary {
  readonly split: Split;
  readonly n: number;
  readonly groups: number;
  readonly labels: readonly LabelCount[];
  /** Cases with a mask, and those of them whose mask is empty. */
  readonly masks: number;
  readonly emptyMasks: number;
}

/** Counts cases by split; splits without cases are left out. */
export function summariseCases(cases: readonly TrainCase[], task: Task, emptyMasks: ReadonlySet<string> = new Set()): SplitSummary[] {
  return (["train", "val", "test"] as const).flatMap((split) => {
    const those = cases.filter((trainCase) => trainCase.split === split);
    if (those.length === 0) return [];
    const masked = those.filter(({ loadMask }) => loadMask);
    const labels = task.labels.map(({ id }) => {
      const count = (value: 0 | 1 | undefined) => those.filter((trainCase) => trainCase.labels.get(id) === value).length;
      return { id, positives: count(1), negatives: count(0), unknown: count(undefined) };
    });
    const groups = new Set(those.map(({ group }) => group)).size;
    return [{ split, n: those.length, groups, labels, masks: masked.length, emptyMasks: masked.filter(({ id }) => emptyMasks.has(id)).length }];
  });
}

/**
 * Refuses a label that cannot be learned, and warns of one that cannot be judged.
 * @returns warnings `ONE_CLASS`: a label whose validation cases are all positive or all negative, so that its AUROC is undefined
 * @throws AnyMC3DError `LABELS_INVALID` naming every label of which training has one class only
 */
export function checkLabels(summary: readonly SplitSummary[], file: string): Warning[] {
  const oneClass = (wanted: Split) => {
    const labels = summary.filter(({ split }) => split === wanted).flatMap(({ labels }) => labels);
    return labels.filter(({ positives, negatives }) => positives === 0 || negatives === 0);
  };
  const show = ({ id, positives, negatives, unknown }: LabelCount) => `${id} (${positives} positive, ${negatives} negative, ${unknown} unknown)`;
  const unlearnable = oneClass("train");
  if (unlearnable.length) {
    const found = `training cases of one class only for ${unlearnable.map(show).join(", ")}`;
    throw new AnyMC3DError(
      "LABELS_INVALID",
      `${file}: ${found}. A label needs positive and negative cases; add some, move some from another split, or drop it.`,
    );
  }
  return oneClass("val").map((label) => ({
    code: "ONE_CLASS",
    message: `${file}: validation cases of one class only for ${show(label)}: its AUROC is undefined and cannot choose the best epoch. Give validation positive and negative cases of it, or drop it`,
  }));
}
