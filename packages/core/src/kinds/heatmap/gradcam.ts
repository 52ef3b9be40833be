// Grad-CAM: what speaks for one label, or for a higher value.

import { type GradCamPass, gradCamPass } from "../../gradcam.js";
import { taskKind } from "../../tasks/index.js";
import type { HeatmapKind, PatchMap } from "./heatmap-kind.js";

export const gradcam = {
  id: "gradcam",
  title: "Grad-CAM",
  text: "what speaks for one finding",
  labelled: true,
  textOf: (what: string) => `what speaks for ${what}`,
  pass: gradCamPass,
  async maps({ passes, bound, forward: { logits, weights, backward } }, label) {
    const { task } = bound.adapter.manifest;
    const { cls } = backward(taskKind(task).heatmapGradient(task, logits, label));
    const maps: PatchMap[] = [];
    for (const [v, pass] of passes.entries()) maps.push({ map: await pass.map(cls[v]), weights: weights[v].map(() => 1) });
    return maps;
  },
} as const satisfies HeatmapKind<GradCamPass>;
