// Grad-CAM against PyTorch (reference/make_gradcam.py), and as classify() gives it.
import { readFileSync } from "node:fs";
import { classify, type Engine, type Slices } from "@anymc3d/core";
import { encode } from "@anymc3d/core/engine";
import { forwardStudy } from "@anymc3d/core/learn";
import { loadTiny } from "@anymc3d/core/testing";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { readVolume } from "@anymc3d/io";
import { expectClose } from "@anymc3d/testkit/expectations";
import { fixtures, shippedBackbone } from "@anymc3d/testkit/fixtures";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAdapter } from "../../sdk/src/assets.js";
import { gradCamPass } from "../src/gradcam.js";

const reference = JSON.parse(readFileSync(new URL("./reference/gradcam.json", import.meta.url), "utf8"));

test.each([0, 1])("logit %i of the tiny DINOv2", async (label) => {
  const { backbone, slices } = await loadTiny(fixtures, "tiny-dinov2");
  const engine = await createOnnxEngine(backbone);
  const D = backbone.spec.width;
  const study = forwardStudy([(await encode(engine, slices, undefined, {})).cls], {
    views: [{ query: Float32Array.from(reference.query) }],
    fusion: undefined,
    head: { weight: { shape: [2, D], data: Float32Array.from(reference.head) }, bias: { shape: [2], data: new Float32Array(2) } },
  });
  const [dCls] = study.backward(Float32Array.of(1 - label, label)).cls;
  const pass = await gradCamPass(engine, slices, undefined);
  const map = await pass.map(dCls);
  pass.release();
  expectClose(map, reference.maps[label], 1e-4 * Math.max(...reference.maps[label]));
  await engine.dispose();
});

/** The same slices; what is read is noted. */
function counting(slices: Slices) {
  const reads: number[] = [];
  const read = (start: number, end: number) => {
    reads.push(start);
    return slices.read(start, end);
  };
  return { ...slices, read, reads };
}

describe("passes", () => {
  test("a pass that is held is not read or computed again; a second map, after it was used up, is", async () => {
    const { backbone, slices } = await loadTiny(fixtures, "tiny-dinov2");
    const engine = await createOnnxEngine(backbone, { chunk: 1 });
    const counted = counting(slices);
    const pass = await gradCamPass(engine, counted, undefined);
    expect(counted.reads.length).toBe(slices.count);
    const dCls = pass.cls.map((_, i) => Math.sin(i));
    const map = await pass.map(dCls);
    expect(counted.reads.length).toBe(slices.count);
    expectClose(await pass.map(dCls), [...map], 1e-6 * Math.max(...map));
    expect(counted.reads.length).toBe(2 * slices.count);
    pass.release();
    await engine.dispose();
  });

  test("slices beyond what may be held run again, and give the same map", async () => {
    const { backbone, slices } = await loadTiny(fixtures, "tiny-dinov2");
    const engine = await createOnnxEngine(backbone);
    const counted = counting(slices);
    const [all, none] = [await gradCamPass(engine, slices, undefined), await gradCamPass(engine, counted, undefined, { held: 0 })];
    expectClose(none.cls, [...all.cls], 1e-5);
    const dCls = all.cls.map((_, i) => Math.sin(i));
    const map = await all.map(dCls);
    expect(counted.reads.length).toBe(1);
    expectClose(await none.map(dCls), [...map], 1e-5 * Math.max(...map));
    expect(counted.reads.length).toBe(2);
    all.release();
    none.release();
    await engine.dispose();
  });

  test("an engine without a way back is refused, with what to ask for instead", async () => {
    const { backbone, slices } = await loadTiny(fixtures, "tiny-dinov2");
    const engine = await createOnnxEngine(backbone);
    const oneWay: Engine = Object.create(engine, { forward: { value: (...[s, lora]: Parameters<Engine["forward"]>) => engine.forward(s, lora, {}) } });
    await expect(gradCamPass(oneWay, slices, undefined)).rejects.toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining("attention") });
    await engine.dispose();
  });
});

describe("the bundled sample", () => {
  const folder = new URL("../../adapters-lung-nodule/", import.meta.url);
  let engine: Engine;
  beforeAll(async () => {
    engine = await createOnnxEngine(await shippedBackbone());
  });
  afterAll(() => engine.dispose());

  async function sampleHeat(heatmap: Parameters<typeof classify>[2]["heatmap"]) {
    const adapter = await openAdapter({ manifest: new URL("adapter.json", folder), weights: new URL("weights.safetensors", folder) });
    return classify(await readVolume(new URL("sample.nii.gz", folder)), adapter, { engine, heatmap });
  }

  test("each label has its own map, on the volume's grid, 1 at the strongest place", async () => {
    const attention = await sampleHeat(true);
    const malignant = await sampleHeat({ method: "gradcam", label: "malignant" });
    const calcified = await sampleHeat({ method: "gradcam", label: "calcified" });
    for (const { heatmap, logits } of [malignant, calcified]) {
      expect(heatmap?.shape).toEqual(attention.heatmap?.shape);
      expect(Math.max(...(heatmap?.data ?? []))).toBeCloseTo(1, 5);
      expectClose(logits, attention.logits, 1e-4);
    }
    expect(malignant.heatmap?.data).not.toEqual(calcified.heatmap?.data);
  });

  test("without a label it is that of the largest logit", async () => {
    const [free, named] = [await sampleHeat({ method: "gradcam" }), await sampleHeat({ method: "gradcam", label: "malignant" })];
    expect(free.heatmap?.data).toEqual(named.heatmap?.data);
  });

  test("an unknown label or method, and a label of a method that explains none, are refused with what there is", async () => {
    await expect(sampleHeat({ method: "gradcam", label: "benign" })).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringContaining("subsolid"),
    });
    await expect(sampleHeat({ method: "attention", label: "malignant" } as never)).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringContaining("gradcam"),
    });
    await expect(sampleHeat({ method: "lime" } as never)).rejects.toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining("gradcam") });
  });
});
