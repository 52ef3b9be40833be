// The public API of @anymc3d/train.

export type { TrainCase } from "./cases.js";
export { parseTrainConfig, type TrainConfig, trainConfigJsonSchema } from "./config.js";
