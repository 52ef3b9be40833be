// A score column's figure over cases, and the mean of several: one way for epochs, metrics and comparisons, so that all tell the same.

import type { Judged, ScoreColumn } from "../tasks/task-training.js";
import { type BootstrapOptions, type Estimate, estimate, meanDefined } from "./metrics.js";

/** A case, and what its task's `scores` give of it. */
export interface ScoredCase extends Judged {
  readonly scores: ArrayLike<number>;
}

type Cases = readonly Pick<ScoredCase, "labels" | "scores">[];

/** Over the cases whose truth the column knows; null where it is undefined. */
export const scoreOf = ({ knows, of }: ScoreColumn, cases: Cases): number | null => of(cases.filter(({ labels }) => knows(labels)));

/** Mean over the columns that are defined. */
export const meanScore = (columns: readonly ScoreColumn[], cases: Cases): number | null => meanDefined(columns.map((column) => scoreOf(column, cases)));

/** The mean with its interval; the groups of the cases that any of the columns knows are resampled. Of one column: its figure. */
export function figureOf(columns: readonly ScoreColumn[], cases: readonly ScoredCase[], options?: BootstrapOptions): Estimate {
  const known = knownTo(columns, cases);
  return estimate(groupsOf(known), (indices) => meanScore(columns, indices.map((i) => known[i])), options); // biome-ignore format: a line
}

/** The cases that count for any of the columns. */
export const knownTo = <C extends Judged>(columns: readonly ScoreColumn[], cases: readonly C[]): C[] =>
  cases.filter(({ labels }) => columns.some(({ knows }) => knows(labels)));

export const groupsOf = (cases: readonly Pick<Judged, "group">[]): string[] => cases.map(({ group }) => group);
