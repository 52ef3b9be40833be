// What the page and the worker say to each other: calls, progress, results, errors, aborts.

import { type ErrorCode, errorFrom, isAnyMC3DError } from "@anymc3d/core/errors";
import { isBlob } from "../browser-files.js";

/** A call of the page. Results come back under its number. */
export interface Call {
  readonly id: number;
  readonly method: "start" | "series" | "read" | "check" | "classify";
  /** Cloned, never transferred: the caller's arrays stay what they are. */
  readonly payload: unknown;
}

export interface Abort {
  readonly abort: number;
}

export type Answer =
  | { readonly ready: true }
  | { readonly id: number; readonly progress: unknown }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: PlainError };

/** An error as data, since a clone of one keeps neither class nor code. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly code?: ErrorCode;
  readonly details?: unknown;
  readonly stack?: string;
}

export function plainError(error: unknown): PlainError {
  const { name, message, stack } = error instanceof Error ? error : { name: "Error", message: String(error), stack: undefined };
  return { name, message, stack, ...(isAnyMC3DError(error) && { code: error.code, details: error.details }) };
}

export function errorOf({ name, message, code, details, stack }: PlainError): Error {
  const error = code ? errorFrom({ code, message, details }) : Object.assign(new Error(message), { name });
  return Object.assign(error, { stack });
}

/** The buffers of typed arrays anywhere in a value that was made for the other side. */
export function buffersOf(value: unknown, found: Set<ArrayBuffer> = new Set()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (typeof value === "object" && value !== null && !isBlob(value)) {
    for (const each of value instanceof Map ? value.values() : Object.values(value)) buffersOf(each, found);
  }
  return [...found];
}
