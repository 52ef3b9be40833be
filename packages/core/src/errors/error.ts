// The one error class, and how to recognise and carry on an error of any copy of this package.

import type { ErrorCode } from "./codes.js";
import type { DetailsOf, RequiredDetails } from "./details.js";
import { bounded, harmlessLines } from "./harmless.js";

const BRAND = Symbol.for("anymc3d.error");

interface Options<C extends ErrorCode> {
  readonly cause?: unknown;
  readonly details?: DetailsOf<C>;
}

/** Codes that somebody acts on do not come without their details. */
type OptionsOf<C extends ErrorCode> = C extends keyof RequiredDetails
  ? [options: Options<C> & { readonly details: RequiredDetails[C] }]
  : [options?: Options<C>];

/**
 * An error a user can act on: what was found, what was expected, what to do; the same as data in `details`. What strangers wrote in the message is
 * harmless (see {@link harmlessLines}), and its length bounded; `details` hold it as it was found.
 */
export class AnyMC3DError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  /** Plain data, by code: see `RequiredDetails` and `OptionalDetails`. */
  declare readonly details: DetailsOf<C>;

  constructor(code: C, message: string, ...[options]: OptionsOf<C>) {
    super(bounded(harmlessLines(message)), options);
    this.name = "AnyMC3DError";
    this.code = code;
    if (options?.details !== undefined) this.details = options.details as DetailsOf<C>;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** True for an AnyMC3DError of any copy or version of this package, of one code if it is given. */
export function isAnyMC3DError<C extends ErrorCode = ErrorCode>(error: unknown, code?: C): error is AnyMC3DError<C> {
  return typeof error === "object" && error !== null && BRAND in error && (code === undefined || (error as unknown as AnyMC3DError).code === code);
}

/** What is left of an error where it goes through a message or a file. */
export interface ErrorFacts {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: unknown;
}

/** An error made anew of what {@link ErrorFacts} holds of one. */
export function errorFrom({ code, message, details }: ErrorFacts, cause?: unknown): AnyMC3DError {
  const Wide = AnyMC3DError as new (code: ErrorCode, message: string, options: { details?: unknown; cause?: unknown }) => AnyMC3DError;
  return new Wide(code, message, { details, ...(cause !== undefined && { cause }) });
}

/** The same error, code and details, in other words. */
export const reworded = (error: AnyMC3DError, message: string): AnyMC3DError => errorFrom({ code: error.code, message, details: error.details }, error);

/** True for the reason of an aborted signal. */
export function isAbortError(error: unknown): boolean {
  return typeof error === "object" && error !== null && (error as { name?: unknown }).name === "AbortError";
}
