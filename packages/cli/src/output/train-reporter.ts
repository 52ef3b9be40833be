// What anymc3d train tells while it works: a progress bar and lines for people, JSON lines for machines.

import { DISCLAIMER, type Warning } from "@anymc3d/core";
import { type CaseFault, type ComparedModel, comparisonTable, type MadeAdapter, type SplitSummary, type TrainConfig, type TrainEvent } from "@anymc3d/train";
import type { Check } from "@anymc3d/train/node";
import { Presets, SingleBar } from "cli-progress";
import pc from "picocolors";

type Task = TrainConfig["task"];

export interface Reporter {
  reading(done: number, total: number): void;
  data(summary: readonly SplitSummary[], skipped: readonly CaseFault[], warnings: readonly Warning[]): void;
  event(event: TrainEvent): void;
  /** From here on it is about a variant: its epochs are not told one by one. */
  variant(name: string): void;
  done(result: { out: string; keptEpoch: number; labels: MadeAdapter["labels"]; warnings: readonly Warning[]; checks: readonly Check[]; report: string }): void;
  compared(models: readonly ComparedModel[], task: Task): void;
  clear(): void;
}

export function reporter(json: boolean): Reporter {
  const line = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
  let variant: string | undefined;
  const warn = (warnings: readonly Warning[]) => {
    for (const { code, message } of warnings) process.stderr.write(`${pc.yellow("warning")} ${pc.dim(code)} ${message}\n`);
  };
  const bar = progressBar(!json && (process.stderr.isTTY ?? false));
  const say = (text: string) => {
    bar.clear();
    process.stdout.write(`${text}\n`);
  };
  return {
    reading: (done, total) => bar.show(done, total, "reading cases"),
    data(summary, skipped, warnings) {
      bar.clear();
      warn(warnings);
      if (json) line({ type: "data", splits: summary, skipped, warnings });
      else for (const split of summary) say(summaryLine(split));
    },
    variant(name) {
      variant = name;
    },
    event(event) {
      const about = variant ? `${variant}: ` : "";
      if (json) line(variant ? { variant, ...event } : event);
      else if (event.type === "epoch") {
        if (!variant) say(epochLine(event));
      } else if (event.type === "validate") bar.show(event.done, event.total, `${about}validating`);
      else if (event.type === "features") bar.show(event.done, event.total, `${about}frozen features`);
      else
        bar.show(
          event.step,
          event.steps,
          `${about}epoch ${event.epoch}, loss ${event.loss.toFixed(4)}, ${event.slicesPerSecond.toFixed(0)} slices/s, ${timeText(event.secondsLeft)} left`,
        );
    },
    done({ out, keptEpoch, labels, warnings, checks, report }) {
      bar.clear();
      if (json) return void line({ type: "done", ...(variant && { variant }), out, keptEpoch, labels, warnings, checks, report, disclaimer: DISCLAIMER });
      if (variant) return;
      say(`\n${pc.bold(out)}: adapter package, epoch ${keptEpoch}`);
      for (const { id, n, positives, auroc, threshold } of labels) {
        const interval = auroc.interval ? ` [${auroc.interval.map((value) => value.toFixed(3)).join("–")}]` : "";
        say(`  ${id.padEnd(16)} AUROC ${auroc.value?.toFixed(3) ?? "undefined"}${interval}  n=${n}, ${positives} positive, threshold ${threshold.toFixed(3)}`);
      }
      warn(warnings);
      for (const { name, ok, detail } of checks) if (!ok) process.stderr.write(`${pc.yellow("not ready to publish")} ${pc.dim(name)} ${detail}\n`);
      say(`report: ${report}`);
      say(pc.dim(DISCLAIMER));
    },
    compared(models, task) {
      bar.clear();
      if (json) return void line({ type: "compared", models });
      say(`\nOn the same validation cases, AUROC [95 % interval], each difference on the same resamples:\n\n${comparisonTable(models, task)}`);
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
