// What is asked of a heatmap is honoured or refused, never passed over.
import { describe, expect, test } from "vitest";
import { checkHeatmapFlags } from "../src/commands/classify.js";

const refusal = (flags: Parameters<typeof checkHeatmapFlags>[0]) => expect(() => checkHeatmapFlags(flags));

describe("flags of heatmaps", () => {
  test("a label without Grad-CAM, and a label or a method without a file to write", () => {
    const invalid = (text: string) => expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringContaining(text) });
    refusal({ heatmap: "x.nii", heatmapLabel: "malignant" }).toThrow(invalid("--heatmap-method gradcam"));
    refusal({ heatmap: "x.nii", heatmapMethod: "attention", heatmapLabel: "malignant" }).toThrow(invalid("attention explains no single label"));
    refusal({ heatmapMethod: "gradcam", heatmapLabel: "malignant" }).toThrow(invalid("--heatmap-label without --heatmap"));
    refusal({ heatmapMethod: "attention" }).toThrow(invalid("--heatmap-method without --heatmap"));
  });

  test("all else", () => {
    for (const flags of [
      {},
      { heatmap: "x.nii" },
      { heatmap: "x.nii", heatmapMethod: "gradcam" },
      { heatmap: "x.nii", heatmapMethod: "gradcam", heatmapLabel: "a" },
    ] as const)
      refusal(flags).not.toThrow();
  });
});
