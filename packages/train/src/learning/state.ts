// What a training run is at a moment, and its checkpoint: one safetensors file from which the run goes on as if never stopped.

import { AnyMC3DError, type BackboneSpec, isAnyMC3DError, type Tensor, type Tensors } from "@anymc3d/core";
import { readMetadata, readTensors, writeSafetensors } from "@anymc3d/core/engine";
import { adapterShapes, seededRandom } from "@anymc3d/core/learn";
import * as z from "zod";
import { manifestParts, type TrainConfig } from "../config.js";
import { taskTraining } from "../tasks/index.js";
import { sampleSeed } from "./augment.js";
import { decoderTensors } from "./decoder.js";
import { type Moments, zeroMoments } from "./optimizer.js";

/** What an epoch came to. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Mean training loss. */
  readonly loss: number;
  /** On validation, by column of the task's kind (AUROC by label id; κ, errors); null where it is undefined. */
  readonly scores: Readonly<Record<string, number | null>>;
  /** What chooses the best epoch, larger is better: the mean AUROC, quadratic weighted κ, R². */
  readonly score: number | null;
  readonly seconds: number;
  readonly slicesPerSecond: number;
}

/** What a run is at a moment; a checkpoint holds it. */
export interface TrainState {
  /** What is being trained. */
  tensors: Map<string, Tensor>;
  /** The optimiser's. */
  readonly moments: Moments;
  /** Under way, from 0. */
  epoch: number;
  /** Optimiser steps done in it. */
  step: number;
  /** Of the epoch under way: sum of the steps' losses, slices seen, seconds. */
  running: { loss: number; slices: number; seconds: number };
  history: EpochRecord[];
  best: { readonly epoch: number; readonly score: number | null; readonly tensors: Map<string, Tensor> } | undefined;
}

/** Normal numbers cut at two standard deviations, times `sd`. */
function truncatedNormal(length: number, sd: number, random: () => number): Float32Array {
  return Float32Array.from({ length }, () => {
    for (;;) {
      const value = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      if (Math.abs(value) <= 2) return sd * value;
    }
  });
}

/** The tensors a training run starts from: A Kaiming-uniform, B zero, queries truncated normal .02, head uniform in ±1/√D, bias zero or the kind's own. */
function initialTensors(config: TrainConfig, spec: BackboneSpec): Map<string, Tensor> {
  const { seed, masks } = config.training;
  const tensors = new Map<string, Tensor>();
  for (const [name, shape] of adapterShapes({ ...config, ...manifestParts(config) }, spec)) tensors.set(name, initialTensor(name, shape, seed));
  const bias = taskTraining(config.task).initialBias?.(config.task);
  if (bias) tensors.set("head.bias", { shape: [bias.length], data: bias });
  if (masks) for (const [name, tensor] of decoderTensors(spec.width, masks.hidden, sampleSeed(seed, 0, "initial/decoder"))) tensors.set(name, tensor);
  return tensors;
}

function initialTensor(name: string, shape: readonly number[], seed: number): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const random = seededRandom(sampleSeed(seed, 0, `initial/${name}`));
  if (name.endsWith(".query")) return { shape, data: truncatedNormal(length, 0.02, random) };
  if (name.endsWith(".B") || name.endsWith(".bias")) return { shape, data: new Float32Array(length) };
  const reach = 1 / Math.sqrt(shape[1]);
  return { shape, data: Float32Array.from({ length }, () => (2 * random() - 1) * reach) };
}

/** The state that a run begins with: LoRA that changes nothing yet, queries, head and mask decoder drawn by the seed. */
export function initialState(config: TrainConfig, spec: BackboneSpec): TrainState {
  const tensors = initialTensors(config, spec);
  return { tensors, moments: zeroMoments(tensors), epoch: 0, step: 0, running: { loss: 0, slices: 0, seconds: 0 }, history: [], best: undefined };
}

const metaSchema = z.strictObject({
  fingerprint: z.record(z.string(), z.string()),
  moments: z.int(),
  epoch: z.int(),
  step: z.int(),
  running: z.strictObject({ loss: z.number(), slices: z.number(), seconds: z.number() }),
  history: z.array(z.custom<EpochRecord>((value) => typeof value === "object" && value !== null)),
  best: z.strictObject({ epoch: z.int(), score: z.number().nullable() }).nullable(),
});

/** What a run is about, a hash for each part by its name; a checkpoint of another run is refused. */
export type Fingerprint = Readonly<Record<string, string>>;

/** The state as a file. @param fingerprint see {@link readCheckpoint} */
export function writeCheckpoint(state: TrainState, fingerprint: Fingerprint): Uint8Array {
  const all = new Map<string, Tensor>();
  for (const [name, tensor] of state.tensors) {
    all.set(`tensors/${name}`, tensor);
    all.set(`first/${name}`, { shape: tensor.shape, data: state.moments.first.get(name) as Float32Array });
    all.set(`second/${name}`, { shape: tensor.shape, data: state.moments.second.get(name) as Float32Array });
  }
  for (const [name, tensor] of state.best?.tensors ?? []) all.set(`best/${name}`, tensor);
  const { epoch, step, running, history, best, moments } = state;
  const meta = { fingerprint, moments: moments.step, epoch, step, running, history, best: best ? { epoch: best.epoch, score: best.score } : null };
  return writeSafetensors(all, "F32", { run: JSON.stringify(meta) });
}

/**
 * Reads a checkpoint.
 * @param fingerprint of the run that wants to go on; every part must be the one that was written
 * @throws AnyMC3DError `CHECKPOINT_INVALID`
 */
export function readCheckpoint(bytes: Uint8Array, fingerprint: Fingerprint, name = "checkpoint"): TrainState {
  const fail = (what: string, cause?: unknown): never => {
    throw new AnyMC3DError("CHECKPOINT_INVALID", `${name}: ${what}. Start anew in another folder, or go on with what the run began with.`, { cause });
  };
  try {
    const meta = metaSchema.parse(JSON.parse(readMetadata(bytes, name).run ?? ""));
    const parts = [...new Set([...Object.keys(fingerprint), ...Object.keys(meta.fingerprint)])];
    const other = parts.filter((part) => meta.fingerprint[part] !== fingerprint[part]);
    if (other.length) fail(`it belongs to a run that differs in ${other.join(", ")}`);
    const all = readTensors(bytes, name);
    const under = (prefix: string): Tensors =>
      new Map([...all].flatMap(([key, tensor]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), tensor] as const] : [])));
    const values = (prefix: string) => new Map([...under(prefix)].map(([key, { data }]) => [key, data]));
    const { epoch, step, running, history } = meta;
    const best = meta.best ? { ...meta.best, tensors: new Map(under("best/")) } : undefined;
    const moments = { step: meta.moments, first: values("first/"), second: values("second/") };
    return { tensors: new Map(under("tensors/")), moments, epoch, step, running: { ...running }, history: [...history], best };
  } catch (error) {
    if (isAnyMC3DError(error) && error.code === "CHECKPOINT_INVALID") throw error;
    return fail(`not a checkpoint of a training run: ${(error as Error).message}`, error);
  }
}
