// The public API of @anymc3d/train.

export { type MadeAdapter, type MakeOptions, makeAdapter } from "./adapter.js";
export { chooseThreshold, type Decision, foldTemperatures, sigmoidTemperature, softmaxTemperature } from "./calibration.js";
export { modelCard } from "./card.js";
export type { TrainCase } from "./cases.js";
export { type CaseFault, type CheckCasesOptions, type CheckedCases, checkCases } from "./check-cases.js";
export { type ComparedModel, type Contender, compare, comparisonTable, contender, sizeBaselines } from "./compare.js";
export { checkFits, manifestParts, parseTrainConfig, type TrainConfig, trainConfigJsonSchema } from "./config.js";
export { type Confusion, confusion, confusionMatrix, type ReliabilityBin, type RocPoint, reliability, rocCurve } from "./curves.js";
export { type FrozenFeatures, frozenFeatures, isFrozen } from "./features.js";
export { expectationsOf, looksOf, type VolumeFacts, type VolumeLook } from "./looks.js";
export { type Prediction, predict, type TrainEvent, type TrainOutcome, type TrainRun, train } from "./loop.js";
export { auroc, evaluateLabel, type LabelMetrics, topOneAccuracy } from "./metrics.js";
export { type NpzCasesOptions, npzCases } from "./npz-cases.js";
export { adamW, clip, type Moments, schedule, zeroMoments } from "./optimizer.js";
export { importHead, importPeft, type PeftFolder, type PeftImport } from "./peft-import.js";
export { pixelLogits } from "./pixel-logits.js";
export { type ReportParts, trainingReport } from "./report.js";
export { checkSplits, drawSplits, type Split, type SplitOptions, splitName } from "./splits.js";
export { type EpochRecord, type Fingerprint, initialState, readCheckpoint, type TrainState, writeCheckpoint } from "./state.js";
export { checkLabels, type LabelCount, type SplitSummary, summariseCases } from "./summary.js";
export { defaultVariants, variantConfig } from "./variants.js";
export { type WorstCase, worstCases } from "./worst-cases.js";
