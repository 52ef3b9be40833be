// anymc3d evaluate: an adapter over labelled volumes → the figures of its task with intervals.

import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Adapter, AnyMC3DError, DISCLAIMER, isAbortError } from "@anymc3d/core";
import { writeWhole } from "@anymc3d/node-files/write-whole";
import { checkConformanceOnce } from "@anymc3d/registry";
import type { Classifier } from "@anymc3d/sdk";
import { coverageIn, flat, type Measured, type Scored, taskTraining } from "@anymc3d/train";
import packageJson from "../../package.json" with { type: "json" };
import { startClassifier } from "../adapters/classifier.js";
import { findAdapter } from "../adapters/find.js";
import { type EvaluationCase, evaluationCases } from "../data/evaluation-cases.js";
import { interruptSignal } from "../interrupt.js";
import type { EngineFlags } from "../options/engine.js";
import { readOptions } from "../options/read.js";
import type { RegistryFlags } from "../options/registry.js";
import { coverageLines, figureLines, type Prediction, predictionsCsv } from "../output/evaluation.js";
import { describeError, EXIT, Reported } from "../output/failure.js";
import { progressLine } from "../output/progress.js";
import { pc, print, printErr, printJson } from "../output/terminal.js";

export interface EvaluateFlags extends EngineFlags, RegistryFlags {
  adapter: string;
  split?: string;
  splits?: string;
  predictions?: string;
  samples: number;
  seed: number;
  json?: boolean;
}

interface Failure {
  readonly id: string;
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
}

export async function evaluate(data: string, flags: EvaluateFlags): Promise<void> {
  const signal = interruptSignal();
  await checkPredictionsTarget(flags.predictions, data);
  const { adapter, ...found } = await findAdapter(flags.adapter, flags, signal);
  const rows = await evaluationCases(data, adapter, flags);
  const classifier = await startClassifier(found, flags, signal);
  await checkConformanceOnce(adapter, classifier.engine, found.registry.store);
  const failures: Failure[] = [];
  const started = performance.now();
  const predictions = await predictAll(classifier, adapter, rows, { flags, failures, signal }).finally(() => classifier.dispose());
  const measured = measure(adapter, predictions, flags);
  const report = {
    schema: "anymc3d.evaluate/2",
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
    task: adapter.manifest.task.kind,
    labels: measured.rows.map((row) => ({ ...flat(row), unlabelled: predictions.length - row.n })),
    ...measured.summary.json,
    ...(measured.coverage.length && { coverage: measured.coverage }),
    failures,
    warnings: classifier.engine.warnings,
    disclaimer: DISCLAIMER,
  };
  // The figures first: a disk that is full does not take them, too.
  if (flags.json) printJson(report, 2);
  else printReport(report, measured);
  if (flags.predictions) await writeWhole(flags.predictions, predictionsCsv(adapter.manifest.task, predictions));
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
      predictions.push({ row, result });
    } catch (error) {
      progress.clear();
      if (isAbortError(error)) throw error;
      const fault = describeError(error);
      const { code, message } = fault;
      failures.push({ id: row.id, ...fault });
      printErr(`${pc.red("error")} ${row.id} ${pc.dim(code)} ${message}`);
    }
  }
  progress.clear();
  return predictions;
}

interface Evaluation {
  readonly rows: readonly Measured[];
  readonly summary: ReturnType<ReturnType<typeof taskTraining>["summary"]>;
  /** How often sets and intervals held the truth, as data and as lines; none without a conformal calibration. */
  readonly coverage: ReturnType<typeof coverageIn>;
  readonly held: readonly string[];
}

/** The task's figures over the volumes whose truth is known. */
function measure({ manifest: { task } }: Adapter, predictions: readonly Prediction[], { samples, seed }: EvaluateFlags): Evaluation {
  const kind = taskTraining(task);
  const cases = predictions.map(({ row: { group, labels }, result: { logits } }): Scored => ({ group, labels, logits: Float32Array.from(logits) }));
  const rows = kind.measure(task, cases, { samples, seed });
  const coverage = coverageIn(
    task,
    predictions.map(({ row: { labels }, result }) => ({ outcome: result, labels })),
  );
  return { rows, summary: kind.summary(task, cases, rows), coverage, held: coverageLines(task, coverage) };
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

function printReport(report: { volumes: number; split: string; engine: string; precision: string }, { rows, summary, held }: Evaluation): void {
  const [header, ...lines] = figureLines(rows);
  print(`${report.volumes} volumes, split ${report.split}, ${report.engine} ${report.precision}`, pc.bold(header));
  print(...lines, ...summary.lines, ...held);
  print(pc.dim(`95 % intervals: bootstrap over groups. ${DISCLAIMER}`));
}
