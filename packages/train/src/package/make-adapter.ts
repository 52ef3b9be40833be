// From a training run to an adapter: calibrated tensors, thresholds, metrics with intervals, expectations, conformance vector.

import {
  type Adapter,
  type AdapterManifest,
  conformanceLogits,
  type Engine,
  loadAdapter,
  sigmoid,
  softmax,
  taskKind,
  type Warning,
  weightsHash,
  writeSafetensors,
} from "@anymc3d/core";
import { manifestParts, type TrainConfig } from "../config.js";
import { expectationsOf, type VolumeFacts } from "../data/looks.js";
import type { Prediction, TrainOutcome } from "../learning/loop.js";
import { atBound, chooseThreshold, type Decision, foldTemperatures, sigmoidTemperature, softmaxTemperature } from "../metrics/calibration.js";
import { evaluateLabel, type LabelMetrics } from "../metrics/metrics.js";

const INTENDED = "Research use only; not a medical device.";
const TOLERANCE = 0.01;

/** An adapter made from a training run, and what its figures are worth. */
export interface MadeAdapter {
  /** adapter.json */
  readonly manifest: AdapterManifest;
  /** weights.safetensors */
  readonly weights: Uint8Array;
  /** Both, loaded. */
  readonly adapter: Adapter;
  /** By label, on validation, after calibration. */
  readonly labels: readonly (LabelMetrics & Decision & { readonly id: string; readonly temperature: number })[];
  /** What speaks against relying on the figures: `FEW_CASES`, `NEAR_CHANCE`, `NOT_CALIBRATED`. */
  readonly warnings: readonly Warning[];
}

/** What an adapter is made of. */
export interface MakeOptions {
  readonly config: TrainConfig;
  readonly outcome: TrainOutcome;
  /** Of the training volumes; fills an `expect` that the configuration leaves out. */
  readonly volumes: readonly VolumeFacts[];
  readonly engine: Engine;
  /** Program and version, for the metrics. */
  readonly madeBy: string;
  /** Of the metrics, YYYY-MM-DD. */
  readonly date: string;
}

/**
 * Makes the adapter.
 * @throws AnyMC3DError `MANIFEST_INVALID` where the configuration gives an invalid manifest; the engine's own
 */
export async function makeAdapter({ config, outcome, volumes, engine, madeBy, date }: MakeOptions): Promise<MadeAdapter> {
  const { dataset, training, intendedUse, limits } = config;
  const parts = manifestParts(config);
  const temperatures = training.calibrate ? temperaturesOf(outcome.predictions, config) : config.task.labels.map(() => 1);
  const tensors = foldTemperatures(outcome.tensors, temperatures);
  const weights = writeSafetensors(tensors);
  const labels = judge(outcome.predictions, config, temperatures);
  const metrics = {
    dataset,
    split: "val",
    date,
    seed: training.seed,
    madeBy,
    labels: labels.map(({ id, n, positives, auroc }) => ({ id, n, positives, auroc: auroc.value, interval: auroc.interval })),
  };
  const draft: AdapterManifest = {
    ...parts,
    task: taskKind(config.task).withThresholds(
      config.task,
      labels.map(({ threshold }) => threshold),
    ),
    input: { ...parts.input, views: config.input.views.map((view) => ({ ...view, expect: view.expect ?? expectationsOf(volumes, view) })) },
    weights: { hash: await weightsHash(weights) },
    backbone: { name: engine.backbone.name, hash: engine.backbone.hash },
    intendedUse: intendedUse ? `${intendedUse} ${intendedUse.includes(INTENDED) ? "" : INTENDED}`.trim() : `Research on ${config.title}. ${INTENDED}`,
    limits: limits.length ? limits : [`Trained and judged on ${dataset} only; how it does on other data is not known.`],
    metrics: [metrics],
    conformance: { seed: 7, tolerance: TOLERANCE, logits: config.task.labels.map(() => 0) },
  };
  const logits = await conformanceLogits(await loadAdapter(draft, weights), engine);
  const manifest = { ...draft, conformance: { ...draft.conformance, logits: logits.map((value) => Number(value.toFixed(5))) } };
  return { manifest, weights, adapter: await loadAdapter(manifest, weights), labels, warnings: labels.flatMap(doubts) };
}

/** Fewer of either class in validation, and an AUROC is an anecdote. */
const FEW = 5;

function doubts({ id, n, positives, auroc, temperature }: MadeAdapter["labels"][number]): Warning[] {
  const fewest = Math.min(positives, n - positives);
  const near = auroc.interval && auroc.interval[0] <= 0.5 && auroc.interval[1] >= 0.5;
  return [
    ...(fewest < FEW
      ? [{ code: "FEW_CASES" as const, message: `${id}: validation has ${positives} positive and ${n - positives} negative cases; its figures say little` }]
      : []),
    ...(near
      ? [{ code: "NEAR_CHANCE" as const, message: `${id}: the interval of its AUROC holds 0.5, what guessing gives; nothing shows that it was learned` }]
      : []),
    ...(atBound(temperature)
      ? [
          {
            code: "NOT_CALIBRATED" as const,
            message: `${id}: no temperature makes its probabilities match the validation frequencies (the best lies at the bound, ${Number(temperature.toPrecision(2))}); do not read them as probabilities`,
          },
        ]
      : []),
  ];
}

function temperaturesOf(predictions: readonly Prediction[], { task }: TrainConfig): number[] {
  if (task.kind !== "multiclass") {
    return task.labels.map(({ id }, i) => {
      const known = predictions.filter(({ trainCase }) => trainCase.labels.has(id));
      return sigmoidTemperature(
        known.map(({ logits }) => logits[i]),
        known.map(({ trainCase }) => trainCase.labels.get(id) as number),
      );
    });
  }
  const known = predictions.filter(({ trainCase }) => [...trainCase.labels.values()].includes(1));
  const classes = known.map(({ trainCase }) => task.labels.findIndex(({ id }) => trainCase.labels.get(id) === 1));
  const temperature = softmaxTemperature(
    known.map(({ logits }) => logits),
    classes,
  );
  return task.labels.map(() => temperature);
}

function judge(predictions: readonly Prediction[], { task, training }: TrainConfig, temperatures: readonly number[]): MadeAdapter["labels"] {
  const probabilities = predictions.map(({ logits }) => {
    const scaled = logits.map((value, i) => value / temperatures[i]);
    return task.kind === "multiclass" ? softmax(scaled) : scaled.map(sigmoid);
  });
  return task.labels.map(({ id }, i) => {
    const cases = predictions.flatMap(({ trainCase }, c) => {
      const label = trainCase.labels.get(id);
      return label === undefined ? [] : [{ group: trainCase.group, label, probability: probabilities[c][i] }];
    });
    const decision = chooseThreshold(
      cases.map(({ probability }) => probability),
      cases.map(({ label }) => label),
      training.threshold,
    );
    return { id, temperature: temperatures[i], ...decision, ...evaluateLabel(cases, decision.threshold, { seed: training.seed }) };
  });
}
