// The shipped backbone and adapter, end to end: the logits and slice weights that PyTorch gave for real CT.
import { readFile } from "node:fs/promises";
import { checkConformance, classify, loadAdapter, readTensors, writeSafetensors } from "@anymc3d/core";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { readVolume } from "@anymc3d/io";
import { afterAll, describe, expect, test } from "vitest";
import { expectClose, refusal } from "./expectations.js";
import { hasShared, shared, shippedBackbone } from "./fixtures.js";

const folder = new URL("../../adapter-lung-nodule/", import.meta.url);
const manifest = JSON.parse(await readFile(new URL("adapter.json", folder), "utf8"));
const weights = await readFile(new URL("weights.safetensors", folder));
const adapter = await loadAdapter(manifest, weights);
const engine = await createOnnxEngine(await shippedBackbone());
afterAll(() => engine.dispose());

describe("the bundled sample, ct_0258", () => {
  const WANTED = [4.50252, 2.26625, 0.83438, -5.73197, -2.6375]; // PyTorch 2.13, float32

  test("logits, decisions and a heatmap on the CT's own grid", async () => {
    const volume = await readVolume(new URL("sample.nii.gz", folder));
    const before = volume.data.slice();
    const result = await classify(volume, adapter, { engine, heatmap: true });
    expectClose(
      result.labels.map((l) => l.logit),
      WANTED,
      0.02,
    );
    expect(result.labels.filter((l) => l.positive).map((l) => l.id)).toEqual(["malignant", "spiculated", "lobulated"]);
    expect(result.warnings).toEqual([]);
    expect(result.heatmap?.shape).toEqual(volume.shape);
    expect(result.heatmap?.affine).toEqual(volume.affine);
    expect(Math.max(...(result.heatmap?.data ?? []))).toBe(1);
    expect(volume.data).toEqual(before);
  });
});

describe("conformance vector", () => {
  test("passes as shipped", async () => expect(await checkConformance(adapter, engine)).toBeLessThan(manifest.conformance.tolerance));

  test("fails for another vector: CONFORMANCE_FAILED with found and expected", async () => {
    const tampered = structuredClone(manifest);
    tampered.conformance.logits[2] += 0.1;
    const error = await refusal(async () => checkConformance(await loadAdapter(tampered, weights), engine));
    expect(error.code).toBe("CONFORMANCE_FAILED");
    expect(error.message).toContain(String(tampered.conformance.logits[2]));
  });

  test("fails for tampered weights and for another LoRA scale", async () => {
    const other = structuredClone(manifest);
    other.modules.lora.alpha = 32;
    expect((await refusal(async () => checkConformance(await loadAdapter(other, weights), engine))).code).toBe("CONFORMANCE_FAILED");
    const tensors = readTensors(weights);
    tensors.get("head.weight")?.data.fill(0, 0, 20);
    expect((await refusal(async () => checkConformance(await loadAdapter(manifest, writeSafetensors(tensors)), engine))).code).toBe("CONFORMANCE_FAILED");
  });
});

interface Expected {
  labels: string[];
  volumes: Record<string, { logits: number[]; sliceWeights: number[] }>;
}
const reference = `${shared}/data/weights/lung-nodule-v0/expected.json`;
const expected: Expected = hasShared ? JSON.parse(await readFile(reference, "utf8")) : { labels: [], volumes: {} };
if (!hasShared) console.warn("SKIPPED: 40 reference volumes of the lung nodule adapter, ../shared is absent");

describe.skipIf(!hasShared)("validation volumes against PyTorch", () => {
  test("there are 40, of the adapter's labels in its order", () => {
    expect(Object.keys(expected.volumes)).toHaveLength(40);
    expect(expected.labels).toEqual(adapter.manifest.task.labels.map((l) => l.id));
  });

  test.each(Object.keys(expected.volumes))("%s", async (id) => {
    const volume = await readVolume(`${shared}/data/lung-nodule/images/${id}.nii.gz`);
    const { labels, views } = await classify(volume, adapter, { engine });
    expectClose(
      labels.map((l) => l.logit),
      expected.volumes[id].logits,
      0.02,
    );
    expectClose(
      views[0].slices.map((s) => s.weight),
      expected.volumes[id].sliceWeights,
      0.02,
    );
  });
});
