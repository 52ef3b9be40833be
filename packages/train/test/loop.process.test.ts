// Training end to end on a tiny backbone and a made data set whose answer is known: it learns, it finds nothing where there is nothing,
// and a run that is stopped anywhere ends in the same weights as one that is not.
import type { Backbone, Engine } from "@anymc3d/core";
import { seededRandom } from "@anymc3d/core/learn";
import { loadTiny } from "@anymc3d/core/testing";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { fixtures } from "@anymc3d/testkit/fixtures";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseTrainConfig, type TrainConfig } from "../src/config.js";
import type { TrainCase } from "../src/data/cases.js";
import { type TrainEvent, train } from "../src/learning/loop.js";
import { initialState, readCheckpoint, type TrainState, writeCheckpoint } from "../src/learning/state.js";
import { madeCases, ballTruth as truth } from "./balls.js";
import { binaryTask, multiclassTask } from "./build.js";

const frozen = { lora: null, features: [{ kind: "cls" as const }] };
let engine: Engine;
let backbone: Backbone;
beforeAll(async () => {
  ({ backbone } = await loadTiny(fixtures, "tiny-dinov2"));
  engine = await createOnnxEngine(backbone);
});
afterAll(() => engine.dispose());

function configOf(training: Record<string, unknown>, planes = ["axial"]): TrainConfig {
  const views = planes.map((plane) => ({
    source: "volume",
    plane,
    crop: "volume",
    spacing: null,
    size: [32, 32],
    slices: { choice: "all" },
    intensity: { kind: "range", range: [0, 220] },
    pad: 0,
  }));
  const augment = { flip: 0.5, zoom: { p: 0, low: 1, high: 1 }, rotate: { p: 0.5, degrees: 30 } };
  return parseTrainConfig({
    name: "@example/ball",
    title: "Ball",
    description: "Whether there is a bright ball.",
    dataset: "made",
    task: binaryTask,
    input: { views },
    training: { epochs: 6, batch: 4, learningRate: { lora: 3e-3, head: 1e-2 }, augment, ...training },
  });
}

async function trained(config: TrainConfig, cases: readonly TrainCase[], onEvent?: (event: TrainEvent) => void) {
  return train({ config, cases, engine, state: initialState(config, backbone.spec), onEvent });
}

describe("learning", () => {
  test("a label that the voxels show is learned: AUROC above .9 on cases never trained on", async () => {
    const events: TrainEvent[] = [];
    const { history, predictions, keptEpoch, tensors } = await trained(configOf({}), madeCases(48, 24, truth), (event) => events.push(event));
    const best = Math.max(...history.map(({ score }) => score ?? 0));
    expect(best).toBeGreaterThan(0.9);
    expect(history[keptEpoch - 1].score).toBe(best);
    expect(history.at(-1)?.loss).toBeLessThan(history[0].loss);
    expect(predictions).toHaveLength(24);
    expect(tensors.get("views.0.lora.blocks.0.qkv.B")?.data.some((value) => value !== 0)).toBe(true);
    expect(events.filter(({ type }) => type === "step")).toHaveLength(6 * 12);
  });

  test("labels drawn at random: validation stays at chance", async () => {
    const { history } = await trained(
      configOf({ epochs: 3, keep: "last" }),
      madeCases(40, 60, (i) => (seededRandom(5000 + i)() < 0.5 ? 1 : 0)),
    );
    for (const { score } of history) expect(Math.abs((score as number) - 0.5)).toBeLessThan(0.25);
  });

  test("frozen features: only head and query are trained", async () => {
    const config = { ...configOf({}), modules: { ...frozen, pooling: "attention" as const } };
    const { tensors, history } = await trained(config, madeCases(48, 24, truth));
    expect([...tensors.keys()].sort()).toEqual(["head.bias", "head.weight", "views.0.pool.query"]);
    expect(history.at(-1)?.loss).toBeLessThan(history[0].loss);
  });

  test("frozen features are those of the slices as they are: augmentation asked for changes no weight", async () => {
    const modules = { ...frozen, pooling: "attention" as const };
    const cases = madeCases(12, 6, truth);
    const weights = async (augment: unknown) => (await trained({ ...configOf({ augment, epochs: 2 }), modules }, cases)).tensors;
    expect(await weights({ flip: 1, noise: { p: 1, sd: 0.5 } })).toEqual(await weights(false));
  });

  test("frozen features, planes concatenated: the head sees every plane and learns", async () => {
    const config = { ...configOf({}, ["axial", "coronal"]), modules: { ...frozen, pooling: "mean" as const, fusion: "concat" as const } };
    const { tensors, history } = await trained({ ...config, training: { ...config.training, augment: false } }, madeCases(48, 24, truth));
    const { width } = backbone.spec;
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual([
      ["head.weight", [1, 2 * width]],
      ["head.bias", [1]],
    ]);
    const start = initialState(config, backbone.spec).tensors.get("head.weight")?.data as Float32Array;
    const end = tensors.get("head.weight")?.data as Float32Array;
    for (const at of [0, width]) expect(end.slice(at, at + width)).not.toEqual(start.slice(at, at + width));
    expect(history.at(-1)?.loss).toBeLessThan(history[0].loss);
  });

  test("three planes and masks: every view learns, the decoder is not part of the result", async () => {
    const config = configOf({ epochs: 2, masks: { weight: 0.5 } }, ["axial", "coronal", "sagittal"]);
    const { tensors, history } = await trained(config, madeCases(16, 8, truth, true));
    for (const v of [0, 1, 2]) expect(tensors.get(`views.${v}.lora.patch.B`)?.data.some((value) => value !== 0)).toBe(true);
    expect(tensors.has("fusion.query")).toBe(true);
    expect([...tensors.keys()].filter((name) => name.startsWith("decoder"))).toEqual([]);
    expect(history[1].loss).toBeLessThan(history[0].loss);
  });

  test("multiclass", async () => {
    const config = { ...configOf({ epochs: 1 }), task: multiclassTask };
    const cases = madeCases(12, 6, truth).map((each, i) => ({
      ...each,
      labels: new Map(["cat", "dog", "cow"].map((id, c) => [id, i % 3 === c ? 1 : 0] as [string, number])),
    }));
    const { predictions } = await trained(config, cases);
    for (const { logits } of predictions) expect(logits).toHaveLength(3);
  });
});

describe("stopping and going on", () => {
  const bytesOf = (state: TrainState) => Buffer.from(writeCheckpoint({ ...state, history: [], running: { loss: 0, slices: 0, seconds: 0 } }, { run: "same" }));

  test("4 epochs straight, and stopped in mid-epoch and after an epoch: the same bits", async () => {
    const config = configOf({ epochs: 4, masks: { weight: 0.5 } });
    const cases = madeCases(16, 8, truth, true);
    const straight = initialState(config, backbone.spec);
    await train({ config, cases, engine, state: straight });

    let file: Uint8Array = writeCheckpoint(initialState(config, backbone.spec), { run: "same" });
    let stops = 0;
    for (const stopAt of [3, 6, 9, Number.POSITIVE_INFINITY]) {
      const controller = new AbortController();
      let steps = 0;
      const state = readCheckpoint(file, { run: "same" });
      const onEvent = ({ type }: TrainEvent) => {
        if (type === "step" && ++steps === stopAt) controller.abort();
      };
      const onCheckpoint = async (now: TrainState) => {
        file = writeCheckpoint(now, { run: "same" });
      };
      await train({ config, cases, engine, state, signal: controller.signal, onEvent, onCheckpoint }).catch((error: Error) => {
        expect(error.name).toBe("AbortError");
        stops++;
      });
    }
    expect(stops).toBeGreaterThan(0);
    const resumed = readCheckpoint(file, { run: "same" });
    expect(resumed.epoch).toBe(4);
    expect(bytesOf(resumed).equals(bytesOf(straight))).toBe(true);
    expect(resumed.history.map(({ loss, scores }) => ({ loss, scores }))).toEqual(straight.history.map(({ loss, scores }) => ({ loss, scores })));
  });

  test("another seed gives other weights", async () => {
    const weights = async (seed: number) => (await trained(configOf({ epochs: 1, seed }), madeCases(8, 4, truth))).tensors.get("head.weight")?.data;
    expect(await weights(1)).toEqual(await weights(1));
    expect(await weights(1)).not.toEqual(await weights(2));
  });

  test("a checkpoint of another run, or a damaged one, is refused", () => {
    const bytes = writeCheckpoint(initialState(configOf({}), backbone.spec), { run: "mine" });
    expect(() => readCheckpoint(bytes, { run: "other" })).toThrow(/a run that differs in run/);
    expect(() => readCheckpoint(bytes.subarray(0, bytes.length - 4), { run: "mine" })).toThrow(/not a checkpoint/);
  });

  test("a loss that is not finite stops the run, names the batch, and leaves the state before it", async () => {
    const cases = madeCases(8, 4, truth);
    const bad = { ...cases[3], load: async () => ({ volume: { data: new Float32Array(4096).fill(Number.NaN), shape: [32, 32, 4] as const } }) };
    const config = configOf({ epochs: 1 });
    const state = initialState(config, backbone.spec);
    const error: unknown = await train({ config, cases: cases.map((each, i) => (i === 3 ? bad : each)), engine, state }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "TRAINING_DIVERGED", message: expect.stringContaining("case3") });
    for (const { data } of state.tensors.values()) expect(data.every(Number.isFinite)).toBe(true);
  });
});

test("one class in validation: AUROC is undefined and never chooses the epoch", async () => {
  const cases = madeCases(16, 8, truth).map((each) => (each.split === "val" ? { ...each, labels: new Map([["sick", 0 as const]]) } : each));
  const { history, keptEpoch } = await trained(configOf({ epochs: 2 }), cases);
  expect(history.map(({ score }) => score)).toEqual([null, null]);
  expect(keptEpoch).toBe(2);
});

describe("frozen features", () => {
  const still = {
    flip: 0,
    reverse: 0,
    ...Object.fromEntries(["rotate", "zoom", "shift", "noise", "blur", "brightness", "contrast", "gamma"].map((name) => [name, off(name)])),
  };
  function off(name: string): Record<string, number> {
    const amounts: Record<string, Record<string, number>> = {
      rotate: { degrees: 0 },
      zoom: { low: 1, high: 1 },
      shift: { share: 0 },
      contrast: { low: 1, high: 1 },
      gamma: { low: 1, high: 1 },
    };
    return { p: 0, ...(amounts[name] ?? { sd: 0 }) };
  }
  const headOnly = (augment: unknown): TrainConfig => {
    const config = configOf({ epochs: 3, augment });
    return { ...config, modules: { ...config.modules, lora: null } };
  };

  test("kept features end in the weights that features computed anew each step end in, and cost one encode a case", async () => {
    const cases = madeCases(10, 4, truth);
    const anew = await trained(headOnly(still), cases);
    let encoded = 0;
    const counting: Engine = Object.create(engine, {
      forward: {
        value: (...args: Parameters<Engine["forward"]>) => {
          encoded++;
          return engine.forward(...args);
        },
      },
    });
    const config = headOnly(false);
    const kept = await train({ config, cases, engine: counting, state: initialState(config, backbone.spec) });
    expect(encoded).toBe(14);
    for (const [name, { data }] of anew.tensors) {
      const other = kept.tensors.get(name)?.data as Float32Array;
      data.forEach((value, i) => void expect(Math.abs(other[i] - value)).toBeLessThan(1e-5));
    }
    expect(kept.history.map(({ loss }) => loss)).toEqual(anew.history.map(({ loss }) => expect.closeTo(loss, 4)));
  });
});
