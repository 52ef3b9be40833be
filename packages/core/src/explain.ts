// What an answer means, in plain words: its threshold, what was measured of it, what it was trained on. Of the adapter, never of the patient.

import type { AdapterManifest } from "./manifest.js";

type Metrics = AdapterManifest["metrics"][number];
type LabelMetrics = Metrics["labels"][number];

/** What is known of one label, sentence by sentence. */
export interface LabelExplanation {
  readonly id: string;
  readonly name: string;
  readonly lines: readonly string[];
}

/**
 * What the answers of an adapter mean, from the first of the sets that its manifest states figures of.
 * @returns a text a label, and what is known of the task as a whole
 */
export function explain({ task, metrics: [first] }: AdapterManifest): { readonly labels: readonly LabelExplanation[]; readonly whole: readonly string[] } {
  return {
    labels: task.labels.map((label) => ({
      id: label.id,
      name: label.name,
      lines: labelLines(label.id, "threshold" in label ? label.threshold : undefined, first),
    })),
    whole: [...(first?.figures ?? []).map(figureLine(first)), ...coverageLines(first), ...baselineLines(first)],
  };
}

const figure = (value: number): string => String(Number(value.toPrecision(3)));
const share = (value: number): string => value.toFixed(2);
const percent = (value: number): string => `${Math.round(100 * value)} %`;
const range = (interval: readonly number[] | null | undefined, format: (value: number) => string): string =>
  interval ? ` [${interval.map(format).join(" to ")}]` : "";

function labelLines(id: string, threshold: number | undefined, metrics: Metrics | undefined): string[] {
  const found = metrics?.labels.find((label) => label.id === id);
  const how = metrics?.thresholds ? `, chosen by ${metrics.thresholds}` : "";
  return [
    ...(threshold === undefined ? [] : [`decided from a probability of ${figure(threshold)} on${how}`]),
    ...(found && metrics ? measuredLines(found, metrics) : []),
    ...(found?.trained ? [trainedLine(found.trained)] : []),
  ];
}

const trainedLine = ({ n, positives }: { readonly n: number; readonly positives: number }): string =>
  `trained on ${n} cases, ${positives} of them with it (${n ? Math.round((100 * positives) / n) : 0} %): where it is rarer or commoner, probabilities are off`;

function measuredLines(found: LabelMetrics, { split, baselines = [] }: Metrics): string[] {
  const { n, positives, auroc, interval, sensitivity, specificity } = found;
  const decided = [
    ...(sensitivity && sensitivity.value !== null
      ? [`of ${positives} cases with it ${percent(sensitivity.value)}${range(sensitivity.interval, percent)} were found`]
      : []),
    ...(specificity && specificity.value !== null
      ? [`of ${n - positives} without it ${percent(specificity.value)}${range(specificity.interval, percent)} were let pass`]
      : []),
  ];
  return [
    ...(decided.length ? [`at that threshold, on ${split}, ${decided.join(", and ")}`] : []),
    ...(auroc === null
      ? []
      : [
          `AUROC ${share(auroc)}${range(interval, share)} on ${split}: how often a case with it gets more than a case without it; it is of the model, not of this scan`,
        ]),
    ...baselines.flatMap(({ name, labels = [] }) =>
      againstBaseline(
        name,
        found,
        labels.find(({ id }) => id === found.id),
      ),
    ),
  ];
}

/** Told where a simpler means does as well: as good as the figure, or within its interval. */
function againstBaseline(name: string, { auroc, interval }: LabelMetrics, simple: LabelMetrics | undefined): string[] {
  if (!simple || simple.auroc === null || auroc === null || simple.auroc < (interval?.[0] ?? auroc)) return [];
  return [`${name} is as good: AUROC ${share(simple.auroc)}${range(simple.interval, share)} on the same cases`];
}

const figureLine =
  (metrics: Metrics | undefined) =>
  ({ name, value, interval, unit, n }: NonNullable<Metrics["figures"]>[number]): string =>
    `${name} ${value === null ? "undefined" : figure(value)}${unit ? ` ${unit}` : ""}${range(interval, figure)}, of ${n} cases of ${metrics?.split}`;

const coverageLines = (metrics: Metrics | undefined): string[] =>
  (metrics?.coverage ?? []).map(
    ({ id, nominal, measured, n }) =>
      `${id}: sets or intervals are made to hold the truth in ${Math.round(100 * nominal)} % of cases; of ${n} they held ${Math.round(100 * measured)} %`,
  );

const baselineLines = (metrics: Metrics | undefined): string[] =>
  (metrics?.baselines ?? []).flatMap(({ name, figures = [] }) =>
    figures.flatMap(({ id, value }) => {
      const own = metrics?.figures?.find((one) => one.id === id);
      return value === null || own?.value == null ? [] : [`${name}: ${own.name} ${figure(value)} on the same cases`];
    }),
  );
