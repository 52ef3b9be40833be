// Regression tasks in training: a value in a unit, learned in standard deviations of the training set.

import { AnyMC3DError, type Task } from "@anymc3d/core";
import { ANY_COLUMN } from "../data/columns.js";
import { inUnits, normalisationOf, valueLoss } from "../learning/value-loss.js";
import { figureOf, groupsOf } from "../metrics/score.js";
import { linearFit, meanAbsoluteError, rSquared, spearman } from "../metrics/values.js";
import { valueSections } from "../report/value-sections.js";
import type { Fail, LabelCount, Labels, ScoreColumn, TaskTraining } from "./task-training.js";

type Regression = Extract<Task, { kind: "regression" }>;

/** Shares that the automatic split keeps alike. */
const FIFTHS = 5;

const quantity = ({ labels: [first] }: Regression) => first;
const truthOf = (task: Regression, labels: Labels): number | undefined => labels.get(quantity(task).id);
const valuesOf = (task: Regression, cases: readonly { readonly labels: Labels }[]): number[] => cases.flatMap(({ labels }) => truthOf(task, labels) ?? []);

/** A number, plain or with an exponent; blank: unknown. */
function cellValue(cell: string, column: string, fail: Fail): number | undefined {
  const text = cell.trim();
  if (text === "") return undefined;
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text))) return Number(text);
  const hint = /^[+-]?\d+,\d+$/.test(text) ? `; write it with a point, ${text.replace(",", ".")}` : "";
  return fail(`"${text}" is no number${hint}; expected a value such as 12.5, or blank where it is unknown`, column);
}

function countOf(task: Regression, cases: readonly { readonly labels: Labels }[]): LabelCount {
  const { id, unit, range } = quantity(task);
  const values = valuesOf(task, cases);
  const unknown = cases.length - values.length;
  if (values.length === 0) return { id, unknown, text: `${id} unknown` };
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  const { mean, sd } = normalisationOf(values);
  const text = `${id} ${short(mean)} ± ${short(sd)} ${unit} (${short(lowest)} to ${short(highest)})${unknown ? `, ${unknown} unknown` : ""}`;
  const outside = range ? values.filter((value) => value < range[0] || value > range[1]).length : 0;
  return { id, unknown, values: { n: values.length, mean, sd, lowest, highest, outside }, text };
}

const short = (value: number): string => String(Number(value.toPrecision(4)));

const figure = (task: Regression, id: string, title: string, metric: (truth: number[], found: number[]) => number | null): ScoreColumn => ({
  id,
  title,
  knows: (labels) => truthOf(task, labels) !== undefined,
  of: (cases) => metric(valuesOf(task, cases), cases.map(({ scores }) => scores[0])), // biome-ignore format: a line
});

const columns = (task: Regression): ScoreColumn[] => [
  figure(task, "meanAbsoluteError", `mean absolute error, ${quantity(task).unit}`, meanAbsoluteError),
  figure(task, "r2", "R²", rSquared),
  figure(task, "spearman", "Spearman's ρ", spearman),
];

export const regression = {
  id: "regression",
  labelColumns: (task) => [quantity(task).id],
  rowReader(task, found, fail) {
    const { id } = quantity(task);
    const column = found.includes(id) ? id : found.includes(ANY_COLUMN) ? ANY_COLUMN : fail(`no column for ${id}; found ${found.join(", ")}`);
    return (cells, failRow) => {
      const value = cellValue(cells[column], column, failRow);
      return new Map(value === undefined ? [] : [[id, value]]);
    };
  },
  arrayReader: (task) => ({
    columns: 1,
    read([value]: number[], fail) {
      if (Number.isNaN(value)) return new Map<string, number>();
      return Number.isFinite(value) ? new Map([[quantity(task).id, value]]) : fail(`is ${value}; expected a finite value, or NaN where it is unknown`);
    },
  }),
  strata(task, all) {
    const values = all.flatMap((labels) => truthOf(task, labels) ?? []).sort((a, b) => a - b);
    const limits = Array.from({ length: FIFTHS - 1 }, (_, i) => values[Math.floor(((i + 1) * values.length) / FIFTHS)]);
    return (labels) => {
      const value = truthOf(task, labels);
      return value === undefined ? [] : [`fifth ${limits.filter((limit) => value >= limit).length}`];
    };
  },
  counts: (task, cases) => [countOf(task, cases)],
  labelWarnings(task, counts, where) {
    const { id, unit, range = [] } = quantity(task);
    return counts.flatMap(({ values }) => {
      if (!values?.outside) return [];
      const found = `${values.outside} of ${values.n} values lie outside the range that the task states as plausible, ${range.join(" to ")} ${unit}`;
      return [{ code: "LABEL_IMPLAUSIBLE" as const, message: `${where}: ${id}: ${found}; they go from ${short(values.lowest)} to ${short(values.highest)}` }];
    });
  },
  checkCounts(_, [training], [validation], file) {
    if (!training?.values || training.values.sd === 0) {
      const found = training?.values ? `all of the ${training.values.n} training values are ${training.values.mean}` : "no training case has a value";
      throw new AnyMC3DError("LABELS_INVALID", `${file}: ${training?.id}: ${found}. A quantity is learned from cases whose values differ; add some.`);
    }
    if (validation?.values && validation.values.sd > 0) return [];
    const message = `${file}: ${training.id}: the validation cases' values do not differ: R² is undefined and cannot choose the best epoch`;
    return [{ code: "ONE_CLASS", message }];
  },
  losses: ["huber", "squared"],
  classWeights: undefined,
  threshold: undefined,
  calibrated: false,
  objective(task, { loss }, trained) {
    const normalisation = normalisationOf(valuesOf(task, trained));
    const kind = loss === "squared" ? "squared" : "huber";
    return {
      terms: (labels) => (truthOf(task, labels) === undefined ? 0 : 1),
      of(logits, labels) {
        const value = truthOf(task, labels);
        if (value === undefined) return { loss: 0, dLogits: new Float32Array(1) };
        const found = valueLoss(logits[0], (value - normalisation.mean) / normalisation.sd, kind);
        return { loss: found.loss, dLogits: Float32Array.of(found.slope) };
      },
      finished: (tensors) => inUnits(tensors, normalisation),
    };
  },
  scores: (_, logits) => logits,
  columns,
  chooses: () => ["r2"],
  scoreName: "R²",
  temperatures: () => [1],
  decisions: () => [],
  measure(task, cases, options) {
    const known = cases.filter(({ labels }) => truthOf(task, labels) !== undefined).map((scored) => ({ ...scored, scores: scored.logits }));
    const figures = columns(task).map((column) => [column.id, figureOf([column], known, options)] as const);
    const { id, name, unit } = quantity(task);
    return [
      { id, name, n: known.length, groups: { all: new Set(groupsOf(known)).size }, figures: Object.fromEntries(figures), units: { meanAbsoluteError: unit } },
    ];
  },
  whole: () => undefined,
  calibrationDoubts: () => [],
  stated: ["meanAbsoluteError", "r2", "spearman"],
  quantileIds: (task) => [quantity(task).id],
  nonconformity(task, { logits, labels }) {
    const value = truthOf(task, labels);
    return [value === undefined ? undefined : Math.abs(logits[0] - value)];
  },
  held(task, { interval }, labels) {
    const value = truthOf(task, labels);
    if (value === undefined || !interval) return [undefined];
    return [{ held: interval[0] <= value && value <= interval[1], size: interval[1] - interval[0] }];
  },
  sizeUnit: (task) => `${quantity(task).unit} wide`,
  baseline(task, trained) {
    const known = trained.filter(({ labels }) => truthOf(task, labels) !== undefined);
    const { slope, intercept } = linearFit(
      known.map(({ scalar }) => scalar),
      valuesOf(task, known),
    );
    return (scalar) => [intercept + slope * scalar];
  },
  constant: (task, trained) => ({ name: "mean of training", scores: [normalisationOf(valuesOf(task, trained)).mean] }),
  errors(task, [found], labels) {
    const { id, unit } = quantity(task);
    const value = truthOf(task, labels);
    return value === undefined ? [] : [{ label: id, error: Math.abs(found - value), said: `${short(value)} ${unit}, found ${short(found)} ${unit}` }];
  },
  reportSections: (parts) => valueSections(parts),
  cardLabels: (task) => ({
    title: "Quantity",
    head: ["id", "name", "unit", "plausible"],
    rows: task.labels.map(({ id, name, unit, range }) => [id, name, unit, range ? range.join(" to ") : "-"]),
  }),
  predictionColumns: (task) => [quantity(task).id, "low", "high"],
  predictionCells: (_, { value = Number.NaN, interval }) => [value, interval?.[0] ?? "", interval?.[1] ?? ""],
  truthColumns: () => ["truth"],
  truthCells: (task, labels) => [truthOf(task, labels) ?? ""],
  example: (names) => ({
    task: { kind: "regression", labels: names.map((id) => ({ id, name: id, unit: "TODO: its unit, such as mm, mL or a" })) },
    description: `The ${names.join(", ")} of a volume.`,
    columns: names,
    rows: [names.map(() => 12.5), names.map(() => 7.1)],
  }),
} satisfies TaskTraining<Regression>;
