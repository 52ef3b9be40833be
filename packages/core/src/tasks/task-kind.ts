// What a kind of task must say of itself. One file a kind beside this one; the table of all is index.ts.

import type * as z from "zod";
import type { HeadForm } from "../kinds/head/index.js";
import type { LabelResult, Warning } from "../types.js";
import type { Conformal, TaskLabel } from "./labels.js";

/** What every kind's part of a manifest has in common. */
export interface TaskShape {
  readonly kind: string;
  readonly labels: readonly TaskLabel[];
  readonly conformal?: Conformal;
}

/** What a study's logits say, in the kind's own terms. Fields that a kind does not have are absent. */
export interface Outcome {
  /** One a label; none where the task is a quantity. */
  readonly labels: readonly LabelResult[];
  /** What `value` is a value of. */
  readonly quantity?: { readonly id: string; readonly name: string; readonly snomed?: string };
  /** A quantity in `unit`; of ordered classes the expected class, on the classes' own values. */
  readonly value?: number;
  readonly unit?: string;
  /** [low, high], in `unit`, which holds the truth in `coverage` of cases like those of the calibration. */
  readonly interval?: readonly [low: number, high: number];
  /** Ids of the classes that hold the true one in `coverage` of cases like those of the calibration. */
  readonly set?: readonly string[];
  /** Of `interval`, `set` and the labels' sets, 0 … 1. */
  readonly coverage?: number;
  readonly warnings?: readonly Warning[];
}

/** A kind of task: what stands in a manifest, what the head gives, and what that means. */
export interface TaskKind<T extends TaskShape> {
  /** `task.kind` of a manifest. */
  readonly id: T["kind"];
  /** What it is, in one line for people. */
  readonly text: string;
  /** Its form of `task`, for task.json and adapter.json. */
  readonly schema: z.ZodType<T>;
  readonly head: HeadForm;
  /** What fields say against each other. */
  faults(task: T): string[];
  /** What adapter.json must have and task.json need not, since training finds it. */
  unfinished(task: T): string[];
  /** Fills in what nobody chose, for tasks that are imported rather than trained; `notes`: what was filled in. */
  completed(task: T): { readonly task: T; readonly notes: readonly string[] };
  /** With the decision thresholds that training found, one a label; the task itself where its labels have none. */
  withThresholds(task: T, thresholds: readonly number[]): T;
  /** How many logits the head gives. */
  outputs(task: T): number;
  /** How many quantiles `task.conformal` holds. */
  quantiles(task: T): number;
  /** The activation. @param logits [outputs] @returns 0 … 1, one a label; empty where the task is a quantity */
  probabilities(task: T, logits: ArrayLike<number>): Float32Array;
  /** @param logits [outputs] */
  outcome(task: T, logits: ArrayLike<number>): Outcome;
  /** Ids of the labels that a heatmap may be asked for. */
  heatmapLabels(task: T): readonly string[];
  /** Gradient, [outputs], with respect to the logits, of what Grad-CAM explains. @param label one of `heatmapLabels`; absent: the kind's default */
  heatmapGradient(task: T, logits: ArrayLike<number>, label?: string): Float32Array;
  /** Largest difference of a logit that a conformance vector lets through. @param spread standard deviation of the training set's values, for quantities */
  tolerance(task: T, spread?: number): number;
  /** The largest that a manifest may state: beyond it, the vector holds logits to nothing. */
  readonly mostTolerance: number;
}
