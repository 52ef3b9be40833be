// What training and evaluation must know of a kind of task. One file a kind beside this one; the table of all is index.ts.

import type { Outcome, Task, Tensor, Tensors, Warning } from "@anymc3d/core";
import type { GroupCounts } from "@anymc3d/core/learn";
import type { TrainingOptions } from "../config.js";
import type { Decision } from "../metrics/calibration.js";
import type { BootstrapOptions, Estimate } from "../metrics/metrics.js";
import type { ReportParts } from "../report/report.js";

/** What is known of a case, by label id; absent where unknown. Labels and classes: 1 where it is so, else 0; quantities: the value. */
export type Labels = ReadonlyMap<string, number>;

/** A case as far as it is judged. */
export interface Judged {
  readonly group: string;
  readonly labels: Labels;
}

/** A case, and the logits that a model gives for it. */
export interface Scored extends Judged {
  readonly logits: ArrayLike<number>;
}

/** What is wrong with a table, a cell or an entry: throws with the place in front. @param column where it is in one */
export type Fail = (what: string, column?: string) => never;

/** Names of losses, `training.loss` of task.json. */
export type LossName = "bce" | "focal" | "cross-entropy" | "proportional-odds" | "huber" | "squared";

/** How many cases of a split say something of a label, and what. */
export interface LabelCount {
  readonly id: string;
  readonly unknown: number;
  /** Of labels and classes. */
  readonly positives?: number;
  readonly negatives?: number;
  /** Of quantities: how many are known, what they are, and how many lie outside the range that the task states as plausible. */
  readonly values?: {
    readonly n: number;
    readonly mean: number;
    readonly sd: number;
    readonly lowest: number;
    readonly highest: number;
    readonly outside: number;
  };
  /** All of it, as people read it. */
  readonly text: string;
}

/** What a step makes smaller. */
export interface Objective {
  /** How many terms of the step's mean a case gives: of its labels the known ones. */
  terms(labels: Labels): number;
  /** @param logits [outputs] @returns the sum of the case's terms, and its gradient */
  of(logits: Float32Array, labels: Labels): { readonly loss: number; readonly dLogits: Float32Array };
  /** The tensors as an adapter has them: what training normalised is part of the head. */
  finished(tensors: Tensors): Tensors;
}

/** A figure by which models are compared on the same cases. */
export interface ScoreColumn {
  readonly id: string;
  readonly title: string;
  /** Whether a case counts. */
  knows(labels: Labels): boolean;
  /** @param cases that count, with what {@link TaskTraining.scores} gives; null where it is undefined */
  of(cases: readonly { readonly labels: Labels; readonly scores: ArrayLike<number> }[]): number | null;
}

/** What was measured of a label, or of the task where its labels are judged together. */
export interface Measured {
  readonly id: string;
  readonly name: string;
  /** Cases whose truth is known. */
  readonly n: number;
  /** Of these, where it is there; labels and classes only. */
  readonly positives?: number;
  /** Groups (patients) that the cases are of. */
  readonly groups?: GroupCounts;
  /** By the names of {@link FIGURES}. */
  readonly figures: Readonly<Record<string, Estimate>>;
  /** Of figures that are no pure numbers. */
  readonly units?: Readonly<Record<string, string>>;
  /** Of labels with one: positive at probability ≥ threshold. */
  readonly threshold?: number;
}

/** Which class was taken for which, by the decisions that results carry. */
export interface ClassTable {
  /** Ids. */
  readonly classes: readonly string[];
  /** [true class][decided class] counts. */
  readonly counts: readonly (readonly number[])[];
}

/** How wrong a model is on a case, for a look at the worst. */
export interface CaseError {
  /** The label it is about. */
  readonly label: string;
  /** Larger is worse. */
  readonly error: number;
  /** Truth and answer, as people read them. */
  readonly said: string;
}

/** A labels file or task.json to start from: what `adapter new` writes. */
interface Example {
  readonly task: Task;
  readonly description: string;
  /** Header and two rows, after id, group and split. */
  readonly columns: readonly string[];
  readonly rows: readonly [readonly (string | number)[], readonly (string | number)[]];
}

/** A kind of task, as training sees it. */
export interface TaskTraining<T extends Task = Task> {
  readonly id: T["kind"];

  /** Columns of labels.csv that the kind reads. */
  labelColumns(task: T): readonly string[];
  /** Reads the labels of a row of labels.csv. @param columns those of the file @param fail for the columns themselves */
  rowReader(task: T, columns: readonly string[], fail: Fail): (cells: Readonly<Record<string, string>>, fail: Fail) => Map<string, number>;
  /** Columns of an .npz's labels, and how a row of them is read; NaN: unknown. */
  arrayReader(task: T): { readonly columns: number; read(row: ArrayLike<number>, fail: Fail): Map<string, number> };
  /** What the automatic split spreads evenly over training and validation. @returns names of what a case is, by its labels */
  strata(task: T, all: readonly Labels[]): (labels: Labels) => readonly string[];
  counts(task: T, cases: readonly { readonly labels: Labels }[]): LabelCount[];
  /** What looks wrong with the truth itself. @param where they are, for messages */
  labelWarnings?(task: T, counts: readonly LabelCount[], where: string): Warning[];
  /**
   * Refuses what cannot be learned, warns of what cannot be judged.
   * @throws AnyMC3DError `LABELS_INVALID`
   */
  checkCounts(task: T, training: readonly LabelCount[], validation: readonly LabelCount[], file: string): Warning[];

  /** Those that fit, the default first. */
  readonly losses: readonly [LossName, ...LossName[]];
  /** `training.classWeights` where task.json says nothing; undefined: the kind has none. */
  readonly classWeights: "sqrt" | "none" | undefined;
  /** `training.threshold` where task.json says nothing; undefined: the kind decides without thresholds. */
  readonly threshold: "youden" | undefined;
  /** Whether training finds temperatures. */
  readonly calibrated: boolean;
  /** Whether a temperature changes the order that {@link scores} give cases, as of a class among others. */
  readonly reordered?: true;
  objective(task: T, training: TrainingOptions, trained: readonly { readonly labels: Labels }[]): Objective;
  /** The head's bias before the first step; absent: zero. */
  initialBias?(task: T): Float32Array;
  /** The head's bias after a step, where not every one is valid. */
  validBias?(bias: Tensor): Tensor;

  /** Logits as {@link ScoreColumn}s take them. */
  scores(task: T, logits: Float32Array): ArrayLike<number>;
  /** Higher is better in those named by `chooses`. */
  columns(task: T): readonly ScoreColumn[];
  /** Columns whose mean chooses the best epoch and compares models. */
  chooses(task: T): readonly string[];
  /** What that mean is called: "AUROC". */
  readonly scoreName: string;
  /** By which the logits are divided so that probabilities match frequencies, one an output. */
  temperatures(task: T, cases: readonly Scored[]): number[];
  /** Thresholds by validation, one a label; none where the kind decides without. */
  decisions(task: T, cases: readonly Scored[], rule: NonNullable<TrainingOptions["threshold"]>): Decision[];
  /** A row a label, or one of the task. Decisions are those of a result: by the adapter's thresholds, the most probable or the median class. */
  measure(task: T, cases: readonly Scored[], options: BootstrapOptions): Measured[];
  /** Where {@link measure} has a row a label: figures of all of them together. */
  whole(task: T, cases: readonly Scored[], options: BootstrapOptions): Measured | undefined;
  /** Of kinds of classes. */
  confusion?(task: T, cases: readonly Scored[]): ClassTable;
  /** What speaks against the probabilities. */
  calibrationDoubts(task: T, temperatures: readonly number[]): Warning[];
  /** Figures of {@link Measured} that a published adapter must state; none where it states an AUROC a label. */
  readonly stated: readonly string[];

  /** What each conformal quantile is about. */
  quantileIds(task: T): readonly string[];
  /** Scores of a case for conformal prediction, one a quantile; undefined where the truth is unknown. */
  nonconformity(task: T, scored: Scored): readonly (number | undefined)[];
  /** Whether a result's sets or interval hold the truth, and how large they are, one a quantile. */
  held(task: T, outcome: Outcome, labels: Labels): readonly ({ readonly held: boolean; readonly size: number } | undefined)[];
  /** What `size` is: "labels in a set", "mm wide". */
  sizeUnit(task: T): string;

  /** What a scalar alone tells: fitted on training cases. @returns scalar → scores, as {@link scores} */
  baseline(task: T, trained: readonly { readonly labels: Labels; readonly scalar: number }[]): (scalar: number) => ArrayLike<number>;
  /** The same answer for every case, where that says something. */
  constant?(task: T, trained: readonly { readonly labels: Labels }[]): { readonly name: string; readonly scores: ArrayLike<number> } | undefined;

  /** @param logits calibrated */
  errors(task: T, logits: Float32Array, labels: Labels): CaseError[];
  /** Sections of the report, HTML. */
  reportSections(parts: ReportParts): readonly { readonly title: string; readonly html: string }[];
  /** The card's table of what is answered. */
  cardLabels(task: T): { readonly title: string; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };
  /** Columns of `evaluate --predictions` after id and group. */
  predictionColumns(task: T): readonly string[];
  predictionCells(task: T, outcome: Outcome & { readonly logits: ArrayLike<number> }): readonly (string | number)[];
  /** Columns of the truth, after those. */
  truthColumns(task: T): readonly string[];
  /** Blank where it is unknown. */
  truthCells(task: T, labels: Labels): readonly (string | number)[];
  /** @param names of labels, classes or the quantity, as `adapter new --labels` has them */
  example(names: readonly string[]): Example;
}

/** What the figures of {@link Measured} are called in tables. */
export const FIGURES: Readonly<Record<string, string>> = {
  auroc: "AUROC",
  averagePrecision: "avg. precision",
  meanAuroc: "mean AUROC",
  topOneAccuracy: "most probable class right",
  macroF1: "macro F1",
  sensitivity: "sensitivity",
  specificity: "specificity",
  ppv: "PPV",
  f1: "F1",
  accuracy: "accuracy",
  brier: "Brier",
  quadraticKappa: "quadratic weighted κ",
  meanAbsoluteError: "mean absolute error",
  r2: "R²",
  spearman: "Spearman's ρ",
};

/** As one object, for JSON. */
export const flat = ({ figures, ...row }: Measured) => ({ ...row, ...figures });
