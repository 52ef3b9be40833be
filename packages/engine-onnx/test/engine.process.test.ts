// What an engine's owner relies on: swapping adapters costs no session and no memory; int8 stays near fp32; options are honoured.
import type { LoraTensors, Tensor } from "@anymc3d/core";
import { encode, selfTestInput, slicesOf } from "@anymc3d/core/engine";
import { loadTiny, loraGradient } from "@anymc3d/core/testing";
import { fixtures, shippedBackbone } from "@anymc3d/testkit/fixtures";
import { describe, expect, test } from "vitest";
import { createOnnxEngine, defaultChunk } from "../src/index.js";

const mebibytes = () => process.memoryUsage().rss / 2 ** 20;

test("100 adapters on one engine: memory stays flat", async () => {
  const { backbone, slices } = await loadTiny(fixtures, "tiny-dinov2");
  const engine = await createOnnxEngine(backbone);
  for (let i = 0; i < 20; i++) await encode(engine, slices, selfTestInput(backbone.spec, i).lora, {});
  const before = mebibytes();
  for (let i = 0; i < 100; i++) await encode(engine, slices, selfTestInput(backbone.spec, 1000 + i).lora, {});
  expect(mebibytes() - before).toBeLessThan(60);
  await engine.dispose();
});

test("adapters of two ranks on one engine: each gradient is that of an engine of its own", async () => {
  const { backbone, slices } = await loadTiny(fixtures, "tiny-dinov2");
  const whole = selfTestInput(backbone.spec, 3).lora;
  const dCls = new Float32Array(slices.count * backbone.spec.width).fill(0.1);
  const engine = await createOnnxEngine(backbone);
  for (const lora of [whole, firstRank(whole), whole]) {
    const alone = await createOnnxEngine(backbone);
    const [found, expected] = [await loraGradient(engine, slices, lora, { dCls }), await loraGradient(alone, slices, lora, { dCls })];
    for (const [name, { shape, data }] of expected.tensors) {
      expect(found.tensors.get(name)?.shape, name).toEqual(shape);
      found.tensors.get(name)?.data.forEach((value, i) => expect(value).toBeCloseTo(data[i], 5));
    }
    await alone.dispose();
  }
  await engine.dispose();
});

/** The same LoRA cut down to rank 1: the first row of every A, the first column of every B. */
function firstRank({ rank, scale, tensors }: LoraTensors): LoraTensors {
  const cut = ([name, { shape, data }]: readonly [string, Tensor]): [string, Tensor] =>
    name.endsWith(".A")
      ? [name, { shape: [1, shape[1]], data: data.slice(0, shape[1]) }]
      : [name, { shape: [shape[0], 1], data: data.filter((_, i) => i % rank === 0) }];
  return { rank: 1, scale, tensors: new Map([...tensors].map(cut)) };
}

describe("the shipped backbone", async () => {
  const backbone = await shippedBackbone();
  const pixels = await selfTestInput(backbone.spec, 9).slices.read(0, 1);

  test("int8 passes its self-test and stays near fp32: CLS cosine above .99", async () => {
    const [fp32, int8] = [await createOnnxEngine(backbone), await createOnnxEngine(backbone, { precision: "int8" })];
    const cls = async (engine: typeof fp32) => (await encode(engine, slicesOf(pixels, 56, 56), undefined, {})).cls;
    const [a, b] = [await cls(fp32), await cls(int8)];
    const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i], 0);
    const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    expect(int8.precision).toBe("int8");
    expect(cosine).toBeGreaterThan(0.99);
    expect(cosine).toBeLessThan(0.999999);
    await Promise.all([fp32.dispose(), int8.dispose()]);
  });

  test("a provider that this machine lacks is refused with advice, not with a stack", async () => {
    await expect(createOnnxEngine(backbone, { device: "cuda" })).rejects.toMatchObject({
      code: "ENGINE_UNAVAILABLE",
      message: expect.stringContaining("anymc3d doctor"),
    });
  });
});

test("chunks shrink as slices grow", () => {
  expect([defaultChunk(16), defaultChunk(64), defaultChunk(256), defaultChunk(1369)]).toEqual([16, 16, 4, 1]);
});
