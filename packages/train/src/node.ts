// The Node part of @anymc3d/train: files and folders.

export { type CsvCases, type CsvCasesOptions, csvCases } from "./csv-cases.js";
export { imagePaths, type LabelRow, type LabelsOptions, parseLabels } from "./labels.js";
export { type AdapterFiles, writeAdapterPackage } from "./package-folder.js";
export { openRunFolder, type RunFolder, replaceFile } from "./run-folder.js";
export { type Check, verifyAdapter } from "./verify.js";
