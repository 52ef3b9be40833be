// The gradient part of testEngine(): PyTorch's gradients of the whole method, and finite differences where there is no reference.

import { selfTestInput, slicesOf } from "../engine/selftest.js";
import { attentionPool, attentionPoolGradient, sigmoid } from "../pool.js";
import { seededRandom } from "../random.js";
import { readTensors } from "../safetensors.js";
import type { Backbone, Engine, LoraTensors, Slices, Tensor, Tensors, TrainableEngine } from "../types.js";
import { check, checkClose, checkRefused } from "./checks.js";
import type { ConformanceCase, ConformanceOptions } from "./conformance.js";
import { type Fixtures, loadTiny, TINY_FAMILIES, type TinyBackbone } from "./fixtures.js";
import { tensor, viewLora } from "./golden.js";

/** Of each tensor's largest entry. */
const TOLERANCE = 1e-3;

/** Cases that every trainable engine passes. */
export function gradientCases(options: ConformanceOptions): ConformanceCase[] {
  const cases: ConformanceCase[] = [];
  const withTiny = (family: string, work: (engine: TrainableEngine, tiny: TinyBackbone) => Promise<void>, chunk?: number) => async () => {
    const tiny = await loadTiny(options.fixtures, family);
    await withTrainable(options, tiny.backbone, (engine) => work(engine, tiny), chunk);
  };
  for (const family of TINY_FAMILIES) {
    cases.push({ name: `${family}: gradients equal finite differences`, run: withTiny(family, checkDifferences) });
    cases.push({ name: `${family}: gradient at the last block's input equals PyTorch's`, run: withTiny(family, tokenGradientCase(options.fixtures, family)) });
  }
  cases.push({ name: "gradients: kept activations, recomputed ones and chunks of one slice agree", run: withTiny("tiny-dinov2", checkKept, 1) });
  cases.push({ name: "gradients: LoRA in the last block only", run: withTiny("tiny-dinov3-gated", checkLastBlock) });
  cases.push({ name: "gradients: abort, wrong lengths, and going on after them", run: withTiny("tiny-dinov2", checkRefusals) });
  const { golden } = options;
  if (golden) cases.push({ name: "golden two views: the gradient of every parameter", run: () => goldenGradients(options, golden) });
  return cases;
}

async function withTrainable(options: ConformanceOptions, backbone: Backbone, work: (engine: TrainableEngine) => Promise<void>, chunk?: number): Promise<void> {
  const engine: Engine = await options.create(backbone, { chunk });
  try {
    check("backward" in engine && "tokenGradient" in engine, `${engine.id} has no backward()`);
    await work(engine as TrainableEngine);
  } finally {
    await engine.dispose();
  }
}

/** Seeded values in ±1. */
function drawn(length: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length }, () => 2 * random() - 1);
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** The scalar whose gradient backward() gives: Σ dCls·cls + Σ dPatches·patches. */
async function scalar(engine: Engine, slices: Slices, lora: LoraTensors, dCls: Float32Array, dPatches: Float32Array): Promise<number> {
  const { cls, patches } = await engine.encode(slices, lora, { patches: true });
  return dot(cls, dCls) + dot(patches as Float32Array, dPatches);
}

function moved(lora: LoraTensors, name: string, direction: Float32Array, step: number): LoraTensors {
  const { shape, data } = lora.tensors.get(name) as Tensor;
  const tensors = new Map(lora.tensors).set(name, { shape, data: data.map((value, i) => value + step * direction[i]) });
  return { ...lora, tensors };
}

/** Along a seeded direction and along the gradient itself, for every tensor. In float32 the slopes were found within 0.0005 of the gradient and 3e-6/step. */
async function checkDifferences(engine: TrainableEngine, tiny: TinyBackbone): Promise<void> {
  const { lora } = selfTestInput(tiny.backbone.spec, 11);
  const [dCls, dPatches] = [drawn(tiny.cls.length, 1), drawn(tiny.patches.length, 2).map((value) => value / 8)];
  const gradient = await engine.backward(tiny.slices, lora, dCls, dPatches);
  check(gradient.tensors.size === lora.tensors.size, `${gradient.tensors.size} gradients for ${lora.tensors.size} tensors`);
  for (const [name, { data }] of gradient.tensors) {
    const length = Math.sqrt(dot(data, data));
    check(length > 0, `${name}: the gradient is zero`);
    for (const direction of [data.map((value) => value / length), drawn(data.length, 3)]) {
      const step = 0.02 / Math.max(...direction.map(Math.abs), 1e-9) / 4;
      const [up, down] = [
        await scalar(engine, tiny.slices, moved(lora, name, direction, step), dCls, dPatches),
        await scalar(engine, tiny.slices, moved(lora, name, direction, -step), dCls, dPatches),
      ];
      const difference = (up - down) / (2 * step);
      const expected = dot(data, direction);
      const allowed = 0.005 * length * Math.sqrt(dot(direction, direction) / data.length) + 0.005 * Math.abs(expected) + 5e-5 / step;
      check(Math.abs(difference - expected) <= allowed, `${name}: the slope is ${difference}, the gradient says ${expected} (± ${allowed})`);
    }
  }
}

async function checkKept(engine: TrainableEngine, tiny: TinyBackbone): Promise<void> {
  const { lora } = selfTestInput(tiny.backbone.spec, 12);
  const pixels = await tiny.slices.read(0, 2);
  const many = slicesOf(Float32Array.from([...pixels, ...pixels.map((v) => -v), ...pixels.map((v) => v / 2)]), tiny.slices.height, tiny.slices.width);
  const dCls = drawn(3 * tiny.cls.length, 4);
  const recomputed = await engine.backward(many, lora, dCls);
  await engine.encode(many, lora, { keep: true });
  const kept = await engine.backward(many, lora, dCls);
  const again = await engine.backward(many, lora, dCls);
  // One slice after the other, summed by hand.
  const sums = new Map([...recomputed.tensors].map(([name, { data }]) => [name, new Float32Array(data.length)]));
  const size = pixels.length / 2;
  const width = tiny.cls.length / 2;
  for (let n = 0; n < 6; n++) {
    const all = await many.read(n, n + 1);
    check(all.length === size, "slices are read one by one");
    const one = await engine.backward(slicesOf(all, many.height, many.width), lora, dCls.subarray(n * width, (n + 1) * width));
    for (const [name, { data }] of one.tensors) data.forEach((value, i) => ((sums.get(name) as Float32Array)[i] += value));
  }
  for (const [name, { data }] of recomputed.tensors) {
    checkClose(`${name}, activations kept`, kept.tensors.get(name)?.data, data, 1e-5);
    checkClose(`${name}, kept ones were let go`, again.tensors.get(name)?.data, data, 1e-5);
    checkClose(`${name}, summed by hand`, sums.get(name), data, 1e-5);
  }
}

async function checkLastBlock(engine: TrainableEngine, tiny: TinyBackbone): Promise<void> {
  const whole = selfTestInput(tiny.backbone.spec, 13).lora;
  const last = `blocks.${tiny.backbone.spec.depth - 1}.`;
  // The others' B is zero, so the same function, with and without their tensors.
  const tensors = [...whole.tensors].map(
    ([name, { shape, data }]) => [name, { shape, data: name.startsWith(last) || name.endsWith(".A") ? data : data.map(() => 0) }] as const,
  );
  const zeroed: LoraTensors = { ...whole, tensors: new Map(tensors) };
  const alone: LoraTensors = { ...whole, tensors: new Map(tensors.filter(([name]) => name.startsWith(last))) };
  const dCls = drawn(tiny.cls.length, 5);
  const expected = await engine.backward(tiny.slices, zeroed, dCls);
  const found = await engine.backward(tiny.slices, alone, dCls);
  check(found.tensors.size === alone.tensors.size, `${found.tensors.size} gradients for ${alone.tensors.size} tensors`);
  for (const [name, { data }] of found.tensors) checkClose(name, data, (expected.tensors.get(name) as Tensor).data, 1e-4);
}

async function checkRefusals(engine: TrainableEngine, tiny: TinyBackbone): Promise<void> {
  const { lora } = selfTestInput(tiny.backbone.spec, 14);
  const dCls = drawn(tiny.cls.length, 6);
  await checkRefused("INPUT_SHAPE", engine.backward(tiny.slices, lora, dCls.subarray(1)));
  await checkRefused("INPUT_SHAPE", engine.backward(tiny.slices, lora, dCls, new Float32Array(3)));
  await checkRefused("INPUT_SHAPE", engine.tokenGradient(tiny.slices, lora, dCls.subarray(1)));
  const aborted = await engine.backward(tiny.slices, lora, dCls, undefined, AbortSignal.abort()).catch((reason: unknown) => reason);
  check((aborted as Error).name === "AbortError", "an aborted signal did not reject");
  const first = await engine.backward(tiny.slices, lora, dCls);
  check(
    [...first.tensors.values()].every(({ data }) => data.every(Number.isFinite)),
    "gradients after an abort are not finite",
  );
}

/** Compares with `FAMILY/token-gradient.safetensors`: dCls, tokens, gradient (no LoRA), made with PyTorch. */
function tokenGradientCase(fixtures: Fixtures, family: string) {
  return async (engine: TrainableEngine, tiny: TinyBackbone): Promise<void> => {
    const reference = readTensors(await fixtures(`${family}/token-gradient.safetensors`), family);
    const { tokens, gradient } = await engine.tokenGradient(tiny.slices, undefined, tensor(reference, "dCls").data);
    checkClose("last block's input", tokens, tensor(reference, "tokens").data, 1e-4);
    checkClose("gradient", gradient, tensor(reference, "gradient").data, TOLERANCE);
  };
}

interface GoldenView {
  readonly name: string;
  readonly slices: Slices;
  readonly lora: LoraTensors;
  readonly query: Float32Array;
  readonly cls: Float32Array;
  readonly weights: Float32Array;
  readonly embedding: Float32Array;
}

async function goldenView(engine: TrainableEngine, reference: Tensors, name: string): Promise<GoldenView> {
  const pixels = tensor(reference, `${name}.pixels`);
  const slices = slicesOf(pixels.data, pixels.shape[2], pixels.shape[3]);
  const lora = viewLora(reference, `params.${name}.lora.`, 2);
  const query = tensor(reference, `params.${name}.pool.query`).data;
  const { cls } = await engine.encode(slices, lora, { keep: true });
  return { name, slices, lora, query, cls, ...attentionPool(cls, query, tensor(reference, `${name}.mask`).data) };
}

/** Forward and backward of the whole method: focal loss (γ 2, α .25) ← head ← fusion ← pooling ← backbone. */
async function goldenGradients(options: ConformanceOptions, golden: NonNullable<ConformanceOptions["golden"]>): Promise<void> {
  const reference = readTensors(golden.twoView, "golden two-view");
  const closeTo = (name: string, found: ArrayLike<number>) => checkClose(name, found, tensor(reference, `grads.${name}`).data, TOLERANCE);
  await withTrainable(options, golden.backbone, async (engine) => {
    const views = [await goldenView(engine, reference, "views.0"), await goldenView(engine, reference, "views.1")];
    const stacked = Float32Array.from(views.flatMap(({ embedding }) => [...embedding]));
    const fusion = tensor(reference, "params.fusion.query").data;
    const fused = attentionPool(stacked, fusion);
    const head = tensor(reference, "params.head.weight").data;
    const p = sigmoid(dot(head, fused.embedding) + tensor(reference, "params.head.bias").data[0]);
    // d/dz of -α(1-p)²·log p
    const dLogit = 0.25 * (1 - p) ** 2 * (2 * p * Math.log(p) - (1 - p));
    closeTo("head.bias", [dLogit]);
    closeTo(
      "head.weight",
      fused.embedding.map((value) => dLogit * value),
    );
    const dFused = attentionPoolGradient(
      stacked,
      fusion,
      fused.weights,
      head.map((value) => dLogit * value),
    );
    closeTo("fusion.query", dFused.query);
    for (const [v, view] of views.entries()) {
      const dPooled = attentionPoolGradient(view.cls, view.query, view.weights, dFused.rows.subarray(v * fusion.length, (v + 1) * fusion.length));
      closeTo(`${view.name}.pool.query`, dPooled.query);
      const { tensors } = await engine.backward(view.slices, view.lora, dPooled.rows);
      for (const name of view.lora.tensors.keys()) closeTo(`${view.name}.lora.${name}`, (tensors.get(name) as Tensor).data);
    }
  });
}
