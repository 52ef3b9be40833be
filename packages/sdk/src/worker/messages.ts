// What the page and the worker say to each other: calls, progress, results, errors, aborts.

import type { ClassifyResult, FailedRegion, Precision, Warning } from "@anymc3d/core";
import { type AnyMC3DError, type ErrorCode, errorFrom, isAnyMC3DError } from "@anymc3d/core/errors";
import type { ReadOptions, Source } from "@anymc3d/io";
import type { AdapterSource } from "../assets.js";
import { isBlob } from "../browser-files.js";
import type { ClassifierOptions, OneRegion, RunOptions, SeveralRegions, StudySource } from "../classifier.js";
import type { EngineChoice } from "../engines/table.js";

/** The engine at work in the worker. */
export interface EngineInfo {
  /** "tfjs/webgpu", "onnxruntime-web/wasm", … */
  readonly id: string;
  readonly precision: Precision;
  /** What was passed over, and why. */
  readonly warnings: readonly Warning[];
}

/**
 * What each method is sent. A `key` names a study that does not change: files, with the options they are read with.
 * @internal
 */
export interface Payloads {
  readonly start: { readonly options: Omit<ClassifierOptions, "signal" | "onProgress" | "engine"> & { readonly engine?: EngineChoice } };
  readonly series: { readonly files: Source | readonly Source[]; readonly options: ReadOptions };
  readonly read: { readonly source: StudySource; readonly key?: string; readonly read?: RunOptions["read"] };
  readonly check: Omit<Payloads["read"], "read"> & {
    readonly adapter: { readonly id: number; readonly source?: AdapterSource };
    readonly options: Pick<RunOptions, "read"> & OneRegion;
  };
  readonly classify: Omit<Payloads["check"], "options"> & { readonly options: Omit<RunOptions, "signal" | "onProgress"> & (OneRegion | SeveralRegions) };
}

/** A call of the page. Results come back under its number. */
export interface Call {
  readonly id: number;
  readonly method: keyof Payloads;
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

/** Answers of a list of regions as data: the errors among them, too. */
export const plainAnswers = (answers: readonly (ClassifyResult | FailedRegion)[]) =>
  answers.map((answer) => ("error" in answer ? { error: plainError(answer.error) } : answer));

/** What {@link plainAnswers} made data of. */
export const answersOf = (answers: readonly (ClassifyResult | { readonly error: PlainError })[]): (ClassifyResult | FailedRegion)[] =>
  answers.map((answer) => ("error" in answer ? { error: errorOf(answer.error) as AnyMC3DError } : answer));

/** The buffers of typed arrays anywhere in a value that was made for the other side. */
export function buffersOf(value: unknown, found: Set<ArrayBuffer> = new Set()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (typeof value === "object" && value !== null && !isBlob(value)) {
    for (const each of value instanceof Map ? value.values() : Object.values(value)) buffersOf(each, found);
  }
  return [...found];
}
