// A case as the backbone sees it: prepared slices of every view, augmented in training, whole in evaluation.

import { type BackboneSpec, isAnyMC3DError, type Slices, type ViewManifest } from "@anymc3d/core";
import { slicesOf } from "@anymc3d/core/engine";
import { reworded } from "@anymc3d/core/errors";
import { type PreparedView, prepareView, seededRandom } from "@anymc3d/core/learn";
import type { TrainConfig } from "../config.js";
import { maskOf, type Shift, type TrainCase } from "../data/cases.js";
import { augment, sampleSeed, trainingSlices } from "./augment.js";

export interface SampleView {
  readonly slices: Slices;
  /** 0 … 1 on the slices' pixels, [slices, rows, columns]; first source only, where the case has a mask and it is wanted. */
  readonly mask?: Float32Array;
}

/** A view of task.json as one of adapter.json. */
export const asView = (view: TrainConfig["input"]["views"][number]): ViewManifest => ({ ...view, expect: view.expect ?? {} });

/** Says which case an error is about. */
async function ofCase<T>({ id, origin }: TrainCase, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!isAnyMC3DError(cause)) throw cause;
    throw reworded(cause, `case ${id} (${origin}): ${cause.message}`);
  }
}

/** All slices of every view, as `classify()` takes them. */
export async function evaluationSample(trainCase: TrainCase, config: TrainConfig, spec: BackboneSpec, signal?: AbortSignal): Promise<SampleView[]> {
  return ofCase(trainCase, async () => {
    const volumes = await trainCase.load(signal);
    return config.input.views.map((view) => ({ slices: prepareView(volumes[view.source], asView(view), spec).slices }));
  });
}

/**
 * A training sample: a draw of slices, augmented. Everything drawn follows from seed, epoch, case and view alone.
 * @param epoch from 0
 */
export function trainingSample(trainCase: TrainCase, config: TrainConfig, spec: BackboneSpec, epoch: number, signal?: AbortSignal): Promise<SampleView[]> {
  return ofCase(trainCase, () => drawnSample(trainCase, config, spec, epoch, signal));
}

async function drawnSample(trainCase: TrainCase, config: TrainConfig, spec: BackboneSpec, epoch: number, signal?: AbortSignal): Promise<SampleView[]> {
  const { training, input } = config;
  const shift = regionShift(config, sampleSeed(training.seed, epoch, `${trainCase.id}/region`));
  const volumes = await trainCase.load(signal, shift);
  const mask = training.masks ? await maskOf(trainCase, signal, shift) : undefined;
  return input.views.map((view, v) => {
    const prepared = prepareView(volumes[view.source], asView(view), spec);
    const seed = sampleSeed(training.seed, epoch, `${trainCase.id}/${v}`);
    const chosen = trainingSlices(prepared.chosen.length, training.slices, seededRandom(sampleSeed(training.seed, epoch, `${trainCase.id}/${v}/slices`)));
    const size = view.size[0] * view.size[1];
    const stack = (sample: (n: number) => Float32Array) => {
      const out = new Float32Array(chosen.length * size);
      chosen.forEach((n, i) => out.set(sample(n), i * size));
      return out;
    };
    const values = stack(prepared.values);
    const wanted =
      mask && view.source === input.views[0].source ? stack(prepared.sampler({ ...mask, data: mask.data.map((m) => (m > 0 ? 1 : 0)) })) : undefined;
    const shape = [chosen.length, view.size[0], view.size[1]] as const;
    const laidOut = { shape, pad: view.pad, range: prepared.range, labels: prepared.severalLabels };
    const changed = training.augment ? augment(values, wanted, { ...laidOut, options: training.augment, seed }) : { values, mask: wanted };
    return { slices: slicesFrom(changed.values, prepared, view.size), mask: changed.mask };
  });
}

/** By how much the box around a region is moved in this epoch. */
function regionShift({ training: { augment } }: TrainConfig, seed: number): Shift | undefined {
  if (!augment || augment.region.mm === 0) return undefined;
  const random = seededRandom(seed);
  if (random() >= augment.region.p) return undefined;
  const drawn = () => (2 * random() - 1) * augment.region.mm;
  return [drawn(), drawn(), drawn()];
}

function slicesFrom(values: Float32Array, prepared: PreparedView, [height, width]: readonly [number, number]): Slices {
  const size = height * width;
  const pixels = new Float32Array(3 * values.length);
  for (let n = 0; n < values.length / size; n++) pixels.set(prepared.channels(values.subarray(n * size, (n + 1) * size)), 3 * n * size);
  return slicesOf(pixels, height, width);
}

/** Several samples' slices of one view, one after the other. */
export function joined(samples: readonly SampleView[]): Slices {
  const [{ slices }] = samples;
  const count = samples.reduce((sum, sample) => sum + sample.slices.count, 0);
  return {
    ...slices,
    count,
    async read(start, end) {
      const size = 3 * slices.height * slices.width;
      const out = new Float32Array((end - start) * size);
      let first = 0;
      for (const { slices: own } of samples) {
        const [from, to] = [Math.max(start, first), Math.min(end, first + own.count)];
        if (from < to) out.set(await own.read(from - first, to - first), (from - start) * size);
        first += own.count;
      }
      return out;
    },
  };
}
