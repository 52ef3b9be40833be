// Every engine that runs in Node gives the lung-nodule adapter's reference logits, from the file to the answer.
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import lungNodule, { sample } from "../../adapter-lung-nodule/index.js";
import { hasShared, shared } from "../../core/test/fixtures.js";
import { createClassifier, type EngineChoice } from "../src/index.js";

/** Volumes of the reference that the slower engine runs; onnx/cpu runs all 40 in core's tests. */
const SOME = 3;

const reference: Record<string, { logits: number[]; sliceWeights: number[] }> = hasShared
  ? JSON.parse(await readFile(`${shared}/data/weights/lung-nodule-v0/expected.json`, "utf8")).volumes
  : {};
if (!hasShared) console.warn("SKIPPED: reference logits on tfjs/wasm and onnx/wasm, ../shared is absent");

describe.each<EngineChoice>(["tfjs/wasm", "onnx/wasm"])("%s", (engine) => {
  test("the sample and the reference volumes, within 0.02", async () => {
    const classifier = await createClassifier({ engine });
    const cases: [string | URL, number[], number[] | undefined][] = [[sample, [4.50252, 2.26625, 0.83438, -5.73197, -2.6375], undefined]];
    for (const [id, { logits, sliceWeights }] of Object.entries(reference).slice(0, SOME))
      cases.push([`${shared}/data/lung-nodule/images/${id}.nii.gz`, logits, sliceWeights]);
    for (const [source, logits, weights] of cases) {
      const result = await classifier.classify(source, lungNodule);
      result.labels.forEach(({ logit }, i) => expect(Math.abs(logit - logits[i])).toBeLessThan(0.02));
      weights?.forEach((weight, i) => expect(Math.abs(result.views[0].slices[i].weight - weight)).toBeLessThan(0.002));
    }
    await classifier.dispose();
  });
});
