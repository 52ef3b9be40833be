// An engine of one's own: it passes the conformance suite, classifies as the SDK's does, is checked before it is trusted, and stays its owner's.
import type { Backbone, Tensor } from "@anymc3d/core";
import { testEngine } from "@anymc3d/core/testing";
import { fixtures } from "@anymc3d/testkit/fixtures";
import { describe, expect, test } from "vitest";
import { createClassifier } from "../src/index.js";
import { plainEngine } from "./plain-engine.js";
import { backbone, tinyAdapter, volume } from "./tiny.js";

/** The families that it knows: learned positions and a plain MLP. */
const KNOWN = /^(tiny-(dinov2|dinov2-registers|vit): |chunks of|LoRA on|the caller's|abort|sizes|a corrupted)/;

describe("the plain engine passes the conformance suite", () => {
  const create = async (b: Backbone) => {
    const { runSelfTest } = await import("@anymc3d/core/engine");
    const engine = plainEngine(b);
    await runSelfTest(engine, b);
    return engine;
  };
  const cases = testEngine({ create, fixtures }).filter(({ name }) => KNOWN.test(name));
  test("there are cases", () => expect(cases.length).toBeGreaterThan(12));
  for (const { name, run } of cases) test(name, run);
});

test("given or made by a function, it gives the logits and the heatmap of ONNX Runtime", async () => {
  const adapter = await tinyAdapter();
  const engine = plainEngine(backbone);
  const [reference, given, made] = [
    await createClassifier({ backbone, engine: "onnx/cpu" }),
    await createClassifier({ backbone, engine }),
    await createClassifier({ backbone, engine: async (b) => plainEngine(b) }),
  ];
  const expected = await reference.classify(volume, adapter, { heatmap: true });
  for (const classifier of [given, made]) {
    const found = await classifier.classify(volume, adapter, { heatmap: true });
    expect(found.provenance.engine).toBe("plain");
    found.logits.forEach((logit, i) => expect(logit).toBeCloseTo(expected.logits[i], 4));
    const heat = expected.heatmap?.data ?? [];
    found.heatmap?.data.forEach((value, i) => void (i % 97 || expect(value).toBeCloseTo(heat[i], 3)));
  }
  for (const classifier of [reference, given, made]) await classifier.dispose();
});

test("a given engine stays its owner's; one that a function made goes with the classifier", async () => {
  const [owned, made] = [
    { slices: 0, disposed: 0 },
    { slices: 0, disposed: 0 },
  ];
  await (await createClassifier({ backbone, engine: plainEngine(backbone, owned) })).dispose();
  await (await createClassifier({ backbone, engine: (b) => plainEngine(b, made) })).dispose();
  expect([owned.disposed, made.disposed]).toEqual([0, 1]);
  expect(owned.slices).toBeGreaterThan(0);
});

describe("it is checked before it is trusted", () => {
  const weight = backbone.tensors.get("blocks.0.proj.weight") as Tensor;
  const damaged: Backbone = { ...backbone, tensors: new Map(backbone.tensors).set("blocks.0.proj.weight", { ...weight, data: weight.data.map((v) => -v) }) };

  test("wrong values are refused, and what a function made is freed", async () => {
    const counts = { slices: 0, disposed: 0 };
    await expect(createClassifier({ backbone, engine: plainEngine(damaged) })).rejects.toMatchObject({ code: "ENGINE_SELF_TEST" });
    await expect(createClassifier({ backbone, engine: () => plainEngine(damaged, counts) })).rejects.toMatchObject({ code: "ENGINE_SELF_TEST" });
    expect(counts.disposed).toBe(1);
  });

  test("another backbone's engine is refused, and both are named", async () => {
    const other = plainEngine({ ...backbone, name: "another", hash: `sha256-${"ef".repeat(32)}` });
    await expect(createClassifier({ backbone, engine: other })).rejects.toMatchObject({
      code: "BACKBONE_MISMATCH",
      message: expect.stringMatching(/another.*tiny-dinov2/),
    });
  });

  test("what is no engine is refused", async () => {
    await expect(createClassifier({ backbone, engine: {} as never })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await expect(createClassifier({ backbone, engine: () => undefined as never })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await expect(createClassifier({ backbone, engine: () => Promise.reject(new Error("no driver")) })).rejects.toThrow("no driver");
  });
});
