// Grad-CAM: what speaks for one label, or for a higher value.

import { gradCam } from "../../gradcam.js";
import { taskKind } from "../../tasks/index.js";
import type { TrainableEngine } from "../../types.js";
import type { HeatmapKind } from "./heatmap-kind.js";

export const gradcam = {
  id: "gradcam",
  text: "what speaks for one label",
  labelled: true,
  attention: false,
  backward: true,
  async maps({ prepared, bound, engine, signal, forward: { logits, weights, backward } }, label) {
    const { task } = bound.adapter.manifest;
    const { cls } = backward(taskKind(task).heatmapGradient(task, logits, label));
    const views = prepared.map(({ slices }, v) => ({ slices, lora: bound.views[v].lora, dCls: cls[v] }));
    const maps = await gradCam(engine as TrainableEngine, views, signal);
    return maps.map((map, v) => ({ map, weights: weights[v].map(() => 1) }));
  },
} as const satisfies HeatmapKind;
