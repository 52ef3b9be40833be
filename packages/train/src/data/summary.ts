// How many cases, groups, labels and masks each split has, and whether that can be learned and judged.

import { AnyMC3DError, type Warning } from "@anymc3d/core";
import type { Task } from "../config.js";
import { taskTraining } from "../tasks/index.js";
import type { LabelCount } from "../tasks/task-training.js";
import type { TrainCase } from "./cases.js";
import type { Split } from "./splits.js";

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
    const labels = taskTraining(task).counts(task, those);
    const groups = new Set(those.map(({ group }) => group)).size;
    return [{ split, n: those.length, groups, labels, masks: masked.length, emptyMasks: masked.filter(({ id }) => emptyMasks.has(id)).length }];
  });
}

/**
 * Refuses what cannot be learned, and warns of what cannot be judged.
 * @returns warnings `ONE_CLASS`: a label whose validation cases are all alike, so that its figures are undefined; `LABEL_IMPLAUSIBLE`
 * @throws AnyMC3DError `LABELS_INVALID` naming every label whose training cases are all alike, or that no validation case says anything of
 */
export function checkLabels(summary: readonly SplitSummary[], task: Task, file: string): Warning[] {
  const of = (wanted: Split) => summary.find(({ split }) => split === wanted)?.labels ?? [];
  const kind = taskTraining(task);
  const implausible = summary.flatMap(({ split, labels }) => kind.labelWarnings?.(task, labels, `${file}, ${split}`) ?? []);
  const doubts = kind.checkCounts(task, of("train"), of("val"), file);
  const unknown = of("val").filter(({ positives = 0, negatives = 0, values }) => positives + negatives === 0 && !values);
  if (unknown.length === 0) return [...implausible, ...doubts];
  const names = unknown.map(({ id }) => id).join(", ");
  const message = `${file}: no validation case says anything of ${names}, so that what is learned of it cannot be judged. Add validation cases that do, move some from another split, or drop it.`;
  throw new AnyMC3DError("LABELS_INVALID", message);
}
