// Entry point `@anymc3d/core/errors`: the error class, the tables of codes, and what errors say as data.

export { ERRORS, type ErrorAbout, type ErrorAction, type ErrorCode, type ErrorEntry } from "./errors/codes.js";
export type {
  AboutFile,
  Choice,
  DetailsOf,
  HashDifference,
  InputFinding,
  MissingOption,
  OptionalDetails,
  RequiredDetails,
  SchemaFaults,
  TensorDifference,
  Unfetched,
  WrongOption,
} from "./errors/details.js";
export { AnyMC3DError, type ErrorFacts, errorFrom, isAbortError, isAnyMC3DError, reworded } from "./errors/error.js";
export { bounded, harmless, harmlessHtml, harmlessJson, harmlessLines, isHarmless, isolated } from "./errors/harmless.js";
export { isOfAdapter, isOfMachine, WARNINGS, type WarningCode, type WarningEntry, warningWords } from "./errors/warnings.js";
