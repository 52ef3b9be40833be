// Temperatures against scipy's minimiser, thresholds against scikit-learn's ROC curve (reference/make_calibration.py).
import { readFileSync } from "node:fs";
import { headForward } from "@anymc3d/core/learn";
import { describe, expect, test } from "vitest";
import { chooseThreshold, foldTemperatures, sigmoidTemperature, softmaxTemperature } from "../src/metrics/calibration.js";

const reference = JSON.parse(readFileSync(new URL("./reference/calibration.json", import.meta.url), "utf8"));

describe("temperature", () => {
  test("of sigmoids", () => {
    expect(sigmoidTemperature(reference.logits, reference.labels)).toBeCloseTo(reference.temperature, 4);
  });

  test("of softmax", () => {
    const rows = reference.multi.map((row: number[]) => Float32Array.from(row));
    expect(softmaxTemperature(rows, reference.classes)).toBeCloseTo(reference.multiTemperature, 3);
  });

  test("one class only: nothing to learn", () => {
    expect(sigmoidTemperature([1, 2], [1, 1])).toBe(1);
  });

  test("folded into the head it divides the logits", () => {
    const tensors = new Map([
      ["head.weight", { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
      ["head.bias", { shape: [2], data: Float32Array.of(1, -1) }],
      ["fusion.query", { shape: [3], data: Float32Array.of(1, 1, 1) }],
    ]);
    const scaled = foldTemperatures(tensors, [2, 4]);
    const logits = (from: typeof scaled) => [...headForward(Float32Array.of(1, 0, -1), from.get("head.weight") as never, from.get("head.bias") as never)];
    expect(logits(tensors)).toEqual([-1, -3]);
    expect(logits(scaled)).toEqual([-0.5, -0.75]);
    expect(scaled.get("fusion.query")).toBe(tensors.get("fusion.query"));
  });
});

describe("threshold", () => {
  const { probabilities, labels } = reference;

  test("Youden's index", () => {
    const { threshold, sensitivity, specificity } = chooseThreshold(probabilities, labels, "youden");
    expect(sensitivity).toBeCloseTo(reference.youden.sensitivity, 10);
    expect(specificity).toBeCloseTo(reference.youden.specificity, 10);
    expect(threshold).toBeLessThanOrEqual(reference.youden.at);
    expect(probabilities.filter((p: number) => p >= threshold)).toEqual(probabilities.filter((p: number) => p >= reference.youden.at));
  });

  test("the highest threshold that reaches a sensitivity", () => {
    const { sensitivity, specificity } = chooseThreshold(probabilities, labels, { sensitivity: 0.9 });
    expect(sensitivity).toBeCloseTo(reference.sensitive.sensitivity, 10);
    expect(specificity).toBeCloseTo(reference.sensitive.specificity, 10);
  });

  test("one class only: 0.5, and nothing is claimed", () => {
    expect(chooseThreshold([0.2, 0.8], [0, 0], "youden")).toEqual({ threshold: 0.5, sensitivity: null, specificity: null });
  });
});
