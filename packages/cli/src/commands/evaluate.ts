// anymc3d evaluate: an adapter over labelled volumes → AUROC, average precision, F1, accuracy and Brier score with intervals.

import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Adapter, AnyMC3DError, DISCLAIMER, isAbortError, type TaskLabel } from "@anymc3d/core";
import { checkConformanceOnce } from "@anymc3d/registry";
import type { Classifier } from "@anymc3d/sdk";
import { evaluateLabel, type LabelMetrics, topOneAccuracy } from "@anymc3d/train";
import { csvLine, replaceFile } from "@anymc3d/train/node";
import pc from "picocolors";
import packageJson from "../../package.json" with { type: "json" };
import { startClassifier } from "../adapters/classifier.js";
import { findAdapter } from "../adapters/find.js";
import { type EvaluationCase, evaluationCases } from "../data/evaluation-cases.js";
import { interruptSignal } from "../interrupt.js";
import type { EngineFlags } from "../options/engine.js";
import { readOptions } from "../options/read.js";
import type { RegistryFlags } from "../options/registry.js";
import { describeError, EXIT, Reported } from "../output/failure.js";
import { progressLine } from "../output/progress.js";

export interface EvaluateFlags extends EngineFlags, RegistryFlags {
  adapter: string;
  split?: string;
  splits?: string;
  predictions?: string;
  samples: number;
  seed: number;
  json?: boolean;
}

interface Prediction {
  readonly row: EvaluationCase;
  readonly logits: readonly number[];
  readonly probabilities: readonly number[];
}

interface Failure {
  readonly id: string;
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
}

export async function evaluate(data: string, flags: EvaluateFlags): Promise<void> {
  const signal = interruptSignal();
  const { adapter, ...found } = await findAdapter(flags.adapter, flags, signal);
  await checkPredictionsTarget(flags.predictions, data);
  const rows = await evaluationCases(data, adapter, flags);
  const classifier = await startClassifier(found, flags, signal);
  await checkConformanceOnce(adapter, classifier.engine, found.registry.store);
  const failures: Failure[] = [];
  const started = performance.now();
  const predictions = await predictAll(classifier, adapter, rows, { flags, failures, signal }).finally(() => classifier.dispose());
  const report = {
    schema: "anymc3d.evaluate/1",
    adapter: { name: adapter.manifest.name, version: adapter.manifest.version, hash: adapter.hash },
    engine: classifier.engine.id,
    precision: classifier.engine.precision,
    split: flags.split ?? "all",
    date: new Date().toISOString().slice(0, 10),
    seed: flags.seed,
    samples: flags.samples,
    madeBy: `anymc3d ${packageJson.version}`,
    volumes: predictions.length,
    seconds: Math.round((performance.now() - started) / 100) / 10,
    ...summarise(measure(adapter, predictions, flags)),
    ...topOne(adapter, predictions),
    failures,
    warnings: classifier.engine.warnings,
    disclaimer: DISCLAIMER,
  };
  if (flags.predictions) await writePredictions(flags.predictions, adapter, predictions);
  if (flags.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else printReport(report);
  if (failures.length) throw new Reported(EXIT.failed);
}

interface Work {
  readonly flags: EvaluateFlags;
  readonly failures: Failure[];
  readonly signal: AbortSignal;
}

async function predictAll(classifier: Classifier, adapter: Adapter, rows: readonly EvaluationCase[], { flags, failures, signal }: Work): Promise<Prediction[]> {
  const predictions: Prediction[] = [];
  const progress = progressLine(() => `${predictions.length + failures.length}/${rows.length} volumes`);
  for (const row of rows) {
    try {
      const read = readOptions(flags);
      const result = await classifier.classify(await row.study(), adapter, { checks: flags.checks, signal, read, onProgress: progress.show });
      predictions.push({ row, logits: result.logits, probabilities: result.labels.map(({ probability }) => probability) });
    } catch (error) {
      progress.clear();
      if (isAbortError(error)) throw error;
      const fault = describeError(error);
      const { code, message } = fault;
      failures.push({ id: row.id, ...fault });
      process.stderr.write(`${pc.red("error")} ${row.id} ${pc.dim(code)} ${message}\n`);
    }
  }
  progress.clear();
  return predictions;
}

type LabelReport = LabelMetrics & { readonly id: string; readonly name: string; readonly unlabelled: number };

/** Each label over the volumes that have it; a blank label is skipped and counted. */
function measure(adapter: Adapter, predictions: readonly Prediction[], { samples, seed }: EvaluateFlags): LabelReport[] {
  return (adapter.manifest.task.labels as readonly TaskLabel[]).map(({ id, name, threshold = 0.5 }, i) => {
    const cases = predictions.flatMap(({ row, probabilities }) => {
      const label = row.labels.get(id);
      return label === undefined ? [] : [{ group: row.group, label, probability: probabilities[i] }];
    });
    return { id, name, unlabelled: predictions.length - cases.length, ...evaluateLabel(cases, threshold, { samples, seed }) };
  });
}

/** Multiclass: share of volumes whose most probable label is the right one. */
function topOne({ manifest }: Adapter, predictions: readonly Prediction[]): { topOneAccuracy?: number | null } {
  if (manifest.task.kind !== "multiclass") return {};
  const known = predictions.flatMap(({ row, probabilities }) => {
    const right = manifest.task.labels.findIndex(({ id }) => row.labels.get(id) === 1);
    return right < 0 ? [] : [{ right, probabilities }];
  });
  return {
    topOneAccuracy: topOneAccuracy(
      known.map(({ right }) => right),
      known.map(({ probabilities }) => probabilities),
    ),
  };
}

function summarise(labels: readonly LabelReport[]) {
  const defined = labels.flatMap(({ auroc }) => (auroc.value === null ? [] : [auroc.value]));
  return { labels, meanAuroc: defined.length ? defined.reduce((a, b) => a + b, 0) / defined.length : null };
}

/** Refuses a target that cannot work before anything is computed. */
async function checkPredictionsTarget(path: string | undefined, data: string): Promise<void> {
  if (path === undefined) return;
  if (resolve(path) === resolve(data)) throw new AnyMC3DError("OPTION_INVALID", `--predictions would overwrite the labels file ${data}; choose another name`);
  await access(dirname(resolve(path)), constants.W_OK).catch(() => {
    throw new AnyMC3DError(
      "OUTPUT_NOT_WRITABLE",
      `${dirname(resolve(path))}: the folder for the predictions does not exist or cannot be written. Create it, or choose another.`,
    );
  });
}

async function writePredictions(path: string, adapter: Adapter, predictions: readonly Prediction[]): Promise<void> {
  const ids = adapter.manifest.task.labels.map(({ id }) => id);
  const lines = predictions.map(({ row, logits, probabilities }) => csvLine([row.id, row.group, ...logits, ...probabilities]));
  const header = csvLine(["id", "group", ...ids.map((id) => `logit_${id}`), ...ids.map((id) => `probability_${id}`)]);
  await replaceFile(path, `${[header, ...lines].join("\n")}\n`).catch((cause: Error) => {
    throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${path} could not be written: ${cause.message}`, { cause });
  });
}

function printReport(report: {
  labels: readonly LabelReport[];
  meanAuroc: number | null;
  volumes: number;
  split: string;
  engine: string;
  precision: string;
  failures: readonly Failure[];
}): void {
  const show = ({ value, interval }: LabelMetrics["auroc"]) => {
    if (value === null) return "undefined (one class only)";
    return `${value.toFixed(3)}${interval ? ` [${interval.map((v) => v.toFixed(3)).join("–")}]` : ""}`;
  };
  const rows = [["label", "n", "positive", "AUROC", "avg. precision", "F1", "accuracy", "Brier"]];
  for (const l of report.labels) {
    rows.push([l.name, String(l.n), String(l.positives), ...[l.auroc, l.averagePrecision, l.f1, l.accuracy, l.brier].map(show)]);
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join("  "));
  const mean = report.meanAuroc === null ? "undefined" : report.meanAuroc.toFixed(3);
  process.stdout.write(
    `${report.volumes} volumes, split ${report.split}, ${report.engine} ${report.precision}\n${pc.bold(lines[0])}\n${lines.slice(1).join("\n")}\nmean AUROC ${mean}\n`,
  );
  process.stdout.write(pc.dim(`95 % intervals: bootstrap over groups. ${DISCLAIMER}\n`));
}
