// How far a classification is, as a progress bar.

import type { Progress } from "@anymc3d/core";
import { progressBar } from "./progress-bar.js";

const STAGES = { load: "loading", read: "reading", encode: "encoding slices", heatmap: "drawing heatmap" } as const;

export interface ProgressLine {
  show(progress: Progress): void;
  /** Removes the bar, so that results can be printed. */
  clear(): void;
}

/** @param prefix what the work is about, for example a file's name or "3/127" */
export function progressLine(prefix: () => string): ProgressLine {
  const bar = progressBar("{prefix} {stage} [{bar}] {value}/{total}");
  return { show: ({ stage, done, total }) => bar.show(done, total, { prefix: prefix(), stage: STAGES[stage] }), clear: bar.clear };
}
