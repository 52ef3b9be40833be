// What anymc3d train tells while it works: progress and lines for people, JSON lines for machines.

import { DISCLAIMER, type Warning } from "@anymc3d/core";
import { FIGURES, flat, type Measured, type SplitSummary } from "@anymc3d/train";
import type { TrainToPackageEvent } from "@anymc3d/train/node";
import { resumeCommand } from "../interrupt.js";
import { type ProgressLine, progressLine, timeText, type Work } from "./progress.js";
import { pc, print, printErr, printJson } from "./terminal.js";

type EventOf<Type extends TrainToPackageEvent["type"]> = Extract<TrainToPackageEvent, { type: Type }>;

export interface TrainReporter {
  event(event: TrainToPackageEvent): void;
  /** The work was interrupted. */
  stopped(): void;
  /** Removes what tells how far it is. */
  clear(): void;
}

export function trainReporter({ json = false, quiet = false }: { readonly json?: boolean; readonly quiet?: boolean }): TrainReporter {
  const progress = progressLine({ quiet, lines: json });
  const tell = json ? jsonLine : textFor(progress);
  let began = false;
  return {
    event(event) {
      const work = progressOf(event);
      if (work) progress.show(work);
      if (event.type === "faults") progress.clear();
      if (event.type === "faults") printFaults(event);
      else tell(event);
      began ||= event.type === "data";
    },
    stopped() {
      progress.clear();
      if (began) printErr(`stopped; go on with: ${resumeCommand()}`);
    },
    clear: progress.clear,
  };
}

function jsonLine(event: TrainToPackageEvent): void {
  if (event.type === "data") printWarnings(event.warnings);
  if (event.type !== "reading") printJson(jsonFields(event));
}

/** What --json promises of an event. */
function jsonFields(event: TrainToPackageEvent): object {
  if (event.type === "done") {
    const { measured, whole, ...done } = event;
    return { ...done, labels: measured.map(flat), ...(whole && { whole: flat(whole) }), disclaimer: DISCLAIMER };
  }
  if (event.type === "compared") return { type: event.type, models: event.models };
  return event;
}

/** Of a variant only the progress is told. */
function textFor(progress: ProgressLine): (event: TrainToPackageEvent) => void {
  const say = (...lines: string[]) => {
    progress.clear();
    print(...lines);
  };
  return (event) => {
    if (progressOf(event)) return;
    const variant = "variant" in event;
    if (event.type !== "epoch" || !variant) progress.clear();
    if (event.type === "data") {
      printWarnings(event.warnings);
      for (const split of event.splits) say(summaryLine(split));
    }
    if (event.type === "epoch" && !variant) say(epochLine(event));
    if (event.type === "done" && !variant) printDone(event);
    if (event.type === "compared")
      say("", `On the same validation cases, ${event.what} [95 % interval], each difference on the same resamples:`, "", ...event.table.split("\n"));
  };
}

/** How far it is by an event; undefined for one that is told in lines. */
function progressOf(event: TrainToPackageEvent): Work | undefined {
  const about = "variant" in event ? `${event.variant}: ` : "";
  if (event.type === "reading") return { done: event.done, total: event.total, what: "reading cases" };
  if (event.type === "features") return { done: event.done, total: event.total, what: `${about}frozen features` };
  if (event.type === "validate") return { done: event.done, total: event.total, what: `${about}validating epoch ${event.epoch}` };
  if (event.type !== "step") return undefined;
  const { epoch, epochs, loss, slicesPerSecond, secondsLeft: left } = event;
  return {
    done: event.step,
    total: event.steps,
    what: `${about}epoch ${epoch} of ${epochs}, step`,
    now: `loss ${loss.toFixed(4)}, ${slicesPerSecond.toFixed(0)} slices/s`,
    left,
  };
}

function printFaults({ faults, skipped }: EventOf<"faults">): void {
  for (const { id, code, message } of faults) printErr(`${skipped ? pc.yellow("skipped") : pc.red("error")} ${id} ${pc.dim(code)} ${message}`);
}

function printWarnings(warnings: readonly Warning[]): void {
  for (const { code, message } of warnings) printErr(`${pc.yellow("warning")} ${pc.dim(code)} ${message}`);
}

function printDone({ out, keptEpoch, measured, whole, warnings, checks, report }: EventOf<"done">): void {
  print("", `${pc.bold(out)}: adapter package, epoch ${keptEpoch}`);
  for (const row of [...measured, ...(whole ? [whole] : [])]) print(`  ${(row === whole ? row.name : row.id).padEnd(16)} ${measuredText(row)}`);
  printWarnings(warnings);
  for (const { name, ok, detail } of checks) if (!ok) printErr(`${pc.yellow("not ready to publish")} ${pc.dim(name)} ${detail}`);
  print(`report: ${report}`);
  print(pc.dim(DISCLAIMER));
}

/** Of a label its AUROC and threshold, of a task all of its figures. */
function measuredText({ n, positives, figures, units, threshold }: Measured): string {
  const told = Object.entries(figures).slice(0, positives === undefined ? undefined : 1);
  const values = told.map(([name, { value, interval }]) => {
    const range = interval ? ` [${interval.map((edge) => edge.toFixed(3)).join("–")}]` : "";
    const unit = units?.[name] ? ` ${units[name]}` : "";
    return `${FIGURES[name]} ${value?.toFixed(3) ?? "undefined"}${range}${unit}`;
  });
  const counts = [
    `n=${n}`,
    ...(positives === undefined ? [] : [`${positives} positive`]),
    ...(threshold === undefined ? [] : [`threshold ${threshold.toFixed(3)}`]),
  ];
  return `${values.join(", ")}  ${counts.join(", ")}`;
}

function summaryLine({ split, n, groups, labels, masks, emptyMasks }: SplitSummary): string {
  const balance = labels.map(({ text }) => text).join(", ");
  return `${split.padEnd(6)} ${n} cases, ${groups} groups${masks ? `, ${masks} masks (${emptyMasks} empty)` : ""}: ${balance}`;
}

function epochLine({ epoch, loss, score, scores, scoreName, seconds, slicesPerSecond, best }: EventOf<"epoch">): string {
  const byLabel = Object.entries(scores).map(([id, value]) => `${Object.hasOwn(FIGURES, id) ? FIGURES[id] : id} ${value?.toFixed(3) ?? "-"}`);
  const shown = byLabel.length > 1 ? ` (${byLabel.join(", ")})` : "";
  return `epoch ${epoch}: loss ${loss.toFixed(4)}, validation ${scoreName} ${score?.toFixed(3) ?? "undefined"}${shown}, ${timeText(seconds)}, ${slicesPerSecond.toFixed(1)} slices/s${best ? pc.green(" best") : ""}`;
}
