// From a training run to an adapter: calibrated tensors, thresholds, metrics with intervals, expectations, conformance vector.

import { type Adapter, type AdapterManifest, type Engine, loadAdapter, type Task, taskKind, type Warning } from "@anymc3d/core";
import { writeSafetensors } from "@anymc3d/core/engine";
import { conformanceLogits, figureDoubts, type GroupCounts, weightsHash } from "@anymc3d/core/learn";
import { manifestParts, type TrainConfig } from "../config.js";
import { expectationsOf, maskLabelsOf, percentilesOf, type VolumeFacts } from "../data/looks.js";
import type { Prediction, TrainOutcome } from "../learning/loop.js";
import { normalisationOf } from "../learning/value-loss.js";
import { foldTemperatures } from "../metrics/calibration.js";
import { COVERAGE, type Coverage, calibrateConformal, measureCoverage } from "../metrics/conformal.js";
import { judgedCases } from "../metrics/judged.js";
import { BOOTSTRAP, type Estimate } from "../metrics/metrics.js";
import { taskTraining } from "../tasks/index.js";
import { FIGURES, type LabelCount, type Measured } from "../tasks/task-training.js";

/** That the figures are from. */
const SPLIT = "val";
const INTENDED = "Research use only; not a medical device.";
/** An adapter made from a training run, and what its figures are worth. */
export interface MadeAdapter {
  /** adapter.json */
  readonly manifest: AdapterManifest;
  /** weights.safetensors */
  readonly weights: Uint8Array;
  /** Both, loaded. */
  readonly adapter: Adapter;
  /** On validation, after calibration: a row a label, or one of the task. */
  readonly measured: readonly Measured[];
  /** Of labels and classes: figures of all of them together. */
  readonly whole?: Measured;
  /** By which the training's logits are divided, one an output of the head. */
  readonly temperatures: readonly number[];
  /** How often sets and intervals held the truth, on cases that did not calibrate them. */
  readonly coverage: readonly Coverage[];
  /** What speaks against relying on the figures: `FEW_CASES`, `NEAR_CHANCE`, `WORSE_THAN_CHANCE`, `NOT_CALIBRATED`, `NO_SETS`. */
  readonly warnings: readonly Warning[];
}

/** What an adapter is made of. */
export interface MakeOptions {
  readonly config: TrainConfig;
  readonly outcome: TrainOutcome;
  /** Of the training volumes; fills an `expect` that the configuration leaves out. */
  readonly volumes: readonly VolumeFacts[];
  readonly engine: Engine;
  /** Of the training cases, by label. */
  readonly trained?: readonly LabelCount[];
  /** Program and version, for the metrics. */
  readonly madeBy: string;
  /** Of the metrics, YYYY-MM-DD. */
  readonly date: string;
}

/**
 * Makes the adapter.
 * @throws AnyMC3DError `MANIFEST_INVALID` where the configuration gives an invalid manifest; the engine's own
 */
export async function makeAdapter({ config, outcome, volumes, engine, madeBy, date, trained = [] }: MakeOptions): Promise<MadeAdapter> {
  const { dataset, training, intendedUse, limits } = config;
  const parts = manifestParts(config);
  const kind = taskKind(config.task);
  const judged = judge(outcome.predictions, config);
  const weights = writeSafetensors(foldTemperatures(outcome.tensors, judged.temperatures));
  const draft: AdapterManifest = {
    ...parts,
    task: judged.task,
    input: { ...parts.input, views: config.input.views.map((view) => filledIn(view, volumes)) },
    weights: { hash: await weightsHash(weights) },
    backbone: { name: engine.backbone.name, hash: engine.backbone.hash },
    intendedUse: intendedUse ? `${intendedUse} ${intendedUse.includes(INTENDED) ? "" : INTENDED}`.trim() : `Research on ${config.title}. ${INTENDED}`,
    limits: limits.length ? limits : [`Trained and judged on ${dataset} only; how it does on other data is not known.`],
    metrics: [{ dataset, split: SPLIT, date, seed: training.seed, madeBy, ...thresholdsOf(training), ...withTrained(stated(judged), trained) }],
    conformance: {
      seed: 7,
      tolerance: kind.tolerance(config.task, spreadOf(outcome.predictions) || undefined),
      logits: new Array(kind.outputs(config.task)).fill(0),
    },
  };
  const logits = await conformanceLogits(await loadAdapter(draft, weights), engine);
  const manifest = { ...draft, conformance: { ...draft.conformance, logits: logits.map((value) => Number(value.toFixed(5))) } };
  return { manifest, weights, adapter: await loadAdapter(manifest, weights), ...judged };
}

/** A view with what is told by the training volumes: all of `expect`, or only where the percentiles lie; the two numbers of a mask. */
export function filledIn(view: TrainConfig["input"]["views"][number], volumes: readonly VolumeFacts[]): AdapterManifest["input"]["views"][number] {
  const percentiles = view.expect && !view.expect.percentiles ? percentilesOf(volumes, view) : undefined;
  const labels = view.labels ?? maskLabelsOf(volumes, view.source);
  return {
    ...view,
    ...(labels && { labels }),
    expect: view.expect ? { ...view.expect, ...(percentiles && { percentiles }) } : expectationsOf(volumes, view),
  };
}

/** Standard deviation of what the model gives: what a conformance vector's tolerance of a quantity is a share of. */
const spreadOf = (predictions: readonly Prediction[]): number => normalisationOf(predictions.map(({ logits }) => logits[0])).sd;

type Judged = Pick<MadeAdapter, "measured" | "whole" | "temperatures" | "coverage" | "warnings"> & { readonly task: Task };

/** Calibrates on validation, then judges there. */
function judge(predictions: readonly Prediction[], config: TrainConfig): Judged {
  const { task, training } = config;
  const kind = taskTraining(task);
  const { temperatures, cases } = judgedCases(predictions, config);
  const thresholds = training.threshold ? kind.decisions(task, cases, training.threshold).map(({ threshold }) => threshold) : [];
  const decided = taskKind(task).withThresholds(task, thresholds);
  const conformal = calibrateConformal(decided, cases);
  const judged = { task: conformal ? ({ ...decided, conformal } as Task) : decided, temperatures };
  const measured = kind.measure(decided, cases, BOOTSTRAP);
  const whole = kind.whole(decided, cases, BOOTSTRAP);
  const coverage = conformal ? measureCoverage(decided, cases, { seed: training.seed }) : [];
  const warnings = [
    ...figureDoubts({ split: SPLIT, ...statedFigures(task, measured, whole) }, groupCounts(measured)),
    ...kind.calibrationDoubts(task, temperatures),
    ...(conformal ? [] : [noSets(cases.length)]),
  ];
  return { ...judged, measured, ...(whole && { whole }), coverage, warnings };
}

const noSets = (n: number): Warning => ({
  code: "NO_SETS",
  message: `${n} validation cases are too few to promise sets or intervals that hold the truth in ${100 * COVERAGE} % of cases; results will have none`,
});

type Metrics = AdapterManifest["metrics"][number];

/** By id, the groups (patients) that were judged. */
export const groupCounts = (measured: readonly Measured[]): Map<string, GroupCounts> =>
  new Map(measured.flatMap(({ id, groups }) => (groups ? [[id, groups]] : [])));

const plain = ({ value, interval }: Estimate) => ({ value, interval });

/** Figures as a manifest states them: an AUROC a label and those of all labels, or those of the task. */
export function statedFigures(task: Task, measured: readonly Measured[], whole?: Measured): Pick<Metrics, "labels" | "figures"> {
  const byTask = taskTraining(task).stated.length > 0;
  const labels = byTask
    ? []
    : measured.map(({ id, n, positives = 0, figures: { auroc, sensitivity, specificity } }) => ({
        id,
        n,
        positives,
        auroc: auroc.value,
        interval: auroc.interval,
        // Of classes there is no threshold that one could speak of.
        ...(specificity && sensitivity && { sensitivity: plain(sensitivity), specificity: plain(specificity) }),
      }));
  const figures = [...(byTask ? measured : []), ...(whole ? [whole] : [])].flatMap(({ n, figures: found, units = {} }) =>
    Object.entries(found).map(([id, estimate]) => ({ id, name: FIGURES[id], n, ...estimate, ...(units[id] && { unit: units[id] }) })),
  );
  return { labels, ...(figures.length && { figures }) };
}

/** How thresholds were chosen, for people. */
function thresholdsOf({ threshold }: TrainConfig["training"]): Pick<Metrics, "thresholds"> {
  if (!threshold) return {};
  return { thresholds: threshold === "youden" ? `Youden's index on ${SPLIT}` : `a sensitivity of ${threshold.sensitivity} on ${SPLIT}` };
}

function withTrained<M extends Pick<Metrics, "labels">>(metrics: M, trained: readonly LabelCount[]): M {
  const labels = metrics.labels.map((label) => {
    const { positives, negatives } = trained.find(({ id }) => id === label.id) ?? {};
    return positives === undefined || negatives === undefined ? label : { ...label, trained: { n: positives + negatives, positives } };
  });
  return { ...metrics, labels };
}

function stated({ task, measured, whole, coverage, warnings }: Judged): Omit<Metrics, "dataset" | "split" | "date" | "seed" | "madeBy"> {
  return { ...statedFigures(task, measured, whole), ...(coverage.length && { coverage: [...coverage] }), ...(warnings.length && { warnings: [...warnings] }) };
}
