// What speaks against relying on an adapter's figures: it follows from them, and travels with them in the manifest to everyone who meets the adapter.

import type { AdapterManifest } from "./manifest.js";
import { own } from "./own.js";
import type { Warning } from "./types.js";

type Metrics = AdapterManifest["metrics"][number];
type Estimate = { readonly value: number | null; readonly interval: readonly [number, number] | null };

/** One of the `warnings` of a manifest's metrics. */
type Stated = NonNullable<Metrics["warnings"]>[number];
/** One that follows from the figures. */
export interface Doubt extends Warning {
  /** Id of the label or figure; absent: all of them. */
  readonly about?: string;
}

/** Fewer of either class, and a figure is an anecdote. */
const FEW_OF_A_CLASS = 5;
/** Fewer cases in all, for figures of a task as a whole. */
const FEW = 30;
/** What figures are where a model knows nothing, by their ids, and what gives that. */
const CHANCE: Readonly<Record<string, readonly [chance: number, source: string]>> = {
  quadraticKappa: [0, "what guessing gives"],
  kappa: [0, "what guessing gives"],
  r2: [0, "what the mean of the cases gives"],
  meanAuroc: [0.5, "what guessing gives"],
};

/** How many groups (patients) cases are of. */
export interface GroupCounts {
  readonly all: number;
  /** Of a label: with a case where it is there. */
  readonly positives?: number;
  /** With a case where it is not. */
  readonly negatives?: number;
}

/** Codes that follow from the figures alone. That there are few cases may also follow from their patients, whom a manifest does not count. */
const FROM_FIGURES: readonly string[] = ["NEAR_CHANCE", "WORSE_THAN_CHANCE"];
/** Those that users of an adapter are told: these, and what training says of the probabilities. */
const TOLD: readonly string[] = ["FEW_CASES", ...FROM_FIGURES, "NOT_CALIBRATED"];

interface Known {
  /** Id of the label or figure. */
  readonly about: string;
  /** For people. */
  readonly name: string;
  readonly split: string;
  /** The figure of a model that knows nothing, and what gives it. */
  readonly chance: number;
  readonly source: string;
}

/** Whether an interval holds what a model gives that knows nothing, or lies below it. */
function chanceDoubt({ value, interval }: Estimate, { about, name, split, chance, source }: Known): Doubt[] {
  if (value === null)
    return [{ code: "NEAR_CHANCE", about, message: `${name} on ${split} is undefined: its cases are all alike; nothing shows that it was learned` }];
  if (!interval || interval[0] > chance) return [];
  if (interval[1] >= chance)
    return [{ code: "NEAR_CHANCE", about, message: `the interval of ${name} on ${split} holds ${chance}, ${source}; nothing shows that it was learned` }];
  const worse = `lies below ${chance}: it is worse than ${source}; look for swapped or shifted labels`;
  return [{ code: "WORSE_THAN_CHANCE", about, message: `the interval of ${name} on ${split} ${worse}` }];
}

/**
 * `FEW_CASES`, `NEAR_CHANCE` and `WORSE_THAN_CHANCE` of one entry of `metrics`, as its numbers say it.
 * @param groups by the labels' ids, of the task as a whole by any other: ten cases of one patient are one; default: each case is a group
 */
export function figureDoubts(
  { split, labels, figures = [] }: Pick<Metrics, "split" | "labels" | "figures">,
  groups: ReadonlyMap<string, GroupCounts> = new Map(),
): Doubt[] {
  const byChance = figures.flatMap(({ id, name, ...found }) => {
    const [chance, source] = own(CHANCE, id) ?? [];
    return chance === undefined || source === undefined ? [] : chanceDoubt(found, { about: id, name, split, chance, source });
  });
  if (labels.length > 0) {
    const byLabel = labels.flatMap(({ id, n, positives, auroc, interval }) => {
      const negatives = n - positives;
      const { all = n, positives: there = positives, negatives: not = negatives } = groups.get(id) ?? {};
      const counts =
        all < n
          ? `${positives} positive cases of ${groupsText(there)} and ${negatives} negative ones of ${groupsText(not)}`
          : `${positives} positive and ${negatives} negative cases`;
      const few = Math.min(there, not) < FEW_OF_A_CLASS;
      return [
        ...(few ? [{ code: "FEW_CASES" as const, about: id, message: `${id}: ${split} has ${counts}; its figures say little` }] : []),
        // Of one class only: that is told as few cases.
        ...(auroc === null
          ? []
          : chanceDoubt({ value: auroc, interval }, { about: id, name: `the AUROC of ${id}`, split, chance: 0.5, source: "what guessing gives" })),
      ];
    });
    // A mean of what is undefined: that is told label by label.
    return [...byLabel, ...(labels.every(({ auroc }) => auroc === null) ? [] : byChance)];
  }
  const fewest = Math.min(...figures.map(({ n }) => n));
  const patients = Math.min(fewest, ...[...groups.values()].map(({ all }) => all));
  const cases = patients < fewest ? `${fewest} cases of ${groupsText(patients)}` : `${fewest} case${fewest === 1 ? "" : "s"}`;
  return [...(patients < FEW ? [{ code: "FEW_CASES" as const, message: `${split} has ${cases}; the figures say little` }] : []), ...byChance];
}

const groupsText = (n: number): string => `${n} group${n === 1 ? "" : "s"} (patients)`;

const same = (a: Stated, b: Stated): boolean => a.code === b.code && (a.about === undefined || b.about === undefined || a.about === b.about);

/** Where what an entry of `metrics` states of its doubts is not what its figures say. */
export function doubtFaults(entry: Metrics): string[] {
  const [follow, stated] = [figureDoubts(entry), entry.warnings ?? []];
  const missing = follow.filter((doubt) => !stated.some((other) => same(doubt, other)));
  const unfounded = stated.filter((doubt) => FROM_FIGURES.includes(doubt.code) && !follow.some((other) => same(doubt, other)));
  return [
    ...missing.map((doubt) => `"warnings" lacks ${JSON.stringify(doubt)}`),
    ...unfounded.map(({ code, message }) => `"warnings" has ${code} ("${message}"), which the figures do not say`),
  ];
}

/** An entry of `metrics` with the doubts that follow from its figures, where it does not state them. */
export function withDoubts(entry: Metrics): Metrics {
  const { warnings = [] } = entry;
  const missing = figureDoubts(entry).filter((doubt) => !warnings.some((other) => same(doubt, other)));
  return missing.length ? { ...entry, warnings: [...warnings, ...missing] } : entry;
}

/** All doubts about an adapter that its users should know: those that its manifest states, and those that follow from its figures where it does not. */
export function adapterDoubts({ metrics }: Pick<AdapterManifest, "metrics">): Warning[] {
  const all = metrics.flatMap((entry) => withDoubts(entry).warnings ?? []);
  return all.filter(({ code }) => TOLD.includes(code)).map(({ code, message }) => ({ code, message }) as Warning);
}
