// anymc3d evaluate: an adapter over labelled volumes → the figures of its task with intervals.

import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  type Adapter,
  AnyMC3DError,
  type ClassifyResult,
  DISCLAIMER,
  type Engine,
  isAbortError,
  type Progress,
  type Volume,
  type Warning,
} from "@anymc3d/core";
import { figureDoubts } from "@anymc3d/core/learn";
import { checkFileTarget } from "@anymc3d/node-files/target";
import { writeWhole } from "@anymc3d/node-files/write-whole";
import { folderStore } from "@anymc3d/registry/node";
import { type Classifier, checkConformanceOnce, type ReadOptions, readVolume, type StudySource } from "@anymc3d/sdk";
import { type ClassTable, coverageIn, flat, groupCounts, type Measured, type Scored, statedFigures, taskTraining } from "@anymc3d/train";
import packageJson from "../../package.json" with { type: "json" };
import { startClassifier } from "../adapters/classifier.js";
import { findAdapter } from "../adapters/find.js";
import { type EvaluationCase, evaluationCases } from "../data/evaluation-cases.js";
import { type KeptAnswers, keepAnswers, nothingKept } from "../data/kept-answers.js";
import { checkNotInput } from "../data/not-an-input.js";
import { keepingSignal, resumeCommand } from "../interrupt.js";
import type { EngineFlags } from "../options/engine.js";
import { readOptions } from "../options/read.js";
import type { RegistryFlags } from "../options/registry.js";
import { classLines, coverageLines, type Failed, figureLines, type Prediction, predictionsCsv, wholeLines } from "../output/evaluation.js";
import { describeError, EXIT, Reported } from "../output/failure.js";
import { progressLine, stageText } from "../output/progress.js";
import { isOut, pc, print, printErr, printJson } from "../output/terminal.js";

export interface EvaluateFlags extends EngineFlags, RegistryFlags {
  adapter: string;
  split?: string;
  splits?: string;
  predictions?: string;
  samples: number;
  seed: number;
  json?: boolean;
  resume?: boolean;
  /** false: --no-keep. */
  keep?: string | boolean;
  quiet?: boolean;
}

interface Failure {
  readonly id: string;
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
}

export async function evaluate(data: string, flags: EvaluateFlags): Promise<void> {
  const signal = keepingSignal();
  await checkTargets(flags, data);
  const { adapter, ...found } = await findAdapter(flags.adapter, flags, signal);
  const onWarning = ({ code, message }: Warning) => printErr(`${pc.yellow("warning")} ${pc.dim(code)} ${message}`);
  const rows = await evaluationCases(data, adapter, { ...flags, onWarning });
  const own = ["adapter.json", "weights.safetensors"].map((name) => join(flags.adapter, name));
  await checkNoInput({ predictions: flags.predictions, keep: flags.keep }, [...own, ...rows.flatMap(({ files }) => files)]);
  const classifier = await startClassifier(found, flags, signal);
  await checkConformanceOnce(adapter, classifier.engine, signal);
  const kept = await openKept(data, adapter, classifier.engine, flags).catch(async (error: unknown) => {
    await classifier.dispose();
    throw error;
  });
  const failures: Failure[] = [];
  const started = performance.now();
  const { predictions, resumed } = await predictAll(classifier, adapter, rows, { flags, failures, signal, kept }).finally(async () => {
    await classifier.dispose();
    await kept.close();
  });
  const measured = measure(adapter, predictions, flags);
  const outside = predictions.filter(({ result }) => result.outside).length;
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
    ...(flags.resume && { resumed }),
    seconds: Math.round((performance.now() - started) / 100) / 10,
    task: adapter.manifest.task.kind,
    labels: measured.rows.map((row) => ({ ...flat(row), unlabelled: predictions.length - row.n })),
    ...plainFigures(measured),
    ...(measured.whole && { whole: flat(measured.whole) }),
    ...(measured.table && { classes: measured.table.classes, confusion: measured.table.counts }),
    ...(measured.coverage.length && { coverage: measured.coverage }),
    failures,
    // Forced past refusals, and counted in the figures all the same.
    ...(outside && { outside }),
    warnings: [...classifier.engine.warnings, ...(adapter.warnings ?? []), ...measured.doubts],
    disclaimer: DISCLAIMER,
  };
  // Neither takes the other with it: not a disk that is full the figures, nor a reader that went away the predictions.
  const unwritten =
    flags.predictions &&
    (await writeWhole(flags.predictions, predictionsCsv(adapter.manifest.task, inOrder(rows, predictions, failures))).catch((error: unknown) => error));
  if (flags.json) printJson(report, 2);
  else printReport(report, measured);
  if (unwritten) throw unwritten;
  if (await isOut()) await tidyKept(kept, failures.length, flags);
  if (failures.length) throw new Reported(EXIT.failed);
}

type Kept = KeptAnswers<ClassifyResult>;

/** Where answers are kept: where that was asked for, beside the predictions, else in the cache by what is evaluated on what. */
function keptPath(data: string, adapter: Adapter, { keep, predictions, split, splits }: EvaluateFlags): string {
  if (typeof keep === "string") return keep;
  if (predictions !== undefined) return `${predictions}.kept.jsonl`;
  const about = [resolve(data), adapter.manifest.name, split ?? "", splits ? resolve(splits) : ""];
  return join(
    folderStore().folder || join(tmpdir(), "anymc3d"),
    "evaluations",
    `${createHash("sha256").update(JSON.stringify(about)).digest("hex").slice(0, 24)}.jsonl`,
  );
}

/** Without a place of its own an evaluation goes on where none can be kept, and says so. */
async function openKept(data: string, adapter: Adapter, engine: Engine, flags: EvaluateFlags): Promise<Kept> {
  const { keep, resume = false, checks } = flags;
  if (keep === false) return nothingKept();
  const made = {
    adapter: adapter.hash,
    backbone: engine.backbone.hash,
    engine: engine.id,
    precision: engine.precision,
    "read options": readOptions(flags),
    checks,
    program: `anymc3d ${packageJson.version}`,
  };
  const path = keptPath(data, adapter, flags);
  const kept = await keepAnswers<ClassifyResult>(path, made).catch((error: unknown): Kept => {
    if (typeof keep === "string" || flags.predictions !== undefined || resume) throw error;
    printErr(`${pc.yellow("warning")} nothing is kept should this be stopped: ${describeError(error).message}`);
    return nothingKept();
  });
  const others = kept.differs.length ? `; others there were made with another ${kept.differs.join(", ")}, and do not count` : "";
  const say = (text: string) => printErr(`${text}${others}`);
  if (resume) say(kept.there ? `going on: ${kept.there} answer(s) are in ${path}` : `nothing to go on with in ${path}; all is computed`);
  else if (kept.there) say(`${kept.there} answer(s) of an earlier evaluation are in ${path}; --resume uses them`);
  return kept;
}

/** What was kept until all is done goes; where volumes failed it stays, so that only those are computed once they are mended. */
async function tidyKept({ path }: Kept, failed: number, { keep }: EvaluateFlags): Promise<void> {
  if (path === undefined) return;
  if (failed) printErr(`the other answers stay in ${path}: when the volumes are mended, ${resumeCommand()}`);
  else if (typeof keep !== "string") await rm(path, { force: true }).catch(() => undefined);
}

interface Work {
  readonly flags: EvaluateFlags;
  readonly failures: Failure[];
  readonly signal: AbortSignal;
  readonly kept: Kept;
}

/** Answers in the order of the rows. */
async function predictAll(classifier: Classifier, adapter: Adapter, rows: readonly EvaluationCase[], work: Work) {
  const { flags, failures, signal } = work;
  const predictions: Prediction[] = [];
  let resumed = 0;
  const progress = progressLine({ quiet: flags.quiet });
  const started = performance.now();
  // After a device was lost it is another one.
  const engine = classifier.engine.id;
  const tell = (now?: string) => {
    const done = predictions.length + failures.length;
    const made = done - resumed;
    const left = made ? ((performance.now() - started) / 1000 / made) * (rows.length - done) : undefined;
    progress.show({ what: "volumes", done, total: rows.length, now, left });
  };
  const keeping = keeper(work.kept, () => progress.clear());
  const studyOf = studyReader();
  try {
    for (const row of rows) {
      tell();
      try {
        const read = readOptions(flags);
        const content = work.kept.path === undefined ? undefined : await contentOf(row, signal);
        const before = flags.resume && content !== undefined ? work.kept.answerTo(row.id, content) : undefined;
        const onProgress = (now: Progress) => tell(stageText(now));
        const result =
          before ?? (await classifier.classify(await studyOf(row, read, signal), adapter, { checks: flags.checks, signal, read, onProgress, roi: row.region }));
        predictions.push({ row, result });
        if (before) resumed++;
        else if (content !== undefined && result.provenance.engine === engine) await keeping(row.id, content, result);
      } catch (error) {
        progress.clear();
        if (isAbortError(error) || signal.aborted) throw error;
        const fault = row.told(describeError(error));
        const { code, message } = fault;
        failures.push({ id: row.id, ...fault });
        printErr(`${pc.red("error")} ${row.id} ${pc.dim(code)} ${message}`);
      }
    }
  } catch (error) {
    if (work.kept.path !== undefined)
      printErr(`stopped after ${predictions.length} of ${rows.length} volumes, kept in ${work.kept.path}; go on with: ${resumeCommand()}`);
    throw error;
  } finally {
    progress.clear();
  }
  return { predictions, resumed };
}

/** The study of a row. Of rows that follow each other and are about regions of one study, it is read once. */
function studyReader() {
  let last: { readonly files: string; readonly volume: Volume } | undefined;
  return async (row: EvaluationCase, read: ReadOptions, signal: AbortSignal): Promise<StudySource> => {
    const study = await row.study();
    if (!row.region || typeof study !== "string") return study;
    if (last?.files !== study) last = { files: study, volume: await readVolume(study, { ...read, signal }) };
    return last.volume;
  };
}

/** undefined for a volume that cannot be read; reading it says better why. */
const contentOf = (row: EvaluationCase, signal: AbortSignal): Promise<string | undefined> =>
  row.content(signal).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return undefined;
  });

/** Adds answers to what is kept; a disk that is full ends the keeping, not the evaluation. */
function keeper(kept: Kept, clear: () => void): Kept["add"] {
  let ended = false;
  return async (id, content, result) => {
    if (ended) return;
    await kept.add(id, content, result).catch((error: unknown) => {
      ended = true;
      clear();
      printErr(`${pc.yellow("warning")} no more answers are kept: ${describeError(error).message}`);
    });
  };
}

interface Evaluation {
  /** A row a label, or one of the task. */
  readonly rows: readonly Measured[];
  /** Of all labels together. */
  readonly whole?: Measured;
  /** Which class was taken for which. */
  readonly table?: ClassTable;
  /** What speaks against these figures. */
  readonly doubts: readonly Warning[];
  /** How often sets and intervals held the truth, as data and as lines; none without a conformal calibration. */
  readonly coverage: ReturnType<typeof coverageIn>;
  readonly held: readonly string[];
}

/** What came of every row, in the table's order. */
function inOrder(rows: readonly EvaluationCase[], predictions: readonly Prediction[], failures: readonly Failure[]): (Prediction | Failed)[] {
  const found = new Map(predictions.map((one) => [one.row.id, one]));
  const failed = new Map(failures.map(({ id, code }) => [id, code]));
  return rows.flatMap((row): (Prediction | Failed)[] => {
    const [own, code] = [found.get(row.id), failed.get(row.id)];
    return own ? [own] : code === undefined ? [] : [{ row, code }];
  });
}

/** The task's figures over the volumes whose truth is known. */
function measure({ manifest: { task } }: Adapter, predictions: readonly Prediction[], { samples, seed, split }: EvaluateFlags): Evaluation {
  const kind = taskTraining(task);
  const cases = predictions.map(({ row: { group, labels }, result: { logits } }): Scored => ({ group, labels, logits: Float32Array.from(logits) }));
  const rows = kind.measure(task, cases, { samples, seed });
  const whole = kind.whole(task, cases, { samples, seed });
  const where = split ?? "this table";
  const implausible = kind.labelWarnings?.(task, kind.counts(task, cases), where) ?? [];
  const doubts = [...implausible, ...figureDoubts({ split: where, ...statedFigures(task, rows, whole) }, groupCounts(rows))];
  const coverage = coverageIn(
    task,
    predictions.map(({ row: { labels }, result }) => ({ outcome: result, labels })),
  );
  return { rows, whole, table: kind.confusion?.(task, cases), doubts, coverage, held: coverageLines(task, coverage) };
}

/** Without their intervals, as earlier versions had them. */
function plainFigures({ rows, whole }: Evaluation): Record<string, number | null> {
  const mean = whole?.figures.meanAuroc ?? rows[0].figures.auroc;
  const top = whole?.figures.topOneAccuracy;
  return { ...(mean && { meanAuroc: mean.value }), ...(top && { topOneAccuracy: top.value }) };
}

/** Refuses to write over what is read. */
async function checkNoInput(targets: Pick<EvaluateFlags, "predictions" | "keep">, inputs: readonly string[]): Promise<void> {
  for (const [flag, path] of Object.entries(targets)) if (typeof path === "string") await checkNotInput(`--${flag}`, path, inputs);
}

/** Refuses targets that cannot work before anything is computed. */
async function checkTargets({ predictions, keep, splits }: EvaluateFlags, data: string): Promise<void> {
  await checkNoInput({ predictions, keep }, [data, ...(splits === undefined ? [] : [splits])]);
  for (const path of [predictions, keep]) if (typeof path === "string") await checkFileTarget(path);
  if (typeof keep === "string" && predictions !== undefined && resolve(keep) === resolve(predictions))
    throw new AnyMC3DError("OPTION_INVALID", `--keep and --predictions name one file, ${keep}; choose another name`);
}

function printReport(
  report: { volumes: number; outside?: number; split: string; engine: string; precision: string },
  { rows, whole, table, held, doubts }: Evaluation,
): void {
  const [header, ...lines] = figureLines(rows);
  print(`${report.volumes} volume${report.volumes === 1 ? "" : "s"}, split ${report.split}, ${report.engine} ${report.precision}`, pc.bold(header));
  print(...lines, ...wholeLines(whole), ...classLines(table), ...held);
  print(pc.dim(`95 % intervals: bootstrap over ${rows.some(({ n, groups }) => groups && groups.all < n) ? "groups (patients)" : "cases"}. ${DISCLAIMER}`));
  if (report.outside)
    printErr(`${pc.yellow("warning")} ${report.outside} of these lie outside what the adapter was made for (--checks); their answers count in the figures`);
  for (const { code, message } of doubts) printErr(`${pc.yellow("warning")} ${pc.dim(code)} ${message}`);
}
