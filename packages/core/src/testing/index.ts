// For engine authors: the conformance suite and its fixtures.

export { type ConformanceCase, type ConformanceOptions, testEngine } from "./conformance.js";
export { type Fixtures, loadTiny, TINY_FAMILIES, type TinyBackbone } from "./fixtures.js";
export { gradients, loraGradient, type PassOptions, statesBefore } from "./passes.js";
