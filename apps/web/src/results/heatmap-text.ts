// What a run's heatmap shows, in words.

import type { Run } from "../page/state.js";
import { formOf } from "./outcomes/index.js";

/** The heatmap's method, and what it explains. */
export function heatmapText({ method, result, adapter: { manifest } }: Run): string {
  if (method.method === "attention") return "Attention: where the model looked, whatever the finding";
  return `Grad-CAM: what speaks for ${formOf(result).explained({ result, manifest }, method.label)}`;
}
