// Sections of the report on labels and classes: ROC curve, calibration, confusion, and the cases that went most wrong.

import { type Confusion, confusion, confusionMatrix, reliability, rocCurve } from "../metrics/curves.js";
import { classOf } from "../tasks/classes.js";
import { calibratedProbabilities } from "./calibrated.js";
import { chart, escapeHtml } from "./charts.js";
import { estimateText, table } from "./html.js";
import type { ReportParts } from "./report.js";
import { worstPart } from "./worst-part.js";

export interface Section {
  readonly title: string;
  readonly html: string;
}

/** Of labels with thresholds. */
export function thresholdSections(parts: ReportParts): Section[] {
  return [{ title: "Labels", html: parts.config.task.labels.map((_, i) => labelPart(parts, i, true)).join("") }];
}

/** Of classes without an order. */
export function classSections(parts: ReportParts): Section[] {
  return [
    { title: "Confusion of classes", html: classMatrix(parts) },
    { title: "Classes", html: parts.config.task.labels.map((_, i) => labelPart(parts, i, false)).join("") },
  ];
}

const SQUARE = [0, 1] as const;
const DIAGONAL = {
  points: [
    [0, 0],
    [1, 1],
  ] as const,
  dashed: true,
};

function labelPart(parts: ReportParts, i: number, decided: boolean): string {
  const { config, outcome, made, worst } = parts;
  const { id, name } = config.task.labels[i];
  const known = outcome.predictions.filter(({ trainCase }) => trainCase.labels.has(id));
  const truths = known.map(({ trainCase }) => trainCase.labels.get(id) as number);
  const probabilities = known.map((prediction) => calibratedProbabilities(prediction, made)[i]);
  const { decision } = made.measured[i];
  const charts = rocChart(parts, i, truths, probabilities) + calibrationChart(name, truths, probabilities);
  const counts = decided && decision ? confusionTable(confusion(truths, probabilities, decision.threshold), decision.threshold) : "";
  return `<article><h3>${escapeHtml(name)}</h3><div class="charts">${charts}</div>${counts}${worstPart(worst.filter(({ label }) => label === id))}</article>`;
}

function rocChart({ config, made }: ReportParts, i: number, truths: readonly number[], probabilities: readonly number[]): string {
  const { figures, decision } = made.measured[i];
  const points = rocCurve(truths, probabilities).map((point) => [point.falsePositiveRate, point.sensitivity] as const);
  const ring =
    decision && decision.sensitivity !== null && decision.specificity !== null
      ? { at: [1 - decision.specificity, decision.sensitivity] as const, title: `threshold ${decision.threshold.toFixed(3)}` }
      : undefined;
  return chart({
    label: `ROC curve of ${config.task.labels[i].name}, AUROC ${estimateText(figures.auroc)}`,
    x: { title: "false positive rate", domain: SQUARE },
    y: { title: "sensitivity", domain: SQUARE },
    lines: [
      { name: `ROC, AUROC ${figures.auroc.value?.toFixed(3) ?? "undefined"}`, points },
      { name: "chance", ...DIAGONAL },
    ],
    ring,
  });
}

function calibrationChart(name: string, truths: readonly number[], probabilities: readonly number[]): string {
  const bins = reliability(truths, probabilities);
  return chart({
    label: `Calibration of ${name}`,
    x: { title: "predicted probability", domain: SQUARE },
    y: { title: "observed share", domain: SQUARE },
    lines: [
      { name: "fifths of the cases", points: bins.map(({ predicted, observed }) => [predicted, observed] as const), dots: true },
      { name: "ideal", ...DIAGONAL },
    ],
  });
}

function confusionTable(c: Confusion, threshold: number): string {
  const rows = [
    ["present", String(c.truePositives), String(c.falseNegatives)],
    ["absent", String(c.falsePositives), String(c.trueNegatives)],
  ];
  return table([`truth, at threshold ${threshold.toFixed(3)}`, "called present", "called absent"], rows);
}

function classMatrix({ config: { task }, outcome, made }: ReportParts): string {
  const ids = task.labels.map(({ id }) => id);
  const known = outcome.predictions.filter(({ trainCase }) => classOf(task, trainCase.labels) >= 0);
  const matrix = confusionMatrix(
    known.map(({ trainCase }) => classOf(task, trainCase.labels)),
    known.map((prediction) => calibratedProbabilities(prediction, made)),
    ids.length,
  );
  return table(
    ["truth \\ most probable", ...ids],
    matrix.map((row, i) => [ids[i], ...row.map(String)]),
  );
}
