// The table of heatmaps: ways to say where the model looked.

import { attention } from "./attention.js";
import { gradcam } from "./gradcam.js";

/** Every kind of heatmap, the default first. */
export const HEATMAPS = [attention, gradcam] as const;
/** `heatmap.method` of the options. */
export type HeatmapMethod = (typeof HEATMAPS)[number]["id"];
/** Those that explain one label. */
export type LabelledHeatmap = Extract<(typeof HEATMAPS)[number], { labelled: true }>["id"];
