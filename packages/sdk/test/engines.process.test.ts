// Every engine that runs in Node gives the lung-nodule adapter's reference logits, from the file to the answer.
import { readFile } from "node:fs/promises";
import lungNodule, { sample } from "@anymc3d/adapter-lung-nodule";
import { hasShared, shared } from "@anymc3d/testkit/fixtures";
import { describe, expect, test } from "vitest";
import { createClassifier, type EngineChoice } from "../src/index.js";

/** The sample, and with ../shared beside the project so many more of the reference's volumes; onnx/cpu runs all of them in core's tests. */
const MORE = 3;

const reference: Record<string, { logits: number[]; sliceWeights: number[] }> = JSON.parse(
  await readFile(new URL("../../core/test/reference/lung-nodule.json", import.meta.url), "utf8"),
);
if (!hasShared) console.warn("SKIPPED: reference logits of validation volumes on tfjs/wasm and onnx/wasm, ../shared is absent");

describe.each<EngineChoice>(["tfjs/wasm", "onnx/wasm"])("%s", (engine) => {
  test("the sample and the reference volumes, within 0.02", async () => {
    const classifier = await createClassifier({ engine });
    for (const [name, { logits, sliceWeights }] of Object.entries(reference).slice(0, hasShared ? 1 + MORE : 1)) {
      const result = await classifier.classify(name.startsWith("sample") ? sample : `${shared}/data/lung-nodule/images/${name}`, lungNodule);
      result.logits.forEach((logit, i) => expect(Math.abs(logit - logits[i])).toBeLessThan(0.02));
      sliceWeights.forEach((weight, i) => expect(Math.abs(result.views[0].slices[i].weight - weight)).toBeLessThan(0.002));
    }
    await classifier.dispose();
  });
});
