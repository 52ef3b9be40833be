// What the conformance suite does not see of the way back: memory, faults in mid-pass, both attention layouts.
import { isAbortError, isAnyMC3DError, type Slices } from "@anymc3d/core";
import { encode, foldBackbone, foldLora, patchPositions, prefixTokens, ropeTables, selfTestInput } from "@anymc3d/core/engine";
import { gradients, loadTiny, loraGradient, type TinyBackbone } from "@anymc3d/core/testing";
import { fixtures } from "@anymc3d/testkit/fixtures";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { unfoldPatches } from "../../core/src/engine/patches.js";
import { relativeError } from "../../core/src/engine/selftest.js";
import { createTfjsEngine } from "../src/index.js";
import { forwardKept } from "../src/vit.js";
import { LoraCache, uploadBackbone } from "../src/weights.js";

const tiny = await loadTiny(fixtures, "tiny-dinov2");
const rotary = await loadTiny(fixtures, "tiny-dinov3-gated");
const tensors = () => tf.engine().state.numTensors;
const wave = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i));
const loraOf = ({ backbone }: TinyBackbone) => selfTestInput(backbone.spec, 5).lora;

/** An engine with the LoRA on its device already. */
async function prepared(backend: "cpu" | "wasm", model: TinyBackbone, chunk?: number, activationBudget?: number) {
  const engine = await createTfjsEngine(model.backbone, { backend, chunk, activationBudget });
  const lora = loraOf(model);
  await encode(engine, model.slices, lora, {});
  return { engine, lora, dCls: wave(model.cls.length), dPatches: wave(model.patches.length), ready: tensors() };
}

/** The fixture's two slices over and over. */
function repeated({ slices }: TinyBackbone, count: number, onRead: (start: number) => void = () => undefined): Slices {
  const read = async (start: number, end: number) => {
    onRead(start);
    const parts = await Promise.all(Array.from({ length: end - start }, (_, i) => slices.read((start + i) % 2, ((start + i) % 2) + 1)));
    return Float32Array.from(parts.flatMap((part) => [...part]));
  };
  return { ...slices, count, read };
}

/** Takes a kernel away, so that an operation fails where it is first needed. */
async function without(kernelName: string, backend: string, work: () => Promise<unknown>): Promise<string> {
  const kernel = tf.getKernel(kernelName, backend);
  tf.unregisterKernel(kernelName, backend);
  try {
    return await work().then(
      () => "nothing failed",
      (reason: unknown) => String(reason),
    );
  } finally {
    tf.registerKernel(kernel);
  }
}

describe.each(["cpu", "wasm"] as const)("memory on %s", (backend) => {
  test.each([
    ["learned positions", tiny],
    ["rotary positions", rotary],
  ])("no tensor is left behind, %s", async (_, model) => {
    const { engine, lora, dCls, dPatches, ready } = await prepared(backend, model);
    await gradients(engine, model.slices, lora, { dCls });
    await gradients(engine, model.slices, lora, { dCls, dPatches, targets: ["lora", "tokens"] });
    await gradients(engine, model.slices, lora, { dCls, targets: ["tokens"] });
    await gradients(engine, model.slices, undefined, { dCls, targets: ["tokens"] });
    expect(tensors()).toBe(ready);
    await engine.dispose();
  });

  test("what a pass keeps is let go by release(), or with the engine", async () => {
    const before = tensors();
    const { engine, lora, ready } = await prepared(backend, tiny);
    const forward = await engine.forward(tiny.slices, lora, { gradients: ["lora"] });
    expect(tensors()).toBeGreaterThan(ready);
    forward.release();
    expect(tensors()).toBe(ready);
    forward.release();
    await engine.forward(tiny.slices, lora, { gradients: ["lora"] });
    await engine.dispose();
    expect(tensors()).toBe(before);
  });

  test("an adapter stays on the device while a pass waits to go back through it", async () => {
    const { engine, lora, dCls, ready } = await prepared(backend, tiny);
    const expected = await loraGradient(engine, tiny.slices, lora, { dCls });
    const forward = await engine.forward(tiny.slices, lora, { gradients: ["lora"] });
    for (let i = 0; i < 5; i++) await encode(engine, tiny.slices, selfTestInput(tiny.backbone.spec, 20 + i).lora, {});
    expect((await forward.backward?.(dCls))?.lora).toEqual(expected);
    forward.release();
    await encode(engine, tiny.slices, lora, {});
    expect(tensors()).toBe(ready + 2 * (1 + 2 * tiny.backbone.spec.depth));
    await engine.dispose();
  });

  // Erf is needed on the way forward already, Exp on the way back alone.
  test.each(["Erf", "Exp"])("a pass that fails at %s leaves nothing, and the next one works", async (kernel) => {
    const { engine, lora, dCls, ready } = await prepared(backend, tiny);
    const before = await loraGradient(engine, tiny.slices, lora, { dCls });
    const forward = await without(kernel, backend, () => encode(engine, tiny.slices, lora, {}));
    expect(forward).toMatch(kernel === "Erf" ? /Erf/ : /^nothing failed$/);
    expect(await without(kernel, backend, () => gradients(engine, tiny.slices, lora, { dCls }))).toContain(kernel);
    expect(await without(kernel, backend, () => gradients(engine, tiny.slices, lora, { dCls, targets: ["tokens"] }))).toContain(kernel);
    expect(tensors()).toBe(ready);
    expect(await loraGradient(engine, tiny.slices, lora, { dCls })).toEqual(before);
    await engine.dispose();
  });

  test("it does not grow with the number of slices beyond the budget", async () => {
    const { engine, lora, ready } = await prepared(backend, tiny, 2, 1);
    const counts: number[] = [];
    const many = repeated(tiny, 12, () => counts.push(tensors()));
    await loraGradient(engine, many, lora, { dCls: wave((12 * tiny.cls.length) / 2) });
    // There: nothing, then one chunk's. Back: that chunk is not read again, and gone.
    const kept = counts[1];
    expect(kept).toBeGreaterThan(ready);
    expect(counts).toEqual([ready, kept, kept, kept, kept, kept, ready, ready, ready, ready, ready]);
    await engine.dispose();
  });
});

test("the last block runs for CLS alone where patches have no gradient; the values are those of zero gradients for patches", async () => {
  for (const model of [tiny, rotary]) {
    const { engine, lora, dCls, dPatches } = await prepared("wasm", model);
    const all = await loraGradient(engine, model.slices, lora, { dCls, dPatches: dPatches.fill(0) });
    const alone = await loraGradient(engine, model.slices, lora, { dCls });
    for (const [name, { data }] of all.tensors) expect(relativeError(alone.tensors.get(name)?.data ?? [], data)).toBeLessThan(1e-5);
    await engine.dispose();
  }
});

test("token gradients of chunks of one slice are those of one chunk", async () => {
  const { engine, dCls } = await prepared("wasm", rotary);
  const single = await createTfjsEngine(rotary.backbone, { backend: "wasm", chunk: 1 });
  const together = await gradients(engine, rotary.slices, undefined, { dCls, targets: ["tokens"] });
  const found = await gradients(single, rotary.slices, undefined, { dCls, targets: ["tokens"] });
  for (const name of ["lastInput", "tokens"] as const) expect(relativeError(found[name] ?? [], together[name] ?? [])).toBeLessThan(1e-5);
  await Promise.all([engine.dispose(), single.dispose()]);
});

test("the head's layout for GPUs gives the gradients of the one for CPUs", async () => {
  await tf.setBackend("wasm");
  for (const model of [tiny, rotary]) {
    const { backbone, slices } = model;
    const { spec } = backbone;
    const lora = loraOf(model);
    const [weights, cache] = [uploadBackbone(spec, foldBackbone(backbone)), new LoraCache()];
    const [rows, columns] = [slices.height / spec.patch, slices.width / spec.patch];
    const rope = ropeTables(spec, rows, columns);
    const input = {
      spec,
      weights,
      lora: cache.get(lora, foldLora(backbone, lora)),
      count: 2,
      patches: unfoldPatches(await slices.read(0, 2), 2, slices.height, slices.width, spec.patch),
      prefix: prefixTokens(backbone),
      tables: rope ? { rope } : { position: patchPositions(backbone, rows, columns) },
    };
    const [dCls, dPatches] = [wave(model.cls.length), wave(model.patches.length)];
    for (const given of [dPatches, undefined]) {
      const back = (layout: "flat" | "batched") =>
        forwardKept({ ...input, layout, want: { patches: given !== undefined } }, ["lora", "tokens"]).way.back(dCls, given);
      const [flat, batched] = [back("flat"), back("batched")];
      for (const [map, pair] of Object.entries(batched.lora))
        for (const side of ["a", "b"] as const) expect(relativeError(pair[side].dataSync(), flat.lora[map][side].dataSync())).toBeLessThan(1e-5);
      expect(relativeError(batched.tokens?.dataSync() ?? [], flat.tokens?.dataSync() ?? [])).toBeLessThan(1e-5);
    }
  }
});

test("an abort, or dispose(), in mid-work stops before the next chunk", async () => {
  const { engine, lora, ready } = await prepared("wasm", tiny, 1);
  const dCls = wave(10 * (tiny.cls.length / 2));
  for (const targets of [["lora"], ["tokens"]] as const) {
    const controller = new AbortController();
    const starts: number[] = [];
    const slices = repeated(tiny, 10, (start) => {
      starts.push(start);
      if (start === 2) controller.abort();
    });
    const running = gradients(engine, slices, lora, { dCls, targets, signal: controller.signal });
    expect(isAbortError(await running.catch((reason: unknown) => reason))).toBe(true);
    expect(starts).toEqual([0, 1, 2]);
    expect(tensors()).toBe(ready);
  }
  const disposing = repeated(tiny, 10, (start) => start === 2 && void engine.dispose());
  const error = await gradients(engine, disposing, lora, { dCls }).catch((reason: unknown) => reason);
  expect(isAnyMC3DError(error) && error.code).toBe("ENGINE_DISPOSED");
});
