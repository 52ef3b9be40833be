// The report of a training run: one HTML file, no script, no outside request.

import { DISCLAIMER } from "@anymc3d/core";
import type { TrainConfig } from "../config.js";
import type { CaseFault } from "../data/check-cases.js";
import type { VolumeLook } from "../data/looks.js";
import type { SplitSummary } from "../data/summary.js";
import type { TrainOutcome } from "../learning/loop.js";
import { type Confusion, confusion, confusionMatrix, reliability, rocCurve } from "../metrics/curves.js";
import type { Estimate } from "../metrics/metrics.js";
import type { MadeAdapter } from "../package/make-adapter.js";
import { chart, escapeHtml } from "./charts.js";
import { STYLE } from "./style.js";
import { calibrated, type WorstCase } from "./worst-cases.js";

/** What a training report shows. */
export interface ReportParts {
  readonly config: TrainConfig;
  readonly summary: readonly SplitSummary[];
  /** Cases left out because they could not be used. */
  readonly skipped: readonly CaseFault[];
  readonly looks: readonly VolumeLook[];
  readonly outcome: TrainOutcome;
  readonly made: MadeAdapter;
  readonly worst: readonly WorstCase[];
  /** Name and value, such as program, engine, Node. */
  readonly versions: readonly (readonly [name: string, value: string])[];
}

/** The HTML of a report. Everything that comes from users' files is escaped. */
export function trainingReport(parts: ReportParts): string {
  const { config, outcome, made } = parts;
  const title = `Training report: ${config.title}`;
  const seconds = outcome.history.reduce((sum, { seconds }) => sum + seconds, 0);
  const body = [
    `<h1>${escapeHtml(title)}</h1>`,
    `<p><code>${escapeHtml(made.manifest.name)}</code> ${escapeHtml(made.manifest.version)}. ${escapeHtml(config.description)}</p>`,
    `<p class="disclaimer"><strong>${escapeHtml(DISCLAIMER)}</strong></p>`,
    `<p>Epoch ${outcome.keptEpoch} of ${outcome.history.length} was kept; training took ${Math.round(seconds / 60)} min. Epoch, temperatures and thresholds were chosen on the validation cases that the figures below are from: on new data expect somewhat less.</p>`,
    section("Validation", metricsTable(made) + doubtsList(made) + curves(parts)),
    ...(config.task.kind === "multiclass" ? [section("Confusion of classes", classMatrix(parts))] : []),
    section("Labels", config.task.labels.map((_, i) => labelPart(parts, i)).join("")),
    section("Data", dataTables(parts) + skippedTable(parts.skipped)),
    section("Settings", settings(config)),
    section("Versions", table(["what", "version"], parts.versions, { wrap: true })),
  ];
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><main>${body.join("\n")}</main></body></html>\n`;
}

const section = (title: string, content: string) => `<section><h2>${escapeHtml(title)}</h2>${content}</section>`;

/** Cells are escaped here. */
function table(head: readonly string[], rows: readonly (readonly string[])[], { wrap = false } = {}): string {
  const header = head.map((cell) => `<th scope="col">${escapeHtml(cell)}</th>`).join("");
  const lines = rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join("")}</tr>`);
  return `<div class="scroll${wrap ? " wrap" : ""}"><table><thead><tr>${header}</tr></thead><tbody>${lines.join("")}</tbody></table></div>`;
}

function estimate({ value, interval }: Estimate): string {
  if (value === null) return "undefined";
  return `${value.toFixed(3)}${interval ? ` [${interval.map((edge) => edge.toFixed(3)).join("–")}]` : ""}`;
}

function metricsTable({ labels }: MadeAdapter): string {
  const rows = labels.map((label) => [
    label.id,
    `${label.n} (${label.positives})`,
    ...[label.auroc, label.averagePrecision, label.brier].map(estimate),
    label.threshold.toFixed(3),
    label.sensitivity === null ? "-" : `${label.sensitivity.toFixed(3)}, ${label.specificity?.toFixed(3)}`,
    label.temperature.toFixed(2),
  ]);
  const head = ["label", "n (positive)", "AUROC [95 %]", "average precision", "Brier", "threshold", "sensitivity, specificity there", "temperature"];
  return table(head, rows);
}

function doubtsList({ warnings }: MadeAdapter): string {
  return warnings.length ? `<ul class="warnings">${warnings.map(({ message }) => `<li>${escapeHtml(message)}</li>`).join("")}</ul>` : "";
}

function skippedTable(skipped: readonly CaseFault[]): string {
  if (skipped.length === 0) return "";
  const rows = skipped.map(({ id, code, message }) => [id, code, message]);
  return `<h3>Left out</h3>${table(["case", "code", "why"], rows, { wrap: true })}`;
}

function curves({ outcome: { history, keptEpoch } }: ReportParts): string {
  const epochs = [Math.min(1, history.length), Math.max(2, history.length)] as const;
  const x = { title: "epoch", domain: epochs, whole: true };
  const mark = { x: keptEpoch, title: `kept: epoch ${keptEpoch}` };
  const losses = history.map(({ epoch, loss }) => [epoch, loss] as const);
  const top = Math.max(...losses.map(([, loss]) => loss), 1e-6);
  const ids = Object.keys(history[0]?.auroc ?? {});
  const series = (value: (i: number) => number | null | undefined) =>
    history.flatMap(({ epoch }, i) => {
      const found = value(i);
      return found === null || found === undefined ? [] : [[epoch, found] as const];
    });
  const lines = ids.map((id) => ({ name: id, points: series((i) => history[i].auroc[id]), dots: true }));
  if (ids.length > 1) lines.unshift({ name: "mean", points: series((i) => history[i].meanAuroc), dots: true });
  const lowest = Math.min(0.5, ...lines.flatMap(({ points }) => points.map(([, value]) => value)));
  const loss = { name: "training loss", points: losses, dots: true };
  return `<div class="charts">${chart({ label: "Training loss by epoch", x, y: { title: "loss", domain: [0, top * 1.05] }, lines: [loss], mark })}${chart({ label: "Validation AUROC by epoch", x, y: { title: "validation AUROC", domain: [lowest, 1] }, lines, mark })}</div>`;
}

function labelPart({ config, outcome, made, worst }: ReportParts, i: number): string {
  const { id, name } = config.task.labels[i];
  const known = outcome.predictions.filter(({ trainCase }) => trainCase.labels.has(id));
  const truths = known.map(({ trainCase }) => trainCase.labels.get(id) as number);
  const probabilities = known.map((prediction) => calibrated(prediction, made)[i]);
  const { auroc, threshold, sensitivity, specificity } = made.labels[i];
  const square = { title: "false positive rate", domain: [0, 1] as const };
  const diagonal = {
    points: [
      [0, 0],
      [1, 1],
    ] as const,
    dashed: true,
  };
  const roc = rocCurve(truths, probabilities).map((point) => [point.falsePositiveRate, point.sensitivity] as const);
  const ring =
    sensitivity !== null && specificity !== null ? { at: [1 - specificity, sensitivity] as const, title: `threshold ${threshold.toFixed(3)}` } : undefined;
  const rocChart = chart({
    label: `ROC curve of ${name}, AUROC ${estimate(auroc)}`,
    x: square,
    y: { title: "sensitivity", domain: [0, 1] },
    lines: [
      { name: `ROC, AUROC ${auroc.value?.toFixed(3) ?? "undefined"}`, points: roc },
      { name: "chance", ...diagonal },
    ],
    ring,
  });
  const bins = reliability(truths, probabilities);
  const calibration = chart({
    label: `Calibration of ${name}`,
    x: { title: "predicted probability", domain: [0, 1] },
    y: { title: "observed share", domain: [0, 1] },
    lines: [
      { name: "fifths of the cases", points: bins.map(({ predicted, observed }) => [predicted, observed] as const), dots: true },
      { name: "ideal", ...diagonal },
    ],
  });
  const counts = confusionTable(confusion(truths, probabilities, threshold), threshold);
  return `<article><h3>${escapeHtml(name)}</h3><div class="charts">${rocChart}${calibration}</div>${config.task.kind === "multiclass" ? "" : counts}${worstPart(worst.filter(({ label }) => label === id))}</article>`;
}

function confusionTable(c: Confusion, threshold: number): string {
  const rows = [
    ["present", String(c.truePositives), String(c.falseNegatives)],
    ["absent", String(c.falsePositives), String(c.trueNegatives)],
  ];
  return table([`truth, at threshold ${threshold.toFixed(3)}`, "called present", "called absent"], rows);
}

function classMatrix({ config, outcome, made }: ReportParts): string {
  const ids = config.task.labels.map(({ id }) => id);
  const known = outcome.predictions.filter(({ trainCase }) => ids.some((id) => trainCase.labels.get(id) === 1));
  const classes = known.map(({ trainCase }) => ids.findIndex((id) => trainCase.labels.get(id) === 1));
  const matrix = confusionMatrix(
    classes,
    known.map((prediction) => calibrated(prediction, made)),
    ids.length,
  );
  return table(
    ["truth \\ most probable", ...ids],
    matrix.map((row, i) => [ids[i], ...row.map(String)]),
  );
}

function worstPart(worst: readonly WorstCase[]): string {
  if (worst.length === 0) return "";
  const figures = worst.map(({ id, truth, probability, png, slices }) => {
    const said = `${id}: ${truth ? "present" : "absent"}, probability ${(100 * probability).toFixed(1)} %, slices ${slices.join(", ")}`;
    return `<figure class="case"><img src="data:image/png;base64,${base64(png)}" alt="${escapeHtml(`Slices and heatmap of ${said}`)}"><figcaption>${escapeHtml(said)}</figcaption></figure>`;
  });
  return `<h4>Most wrong on validation</h4><p>The slices that weighed most, and below them where the adapter looked.</p><div class="cases">${figures.join("")}</div>`;
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

function dataTables({ config, summary, looks }: ReportParts): string {
  const splits = summary.map(({ split, n, groups, labels, masks, emptyMasks }) => [
    split,
    String(n),
    String(groups),
    labels.map(({ id, positives, negatives, unknown }) => `${id} ${positives}+ ${negatives}-${unknown ? ` ${unknown}?` : ""}`).join(", "),
    masks ? `${masks} (${emptyMasks} empty)` : "-",
  ]);
  const range = ([low, high]: readonly [number, number]) => (low === high ? String(round(low)) : `${round(low)} to ${round(high)}`);
  const volumes = looks.map(({ source, volumes, shape, spacing, minimum, maximum, modalities }) => [
    source,
    String(volumes),
    shape.map(range).join(" × "),
    spacing ? `${spacing.map(range).join(" × ")} mm` : "not stated",
    range(minimum),
    range(maximum),
    modalities.join(", ") || "not stated",
  ]);
  return `<p>${escapeHtml(config.dataset)}</p>${table(["split", "cases", "groups", "labels: present, absent, unknown", "masks"], splits)}${table(["source", "volumes", "voxels", "spacing", "smallest value", "largest value", "modality"], volumes)}`;
}

const round = (value: number) => Number(value.toPrecision(4));

function settings({ modules, training, input }: TrainConfig): string {
  const rows = Object.entries({ ...training, ...modules }).map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
  return `${table(["setting", "value"], rows, { wrap: true })}<details><summary>Views</summary><pre>${escapeHtml(JSON.stringify(input.views, null, 2))}</pre></details>`;
}
