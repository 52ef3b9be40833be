// createWorkerClassifier(): the classifier in a Web Worker, so that a page stays responsive; what is asked of it goes there by messages.

import type { ClassifyResult, FailedRegion, StudyCheck, Volume } from "@anymc3d/core";
import type { ReadOptions, SeriesSummary, Source } from "@anymc3d/io";
import type { AdapterSource } from "../assets.js";
import { orAborted } from "../at-once.js";
import type { ClassifierOptions, OneRegion, RunOptions, SeveralRegions, StudySource, VolumeSource } from "../classifier.js";
import type { EngineChoice } from "../engines/table.js";
import { CLASSIFIER_OPTIONS, checkOptionNames, RUN_OPTIONS } from "../option-names.js";
import { answersOf, type EngineInfo } from "./messages.js";
import { sendable } from "./sendable.js";
import { Thread } from "./thread.js";

export { AnyMC3DError, isAbortError, isAnyMC3DError } from "@anymc3d/core/errors";
export type { EngineInfo } from "./messages.js";

/** What a classifier in a worker is made with. */
export interface WorkerClassifierOptions extends Omit<ClassifierOptions, "engine"> {
  /** By its name: an engine of one's own runs in a worker of one's own. */
  readonly engine?: EngineChoice;
  /** Makes the worker; default: this package's own, `new Worker(new URL("./worker.js", import.meta.url), { type: "module" })`. */
  readonly worker?: () => Worker;
}

/** How a classifier in a worker classifies one study. */
export interface WorkerRunOptions extends RunOptions {
  /** Hands the arrays of a volume over to the worker in place of copying them: they are empty afterwards. For large volumes; default false. */
  readonly transfer?: boolean;
}

/** A classifier in a Web Worker. Classifications run one after the other; reading does not wait for the engine. */
export interface WorkerClassifier {
  /** Being made from the beginning; rejects as `createClassifier()`, and so does `classify()`, which then tries again. */
  readonly engine: Promise<EngineInfo>;
  /** The DICOM series among files, as `listSeries()`. */
  series(files: VolumeSource, options?: ReadOptions): Promise<SeriesSummary[]>;
  /** Reads a volume, as `readVolume()`. The worker keeps the last one that was read from files: classifying the same `File` objects does not read them again. */
  read(source: Exclude<VolumeSource, Volume>, options?: ReadOptions): Promise<Volume>;
  /** Whether an adapter takes a study, as `checkStudy()`; does not wait for the engine. */
  check(source: StudySource, adapter: Exclude<AdapterSource, string | URL>, options?: Pick<RunOptions, "read" | "signal"> & OneRegion): Promise<StudyCheck>;
  /**
   * Classifies one study, as `classify()`. Arrays are copied to the worker and stay usable, unless `transfer` is set.
   * @throws AnyMC3DError as `classify()`; `ENGINE_FAILED` where the worker ended; the signal's reason at once after an abort
   */
  classify(
    source: StudySource,
    adapter: Exclude<AdapterSource, string | URL>,
    options: WorkerRunOptions & SeveralRegions,
  ): Promise<(ClassifyResult | FailedRegion)[]>;
  classify(source: StudySource, adapter: Exclude<AdapterSource, string | URL>, options?: WorkerRunOptions & OneRegion): Promise<ClassifyResult>;
  /** Ends the worker. Calls that are under way are rejected with `ENGINE_DISPOSED`. */
  dispose(): Promise<void>;
}

/**
 * Starts a worker, in which the backbone is loaded and its engine made while you go on.
 * @param options `signal` and `onProgress` are for that
 * @throws AnyMC3DError `ENGINE_UNAVAILABLE` where the worker does not start; the signal's reason
 */
export async function createWorkerClassifier(options: WorkerClassifierOptions = {}): Promise<WorkerClassifier> {
  checkOptionNames(options, ["worker", ...CLASSIFIER_OPTIONS]);
  const { worker = ownWorker, signal, onProgress, backbone, wasmPaths, ...rest } = options;
  const places = {
    ...(backbone && { backbone: typeof backbone === "string" ? backbone : sendable(backbone) }),
    ...(wasmPaths !== undefined && { wasmPaths: sendable(wasmPaths) }),
  };
  const thread = new Thread(worker, { options: { ...rest, ...places } });
  signal?.throwIfAborted();
  await orAborted(thread.open(), signal).catch((error) => {
    thread.end();
    throw error;
  });
  thread.start({ signal, onProgress }).catch(() => undefined);
  return {
    get engine() {
      return thread.start();
    },
    series: (files, { signal: stop, onProgress: _, ...own } = {}) =>
      thread.call("series", () => ({ files: sendable(files) as Source[], options: own }), { signal: stop }),
    read: (source, { signal: stop, onProgress: told, ...read } = {}) =>
      thread.call("read", () => thread.readOf(source, read), {
        signal: stop,
        onProgress: told && (({ done, total }) => told(done, total)),
      }),
    check: async (source, adapter, { signal: stop, ...run } = {}) => {
      checkOptionNames(run, ["read", "roi"]);
      return thread.call("check", () => thread.runOf(source, adapter, run), { signal: stop });
    },
    classify: (async (
      source: StudySource,
      adapter: AdapterSource,
      { signal: stop, onProgress: told, transfer, ...run }: WorkerRunOptions & (OneRegion | SeveralRegions) = {},
    ) => {
      checkOptionNames(run, [...RUN_OPTIONS, "transfer"]);
      const hooks = { signal: stop, onProgress: told, transfer };
      const answers: ClassifyResult | Parameters<typeof answersOf>[0] = await thread.call("classify", () => thread.runOf(source, adapter, run), hooks);
      return isList(answers) ? answersOf(answers) : answers;
    }) as WorkerClassifier["classify"],
    dispose: async () => thread.end(),
  };
}

const isList = <T>(answers: ClassifyResult | readonly T[]): answers is readonly T[] => Array.isArray(answers);

const ownWorker = () => new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "anymc3d" });
