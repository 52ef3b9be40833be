// The options that classify() and createClassifier() take: a misspelt or misplaced one must not be ignored.

import { AnyMC3DError } from "@anymc3d/core/errors";
import { READ_OPTIONS } from "@anymc3d/io/options";

export const RUN_OPTIONS = ["roi", "heatmap", "heatmapGrid", "checks", "signal", "onProgress", "read"];
export const CLASSIFIER_OPTIONS = ["backbone", "signal", "onProgress", "engine", "precision", "threads", "chunk", "wasmPaths", "conformance"];

/** @throws AnyMC3DError `OPTION_INVALID` */
export function checkOptionNames(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const hint = unknown.some((name) => Object.hasOwn(READ_OPTIONS, name))
    ? ' Options for the reader go into `read`, for example { read: { modality: "MR" } }.'
    : "";
  throw new AnyMC3DError("OPTION_INVALID", `unknown option ${unknown.join(", ")}; there are ${known.join(", ")}.${hint}`);
}
