// What a run's heatmap shows, in words.

import { HEATMAPS, type HeatmapOptions } from "@anymc3d/core";
import type { Run } from "../page/state.js";
import { formOf } from "./outcomes/index.js";

/** The heatmap's method, and what it explains. */
export function heatmapText({ method, result, adapter: { manifest } }: Run): string {
  const kind = HEATMAPS.find(({ id }) => id === method.method) ?? HEATMAPS[0];
  if (!kind.labelled) return `${kind.title}: ${kind.text}`;
  return `${kind.title}: ${kind.textOf(formOf(result).explained({ result, manifest }, labelOf(method)))}`;
}

/** The label that a heatmap was asked to explain, if one was. */
export const labelOf = (method: HeatmapOptions): string | undefined => ("label" in method ? method.label : undefined);
