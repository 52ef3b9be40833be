// Ordered classes and a quantity, end to end on a tiny backbone: they are learned, a stopped run ends in the same bits, and the package that comes out
// answers in the classes' values and in the unit, with sets and intervals.
import { type Backbone, classify, type Engine, parseAdapterManifest, type Task, type Volume } from "@anymc3d/core";
import { contentHash, readSafetensors, writeSafetensors } from "@anymc3d/core/engine";
import { seededRandom } from "@anymc3d/core/learn";
import { loadTiny } from "@anymc3d/core/testing";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { fixtures } from "@anymc3d/testkit/fixtures";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseTrainConfig, type TrainConfig } from "../src/config.js";
import type { TrainCase } from "../src/data/cases.js";
import { train } from "../src/learning/loop.js";
import { initialState, readCheckpoint, writeCheckpoint } from "../src/learning/state.js";
import { sizeBaselines } from "../src/metrics/compare.js";
import { modelCard } from "../src/package/card.js";
import { type MadeAdapter, makeAdapter } from "../src/package/make-adapter.js";
import { trainingReport } from "../src/report/report.js";
import { worstCases } from "../src/report/worst-cases.js";
import { taskJson } from "./build.js";

let engine: Engine;
let backbone: Backbone;
beforeAll(async () => {
  const tiny = (await loadTiny(fixtures, "tiny-dinov2")).backbone;
  backbone = { ...tiny, hash: await contentHash(readSafetensors(writeSafetensors(tiny.tensors))) };
  engine = await createOnnxEngine(backbone);
});
afterAll(() => engine.dispose());

const grades: Task = { kind: "ordinal", labels: [1, 2, 3].map((value) => ({ id: `g${value}`, name: `Grade ${value}`, value })) };
const brightness: Task = { kind: "regression", labels: [{ id: "bright", name: "Brightness", unit: "HU" }] };

/** Noise about a level: the level is the quantity, its third of the range the grade. */
function caseOf(i: number, count: number, split: TrainCase["split"]): TrainCase {
  const random = seededRandom(100 + i);
  const level = 40 + 120 * random();
  const volume: Volume = { data: Float32Array.from({ length: 28 * 28 * 3 }, () => level + 20 * (random() - 0.5)), shape: [28, 28, 3] };
  const grade = Math.min(2, Math.floor((level - 40) / 40));
  const labels = new Map([["bright", level], ...grades.labels.map(({ id }, k): [string, number] => [id, k === grade ? 1 : 0])]);
  return { id: `case${i}/${count}`, group: `case${i}`, split, labels, origin: "made", load: async () => ({ volume }) };
}
const cases = Array.from({ length: 100 }, (_, i) => caseOf(i, 100, i < 60 ? "train" : "val"));
const known = ({ labels: [{ id }] }: Task) =>
  cases.map((one) => ({ ...one, labels: new Map([...one.labels].filter(([own]) => (id === "bright") === (own === "bright"))) }));

const configOf = (task: Task, training: Record<string, unknown> = {}): TrainConfig => {
  const json = taskJson(task);
  const view = { ...json.input.views[0], spacing: null, expect: {}, size: [32, 32], intensity: { kind: "range", range: [0, 200] } };
  const modules = { lora: null, pooling: "mean" };
  return parseTrainConfig({
    ...json,
    input: { views: [view] },
    modules,
    training: { epochs: 40, batch: 8, learningRate: { lora: 1e-3, head: 3e-2 }, ...training },
  });
};

async function made(task: Task): Promise<{ made: MadeAdapter; outcome: Awaited<ReturnType<typeof train>>; config: TrainConfig }> {
  const config = configOf(task);
  const outcome = await train({ config, cases: known(task), engine, state: initialState(config, backbone.spec) });
  return { made: await makeAdapter({ config, outcome, volumes: [], engine, madeBy: "test", date: "2026-01-01" }), outcome, config };
}

describe.each([
  ["ordinal", grades],
  ["regression", brightness],
] as const)("%s", (_, task) => {
  test("a run stopped in mid-epoch ends in the same bits as one that is not", async () => {
    const config = configOf(task, { epochs: 3 });
    const straight = initialState(config, backbone.spec);
    await train({ config, cases: known(task), engine, state: straight });
    const controller = new AbortController();
    const stopped = initialState(config, backbone.spec);
    const onEvent = (event: { type: string; epoch?: number; step?: number }) => {
      if (event.type === "step" && event.epoch === 2 && event.step === 4) controller.abort();
    };
    await expect(train({ config, cases: known(task), engine, state: stopped, signal: controller.signal, onEvent })).rejects.toThrow();
    const resumed = readCheckpoint(writeCheckpoint(stopped, { run: "same" }), { run: "same" });
    await train({ config, cases: known(task), engine, state: resumed });
    for (const [name, { data }] of straight.tensors) expect([name, resumed.tensors.get(name)?.data]).toEqual([name, data]);
    expect(resumed.history.map(({ score, loss }) => [score, loss])).toEqual(straight.history.map(({ score, loss }) => [score, loss]));
  });

  test("report, card and the most wrong cases are made of it", async () => {
    const { made: adapter, outcome, config } = await made(task);
    const worst = await worstCases(outcome.predictions, adapter, engine, { count: 1 });
    expect(worst).toHaveLength(1);
    const html = trainingReport({ config, summary: [], skipped: [], looks: [], outcome, made: adapter, worst, versions: [] });
    const stated = parseAdapterManifest(JSON.parse(JSON.stringify(adapter.manifest))).metrics[0];
    const card = modelCard(adapter.manifest);
    for (const { name, value } of stated.figures ?? []) {
      expect(card).toContain(name);
      expect(card).toContain(value?.toFixed(3));
      expect(html).toContain(value?.toFixed(3));
    }
    expect(stated.figures?.length).toBeGreaterThan(1);
    expect(card).toMatch(/made to hold the truth in 90 % of cases, held it in/);
    expect(html).toContain("made to hold the truth in 90 %");
    expect(html).toContain("Most wrong on validation");
  });
});

test("ordered classes: κ above .8 on cases never trained on; boundaries fall; results have value and set", async () => {
  const { made: adapter, outcome } = await made(grades);
  const [{ figures }] = adapter.measured;
  expect(figures.quadraticKappa.value).toBeGreaterThan(0.8);
  expect(outcome.history[outcome.keptEpoch - 1].score).toBe(Math.max(...outcome.history.map(({ score }) => score ?? -1)));
  const bias = outcome.tensors.get("head.bias")?.data as Float32Array;
  expect(bias[1]).toBeLessThan(bias[0]);
  const { value, set, labels } = await classify({ volume: (await cases[61].load()).volume }, adapter.adapter, { engine, checks: "warn" });
  expect(value).toBeGreaterThanOrEqual(1);
  expect(value).toBeLessThanOrEqual(3);
  expect(set?.length).toBeGreaterThan(0);
  expect(labels.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5);
});

test("a quantity: R² above .8 on cases never trained on; results are in the unit, with an interval; the mean of training explains nothing", async () => {
  const { made: adapter, config } = await made(brightness);
  const [{ figures }] = adapter.measured;
  expect(figures.r2.value).toBeGreaterThan(0.8);
  // Levels spread evenly over 120 HU have a standard deviation of 35; R² .8 leaves a mean error well below it.
  expect(figures.meanAbsoluteError.value).toBeLessThan(16);
  const { value, unit, interval } = await classify({ volume: (await cases[61].load()).volume }, adapter.adapter, { engine, checks: "warn" });
  expect(unit).toBe("HU");
  const truth = cases[61].labels.get("bright") as number;
  expect(Math.abs((value as number) - truth)).toBeLessThan(35);
  const [low, high] = interval as [number, number];
  expect([low < (value as number), (value as number) < high, high - low > 0]).toEqual([true, true, true]);
  const baselines = await sizeBaselines(known(brightness), config);
  expect(baselines.map(({ name }) => name)).toEqual(["slice count", "volume extent", "foreground", "mean of training"]);
});
