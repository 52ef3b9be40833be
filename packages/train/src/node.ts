// The Node part of @anymc3d/train: files and folders.

export { imagePath, imagePaths, type LabelRow, type LabelsOptions, parseLabels } from "./labels.js";
