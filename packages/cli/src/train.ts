// anymc3d train: labelled volumes and a task.json in, an adapter package out.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AnyMC3DError, DISCLAIMER, isAbortError, type TrainableEngine, type Warning } from "@anymc3d/core";
import { createEngine, type EngineChoice, openBackbone } from "@anymc3d/sdk";
import {
  type CaseFault,
  checkCases,
  checkLabels,
  checkSplits,
  initialState,
  makeAdapter,
  npzCases,
  parseTrainConfig,
  readCheckpoint,
  type SplitSummary,
  summariseCases,
  type TrainCase,
  type TrainConfig,
  type TrainEvent,
  train,
  writeCheckpoint,
} from "@anymc3d/train";
import { csvCases, openRunFolder, type RunFolder, writeAdapterPackage } from "@anymc3d/train/node";
import { Presets, SingleBar } from "cli-progress";
import pc from "picocolors";
import packageJson from "../package.json" with { type: "json" };
import { interruptSignal } from "./interrupt.js";
import type { EngineFlags } from "./options.js";

export interface TrainFlags extends Pick<EngineFlags, "engine" | "threads" | "backbone" | "modality" | "frame"> {
  config: string;
  out: string;
  resume?: boolean;
  skipBad?: boolean;
  resampleMasks?: boolean;
  epochs?: number;
  seed?: number;
  json?: boolean;
}

export async function trainAdapter(data: string, flags: TrainFlags): Promise<void> {
  const signal = interruptSignal();
  const report = reporter(flags.json ?? false);
  const config = await readConfig(flags);
  const { cases, volumes } = await readCases(data, config, flags, report, signal);
  const folder = await openRunFolder(flags.out);
  let engine: TrainableEngine | undefined;
  try {
    const backbone = await openBackbone(flags.backbone, { signal });
    engine = await createEngine(backbone, { engine: flags.engine as EngineChoice, threads: flags.threads });
    const fingerprint = fingerprintOf(config, cases, backbone.hash);
    const state = await startingState(folder, flags, config, engine, fingerprint);
    let logged = state.history.length;
    const outcome = await train({
      config,
      cases,
      engine,
      state,
      signal,
      onEvent: report.event,
      onCheckpoint: async (now) => {
        await folder.writeCheckpoint(writeCheckpoint(now, fingerprint));
        while (logged < now.history.length) await folder.log(now.history[logged++]);
      },
    });
    const date = new Date().toISOString().slice(0, 10);
    const made = await makeAdapter({ config, outcome, volumes, engine, madeBy: `anymc3d ${packageJson.version}`, date });
    await writeAdapterPackage(flags.out, {
      manifest: made.manifest,
      weights: made.weights,
      training: trainingLines(config, cases, outcome.keptEpoch, engine.id),
    });
    report.done({ out: flags.out, keptEpoch: outcome.keptEpoch, labels: made.labels });
  } catch (error) {
    report.clear();
    if (isAbortError(error)) process.stderr.write(`stopped; go on with --resume\n`);
    throw error;
  } finally {
    await engine?.dispose();
    await folder.release();
  }
}

async function readConfig({ config: path, epochs, seed }: TrainFlags): Promise<TrainConfig> {
  const text = await readFile(path, "utf8").catch((cause: Error) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${path}: ${cause.message}. --config names a task.json; docs/train-an-adapter.md shows one.`, { cause });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new AnyMC3DError("CONFIG_INVALID", `${path}: not JSON: ${(cause as Error).message}`, { cause });
  }
  const config = parseTrainConfig(json, path);
  return { ...config, training: { ...config.training, ...(epochs !== undefined && { epochs }), ...(seed !== undefined && { seed }) } };
}

async function readCases(data: string, config: TrainConfig, flags: TrainFlags, report: Reporter, signal: AbortSignal) {
  const { task, training } = config;
  const masks = training.masks !== null;
  const sources = config.input.views.map(({ source }) => source);
  const read = { modality: flags.modality, frame: flags.frame };
  const found = data.endsWith(".npz")
    ? { cases: npzCases(await readBytes(data), { task, file: data, source: sources[0], modality: flags.modality }), warnings: [] }
    : await csvCases(data, { task, sources, seed: training.seed, masks, resampleMasks: flags.resampleMasks, read });
  checkSplits(found.cases, data);
  const wanted = found.cases.filter(({ split }) => split !== "test");
  const checked = await checkCases(wanted, { signal, onProgress: report.reading });
  if (checked.faults.length) refuseOrSkip(checked.faults, flags.skipBad ?? false, report);
  checkSplits(checked.cases, data);
  const summary = summariseCases(checked.cases, task, checked.emptyMasks);
  report.data(summary, [...found.warnings, ...checkLabels(summary, data)]);
  const volumes = checked.volumes.filter(({ split }) => split === "train");
  return { cases: checked.cases, volumes };
}

async function readBytes(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: Error) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${path}: ${cause.message}`, { cause });
  });
}

function refuseOrSkip(faults: readonly CaseFault[], skip: boolean, report: Reporter): void {
  report.clear();
  for (const { id, code, message } of faults) process.stderr.write(`${skip ? pc.yellow("skipped") : pc.red("error")} ${id} ${pc.dim(code)} ${message}\n`);
  if (!skip) throw new AnyMC3DError("DATA_INVALID", `${faults.length} case(s) cannot be read, listed above. Mend them, or leave them out with --skip-bad.`);
}

/** What a checkpoint belongs to: settings, cases with labels and splits, backbone. */
function fingerprintOf(config: TrainConfig, cases: readonly TrainCase[], backbone: string): string {
  const list = cases.map(({ id, split, labels, loadMask }) => [id, split, [...labels], loadMask !== undefined]);
  return createHash("sha256")
    .update(JSON.stringify([config, list, backbone]))
    .digest("hex");
}

async function startingState(folder: RunFolder, { resume, out }: TrainFlags, config: TrainConfig, engine: TrainableEngine, fingerprint: string) {
  const bytes = await folder.readCheckpoint();
  if (!bytes) return initialState(config, engine.backbone.spec);
  const path = join(out, "run", "checkpoint.safetensors");
  if (!resume) throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${path} is there from an earlier run: go on with it by --resume, or choose another --out`);
  return readCheckpoint(bytes, fingerprint, path);
}

function trainingLines(config: TrainConfig, cases: readonly TrainCase[], keptEpoch: number, engine: string): string[] {
  const { training, modules } = config;
  const count = (split: string) => cases.filter((each) => each.split === split).length;
  return [
    `${count("train")} cases for training, ${count("val")} for validation; epoch ${keptEpoch} of ${training.epochs} was kept (${training.keep === "best" ? "best mean validation AUROC" : "the last one"})`,
    modules.lora
      ? `LoRA rank ${modules.lora.rank}, alpha ${modules.lora.alpha}, on ${modules.lora.targets.join(", ")}${modules.lora.lastBlocks ? ` of the last ${modules.lora.lastBlocks} blocks` : ""}`
      : "frozen features, head only",
    `AdamW, learning rates ${training.learningRate.lora} (LoRA) and ${training.learningRate.head} (head, queries), ${training.batch} volumes a step, seed ${training.seed}, ${engine}`,
    training.masks ? `pixel-level supervision by masks, weight ${training.masks.weight}` : "no pixel-level supervision",
    "thresholds, temperatures and the kept epoch were chosen on the validation cases that the metrics are from: on new data expect somewhat less",
  ];
}

interface Reporter {
  reading(done: number, total: number): void;
  data(summary: readonly SplitSummary[], warnings: readonly Warning[]): void;
  event(event: TrainEvent): void;
  done(result: { out: string; keptEpoch: number; labels: Awaited<ReturnType<typeof makeAdapter>>["labels"] }): void;
  clear(): void;
}

function reporter(json: boolean): Reporter {
  const line = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
  const bar = progressBar(!json && (process.stderr.isTTY ?? false));
  const say = (text: string) => {
    bar.clear();
    process.stdout.write(`${text}\n`);
  };
  return {
    reading: (done, total) => bar.show(done, total, "reading cases"),
    data(summary, warnings) {
      bar.clear();
      for (const { code, message } of warnings) process.stderr.write(`${pc.yellow("warning")} ${pc.dim(code)} ${message}\n`);
      if (json) line({ type: "data", splits: summary });
      else for (const split of summary) say(summaryLine(split));
    },
    event(event) {
      if (json) line(event);
      else if (event.type === "epoch") say(epochLine(event));
      else if (event.type === "validate") bar.show(event.done, event.total, "validating");
      else
        bar.show(
          event.step,
          event.steps,
          `epoch ${event.epoch}, loss ${event.loss.toFixed(4)}, ${event.slicesPerSecond.toFixed(0)} slices/s, ${timeText(event.secondsLeft)} left`,
        );
    },
    done({ out, keptEpoch, labels }) {
      bar.clear();
      if (json) return void line({ type: "done", out, keptEpoch, labels, disclaimer: DISCLAIMER });
      say(`\n${pc.bold(out)}: adapter package, epoch ${keptEpoch}`);
      for (const { id, n, positives, auroc, threshold } of labels) {
        const interval = auroc.interval ? ` [${auroc.interval.map((value) => value.toFixed(3)).join("–")}]` : "";
        say(`  ${id.padEnd(16)} AUROC ${auroc.value?.toFixed(3) ?? "undefined"}${interval}  n=${n}, ${positives} positive, threshold ${threshold.toFixed(3)}`);
      }
      say(pc.dim(DISCLAIMER));
    },
    clear: bar.clear,
  };
}

function progressBar(shown: boolean) {
  let bar: SingleBar | undefined;
  return {
    show(done: number, total: number, what: string): void {
      if (!shown) return;
      if (!bar) {
        bar = new SingleBar(
          { format: "[{bar}] {value}/{total} {what}", stream: process.stderr, clearOnComplete: false, hideCursor: true, fps: 5 },
          Presets.shades_classic,
        );
        bar.start(total, done, { what });
      }
      bar.setTotal(total);
      bar.update(done, { what });
    },
    clear(): void {
      bar?.stop();
      bar = undefined;
    },
  };
}

function summaryLine({ split, n, groups, labels, masks, emptyMasks }: SplitSummary): string {
  const balance = labels.map(({ id, positives, negatives, unknown }) => `${id} ${positives}+ ${negatives}-${unknown ? ` ${unknown}?` : ""}`).join(", ");
  return `${split.padEnd(6)} ${n} cases, ${groups} groups${masks ? `, ${masks} masks (${emptyMasks} empty)` : ""}: ${balance}`;
}

function epochLine({ epoch, loss, meanAuroc, auroc, seconds, slicesPerSecond, best }: Extract<TrainEvent, { type: "epoch" }>): string {
  const each = Object.entries(auroc).map(([id, value]) => `${id} ${value?.toFixed(3) ?? "-"}`);
  const shown = each.length > 1 ? ` (${each.join(", ")})` : "";
  return `epoch ${epoch}: loss ${loss.toFixed(4)}, validation AUROC ${meanAuroc?.toFixed(3) ?? "undefined"}${shown}, ${timeText(seconds)}, ${slicesPerSecond.toFixed(1)} slices/s${best ? pc.green(" best") : ""}`;
}

function timeText(seconds: number): string {
  const s = Math.round(seconds);
  return s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
}
