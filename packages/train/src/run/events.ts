// What trainToPackage() tells while it works.

import type { Warning } from "@anymc3d/core";
import type { CaseFault } from "../data/check-cases.js";
import type { SplitSummary } from "../data/summary.js";
import type { TrainEvent } from "../learning/loop.js";
import type { ComparedModel } from "../metrics/compare.js";
import type { MadeAdapter } from "../package/make-adapter.js";
import type { Check } from "../package/verify.js";

/** A package that was trained and written. */
export interface TrainedPackage {
  /** The package's folder. */
  readonly out: string;
  /** Whose tensors are in it, from 1. */
  readonly keptEpoch: number;
  /** On validation: a row a label, or one of the task. */
  readonly measured: MadeAdapter["measured"];
  /** Of labels and classes: figures of all of them together. */
  readonly whole?: MadeAdapter["whole"];
  /** How often sets and intervals held the truth, on cases that did not calibrate them. */
  readonly coverage: MadeAdapter["coverage"];
  /** What speaks against relying on the figures: `FEW_CASES`, `NEAR_CHANCE`, `WORSE_THAN_CHANCE`, `NOT_CALIBRATED`, `NO_SETS`. */
  readonly warnings: readonly Warning[];
  /** Whether it is fit to publish; empty for a variant. */
  readonly checks: readonly Check[];
  /** Path of the HTML report. */
  readonly report: string;
}

/** An event of `trainToPackage()`. Where it is about a variant of a comparison, `variant` names that. */
export type TrainToPackageEvent =
  /** A case read and checked, or measured for the size-only baselines. */
  | { readonly type: "reading"; readonly done: number; readonly total: number }
  /** Cases that cannot be used: left out (`skipped`), or the reason of the error that follows. */
  | { readonly type: "faults"; readonly faults: readonly CaseFault[]; readonly skipped: boolean }
  /** All cases read: what is trained on. */
  | { readonly type: "data"; readonly splits: readonly SplitSummary[]; readonly skipped: readonly CaseFault[]; readonly warnings: readonly Warning[] }
  | (TrainEvent & { readonly variant?: string })
  /** A package written. */
  | ({ readonly type: "done"; readonly variant?: string } & TrainedPackage)
  /** All variants trained, and held against each other and the size-only baselines. */
  | {
      readonly type: "compared";
      readonly models: readonly ComparedModel[];
      /** What is compared: "AUROC". */
      readonly what: string;
      /** The models in Markdown. */
      readonly table: string;
    };
