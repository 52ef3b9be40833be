// The Node part of @anymc3d/train: files and folders.

export { type CsvCases, type CsvCasesOptions, csvCases } from "./data/csv-cases.js";
export { decodeTable, imagePaths, type LabelRow, type LabelsOptions, parseLabels, parseSplits } from "./data/labels.js";
export { valueWithoutFolders } from "./data/own-paths.js";
export { type AdapterFiles, checkPackageFolder, isSample, writeAdapterPackage } from "./package/package-folder.js";
export { type Check, verifyAdapter } from "./package/verify.js";
export { type VersionPlace, versionPlaces, writeVersion } from "./package/version.js";
export type { TrainedPackage, TrainToPackageEvent } from "./run/events.js";
export type { DataOptions } from "./run/read-data.js";
export type { TrainingOverrides } from "./run/read-task.js";
export { csvLine, sheetLine } from "./run/run-folder.js";
export { type TrainToPackageOptions, type TrainToPackageResult, trainToPackage } from "./run/train-to-package.js";
