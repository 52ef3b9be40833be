// The gradient part of testEngine(): PyTorch's gradients of the whole method, and finite differences where there is no reference.

import { encode } from "../engine/encode.js";
import { selfTestInput, slicesOf } from "../engine/selftest.js";
import type { Engine, Forward, LoraTensors, Slices } from "../engine/types.js";
import { attentionPool, attentionPoolGradient, sigmoid } from "../pool.js";
import { seededRandom } from "../random.js";
import { readTensors } from "../safetensors.js";
import type { Backbone, Tensor, Tensors } from "../types.js";
import { check, checkClose, checkRefused } from "./checks.js";
import type { ConformanceCase, ConformanceOptions } from "./conformance.js";
import { type Fixtures, loadTiny, TINY_FAMILIES, type TinyBackbone } from "./fixtures.js";
import { tensor, viewLora } from "./golden.js";
import { gradients, loraGradient, statesBefore } from "./passes.js";

/** Of each tensor's largest entry. */
const TOLERANCE = 1e-3;

/** Cases that every trainable engine passes. */
export function gradientCases(options: ConformanceOptions): ConformanceCase[] {
  const cases: ConformanceCase[] = [];
  const withTiny = (family: string, work: (engine: Engine, tiny: TinyBackbone) => Promise<void>) => async () => {
    const tiny = await loadTiny(options.fixtures, family);
    await withEngine(options, tiny.backbone, (engine) => work(engine, tiny));
  };
  for (const family of TINY_FAMILIES) {
    cases.push({ name: `${family}: gradients equal finite differences`, run: withTiny(family, checkDifferences) });
    cases.push({ name: `${family}: gradient at the last block's input equals PyTorch's`, run: withTiny(family, tokenGradientCase(options.fixtures, family)) });
  }
  cases.push({ name: "gradients: kept activations, recomputed ones and chunks of one slice agree", run: () => checkKept(options) });
  cases.push({ name: "gradients: LoRA and tokens in one pass; what was kept is not read or computed again; release", run: withTiny("tiny-dinov3", checkBoth) });
  cases.push({ name: "gradients: entered with stored states, those of the blocks that ran", run: withTiny("tiny-dinov3-gated", checkEntered) });
  cases.push({ name: "gradients: LoRA in the last block only", run: withTiny("tiny-dinov3-gated", checkLastBlock) });
  cases.push({ name: "gradients: abort, wrong lengths, and going on after them", run: withTiny("tiny-dinov2", checkRefusals) });
  const { golden } = options;
  if (golden) cases.push({ name: "golden two views: the gradient of every parameter", run: () => goldenGradients(options, golden) });
  return cases;
}

type EngineOptions = NonNullable<Parameters<ConformanceOptions["create"]>[1]>;

async function withEngine<T>(options: ConformanceOptions, backbone: Backbone, work: (engine: Engine) => Promise<T>, given: EngineOptions = {}): Promise<T> {
  const engine = await options.create(backbone, given);
  try {
    return await work(engine);
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
  const { cls, patches } = await encode(engine, slices, lora, { patches: true });
  return dot(cls, dCls) + dot(patches as Float32Array, dPatches);
}

function moved(lora: LoraTensors, name: string, direction: Float32Array, step: number): LoraTensors {
  const { shape, data } = lora.tensors.get(name) as Tensor;
  const tensors = new Map(lora.tensors).set(name, { shape, data: data.map((value, i) => value + step * direction[i]) });
  return { ...lora, tensors };
}

/** Along a seeded direction and along the gradient itself, for every tensor. In float32 the slopes were found within 0.0005 of the gradient and 3e-6/step. */
async function checkDifferences(engine: Engine, tiny: TinyBackbone): Promise<void> {
  const { lora } = selfTestInput(tiny.backbone.spec, 11);
  const [dCls, dPatches] = [drawn(tiny.cls.length, 1), drawn(tiny.patches.length, 2).map((value) => value / 8)];
  const gradient = await loraGradient(engine, tiny.slices, lora, { dCls, dPatches });
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

/** Gradients of engines that keep all, one chunk and none; and of slices one by one, summed by hand. */
async function checkKept(options: ConformanceOptions): Promise<void> {
  const tiny = await loadTiny(options.fixtures, "tiny-dinov2");
  const { lora } = selfTestInput(tiny.backbone.spec, 12);
  const pixels = await tiny.slices.read(0, 2);
  const many = slicesOf(Float32Array.from([...pixels, ...pixels.map((v) => -v), ...pixels.map((v) => v / 2)]), tiny.slices.height, tiny.slices.width);
  const dCls = drawn(3 * tiny.cls.length, 4);
  const by = (activationBudget: number | undefined, read: number[]) =>
    withEngine(options, tiny.backbone, (engine) => loraGradient(engine, counted(many, read), lora, { dCls }), { chunk: 1, activationBudget });
  const reads: [number[], number[], number[]] = [[], [], []];
  const [all, one, none] = [await by(undefined, reads[0]), await by(1, reads[1]), await by(0, reads[2])];
  check(
    reads.map((r) => r.length).join() === "6,11,12",
    `slices were read ${reads.map((r) => r.length)} times, expected 6, 11, 12 with all, one and no chunk kept`,
  );
  const sums = new Map([...all.tensors].map(([name, { data }]) => [name, new Float32Array(data.length)]));
  const width = tiny.cls.length / 2;
  await withEngine(options, tiny.backbone, async (engine) => {
    for (let n = 0; n < 6; n++) {
      const slice = slicesOf(await many.read(n, n + 1), many.height, many.width);
      const { tensors } = await loraGradient(engine, slice, lora, { dCls: dCls.subarray(n * width, (n + 1) * width) });
      for (const [name, { data }] of tensors) data.forEach((value, i) => ((sums.get(name) as Float32Array)[i] += value));
    }
  });
  for (const [name, { data }] of none.tensors) {
    checkClose(`${name}, activations kept`, all.tensors.get(name)?.data, data, 1e-5);
    checkClose(`${name}, those of one chunk kept`, one.tensors.get(name)?.data, data, 1e-5);
    checkClose(`${name}, summed by hand`, sums.get(name), data, 1e-5);
  }
}

/** The same slices; the first of each chunk that is read is noted. */
function counted(slices: Slices, starts: number[]): Slices {
  const read = (start: number, end: number) => {
    starts.push(start);
    return slices.read(start, end);
  };
  return { ...slices, read };
}

async function checkBoth(engine: Engine, tiny: TinyBackbone): Promise<void> {
  const { lora } = selfTestInput(tiny.backbone.spec, 15);
  const [dCls, dPatches] = [drawn(tiny.cls.length, 7), drawn(tiny.patches.length, 8)];
  const starts: number[] = [];
  const want = { patches: true, attention: true, lastInput: true, gradients: ["lora", "tokens"] } as const;
  const forward = await engine.forward(counted(tiny.slices, starts), lora, want);
  check(forward.backward !== undefined, `${engine.id} has no backward()`);
  const read = starts.length;
  const first = await forward.backward(dCls, dPatches);
  check(starts.length === read, "slices were read again though their activations were kept");
  const again = await forward.backward(dCls, dPatches);
  check(starts.length > read, "a second backward() did not compute again what the first had used up");
  forward.release();
  forward.release();
  const released = await forward.backward(dCls, dPatches);
  const plain = await encode(engine, tiny.slices, lora, { patches: true, attention: true, lastInput: true });
  for (const name of ["cls", "attention", "patches", "lastInput"] as const)
    checkClose(`${name} of the pass with a way back`, forward.encoded[name], plain[name] as Float32Array, 1e-4);
  const tokens = (await gradients(engine, tiny.slices, lora, { dCls, dPatches, targets: ["tokens"] })).tokens as Float32Array;
  const alone = await loraGradient(engine, tiny.slices, lora, { dCls, dPatches });
  for (const [what, found] of Object.entries({ first, again, released })) {
    checkClose(`${what}: tokens`, found.tokens, tokens, 1e-4);
    for (const [name, { data }] of alone.tensors) checkClose(`${what}: ${name}`, found.lora?.tensors.get(name)?.data, data, 1e-4);
  }
}

async function checkEntered(engine: Engine, tiny: TinyBackbone): Promise<void> {
  const { lora } = selfTestInput(tiny.backbone.spec, 16);
  const [dCls, dPatches] = [drawn(tiny.cls.length, 9), drawn(tiny.patches.length, 10)];
  const targets = ["lora", "tokens"] as const;
  const whole = await gradients(engine, tiny.slices, lora, { dCls, dPatches, targets });
  const from = await statesBefore(engine, tiny, lora, 1);
  const entered = await gradients(engine, tiny.slices, lora, { dCls, dPatches, targets, from });
  checkClose("tokens", entered.tokens, whole.tokens as Float32Array, 1e-4);
  const expected = [...(whole.lora as LoraTensors).tensors].filter(([name]) => !name.startsWith("patch.") && !name.startsWith("blocks.0."));
  check(entered.lora?.tensors.size === expected.length, `${entered.lora?.tensors.size} gradients, expected ${expected.length}, those of the blocks that ran`);
  for (const [name, { data }] of expected) checkClose(name, entered.lora?.tensors.get(name)?.data, data, 1e-4);
}

async function checkLastBlock(engine: Engine, tiny: TinyBackbone): Promise<void> {
  const whole = selfTestInput(tiny.backbone.spec, 13).lora;
  const last = `blocks.${tiny.backbone.spec.depth - 1}.`;
  // The others' B is zero, so the same function, with and without their tensors.
  const tensors = [...whole.tensors].map(
    ([name, { shape, data }]) => [name, { shape, data: name.startsWith(last) || name.endsWith(".A") ? data : data.map(() => 0) }] as const,
  );
  const zeroed: LoraTensors = { ...whole, tensors: new Map(tensors) };
  const alone: LoraTensors = { ...whole, tensors: new Map(tensors.filter(([name]) => name.startsWith(last))) };
  const dCls = drawn(tiny.cls.length, 5);
  const expected = await loraGradient(engine, tiny.slices, zeroed, { dCls });
  const found = await loraGradient(engine, tiny.slices, alone, { dCls });
  check(found.tensors.size === alone.tensors.size, `${found.tensors.size} gradients for ${alone.tensors.size} tensors`);
  for (const [name, { data }] of found.tensors) checkClose(name, data, (expected.tensors.get(name) as Tensor).data, 1e-4);
}

async function checkRefusals(engine: Engine, tiny: TinyBackbone): Promise<void> {
  const { lora } = selfTestInput(tiny.backbone.spec, 14);
  const dCls = drawn(tiny.cls.length, 6);
  await checkRefused("INPUT_SHAPE", gradients(engine, tiny.slices, lora, { dCls: dCls.subarray(1) }));
  await checkRefused("INPUT_SHAPE", gradients(engine, tiny.slices, lora, { dCls, dPatches: new Float32Array(3) }));
  await checkRefused("INPUT_SHAPE", gradients(engine, tiny.slices, lora, { dCls: dCls.subarray(1), targets: ["tokens"] }));
  await checkRefused("OPTION_INVALID", engine.forward(tiny.slices, undefined, { gradients: ["lora"] }));
  await checkRefused("OPTION_INVALID", engine.forward(tiny.slices, lora, { gradients: ["lora"], until: 1 }));
  const before = await loraGradient(engine, tiny.slices, lora, { dCls });
  const controller = new AbortController();
  const forward = await engine.forward(tiny.slices, lora, { gradients: ["lora"] }, controller.signal);
  controller.abort();
  const aborted = await (forward.backward as NonNullable<typeof forward.backward>)(dCls).catch((reason: unknown) => reason);
  forward.release();
  check((aborted as Error).name === "AbortError", "an aborted signal did not reject");
  const after = await loraGradient(engine, tiny.slices, lora, { dCls });
  check(after.tensors.size === lora.tensors.size, `${after.tensors.size} gradients after an abort for ${lora.tensors.size} tensors`);
  for (const [name, { data }] of before.tensors) checkClose(`${name} after an abort`, (after.tensors.get(name) as Tensor).data, data, 1e-4);
}

/** Compares with `FAMILY/token-gradient.safetensors`: dCls, tokens, gradient (no LoRA), made with PyTorch. */
function tokenGradientCase(fixtures: Fixtures, family: string) {
  return async (engine: Engine, tiny: TinyBackbone): Promise<void> => {
    const reference = readTensors(await fixtures(`${family}/token-gradient.safetensors`), family);
    const dCls = tensor(reference, "dCls").data;
    const { lastInput, tokens } = await gradients(engine, tiny.slices, undefined, { dCls, targets: ["tokens"] });
    checkClose("last block's input", lastInput, tensor(reference, "tokens").data, 1e-4);
    checkClose("gradient", tokens, tensor(reference, "gradient").data, TOLERANCE);
  };
}

interface GoldenView {
  readonly name: string;
  readonly forward: Forward;
  readonly lora: LoraTensors;
  readonly query: Float32Array;
  readonly cls: Float32Array;
  readonly weights: Float32Array;
  readonly embedding: Float32Array;
}

async function goldenView(engine: Engine, reference: Tensors, name: string): Promise<GoldenView> {
  const pixels = tensor(reference, `${name}.pixels`);
  const slices = slicesOf(pixels.data, pixels.shape[2], pixels.shape[3]);
  const lora = viewLora(reference, `params.${name}.lora.`, 2);
  const query = tensor(reference, `params.${name}.pool.query`).data;
  const forward = await engine.forward(slices, lora, { gradients: ["lora"] });
  const { cls } = forward.encoded;
  return { name, forward, lora, query, cls, ...attentionPool(cls, query, tensor(reference, `${name}.mask`).data) };
}

/** Forward and backward of the whole method: focal loss (γ 2, α .25) ← head ← fusion ← pooling ← backbone. */
async function goldenGradients(options: ConformanceOptions, golden: NonNullable<ConformanceOptions["golden"]>): Promise<void> {
  const reference = readTensors(golden.twoView, "golden two-view");
  const closeTo = (name: string, found: ArrayLike<number> | undefined) => checkClose(name, found, tensor(reference, `grads.${name}`).data, TOLERANCE);
  await withEngine(options, golden.backbone, async (engine) => {
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
      const found = await view.forward.backward?.(dPooled.rows);
      view.forward.release();
      for (const name of view.lora.tensors.keys()) closeTo(`${view.name}.lora.${name}`, found?.lora?.tensors.get(name)?.data);
    }
  });
}
