// The validation cases that an adapter gets most wrong, with the slices that mattered and where it looked.

import { classify, type Engine, type Volume } from "@anymc3d/core";
import { prepareView } from "@anymc3d/core/learn";
import { encode } from "fast-png";
import type { Prediction } from "../learning/loop.js";
import { calibratedLogits } from "../metrics/judged.js";
import type { MadeAdapter } from "../package/make-adapter.js";
import { taskTraining } from "../tasks/index.js";

/** Slices of a strip. */
const SHOWN = 4;

/** A validation case that went wrong, for a look at it. */
export interface WorstCase {
  readonly id: string;
  readonly label: string;
  /** Truth and answer, as people read them: "present, probability 12.3 %". */
  readonly said: string;
  /** PNG: the slices of the first view with the largest pooling weights, in their order, above; the same with the heatmap, below. */
  readonly png: Uint8Array;
  /** Their indices along the volume's own axis, from 0. */
  readonly slices: readonly number[];
}

/**
 * The worst of each label.
 * @param count cases a label
 * @throws the engine's errors; the signal's reason after an abort
 */
export async function worstCases(
  predictions: readonly Prediction[],
  made: MadeAdapter,
  engine: Engine,
  { count = 3, signal }: { readonly count?: number; readonly signal?: AbortSignal } = {},
): Promise<WorstCase[]> {
  const { task } = made.manifest;
  const errors = predictions.flatMap((prediction) => {
    const { trainCase } = prediction;
    return taskTraining(task)
      .errors(task, calibratedLogits(prediction, made), trainCase.labels)
      .map((error) => ({ ...error, trainCase }));
  });
  const worst: WorstCase[] = [];
  for (const label of new Set(errors.map((error) => error.label))) {
    const wrong = errors.filter((error) => error.label === label).sort((a, b) => b.error - a.error);
    for (const { trainCase, said } of wrong.slice(0, count))
      worst.push({ id: trainCase.id, label, said, ...(await strip(await trainCase.load(signal), made, engine, signal)) });
  }
  return worst;
}

async function strip(volumes: Readonly<Record<string, Volume>>, { adapter }: MadeAdapter, engine: Engine, signal?: AbortSignal) {
  const { views, heatmaps } = await classify(volumes, adapter, { engine, heatmap: true, checks: "force", signal });
  const [view] = adapter.manifest.input.views;
  const prepared = prepareView(volumes[view.source], view, engine.backbone.spec);
  const heat = heatmaps && prepared.sampler(heatmaps[view.source]);
  const weights = views[0].slices.map(({ weight }) => weight);
  const shown = weights
    .map((_, n) => n)
    .sort((a, b) => weights[b] - weights[a])
    .slice(0, SHOWN)
    .sort((a, b) => a - b);
  const stacks = shown.map((n) => ({ values: prepared.values(n), hot: heat?.(n) }));
  const box = filled(
    stacks.map(({ values }) => values),
    view.size,
    view.pad,
  );
  const [height, width] = [box.bottom - box.top, box.right - box.left];
  const [low, high] = prepared.range;
  const data = new Uint8Array(3 * shown.length * width * 2 * height);
  const put = (row: number, column: number, rgb: readonly number[]) => data.set(rgb, 3 * (row * shown.length * width + column));
  stacks.forEach(({ values, hot }, at) => {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const i = (box.top + row) * view.size[1] + box.left + column;
        const grey = 255 * Math.min(1, Math.max(0, (values[i] - low) / (high - low || 1)));
        put(row, at * width + column, [grey, grey, grey]);
        put(height + row, at * width + column, over(grey, hot?.[i] ?? 0));
      }
    }
  });
  const png = encode({ width: shown.length * width, height: 2 * height, data, channels: 3, depth: 8 });
  return { png, slices: shown.map((n) => views[0].slices[n].index) };
}

/** The part of the slices that the volume fills: rows and columns with a value other than the padding; all of it where there is none. */
function filled(stacks: readonly Float32Array[], [height, width]: readonly [number, number], pad: number) {
  const box = { top: height, bottom: 0, left: width, right: 0 };
  for (const values of stacks) {
    values.forEach((value, i) => {
      if (value === pad) return;
      const [row, column] = [Math.floor(i / width), i % width];
      box.top = Math.min(box.top, row);
      box.bottom = Math.max(box.bottom, row + 1);
      box.left = Math.min(box.left, column);
      box.right = Math.max(box.right, column + 1);
    });
  }
  return box.bottom > box.top ? box : { top: 0, bottom: height, left: 0, right: width };
}

/** Grey under a translucent orange to yellow. */
function over(grey: number, heat: number): [number, number, number] {
  const alpha = Math.min(0.7, heat);
  return [grey + alpha * (250 - grey), grey + alpha * (90 + 130 * heat - grey), grey + alpha * (30 - grey)];
}
