// The report of a training run: one HTML file, no script, no outside request.

import { DISCLAIMER } from "@anymc3d/core";
import { harmlessHtml } from "@anymc3d/core/errors";
import type { TrainConfig } from "../config.js";
import type { CaseFault } from "../data/check-cases.js";
import type { VolumeLook } from "../data/looks.js";
import type { SplitSummary } from "../data/summary.js";
import type { TrainOutcome } from "../learning/loop.js";
import type { MadeAdapter } from "../package/make-adapter.js";
import { taskTraining } from "../tasks/index.js";
import { FIGURES, type Measured } from "../tasks/task-training.js";
import { chart } from "./charts.js";
import { chosenText } from "./chosen-text.js";
import { coverageText } from "./coverage-text.js";
import { estimateText, section, table } from "./html.js";
import { STYLE } from "./style.js";
import type { WorstCase } from "./worst-cases.js";

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
    `<h1>${harmlessHtml(title)}</h1>`,
    `<p><code>${harmlessHtml(made.manifest.name)}</code> ${harmlessHtml(made.manifest.version)}. ${harmlessHtml(config.description)}</p>`,
    `<p class="disclaimer"><strong>${harmlessHtml(DISCLAIMER)}</strong></p>`,
    `<p>Epoch ${outcome.keptEpoch} of ${outcome.history.length} was kept; training took ${Math.round(seconds / 60)} min. ${harmlessHtml(chosenText(config, "figures below"))}</p>`,
    section("Validation", metricsTable(parts) + coverageList(parts) + doubtsList(made) + curves(parts)),
    ...taskTraining(config.task)
      .reportSections(parts)
      .map((own) => section(own.title, own.html)),
    section("Data", dataTables(parts) + skippedTable(parts.skipped)),
    section("Settings", settings(config)),
    section("Versions", table(["what", "version"], parts.versions, { wrap: true })),
  ];
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${harmlessHtml(title)}</title><style>${STYLE}</style></head><body><main>${body.join("\n")}</main></body></html>\n`;
}

/** A row a label or task: its figures, and what was chosen of it; a row a figure of all labels together. */
function metricsTable({ config: { task, training }, made: { measured, whole, temperatures } }: ReportParts): string {
  const names = Object.keys(measured[0].figures);
  const count = ({ n, positives }: Measured) => (positives === undefined ? String(n) : `${n} (${positives})`);
  const thresholds = measured.some(({ threshold }) => threshold !== undefined);
  const calibrated = training.calibrate && taskTraining(task).calibrated;
  const head = [
    "label",
    measured[0].positives === undefined ? "n" : "n (positive)",
    ...names.map((name) => `${FIGURES[name]}${name === names[0] ? " [95 %]" : ""}`),
    ...(thresholds ? ["threshold"] : []),
    ...(calibrated ? ["temperature"] : []),
  ];
  const rows = measured.map((row, i) => [
    row.id,
    count(row),
    ...names.map((name) => figureText(row, name)),
    ...(row.threshold === undefined ? [] : [row.threshold.toFixed(3)]),
    ...(calibrated ? [temperatures[i].toFixed(2)] : []),
  ]);
  const together = whole ? Object.keys(whole.figures).map((name) => [FIGURES[name], String(whole.n), estimateText(whole.figures[name])]) : [];
  return table(head, rows) + (whole ? table([whole.name, "n", "value [95 %]"], together) : "");
}

const figureText = ({ figures, units = {} }: Measured, name: string): string => `${estimateText(figures[name])}${units[name] ? ` ${units[name]}` : ""}`;

function coverageList({ made, config }: ReportParts): string {
  return made.coverage.length ? `<ul>${made.coverage.map((one) => `<li>${harmlessHtml(coverageText(one, config.task))}</li>`).join("")}</ul>` : "";
}

function doubtsList({ warnings }: MadeAdapter): string {
  return warnings.length ? `<ul class="warnings">${warnings.map(({ message }) => `<li>${harmlessHtml(message)}</li>`).join("")}</ul>` : "";
}

function skippedTable(skipped: readonly CaseFault[]): string {
  if (skipped.length === 0) return "";
  const rows = skipped.map(({ id, code, message }) => [id, code, message]);
  return `<h3>Left out</h3>${table(["case", "code", "why"], rows, { wrap: true })}`;
}

function curves({ config, outcome: { history, keptEpoch } }: ReportParts): string {
  const epochs = [Math.min(1, history.length), Math.max(2, history.length)] as const;
  const x = { title: "epoch", domain: epochs, whole: true };
  const mark = { x: keptEpoch, title: `kept: epoch ${keptEpoch}` };
  const losses = history.map(({ epoch, loss }) => [epoch, loss] as const);
  const top = Math.max(...losses.map(([, loss]) => loss), 1e-6);
  const kind = taskTraining(config.task);
  const ids = kind.chooses(config.task);
  const series = (value: (i: number) => number | null | undefined) =>
    history.flatMap(({ epoch }, i) => {
      const found = value(i);
      return found === null || found === undefined ? [] : [[epoch, found] as const];
    });
  const lines = kind
    .columns(config.task)
    .filter(({ id }) => ids.includes(id))
    .map(({ id, title }) => ({ name: title, points: series((i) => history[i].scores[id]), dots: true }));
  if (lines.length > 1) lines.unshift({ name: "mean", points: series((i) => history[i].score), dots: true });
  const lowest = Math.min(0.5, ...lines.flatMap(({ points }) => points.map(([, value]) => value)));
  const loss = { name: "training loss", points: losses, dots: true };
  return `<div class="charts">${chart({ label: "Training loss by epoch", x, y: { title: "loss", domain: [0, top * 1.05] }, lines: [loss], mark })}${chart({ label: `Validation ${kind.scoreName} by epoch`, x, y: { title: `validation ${kind.scoreName}`, domain: [lowest, 1] }, lines, mark })}</div>`;
}

function dataTables({ config, summary, looks }: ReportParts): string {
  const splits = summary.map(({ split, n, groups, labels, masks, emptyMasks }) => [
    split,
    String(n),
    String(groups),
    labels.map(({ text }) => text).join(", "),
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
  return `<p>${harmlessHtml(config.dataset)}</p>${table(["split", "cases", "groups", "labels: how many of those known", "masks"], splits)}${table(["source", "volumes", "voxels", "spacing", "smallest value", "largest value", "modality"], volumes)}`;
}

const round = (value: number) => Number(value.toPrecision(4));

function settings({ modules, training, input }: TrainConfig): string {
  const made = Object.entries({ ...training, ...modules }).filter(([, value]) => value !== undefined);
  const rows = made.map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
  return `${table(["setting", "value"], rows, { wrap: true })}<details><summary>Views</summary><pre>${harmlessHtml(JSON.stringify(input.views, null, 2))}</pre></details>`;
}
