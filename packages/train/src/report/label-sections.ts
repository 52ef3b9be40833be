// Sections of the report on labels and classes: ROC curve, calibration, confusion, and the cases that went most wrong.

import { harmlessHtml } from "@anymc3d/core/errors";
import { reliability, rocCurve } from "../metrics/curves.js";
import { type Confusion, confusion, sensitivity, specificity } from "../metrics/decisions.js";
import { calibratedLogits } from "../metrics/judged.js";
import { taskTraining } from "../tasks/index.js";
import { calibratedOutcome } from "./calibrated.js";
import { chart } from "./charts.js";
import { classTable } from "./class-table.js";
import { estimateText, table } from "./html.js";
import type { ReportParts } from "./report.js";
import { worstPart } from "./worst-part.js";

export interface Section {
  readonly title: string;
  readonly html: string;
}

/** Of labels with thresholds. */
export function thresholdSections(parts: ReportParts): Section[] {
  return [{ title: "Labels", html: parts.config.task.labels.map((_, i) => labelPart(parts, i)).join("") }];
}

/** Of classes without an order. */
export function classSections(parts: ReportParts): Section[] {
  return [
    { title: "Confusion of classes", html: classTable(parts) },
    { title: "Classes", html: parts.config.task.labels.map((_, i) => labelPart(parts, i)).join("") },
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

function labelPart(parts: ReportParts, i: number): string {
  const { config, outcome, made, worst } = parts;
  const { task } = config;
  const { id, name } = task.labels[i];
  const known = outcome.predictions.filter(({ trainCase }) => trainCase.labels.has(id));
  const truths = known.map(({ trainCase }) => trainCase.labels.get(id) as number);
  const answers = known.map((prediction) => calibratedOutcome(prediction, made).labels[i]);
  const counts = confusion(truths, answers.map(({ positive }) => Number(positive))); // biome-ignore format: a line
  const scores = known.map((prediction) => taskTraining(task).scores(task, calibratedLogits(prediction, made))[i]);
  const charts = rocChart(parts, i, { truths, scores, counts }) + calibrationChart(name, truths, answers.map(({ probability }) => probability)); // biome-ignore format: a line
  const { threshold } = made.measured[i];
  return `<article><h3>${harmlessHtml(name)}</h3><div class="charts">${charts}</div>${threshold === undefined ? "" : confusionTable(counts, threshold)}${worstPart(worst.filter(({ label }) => label === id))}</article>`;
}

interface Told {
  readonly truths: readonly number[];
  readonly scores: readonly number[];
  /** By the decisions. */
  readonly counts: Confusion;
}

function rocChart({ config, made }: ReportParts, i: number, { truths, scores, counts }: Told): string {
  const { figures, threshold } = made.measured[i];
  const points = rocCurve(truths, scores).map((point) => [point.falsePositiveRate, point.sensitivity] as const);
  const [there, not] = [sensitivity(counts), specificity(counts)];
  const ring =
    threshold !== undefined && there !== null && not !== null ? { at: [1 - not, there] as const, title: `threshold ${threshold.toFixed(3)}` } : undefined;
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
