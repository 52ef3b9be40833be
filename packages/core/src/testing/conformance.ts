// testEngine(): what every engine must do, on every device. Needs no test framework: each case is a name and a function that throws.

import { encode } from "../engine/encode.js";
import { foldLora } from "../engine/fold.js";
import { relativeError, selfTestInput, slicesOf } from "../engine/selftest.js";
import type { Engine, LoraTensors, Slices } from "../engine/types.js";
import { isAbortError } from "../errors.js";
import { readTensors } from "../safetensors.js";
import type { Backbone, Tensor } from "../types.js";
import { check, checkClose, checkRefused } from "./checks.js";
import { type Fixtures, loadTiny, splitTokens, TINY_FAMILIES, type TinyBackbone } from "./fixtures.js";
import { encodeGolden, goldenPlain, goldenTwoView } from "./golden.js";
import { gradientCases } from "./gradients.js";
import { statesBefore } from "./passes.js";

/** The engine under test and what it is held against. */
export interface ConformanceOptions {
  /** Creates the engine under test; called many times, for backbones of every family. */
  create(backbone: Backbone, options?: { chunk?: number; activationBudget?: number }): Promise<Engine>;
  /** Reads a file of the fixtures folder that ships with this package. */
  fixtures: Fixtures;
  /** The real backbone (DINOv2 ViT-S/14, fp16-rounded): adds the stored 56×56 case. */
  backbone?: Backbone;
  /** Larger reference values, and the backbone in the precision they were made with; adds the golden cases. */
  golden?: { backbone: Backbone; plain: Uint8Array; twoView: Uint8Array; sizes?: readonly string[] };
  /** Also run the gradient part; every engine that `create` makes must then give a way back. */
  trainable?: boolean;
  /** Largest difference to a reference, relative to the reference's largest value. Default 1e-4 (float32). */
  tolerance?: number;
}

/** One case of the suite; `run()` rejects where the engine fails it. */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

/** Every case of the suite, to be run one after the other. */
export function testEngine(options: ConformanceOptions): ConformanceCase[] {
  const tolerance = options.tolerance ?? 1e-4;
  const cases: ConformanceCase[] = [];
  const add = (name: string, run: () => Promise<void>) => cases.push({ name, run });
  const withTiny = (family: string, work: (engine: Engine, tiny: TinyBackbone) => Promise<void>, chunk?: number) => async () => {
    const tiny = await loadTiny(options.fixtures, family);
    const engine = await options.create(tiny.backbone, { chunk });
    try {
      await work(engine, tiny);
    } finally {
      await engine.dispose();
    }
  };
  for (const family of TINY_FAMILIES) {
    add(
      `${family}: tokens equal the reference`,
      withTiny(family, (engine, tiny) => checkTokens(engine, tiny, tolerance)),
    );
    add(`${family}: unmerged LoRA equals merged weights`, () => checkMerged(options, family, tolerance));
    add(
      `${family}: left before a block and entered again equals the whole run`,
      withTiny(family, (engine, tiny) => checkEnteredAgain(options, engine, tiny, tolerance)),
    );
  }
  add(
    "chunks of one slice equal one chunk of many",
    withTiny("tiny-dinov2", (engine, tiny) => checkTokens(engine, tiny, tolerance), 1),
  );
  add(
    "LoRA on, off, on again: no trace is left",
    withTiny("tiny-dinov2", (engine, tiny) => checkSwap(engine, tiny, tolerance)),
  );
  add("the caller's pixels stay as they are", withTiny("tiny-dinov2", checkUntouched));
  add("abort stops before the next chunk, and the engine goes on working", withTiny("tiny-dinov2", checkAbort, 1));
  add("sizes and LoRA that do not fit are refused", withTiny("tiny-dinov2", checkRefusals));
  add("dispose, create again: the same values; the disposed engine refuses", () => checkDispose(options, tolerance));
  add("a corrupted engine is refused by the self-test", () => checkCorrupted(options));
  const { backbone, golden } = options;
  if (backbone) add("DINOv2 ViT-S/14 at 56×56 equals the reference", () => encodeGolden(options, backbone, tolerance));
  if (golden)
    for (const size of golden.sizes ?? ["112x112", "98x140", "224x224"])
      add(`golden plain ${size}`, () => goldenPlain(options.create, golden, size, tolerance));
  if (golden) add("golden two views: tokens, slice weights, logits", () => goldenTwoView(options.create, golden, tolerance));
  if (options.trainable) cases.push(...gradientCases(options));
  return cases;
}

async function checkTokens(engine: Engine, tiny: TinyBackbone, tolerance: number): Promise<void> {
  const encoded = await encode(engine, tiny.slices, undefined, { patches: true, attention: true });
  checkClose("CLS", encoded.cls, tiny.cls, tolerance);
  checkClose("patch tokens", encoded.patches, tiny.patches, tolerance);
  const patches = tiny.patches.length / tiny.cls.length;
  const { attention } = encoded;
  check(attention?.length === tiny.slices.count * patches, "attention has the wrong length");
  for (let n = 0; n < tiny.slices.count; n++) {
    const sum = attention.subarray(n * patches, (n + 1) * patches).reduce((s, a) => s + a, 0);
    check(sum > 0 && sum < 1, `attention of slice ${n} sums to ${sum}; without CLS and registers it lies between 0 and 1`);
  }
}

/** Whole runs, and those that leave before a block and enter again; PyTorch's last block's input. */
async function checkEnteredAgain(options: ConformanceOptions, engine: Engine, tiny: TinyBackbone, tolerance: number): Promise<void> {
  const { depth, width, registers } = tiny.backbone.spec;
  const { lora } = selfTestInput(tiny.backbone.spec, 7);
  const everything = { patches: true, attention: true, lastInput: true };
  const unread: Slices = { ...tiny.slices, read: () => Promise.reject(new Error("pixels were read though stored states came in")) };
  for (const given of [undefined, lora]) {
    const whole = await encode(engine, tiny.slices, given, everything);
    for (let block = 1; block < depth; block++) {
      const from = await statesBefore(engine, tiny, given, block);
      const found = await encode(engine, unread, given, { ...everything, from });
      for (const name of ["cls", "patches", "attention", "lastInput"] as const)
        checkClose(`${name}, entered at block ${block}`, found[name], whole[name] as Float32Array, tolerance);
      const last = await encode(engine, unread, given, { from, until: depth });
      const all = await encode(engine, tiny.slices, given, { until: depth });
      check(last.cls.length === 0, "CLS came back though the pass left before the end");
      checkClose(`the last block's output, entered at block ${block}`, last.states, all.states as Float32Array, tolerance);
    }
  }
  const before = await (await statesBefore(engine, tiny, undefined, depth - 1)).read(0, tiny.slices.count);
  const reference = readTensors(await options.fixtures(`${tiny.backbone.name}/token-gradient.safetensors`), tiny.backbone.name);
  const tokens = { shape: [tiny.slices.count, before.length / width / tiny.slices.count, width], data: before };
  checkClose("last block's input", splitTokens(tokens, 1 + registers).patches, (reference.get("tokens") as Tensor).data, tolerance);
}

/** W' = W + scale·B·A, in double precision: what LoRA means. */
function mergeLora(backbone: Backbone, lora: LoraTensors): Backbone {
  const tensors = new Map(backbone.tensors);
  for (const [name, a] of lora.tensors) {
    if (!name.endsWith(".A")) continue;
    const map = name.slice(0, -2);
    const b = lora.tensors.get(`${map}.B`) as Tensor;
    const weight = tensors.get(`${map}.weight`) as Tensor;
    const columns = a.shape[1];
    const data = weight.data.map((value, at) => {
      let sum = 0;
      for (let r = 0; r < lora.rank; r++) sum += b.data[Math.floor(at / columns) * lora.rank + r] * a.data[r * columns + (at % columns)];
      return value + lora.scale * sum;
    });
    tensors.set(`${map}.weight`, { shape: weight.shape, data });
  }
  return { ...backbone, tensors, selfTest: undefined };
}

async function checkMerged(options: ConformanceOptions, family: string, tolerance: number): Promise<void> {
  const tiny = await loadTiny(options.fixtures, family);
  const { lora } = selfTestInput(tiny.backbone.spec, 5);
  const engine = await options.create(tiny.backbone);
  const merged = await options.create(mergeLora(tiny.backbone, lora));
  try {
    const expected = await encode(merged, tiny.slices, undefined, { patches: true, attention: true });
    const found = await encode(engine, tiny.slices, lora, { patches: true, attention: true });
    checkClose("CLS", found.cls, expected.cls, tolerance);
    checkClose("patch tokens", found.patches, expected.patches as Float32Array, tolerance);
    checkClose("attention", found.attention, expected.attention as Float32Array, tolerance);
    check(relativeError(found.cls, tiny.cls) > 10 * tolerance, "LoRA changed nothing");
  } finally {
    await engine.dispose();
    await merged.dispose();
  }
}

async function checkSwap(engine: Engine, tiny: TinyBackbone, tolerance: number): Promise<void> {
  const first = selfTestInput(tiny.backbone.spec, 5).lora;
  const second = selfTestInput(tiny.backbone.spec, 6).lora;
  const before = await encode(engine, tiny.slices, first, {});
  const other = await encode(engine, tiny.slices, second, {});
  check(relativeError(other.cls, before.cls) > 10 * tolerance, "a second adapter changed nothing");
  checkClose("plain CLS", (await encode(engine, tiny.slices, undefined, {})).cls, tiny.cls, tolerance);
  checkClose("first adapter again", (await encode(engine, tiny.slices, first, {})).cls, before.cls, 1e-6);
}

async function checkUntouched(engine: Engine, tiny: TinyBackbone): Promise<void> {
  const pixels = await tiny.slices.read(0, tiny.slices.count);
  const copy = pixels.slice();
  const slices = slicesOf(pixels, tiny.slices.height, tiny.slices.width);
  const first = await encode(engine, slices, undefined, {});
  const second = await encode(engine, slices, undefined, {});
  check(pixels.length === copy.length && pixels.every((value, i) => value === copy[i]), "the engine changed the caller's pixels");
  checkClose("second run", second.cls, first.cls, 1e-6);
}

async function checkAbort(engine: Engine, tiny: TinyBackbone): Promise<void> {
  const aborted = await encode(engine, tiny.slices, undefined, {}, AbortSignal.abort()).catch((reason: unknown) => reason);
  check(isAbortError(aborted), "an aborted signal did not reject");
  const controller = new AbortController();
  let reads = 0;
  const pixels = await tiny.slices.read(0, 1);
  const many: Slices = {
    ...tiny.slices,
    count: 50,
    read: () => {
      reads++;
      return pixels;
    },
  };
  const work = encode(engine, many, undefined, { onSlices: (done) => done === 2 && controller.abort() }, controller.signal);
  check(isAbortError(await work.catch((reason: unknown) => reason)), "abort in mid-work did not reject");
  const atAbort = reads;
  check(atAbort <= 3, `${atAbort} chunks were read though the work was aborted after 2`);
  checkClose("CLS after an abort", (await encode(engine, tiny.slices, undefined, {})).cls, tiny.cls, 1e-3);
  check(reads === atAbort, "work went on after the abort");
}

async function checkRefusals(engine: Engine, tiny: TinyBackbone): Promise<void> {
  const { patch } = tiny.backbone.spec;
  await checkRefused("INPUT_SHAPE", encode(engine, slicesOf(new Float32Array(3 * patch * (patch + 1)), patch, patch + 1), undefined, {}));
  const { lora } = selfTestInput(tiny.backbone.spec, 5);
  const missing = new Map(lora.tensors);
  missing.delete("blocks.1.qkv.B");
  await checkRefused("LORA_SHAPE", encode(engine, tiny.slices, { ...lora, tensors: missing }, {}));
  const extra = new Map(lora.tensors).set("blocks.9.qkv.A", { shape: [8, 32], data: new Float32Array(256) });
  await checkRefused("LORA_SHAPE", encode(engine, tiny.slices, { ...lora, tensors: extra }, {}));
  await checkRefused("LORA_SHAPE", encode(engine, tiny.slices, { ...lora, rank: 4 }, {}));
  const { depth } = tiny.backbone.spec;
  for (const until of [0, 1.5, depth + 1]) await checkRefused("OPTION_INVALID", encode(engine, tiny.slices, undefined, { until }));
  await checkRefused("OPTION_INVALID", encode(engine, tiny.slices, undefined, { until: 1, attention: true }));
  for (const block of [0, depth])
    await checkRefused("OPTION_INVALID", encode(engine, tiny.slices, undefined, { from: { block, read: () => new Float32Array(0) } }));
  await checkRefused("INPUT_SHAPE", encode(engine, tiny.slices, undefined, { from: { block: 1, read: () => new Float32Array(7) } }));
  check(foldLora(tiny.backbone, lora).size === 1 + 2 * tiny.backbone.spec.depth, "a map without LoRA has no zero entry");
}

async function checkDispose(options: ConformanceOptions, tolerance: number): Promise<void> {
  const tiny = await loadTiny(options.fixtures, "tiny-dinov3");
  for (let i = 0; i < 2; i++) {
    const engine = await options.create(tiny.backbone);
    checkClose(`CLS of engine ${i + 1}`, (await encode(engine, tiny.slices, undefined, {})).cls, tiny.cls, tolerance);
    await engine.dispose();
    await engine.dispose();
    await checkRefused("ENGINE_DISPOSED", encode(engine, tiny.slices, undefined, {}));
  }
}

async function checkCorrupted(options: ConformanceOptions): Promise<void> {
  const { backbone } = await loadTiny(options.fixtures, "tiny-dinov2");
  check(backbone.selfTest !== undefined, "the fixture has no self-test");
  const tensors = new Map(backbone.tensors);
  const weight = tensors.get("blocks.1.fc1.weight") as Tensor;
  tensors.set("blocks.1.fc1.weight", { shape: weight.shape, data: weight.data.map((value, i) => (i % 7 ? value : -value)) });
  await checkRefused("ENGINE_SELF_TEST", options.create({ ...backbone, tensors }));
}
