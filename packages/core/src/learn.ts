// What training and making adapters needs: prepared views, what lies behind the backbone with its gradients, what is known of voxel values, the manifest's schema, conformal quantiles.

export { adapterShapes, type BoundAdapter, bindAdapter, viewLora, weightsHash } from "./adapter.js";
export { checkInput } from "./checks.js";
export { conformalQuantile } from "./conformal.js";
export { conformanceLogits, syntheticVolume } from "./conformance.js";
export { AIR, asDeclared, FLOOR, inHounsfield, valuesOf, wholeLabels, withoutPadding } from "./declared.js";
export { type Doubt, doubtFaults, figureDoubts, type GroupCounts, withDoubts } from "./doubts.js";
export { displayGrid } from "./geometry.js";
export { FUSIONS } from "./kinds/fusion/index.js";
export { HEADS, type HeadForm, headForward, headGradient } from "./kinds/head/index.js";
export { INTENSITIES } from "./kinds/intensity/index.js";
export { POOLINGS } from "./kinds/pooling/index.js";
export { type Roi, roiKind } from "./kinds/roi/index.js";
export { adapterJsonSchema, adapterManifestSchema } from "./manifest.js";
export { upgradeManifest } from "./manifest-upgrade.js";
export { attentionPool, attentionPoolGradient, meanPool, meanPoolGradient, sigmoid, softmax } from "./pool.js";
export { type PreparedView, prepareView } from "./preprocess.js";
export { seededRandom } from "./random.js";
export { type CutRegion, cutRegion, putBack } from "./regions.js";
export { faultsOf } from "./schema-fields.js";
export { forwardStudy, type StudyForward, type StudyGradient, type StudyModules } from "./study.js";
export { taskSchema } from "./tasks/index.js";
export type { Conformal, TaskLabel } from "./tasks/labels.js";
export { classValues, cumulativeProbabilities, medianClass } from "./tasks/ordinal.js";
