// Assertions of the conformance suite.

import { relativeError } from "../engine/selftest.js";
import { type ErrorCode, isAnyMC3DError } from "../errors.js";

/** Throws with the message unless the condition holds. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Asserts values within `tolerance` of the largest expected value. */
export function checkClose(what: string, found: ArrayLike<number> | undefined, expected: ArrayLike<number>, tolerance: number): void {
  check(found !== undefined, `${what}: nothing came back`);
  const error = relativeError(found, expected);
  check(error <= tolerance, `${what}: differs by ${error.toPrecision(3)} of the largest value, ${tolerance} allowed`);
}

/** Asserts that work is refused with the given code. */
export async function checkRefused(code: ErrorCode, work: Promise<unknown>): Promise<void> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  check(isAnyMC3DError(error) && error.code === code, `expected error ${code}, got ${error instanceof Error ? `${error.name}: ${error.message}` : "none"}`);
}
