// The training loop: epochs of optimiser steps over augmented samples, validation after each, the best epoch kept.
// Everything drawn follows from the seed, the epoch and the case, so that a run that stops anywhere goes on as if it had not.

import { AnyMC3DError, type Engine, type Forward, isAbortError, type LoraTensors, type Tensor, type Tensors } from "@anymc3d/core";
import { encode } from "@anymc3d/core/engine";
import { forwardStudy, viewLora } from "@anymc3d/core/learn";
import type { TrainConfig } from "../config.js";
import type { TrainCase } from "../data/cases.js";
import { judgedCases } from "../metrics/judged.js";
import { meanScore, scoreOf } from "../metrics/score.js";
import { taskTraining } from "../tasks/index.js";
import type { Objective } from "../tasks/task-training.js";
import { sampleSeed } from "./augment.js";
import { decode, maskCells } from "./decoder.js";
import { type FrozenFeatures, frozenFeatures, isFrozen } from "./features.js";
import { add, addStudy, studyModules } from "./gradients.js";
import { maskLoss } from "./losses.js";
import { adamW, clip, schedule } from "./optimizer.js";
import { evaluationSample, joined, type SampleView, trainingSample } from "./samples.js";
import type { EpochRecord, TrainState } from "./state.js";

/** Slices of a view that run forward and backward together; a step is made of as many such parts as it needs. */
const PART = 32;

/** Ms between two states to store within an epoch: as much as a process that is killed loses. */
const STORED = 60_000;

/** What a run tells as it goes. */
export type TrainEvent =
  /** After an optimiser step; epochs and steps from 1, the loss averaged over the epoch so far. */
  | {
      readonly type: "step";
      readonly epoch: number;
      /** Of the configuration; patience may end it before. */
      readonly epochs: number;
      readonly step: number;
      readonly steps: number;
      readonly loss: number;
      readonly slicesPerSecond: number;
      readonly secondsLeft: number;
    }
  /** A validation case done, after an epoch, or at the end by the tensors of the epoch that was kept. */
  | { readonly type: "validate"; readonly epoch: number; readonly done: number; readonly total: number }
  /** Frozen features being computed, once, before the first epoch. */
  | { readonly type: "features"; readonly done: number; readonly total: number }
  /** An epoch done and judged; `scoreName`: what its score is, "AUROC"; `best`: better than all before. */
  | ({ readonly type: "epoch" } & EpochRecord & { readonly scoreName: string; readonly best: boolean });

/** A training run: configuration, data, engine, state, and who is told of it. */
export interface TrainRun {
  readonly config: TrainConfig;
  readonly cases: readonly TrainCase[];
  readonly engine: Engine;
  /** From `initialState()` or `readCheckpoint()`; the run changes it as it goes. */
  readonly state: TrainState;
  /** Where `isFrozen(config)`: features to share with other runs; default: the run's own. */
  readonly features?: FrozenFeatures;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainEvent) => void;
  /** Called after every epoch, after a step once a minute has gone by, and before an abort is thrown, with the state to store. */
  readonly onCheckpoint?: (state: TrainState) => Promise<void>;
}

/** What the model says of one case. */
export interface Prediction {
  /** The case. */
  readonly trainCase: TrainCase;
  /** [outputs of the head], not calibrated; of a quantity the value in its unit. */
  readonly logits: Float32Array;
}

/** What a training run gives. */
export interface TrainOutcome {
  /** Tensors of the kept epoch, without the mask decoder. */
  readonly tensors: Map<string, Tensor>;
  /** From 1. */
  readonly keptEpoch: number;
  readonly history: readonly EpochRecord[];
  /** Of the validation cases, by the kept tensors. */
  readonly predictions: readonly Prediction[];
}

/**
 * Trains an adapter's tensors.
 * @throws AnyMC3DError `TRAINING_DIVERGED` naming the batch whose loss is not finite (the state stays at the step before); the signal's reason after an abort
 */
export async function train(given: TrainRun): Promise<TrainOutcome> {
  const { config, cases, state } = given;
  const run = await withFeatures(given);
  const trained = cases.filter(({ split }) => split === "train");
  const validation = cases.filter(({ split }) => split === "val");
  const objective = taskTraining(config.task).objective(config.task, config.training, trained);
  try {
    while (state.epoch < config.training.epochs && !outOfPatience(state, config)) {
      await trainEpoch(run, trained, objective);
      await closeEpoch(run, validation, objective);
    }
  } catch (error) {
    if (isAbortError(error) || run.signal?.aborted) await run.onCheckpoint?.(state);
    throw error;
  }
  const kept = config.training.keep === "best" && state.best ? state.best : { epoch: state.epoch, tensors: state.tensors };
  const tensors = new Map([...objective.finished(kept.tensors)].filter(([name]) => !name.startsWith("decoder.")));
  return { tensors, keptEpoch: kept.epoch, history: state.history, predictions: await predict(run, validation, tensors, kept.epoch) };
}

/** Frozen features of all cases to be used, computed before the first epoch. */
async function withFeatures(run: TrainRun): Promise<TrainRun> {
  if (!isFrozen(run.config)) return { ...run, features: undefined };
  const features = run.features ?? frozenFeatures(run.config, run.engine);
  const finished = run.state.epoch >= run.config.training.epochs;
  const cases = finished ? [] : run.cases.filter(({ split }) => split !== "test");
  for (const [i, trainCase] of cases.entries()) {
    await features(trainCase, run.signal);
    run.onEvent?.({ type: "features", done: i + 1, total: cases.length });
  }
  return { ...run, features };
}

function outOfPatience({ epoch, best }: TrainState, { training: { patience } }: TrainConfig): boolean {
  return patience !== null && best !== undefined && epoch - best.epoch >= patience;
}

/** The epoch's order: a shuffle by seed and epoch. */
function shuffled(cases: readonly TrainCase[], seed: number, epoch: number): TrainCase[] {
  const keys = new Map(cases.map((trainCase) => [trainCase, sampleSeed(seed, epoch, `order/${trainCase.id}`)]));
  return [...cases].sort((a, b) => (keys.get(a) as number) - (keys.get(b) as number) || (a.id < b.id ? -1 : 1));
}

async function trainEpoch(run: TrainRun, trained: readonly TrainCase[], objective: Objective): Promise<void> {
  const { config, state, signal, onEvent } = run;
  const { batch, epochs, warmup, seed } = config.training;
  const order = shuffled(trained, seed, state.epoch);
  const steps = Math.ceil(order.length / batch);
  let stored = performance.now();
  while (state.step < steps) {
    signal?.throwIfAborted();
    const started = performance.now();
    const cases = order.slice(state.step * batch, (state.step + 1) * batch);
    const { gradients, value, slices } = await stepGradients(run, cases, objective);
    const norm = clip(gradients, config.training.clip);
    if (!Number.isFinite(value) || !Number.isFinite(norm)) {
      throw new AnyMC3DError(
        "TRAINING_DIVERGED",
        `epoch ${state.epoch + 1}, step ${state.step + 1}: the ${Number.isFinite(value) ? "gradient" : "loss"} is not finite; the batch was ${cases.map(({ id }) => id).join(", ")}. Lower the learning rates, or look at these cases.`,
      );
    }
    const moved = adamW(state.tensors, gradients, state.moments, config.training, schedule(state.epoch * steps + state.step, epochs * steps, warmup));
    state.tensors = withValidBias(moved, config.task);
    state.step++;
    state.running.loss += value;
    state.running.slices += slices;
    state.running.seconds += (performance.now() - started) / 1000;
    const { running } = state;
    const secondsLeft = (running.seconds / state.step) * ((epochs - state.epoch) * steps - state.step);
    onEvent?.({
      type: "step",
      epoch: state.epoch + 1,
      epochs,
      step: state.step,
      steps,
      loss: running.loss / state.step,
      slicesPerSecond: running.slices / running.seconds,
      secondsLeft,
    });
    if (state.step < steps && performance.now() - stored > STORED) {
      await run.onCheckpoint?.(state);
      stored = performance.now();
    }
  }
}

/** Where a kind's head cannot have every bias, the valid one in its place. */
function withValidBias(tensors: Map<string, Tensor>, task: TrainConfig["task"]): Map<string, Tensor> {
  const { validBias } = taskTraining(task);
  return validBias ? tensors.set("head.bias", validBias(tensors.get("head.bias") as Tensor)) : tensors;
}

interface StepGradients {
  readonly gradients: Map<string, Float32Array>;
  /** Mean loss of the step. */
  readonly value: number;
  readonly slices: number;
}

async function stepGradients(run: TrainRun, cases: readonly TrainCase[], objective: Objective): Promise<StepGradients> {
  const { config, engine, state, signal } = run;
  const gradients = new Map([...state.tensors].map(([name, { data }]) => [name, new Float32Array(data.length)]));
  const known = cases.reduce((sum, { labels }) => sum + objective.terms(labels), 0);
  const masked = cases.filter(({ loadMask }) => loadMask).length;
  const shares = { labels: 1 / Math.max(1, known), masks: (config.training.masks?.weight ?? 0) / Math.max(1, masked) };
  const loras = config.input.views.map((_, v) => viewLora(config.modules.lora, state.tensors, v));
  if (run.features) return frozenGradients(run, cases, objective, shares.labels, gradients);
  let value = 0;
  let slices = 0;
  let part: { trainCase: TrainCase; views: SampleView[] }[] = [];
  const flush = async () => {
    if (part.length) value += await partGradients(run, part, loras, objective, shares, gradients);
    part = [];
  };
  for (const trainCase of cases) {
    const views = await trainingSample(trainCase, config, engine.backbone.spec, state.epoch, signal);
    slices += views.reduce((sum, view) => sum + view.slices.count, 0);
    const held = part.reduce((sum, { views: [first] }) => sum + first.slices.count, 0);
    if (held + views[0].slices.count > PART) await flush();
    part.push({ trainCase, views });
  }
  await flush();
  return { gradients, value, slices };
}

/** A step on frozen features, with all slices of every case. */
async function frozenGradients(
  { config, engine, state, features, signal }: TrainRun,
  cases: readonly TrainCase[],
  objective: Objective,
  share: number,
  gradients: Map<string, Float32Array>,
): Promise<StepGradients> {
  const modules = studyModules(state.tensors, config.input.views.length);
  let value = 0;
  let slices = 0;
  for (const trainCase of cases) {
    const cls = await (features as FrozenFeatures)(trainCase, signal);
    const study = forwardStudy(cls, modules);
    const result = objective.of(study.logits, trainCase.labels);
    value += share * result.loss;
    slices += cls.reduce((sum, { length }) => sum + length, 0) / engine.backbone.spec.width;
    addStudy(gradients, study.backward(result.dLogits.map((d) => d * share)));
  }
  return { gradients, value, slices };
}

type Part = readonly { readonly trainCase: TrainCase; readonly views: readonly SampleView[] }[];

/** Forward and backward over the studies of a part; adds to the gradients, returns the part's share of the step's loss. */
async function partGradients(
  run: TrainRun,
  part: Part,
  loras: readonly (LoraTensors | undefined)[],
  objective: Objective,
  shares: { readonly labels: number; readonly masks: number },
  gradients: Map<string, Float32Array>,
): Promise<number> {
  const withMasks = (v: number) => loras[v] !== undefined && part.some(({ views }) => views[v].mask);
  const forwards: Forward[] = [];
  try {
    for (const [v, lora] of loras.entries()) {
      const slices = joined(part.map(({ views }) => views[v]));
      forwards.push(await run.engine.forward(slices, lora, { gradients: lora ? ["lora"] : [], patches: withMasks(v) }, run.signal));
    }
    return await studyGradients(run, part, forwards, objective, shares, gradients);
  } finally {
    for (const { release } of forwards) release();
  }
}

/** From what the forwards of a part's views gave. */
async function studyGradients(
  { engine, state }: TrainRun,
  part: Part,
  forwards: readonly Forward[],
  objective: Objective,
  shares: { readonly labels: number; readonly masks: number },
  gradients: Map<string, Float32Array>,
): Promise<number> {
  const width = engine.backbone.spec.width;
  const encoded = forwards.map((forward) => forward.encoded);
  const dCls = encoded.map(({ cls }) => new Float32Array(cls.length));
  const dPatches = encoded.map(({ patches }) => patches && new Float32Array(patches.length));
  const starts = forwards.map(() => 0);
  const modules = studyModules(state.tensors, forwards.length);
  let value = 0;
  for (const { trainCase, views } of part) {
    const reach = views.map(({ slices }, v) => [starts[v], starts[v] + slices.count] as const);
    const study = forwardStudy(
      encoded.map(({ cls }, v) => cls.subarray(reach[v][0] * width, reach[v][1] * width)),
      modules,
    );
    const result = objective.of(study.logits, trainCase.labels);
    value += shares.labels * result.loss;
    const dStudy = study.backward(result.dLogits.map((d) => d * shares.labels));
    addStudy(gradients, dStudy);
    views.forEach(({ mask, slices }, v) => {
      dCls[v].set(dStudy.cls[v], reach[v][0] * width);
      const { patches } = encoded[v];
      const dOut = dPatches[v];
      if (mask && patches && dOut) {
        const size = (patches.length / encoded[v].cls.length) * width;
        const share = shares.masks / views.filter((view) => view.mask).length;
        value +=
          share *
          maskGradients(patches.subarray(reach[v][0] * size, reach[v][1] * size), mask, slices, share, dOut.subarray(reach[v][0] * size, reach[v][1] * size));
      }
      starts[v] = reach[v][1];
    });
  }
  for (const [v, { backward }] of forwards.entries()) {
    const lora = (await backward?.(dCls[v], dPatches[v]))?.lora;
    for (const [name, { data }] of lora?.tensors ?? []) add(gradients, `views.${v}.lora.${name}`, data);
  }
  return value;

  function maskGradients(
    tokens: Float32Array,
    mask: Float32Array,
    { height, width: columns }: { height: number; width: number },
    share: number,
    dTokens: Float32Array,
  ): number {
    const decoded = decode(tokens, state.tensors);
    const { loss: own, dLogits } = maskLoss(decoded.logits, maskCells(mask, height, columns, engine.backbone.spec.patch));
    dTokens.set(
      decoded.backward(
        dLogits.map((d) => d * share),
        gradients,
      ),
    );
    return own;
  }
}

async function closeEpoch(run: TrainRun, validation: readonly TrainCase[], objective: Objective): Promise<void> {
  const { config, state, onEvent, onCheckpoint } = run;
  const predictions = await predict(run, validation, objective.finished(state.tensors), state.epoch + 1);
  const record = {
    epoch: state.epoch + 1,
    ...judged(predictions, config),
    loss: state.running.loss / state.step,
    seconds: state.running.seconds,
    slicesPerSecond: state.running.slices / state.running.seconds,
  };
  // An undefined score never chooses an epoch; without any defined one the last epoch stands.
  const better = record.score !== null ? state.best?.score == null || record.score > state.best.score : state.best?.score == null;
  if (better) state.best = { epoch: record.epoch, score: record.score, tensors: state.tensors };
  state.history.push(record);
  Object.assign(state, { epoch: state.epoch + 1, step: 0, running: { loss: 0, slices: 0, seconds: 0 } });
  await onCheckpoint?.(state);
  onEvent?.({ type: "epoch", ...record, scoreName: taskTraining(config.task).scoreName, best: better });
}

/** By the figures that the adapter of this epoch would have. */
function judged(predictions: readonly Prediction[], config: TrainConfig): Pick<EpochRecord, "scores" | "score"> {
  const { task } = config;
  const kind = taskTraining(task);
  const cases = judgedCases(predictions, config).cases.map(({ labels, logits }) => ({ labels, scores: kind.scores(task, logits) }));
  const columns = kind.columns(task);
  const scores = Object.fromEntries(columns.map((column) => [column.id, scoreOf(column, cases)]));
  return { scores, score: meanScore(columns.filter(({ id }) => kind.chooses(task).includes(id)), cases) }; // biome-ignore format: a line
}

/** Logits of cases, all slices, no augmentation. @param epoch from 1, whose tensors these are */
export async function predict(
  { config, engine, features, signal, onEvent }: TrainRun,
  cases: readonly TrainCase[],
  tensors: Tensors,
  epoch: number,
): Promise<Prediction[]> {
  const loras = config.input.views.map((_, v) => viewLora(config.modules.lora, tensors, v));
  const modules = studyModules(tensors, loras.length);
  const predictions: Prediction[] = [];
  for (const trainCase of cases) {
    const { logits } = forwardStudy((await features?.(trainCase, signal)) ?? (await encodeCase(trainCase)), modules);
    predictions.push({ trainCase, logits });
    onEvent?.({ type: "validate", epoch, done: predictions.length, total: cases.length });
  }
  return predictions;

  async function encodeCase(trainCase: TrainCase): Promise<Float32Array[]> {
    const views = await evaluationSample(trainCase, config, engine.backbone.spec, signal);
    const cls: Float32Array[] = [];
    for (const [v, { slices }] of views.entries()) cls.push((await encode(engine, slices, loras[v], {}, signal)).cls);
    return cls;
  }
}
