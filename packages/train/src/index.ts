// The public API of @anymc3d/train.

export { checkFits, manifestParts, parseTrainConfig, type TrainConfig, trainConfigJsonSchema } from "./config.js";
export type { TrainCase } from "./data/cases.js";
export { type CaseFault, type CheckCasesOptions, type CheckedCases, checkCases } from "./data/check-cases.js";
export { expectationsOf, looksOf, type VolumeFacts, type VolumeLook } from "./data/looks.js";
export { type NpzCasesOptions, npzCases } from "./data/npz-cases.js";
export { checkSplits, drawSplits, type Split, type SplitOptions, splitName } from "./data/splits.js";
export { checkLabels, type SplitSummary, summariseCases } from "./data/summary.js";
export { type FrozenFeatures, frozenFeatures, isFrozen } from "./learning/features.js";
export { type Prediction, predict, type TrainEvent, type TrainOutcome, type TrainRun, train } from "./learning/loop.js";
export { adamW, clip, type Moments, schedule, zeroMoments } from "./learning/optimizer.js";
export { type EpochRecord, type Fingerprint, initialState, readCheckpoint, type TrainState, writeCheckpoint } from "./learning/state.js";
export { chooseThreshold, type Decision, foldTemperatures, sigmoidTemperature, softmaxTemperature } from "./metrics/calibration.js";
export { type ComparedModel, type Contender, compare, comparisonTable, contender, sizeBaselines } from "./metrics/compare.js";
export { type Coverage, calibrateConformal, coverageIn, measureCoverage } from "./metrics/conformal.js";
export { type ReliabilityBin, type RocPoint, reliability, rocCurve } from "./metrics/curves.js";
export { agreement, type Confusion, confusion, crossTable, macroF1 } from "./metrics/decisions.js";
export { auroc, BOOTSTRAP } from "./metrics/metrics.js";
export { modelCard } from "./package/card.js";
export { filledIn, groupCounts, type MadeAdapter, type MakeOptions, makeAdapter, statedFigures } from "./package/make-adapter.js";
export { pixelLogits } from "./package/pixel-logits.js";
export { importHead, importPeft, type PeftFolder, type PeftImport } from "./peft/peft-import.js";
export { type ReportParts, trainingReport } from "./report/report.js";
export { type WorstCase, worstCases } from "./report/worst-cases.js";
export { TASK_TRAININGS, taskTraining } from "./tasks/index.js";
export { type ClassTable, FIGURES, flat, type LabelCount, type Measured, type Scored, type TaskTraining } from "./tasks/task-training.js";
export { defaultVariants, variantConfig } from "./variants.js";
