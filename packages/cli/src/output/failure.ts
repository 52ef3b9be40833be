// Errors as a terminal user sees them, and the exit codes: 0 done, 1 something failed, 2 wrong usage, 130 interrupted.

import { ERRORS, isAbortError, isAnyMC3DError } from "@anymc3d/core/errors";
import { CommanderError } from "commander";
import { pc, printErr } from "./terminal.js";

export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** A failure that was reported already; carries only the exit code. */
export class Reported extends Error {
  constructor(readonly exitCode: number) {
    super("reported");
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof Reported) return error.exitCode;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (isAbortError(error)) return EXIT.interrupted;
  if (isAnyMC3DError(error)) return ERRORS[error.code]?.exit ?? EXIT.failed;
  return EXIT.failed;
}

/** Any error for people and for --json; `details` where its code has some. */
export function describeError(error: unknown): { code: string; message: string; details?: unknown } {
  if (isAbortError(error)) return { code: "INTERRUPTED", message: "interrupted" };
  if (isAnyMC3DError(error)) return { code: error.code, message: error.message, ...(error.details !== undefined && { details: error.details }) };
  return { code: "UNEXPECTED", message: error instanceof Error ? error.message : String(error) };
}

/** Writes an error to stderr; the stack only if asked for. Commander reports its own. */
export function reportError(error: unknown, verbose: boolean, file = ""): void {
  if (error instanceof Reported || error instanceof CommanderError) return;
  const { code, message } = describeError(error);
  const about = message.includes(file) ? "" : `${file}: `;
  printErr(`${pc.red("error")} ${pc.dim(code)} ${about}${message}`);
  if (verbose && error instanceof Error && error.stack) printErr(`${pc.dim(error.stack)}`);
  else if (code === "UNEXPECTED") printErr(pc.dim("This looks like a fault of anymc3d; --verbose shows where it happened."));
}

/** Of a text of several lines the first, and that there are more. */
export function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return end < 0 ? text : `${text.slice(0, end)} …`;
}
