// What anymc3d train tells while it works: a progress bar and lines for people, JSON lines for machines.

import { DISCLAIMER, type Warning } from "@anymc3d/core";
import { FIGURES, flat, type Measured, type SplitSummary } from "@anymc3d/train";
import type { TrainToPackageEvent } from "@anymc3d/train/node";
import { type Bar, progressBar } from "./progress-bar.js";
import { pc, print, printErr, printJson } from "./terminal.js";

type EventOf<Type extends TrainToPackageEvent["type"]> = Extract<TrainToPackageEvent, { type: Type }>;

export interface TrainReporter {
  event(event: TrainToPackageEvent): void;
  /** The work was interrupted. */
  stopped(): void;
  /** Removes the bar. */
  clear(): void;
}

export function trainReporter(json: boolean): TrainReporter {
  const bar = progressBar("[{bar}] {value}/{total} {what}", { shown: !json, stays: true });
  const tell = json ? jsonLine : textFor(bar);
  let began = false;
  return {
    event(event) {
      if (event.type === "faults") bar.clear();
      if (event.type === "faults") printFaults(event);
      else tell(event);
      began ||= event.type === "data";
    },
    stopped() {
      bar.clear();
      if (began) printErr("stopped; go on with --resume");
    },
    clear: bar.clear,
  };
}

function jsonLine(event: TrainToPackageEvent): void {
  if (event.type === "data") printWarnings(event.warnings);
  if (event.type !== "reading") printJson(jsonFields(event));
}

/** What --json promises of an event. */
function jsonFields(event: TrainToPackageEvent): object {
  if (event.type === "done") {
    const { measured, ...done } = event;
    return { ...done, labels: measured.map(flat), disclaimer: DISCLAIMER };
  }
  if (event.type === "compared") return { type: event.type, models: event.models };
  return event;
}

/** Of a variant only the progress is told. */
function textFor(bar: Bar): (event: TrainToPackageEvent) => void {
  const say = (text: string) => {
    bar.clear();
    print(`${text}`);
  };
  return (event) => {
    const progress = progressOf(event);
    if (progress) return bar.show(progress.done, progress.total, { what: progress.what });
    const variant = "variant" in event;
    if (event.type !== "epoch" || !variant) bar.clear();
    if (event.type === "data") {
      printWarnings(event.warnings);
      for (const split of event.splits) say(summaryLine(split));
    }
    if (event.type === "epoch" && !variant) say(epochLine(event));
    if (event.type === "done" && !variant) printDone(event);
    if (event.type === "compared")
      say(`\nOn the same validation cases, ${event.what} [95 % interval], each difference on the same resamples:\n\n${event.table}`);
  };
}

/** What the bar shows of an event; undefined for one that is told in lines. */
function progressOf(event: TrainToPackageEvent): { done: number; total: number; what: string } | undefined {
  const about = "variant" in event ? `${event.variant}: ` : "";
  if (event.type === "reading") return { done: event.done, total: event.total, what: "reading cases" };
  if (event.type === "features") return { done: event.done, total: event.total, what: `${about}frozen features` };
  if (event.type === "validate") return { done: event.done, total: event.total, what: `${about}validating` };
  if (event.type !== "step") return undefined;
  const { epoch, loss, slicesPerSecond, secondsLeft } = event;
  const pace = `${slicesPerSecond.toFixed(0)} slices/s, ${timeText(secondsLeft)} left`;
  return { done: event.step, total: event.steps, what: `${about}epoch ${epoch}, loss ${loss.toFixed(4)}, ${pace}` };
}

function printFaults({ faults, skipped }: EventOf<"faults">): void {
  for (const { id, code, message } of faults) printErr(`${skipped ? pc.yellow("skipped") : pc.red("error")} ${id} ${pc.dim(code)} ${message}`);
}

function printWarnings(warnings: readonly Warning[]): void {
  for (const { code, message } of warnings) printErr(`${pc.yellow("warning")} ${pc.dim(code)} ${message}`);
}

function printDone({ out, keptEpoch, measured, warnings, checks, report }: EventOf<"done">): void {
  const say = (text: string) => print(`${text}`);
  say(`\n${pc.bold(out)}: adapter package, epoch ${keptEpoch}`);
  for (const row of measured) say(`  ${row.id.padEnd(16)} ${measuredText(row)}`);
  printWarnings(warnings);
  for (const { name, ok, detail } of checks) if (!ok) printErr(`${pc.yellow("not ready to publish")} ${pc.dim(name)} ${detail}`);
  say(`report: ${report}`);
  say(pc.dim(DISCLAIMER));
}

/** Of a label its AUROC and threshold, of a task all of its figures. */
function measuredText({ n, positives, figures, decision }: Measured): string {
  const told = Object.entries(figures).slice(0, positives === undefined ? undefined : 1);
  const values = told.map(([name, { value, interval }]) => {
    const range = interval ? ` [${interval.map((edge) => edge.toFixed(3)).join("–")}]` : "";
    return `${FIGURES[name]} ${value?.toFixed(3) ?? "undefined"}${range}`;
  });
  const counts = [`n=${n}`, ...(positives === undefined ? [] : [`${positives} positive`]), ...(decision ? [`threshold ${decision.threshold.toFixed(3)}`] : [])];
  return `${values.join(", ")}  ${counts.join(", ")}`;
}

function summaryLine({ split, n, groups, labels, masks, emptyMasks }: SplitSummary): string {
  const balance = labels.map(({ text }) => text).join(", ");
  return `${split.padEnd(6)} ${n} cases, ${groups} groups${masks ? `, ${masks} masks (${emptyMasks} empty)` : ""}: ${balance}`;
}

function epochLine({ epoch, loss, score, scores, scoreName, seconds, slicesPerSecond, best }: EventOf<"epoch">): string {
  const byLabel = Object.entries(scores).map(([id, value]) => `${id} ${value?.toFixed(3) ?? "-"}`);
  const shown = byLabel.length > 1 ? ` (${byLabel.join(", ")})` : "";
  return `epoch ${epoch}: loss ${loss.toFixed(4)}, validation ${scoreName} ${score?.toFixed(3) ?? "undefined"}${shown}, ${timeText(seconds)}, ${slicesPerSecond.toFixed(1)} slices/s${best ? pc.green(" best") : ""}`;
}

function timeText(seconds: number): string {
  const s = Math.round(seconds);
  return s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
}
