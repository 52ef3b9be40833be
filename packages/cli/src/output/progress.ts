// A progress bar on stderr, only where stderr is a terminal.

import type { Progress } from "@anymc3d/core";
import { Presets, SingleBar } from "cli-progress";

const STAGES = { load: "loading", read: "reading", encode: "encoding slices", heatmap: "drawing heatmap" } as const;

export interface ProgressLine {
  show(progress: Progress): void;
  /** Removes the bar, so that results can be printed. */
  clear(): void;
}

/** @param prefix what the work is about, for example a file's name or "3/127" */
export function progressLine(prefix: () => string): ProgressLine {
  if (!process.stderr.isTTY) return { show() {}, clear() {} };
  let bar: SingleBar | undefined;
  const format = "{prefix} {stage} [{bar}] {value}/{total}";
  return {
    show({ stage, done, total }) {
      if (!bar) {
        bar = new SingleBar({ format, stream: process.stderr, clearOnComplete: true, hideCursor: true, fps: 10 }, Presets.shades_classic);
        bar.start(total, done, { prefix: prefix(), stage: STAGES[stage] });
      }
      bar.setTotal(total);
      bar.update(done, { prefix: prefix(), stage: STAGES[stage] });
    },
    clear() {
      bar?.stop();
      bar = undefined;
    },
  };
}
