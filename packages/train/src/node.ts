// The Node part of @anymc3d/train: files and folders.

export { type CsvCases, type CsvCasesOptions, csvCases } from "./csv-cases.js";
export { decodeTable, imagePaths, type LabelRow, type LabelsOptions, parseLabels, parseSplits } from "./labels.js";
export { type AdapterFiles, checkPackageFolder, SAMPLE, writeAdapterPackage } from "./package-folder.js";
export { csvLine, openRunFolder, type RunFolder, replaceFile } from "./run-folder.js";
export { type Check, verifyAdapter } from "./verify.js";
