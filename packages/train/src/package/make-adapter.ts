// From a training run to an adapter: calibrated tensors, thresholds, metrics with intervals, expectations, conformance vector.

import { type Adapter, type AdapterManifest, type Engine, loadAdapter, type Task, taskKind, type Warning } from "@anymc3d/core";
import { writeSafetensors } from "@anymc3d/core/engine";
import { conformanceLogits, weightsHash } from "@anymc3d/core/learn";
import { manifestParts, type TrainConfig } from "../config.js";
import { expectationsOf, type VolumeFacts } from "../data/looks.js";
import type { Prediction, TrainOutcome } from "../learning/loop.js";
import { foldTemperatures } from "../metrics/calibration.js";
import { COVERAGE, type Coverage, calibrateConformal, measureCoverage } from "../metrics/conformal.js";
import { calibratedLogits } from "../report/calibrated.js";
import { taskTraining } from "../tasks/index.js";
import { FIGURES, type Measured, type Scored } from "../tasks/task-training.js";

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
  /** By which the training's logits are divided, one an output of the head. */
  readonly temperatures: readonly number[];
  /** How often sets and intervals held the truth, on cases that did not calibrate them. */
  readonly coverage: readonly Coverage[];
  /** What speaks against relying on the figures: `FEW_CASES`, `NEAR_CHANCE`, `NOT_CALIBRATED`, `NO_SETS`. */
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
  const kind = taskKind(config.task);
  const judged = judge(outcome.predictions, config);
  const weights = writeSafetensors(foldTemperatures(outcome.tensors, judged.temperatures));
  const draft: AdapterManifest = {
    ...parts,
    task: judged.task,
    input: { ...parts.input, views: config.input.views.map((view) => ({ ...view, expect: view.expect ?? expectationsOf(volumes, view) })) },
    weights: { hash: await weightsHash(weights) },
    backbone: { name: engine.backbone.name, hash: engine.backbone.hash },
    intendedUse: intendedUse ? `${intendedUse} ${intendedUse.includes(INTENDED) ? "" : INTENDED}`.trim() : `Research on ${config.title}. ${INTENDED}`,
    limits: limits.length ? limits : [`Trained and judged on ${dataset} only; how it does on other data is not known.`],
    metrics: [{ dataset, split: "val", date, seed: training.seed, madeBy, ...stated(judged) }],
    conformance: { seed: 7, tolerance: kind.tolerance(config.task, spreadOf(outcome.predictions)), logits: new Array(kind.outputs(config.task)).fill(0) },
  };
  const logits = await conformanceLogits(await loadAdapter(draft, weights), engine);
  const manifest = { ...draft, conformance: { ...draft.conformance, logits: logits.map((value) => Number(value.toFixed(5))) } };
  return { manifest, weights, adapter: await loadAdapter(manifest, weights), ...judged };
}

/** Standard deviation of what the model gives: what a conformance vector's tolerance of a quantity is a share of. */
function spreadOf(predictions: readonly Prediction[]): number | undefined {
  const values = predictions.map(({ logits }) => logits[0]);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return sd > 0 ? sd : undefined;
}

type Judged = Pick<MadeAdapter, "measured" | "temperatures" | "coverage" | "warnings"> & { readonly task: Task };

/** Calibrates on validation, then judges there. */
function judge(predictions: readonly Prediction[], { task, training }: TrainConfig): Judged {
  const kind = taskTraining(task);
  const raw = predictions.map(({ trainCase: { group, labels }, logits }): Scored => ({ group, labels, logits }));
  const temperatures = training.calibrate ? kind.temperatures(task, raw) : new Array(taskKind(task).outputs(task)).fill(1);
  const cases = predictions.map(({ trainCase: { group, labels }, logits }) => ({ group, labels, logits: calibratedLogits({ logits }, { temperatures }) }));
  const decisions = kind.decisions(task, cases, training.threshold);
  const decided = taskKind(task).withThresholds(
    task,
    decisions.map(({ threshold }) => threshold),
  );
  const conformal = calibrateConformal(decided, cases);
  const measured = kind.measure(decided, cases, { seed: training.seed }).map((row, i) => ({ ...row, ...(decisions[i] && { decision: decisions[i] }) }));
  return {
    task: conformal ? ({ ...decided, conformal } as Task) : decided,
    temperatures,
    measured,
    coverage: conformal ? measureCoverage(decided, cases, { seed: training.seed }) : [],
    warnings: [...kind.doubts(task, measured, temperatures), ...(conformal ? [] : [noSets(cases.length)])],
  };
}

const noSets = (n: number): Warning => ({
  code: "NO_SETS",
  message: `${n} validation cases are too few to promise sets or intervals that hold the truth in ${100 * COVERAGE} % of cases; results will have none`,
});

/** What a manifest states of the figures. */
function stated({ task, measured, coverage, warnings }: Judged): Pick<AdapterManifest["metrics"][number], "labels" | "figures" | "coverage" | "warnings"> {
  const names = taskTraining(task).stated;
  const labels = names.length
    ? []
    : measured.map(({ id, n, positives = 0, figures: { auroc } }) => ({ id, n, positives, auroc: auroc.value, interval: auroc.interval }));
  const figures = measured.flatMap(({ n, figures: found, units = {} }) =>
    names.map((id) => ({ id, name: FIGURES[id], n, ...found[id], ...(units[id] && { unit: units[id] }) })),
  );
  const doubts = warnings.map(({ code, message }) => ({ code, message }));
  return { labels, ...(figures.length && { figures }), ...(coverage.length && { coverage: [...coverage] }), ...(doubts.length && { warnings: doubts }) };
}
