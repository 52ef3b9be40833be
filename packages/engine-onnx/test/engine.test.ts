// What an engine's owner relies on: swapping adapters costs no session and no memory; int8 stays near fp32; options are honoured.
import { selfTestInput, slicesOf } from "@anymc3d/core";
import { loadTiny } from "@anymc3d/core/testing";
import { describe, expect, test } from "vitest";
import { fixtures, shippedBackbone } from "../../core/test/fixtures.js";
import { createOnnxEngine, defaultChunk } from "../src/index.js";

const mebibytes = () => process.memoryUsage().rss / 2 ** 20;

test("100 adapters on one engine: memory stays flat", async () => {
  const { backbone, slices } = await loadTiny(fixtures, "tiny-dinov2");
  const engine = await createOnnxEngine(backbone);
  for (let i = 0; i < 20; i++) await engine.encode(slices, selfTestInput(backbone.spec, i).lora, {});
  const before = mebibytes();
  for (let i = 0; i < 100; i++) await engine.encode(slices, selfTestInput(backbone.spec, 1000 + i).lora, {});
  expect(mebibytes() - before).toBeLessThan(60);
  await engine.dispose();
});

describe("the shipped backbone", async () => {
  const backbone = await shippedBackbone();
  const pixels = await selfTestInput(backbone.spec, 9).slices.read(0, 1);

  test("int8 passes its self-test and stays near fp32: CLS cosine above .99", async () => {
    const [fp32, int8] = [await createOnnxEngine(backbone), await createOnnxEngine(backbone, { precision: "int8" })];
    const encode = async (engine: typeof fp32) => (await engine.encode(slicesOf(pixels, 56, 56), undefined, {})).cls;
    const [a, b] = [await encode(fp32), await encode(int8)];
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
