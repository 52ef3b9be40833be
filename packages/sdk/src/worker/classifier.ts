// createWorkerClassifier(): the classifier in a Web Worker, so that a page stays responsive; what is asked of it goes there by messages.

import type { ClassifyResult, Precision, Progress, StudyCheck, Volume, Warning } from "@anymc3d/core";
// Not the whole of core, which the page's own bundle would carry beside the worker's.
import { AnyMC3DError } from "@anymc3d/core/errors";
import type { ReadOptions, SeriesSummary, Source } from "@anymc3d/io";
import type { AdapterSource, AssetModule } from "../assets.js";
import { orAborted } from "../at-once.js";
import { isBlob, isFileList } from "../browser-files.js";
import type { ClassifierOptions, RunOptions, StudySource, VolumeSource } from "../classifier.js";
import { CLASSIFIER_OPTIONS, checkOptionNames, RUN_OPTIONS } from "../option-names.js";
import { type Answer, buffersOf, type Call, errorOf } from "./messages.js";

export { AnyMC3DError, isAbortError, isAnyMC3DError } from "@anymc3d/core/errors";

/** What a classifier in a worker is made with. */
export interface WorkerClassifierOptions extends ClassifierOptions {
  /** Makes the worker; default: this package's own, `new Worker(new URL("./worker.js", import.meta.url), { type: "module" })`. */
  readonly worker?: () => Worker;
}

/** How a classifier in a worker classifies one study. */
export interface WorkerRunOptions extends RunOptions {
  /** Hands the arrays of a volume over to the worker in place of copying them: they are empty afterwards. For large volumes; default false. */
  readonly transfer?: boolean;
}

/** The engine at work in the worker. */
export interface EngineInfo {
  /** "tfjs/webgpu", "onnxruntime-web/wasm", … */
  readonly id: string;
  readonly precision: Precision;
  /** What was passed over, and why. */
  readonly warnings: readonly Warning[];
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
  check(source: StudySource, adapter: Exclude<AdapterSource, string | URL>, options?: Pick<RunOptions, "read" | "signal">): Promise<StudyCheck>;
  /**
   * Classifies one study, as `classify()`. Arrays are copied to the worker and stay usable, unless `transfer` is set.
   * @throws AnyMC3DError as `classify()`; `ENGINE_FAILED` where the worker ended; the signal's reason at once after an abort
   */
  classify(source: StudySource, adapter: Exclude<AdapterSource, string | URL>, options?: WorkerRunOptions): Promise<ClassifyResult>;
  /** Ends the worker. Calls that are under way are rejected with `ENGINE_DISPOSED`. */
  dispose(): Promise<void>;
}

/**
 * What each method is sent. A `key` names a study that does not change: files, with the options they are read with.
 * @internal
 */
export interface Payloads {
  readonly start: { readonly options: Omit<ClassifierOptions, "signal" | "onProgress"> };
  readonly series: { readonly files: Source | readonly Source[]; readonly options: ReadOptions };
  readonly read: { readonly source: StudySource; readonly key?: string; readonly read?: RunOptions["read"] };
  readonly check: Omit<Payloads["read"], "read"> & {
    readonly adapter: { readonly id: number; readonly source?: AdapterSource };
    readonly options: Pick<RunOptions, "read">;
  };
  readonly classify: Omit<Payloads["check"], "options"> & { readonly options: Omit<RunOptions, "signal" | "onProgress"> };
}

/** A worker that has not said a word by then was blocked, or is no worker. */
const START_MS = 60_000;
/** An abort is answered to the caller at once; a worker that is still busy after this time is ended, and a new one takes over. */
const ABORT_MS = 10_000;

/**
 * Starts a worker, in which the backbone is loaded and its engine made while you go on.
 * @param options `signal` and `onProgress` are for that
 * @throws AnyMC3DError `ENGINE_UNAVAILABLE` where the worker does not start; the signal's reason
 */
export async function createWorkerClassifier(options: WorkerClassifierOptions = {}): Promise<WorkerClassifier> {
  checkOptionNames(options, ["worker", ...CLASSIFIER_OPTIONS]);
  const { worker = ownWorker, signal, onProgress, backbone, wasmPaths, ...rest } = options;
  const places = {
    ...(backbone && { backbone: typeof backbone === "string" ? backbone : absolute(backbone) }),
    ...(wasmPaths !== undefined && { wasmPaths: absolute(wasmPaths) }),
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
      thread.call("series", () => ({ files: absolute(files) as Source[], options: own }), { signal: stop }),
    read: (source, { signal: stop, onProgress: told, ...read } = {}) =>
      thread.call("read", () => ({ source: absolute(source), key: thread.keyOf(source, read), read }), {
        signal: stop,
        onProgress: told && (({ done, total }) => told(done, total)),
      }),
    check: async (source, adapter, { signal: stop, ...run } = {}) => {
      checkOptionNames(run, ["read"]);
      return thread.call("check", () => thread.runOf(source, adapter, run), { signal: stop });
    },
    classify: async (source, adapter, { signal: stop, onProgress: told, transfer, ...run } = {}) => {
      checkOptionNames(run, [...RUN_OPTIONS, "transfer"]);
      return thread.call("classify", () => thread.runOf(source, adapter, run), { signal: stop, onProgress: told, transfer });
    },
    dispose: async () => thread.end(),
  };
}

const ownWorker = () => new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "anymc3d" });

interface Hooks {
  readonly transfer?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

interface Pending extends Hooks {
  readonly method: Call["method"];
  readonly payload: () => unknown;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
  aborted: boolean;
}

/** The worker and the calls it owes an answer to. */
class Thread {
  readonly #make: () => Worker;
  readonly #options: Payloads["start"];
  readonly #pending = new Map<number, Pending>();
  readonly #names = new WeakMap<object, number>();
  #sent = new Set<number>();
  #worker: Worker | undefined;
  #opened: Promise<void> | undefined;
  #started: Promise<EngineInfo> | undefined;
  /** Who is told of the engine's making. */
  readonly #starting = new Set<(progress: Progress) => void>();
  #ended = false;
  #count = 0;

  constructor(make: () => Worker, options: Payloads["start"]) {
    this.#make = make;
    this.#options = options;
  }

  /** Starts the worker, once. */
  open(): Promise<void> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /** Makes the engine, once; again after a failure. */
  start({ signal, onProgress }: Hooks = {}): Promise<EngineInfo> {
    if (this.#ended) return Promise.reject(disposed());
    if (onProgress) this.#starting.add(onProgress);
    const tell = (progress: Progress) => {
      for (const each of this.#starting) each(progress);
    };
    this.#started ??= this.open()
      .then(() => this.#post("start", () => this.#options, { signal, onProgress: tell }))
      .then((engine) => engine as EngineInfo)
      .catch((error) => {
        this.#started = undefined;
        throw error;
      });
    return this.#started.finally(() => onProgress && this.#starting.delete(onProgress));
  }

  async call<M extends Exclude<Call["method"], "start">, T>(method: M, payload: () => Payloads[M], hooks: Hooks): Promise<T> {
    const { signal, onProgress } = hooks;
    signal?.throwIfAborted();
    if (this.#ended) throw disposed();
    await orAborted<unknown>(method === "classify" ? this.start({ onProgress }) : this.open(), signal);
    return this.#post(method, payload, hooks) as Promise<T>;
  }

  /** A name for files that are read with the same options; undefined for what may change: arrays, and URLs. */
  keyOf(source: StudySource, read: object = {}): string | undefined {
    const files = (isFileList(source) ? [...source] : Array.isArray(source) ? source : [source]) as readonly unknown[];
    if (!files.every(isBlob)) return undefined;
    return JSON.stringify([files.map((file) => this.#nameOf(file)), read]);
  }

  runOf<O extends Pick<RunOptions, "read">>(source: StudySource, adapter: AdapterSource, options: O) {
    return { source: absolute(source), key: this.keyOf(source, options.read), adapter: this.#adapterOf(adapter), options };
  }

  /** An adapter goes to the worker once. */
  #adapterOf(adapter: AdapterSource): Payloads["classify"]["adapter"] {
    if (typeof adapter !== "object" || adapter === null || adapter instanceof URL)
      throw new AnyMC3DError(
        "ADAPTER_NOT_FOUND",
        "in a browser an adapter is an imported package or a loaded adapter; load one by name with @anymc3d/registry",
      );
    const id = this.#nameOf(adapter);
    if (this.#sent.has(id)) return { id };
    this.#sent.add(id);
    return { id, source: absolute(adapter) as AdapterSource };
  }

  end(): void {
    this.#ended = true;
    this.#drop(new AnyMC3DError("ENGINE_DISPOSED", "the classifier was disposed while it worked"));
  }

  #nameOf(object: object): number {
    const name = this.#names.get(object) ?? ++this.#count;
    this.#names.set(object, name);
    return name;
  }

  #open(): Promise<void> {
    return new Promise((resolve, reject) => {
      let worker: Worker;
      try {
        worker = this.#make();
      } catch (cause) {
        return reject(notStarted((cause as Error).message, cause));
      }
      this.#worker = worker;
      const timer = setTimeout(() => fail("it did not answer within a minute"), START_MS);
      const fail = (why: string) => {
        clearTimeout(timer);
        reject(notStarted(why));
        this.#drop(new AnyMC3DError("ENGINE_FAILED", `the worker ended: ${why}`));
      };
      worker.onerror = (event) => {
        event.preventDefault();
        fail(event.message || "its script could not be loaded: a policy forbids it (Content-Security-Policy worker-src), or the server does not have it");
      };
      worker.onmessageerror = () => fail("a message could not be read");
      worker.onmessage = ({ data }: { data: Answer }) => {
        if (!("ready" in data)) return this.#answer(data);
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #post(method: Call["method"], payload: () => unknown, { signal, onProgress, transfer }: Hooks): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#ended) return reject(disposed());
      const id = ++this.#count;
      const pending: Pending = { method, payload, signal, onProgress, transfer, resolve, reject, aborted: false };
      this.#pending.set(id, pending);
      signal?.addEventListener("abort", () => this.#abort(id, pending), { once: true });
      this.#send(id, pending);
    });
  }

  #send(id: number, { method, payload, transfer, reject }: Pending): void {
    try {
      const sent = payload() as Partial<Payloads["classify"]>;
      this.#worker?.postMessage({ id, method, payload: sent } satisfies Call, transfer ? buffersOf(sent.source) : []);
    } catch (error) {
      this.#pending.delete(id);
      this.#sent.clear();
      reject((error as Error).name === "DataCloneError" ? notSent(error as Error) : error);
    }
  }

  #answer(answer: Exclude<Answer, { ready: true }>): void {
    const pending = this.#pending.get(answer.id);
    if (!pending) return;
    if ("progress" in answer) {
      if (!pending.aborted) pending.onProgress?.(answer.progress as Progress);
      return;
    }
    this.#pending.delete(answer.id);
    if ("result" in answer) pending.resolve(answer.result as never);
    else pending.reject(errorOf(answer.error));
  }

  /** The caller is told at once; the worker stops at its next chunk, or is replaced. */
  #abort(id: number, pending: Pending): void {
    if (!this.#pending.has(id)) return;
    pending.aborted = true;
    pending.reject(pending.signal?.reason);
    this.#worker?.postMessage({ abort: id });
    setTimeout(() => this.#pending.has(id) && this.#replace(), ABORT_MS);
  }

  /** Ends a worker that does not listen; the calls that wait behind go to a new one. */
  #replace(): void {
    this.#worker?.terminate();
    const waiting = [...this.#pending].filter(([, { aborted, method }]) => !aborted && method !== "start");
    this.#forget();
    if (this.#ended) return;
    for (const [, { method, payload, resolve, reject, ...hooks }] of waiting)
      this.call(method as "read", payload as () => Payloads["read"], hooks).then(resolve as (result: unknown) => void, reject);
  }

  #forget(): void {
    this.#pending.clear();
    this.#opened = undefined;
    this.#started = undefined;
    this.#sent = new Set();
  }

  #drop(error: AnyMC3DError): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    const owed = [...this.#pending.values()];
    this.#forget();
    for (const { reject } of owed) reject(error);
  }
}

const disposed = () => new AnyMC3DError("ENGINE_DISPOSED", "the classifier was disposed; create a new one");

const notSent = (cause: Error) =>
  new AnyMC3DError(
    "OPTION_INVALID",
    `something cannot be sent to the worker: ${cause.message} Sources, adapters and options must be files, typed arrays and plain data; take a volume out of a framework's proxy first (Vue: toRaw or markRaw).`,
    { cause },
  );

const notStarted = (why: string, cause?: unknown) =>
  new AnyMC3DError(
    "ENGINE_UNAVAILABLE",
    `the worker could not be started: ${why}. Serve the SDK's worker script from the page's own origin, and see "In the browser" in @anymc3d/sdk's README.`,
    { cause },
  );

/** The same source with addresses that mean in the worker what they mean in the page, and without objects that cannot be sent. */
function absolute<T>(source: T): T {
  const address = (text: string | URL) => new URL(text, globalThis.document?.baseURI ?? globalThis.location?.href).href;
  const convert = (value: unknown): unknown => {
    if (typeof value === "string" || value instanceof URL) return address(value);
    if (Array.isArray(value)) return value.map(convert);
    if (isFileList(value)) return [...value];
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || value instanceof ArrayBuffer || isBlob(value)) return value;
    if ("tensors" in value || ("data" in value && "shape" in value)) return value;
    if ("manifest" in value && "weights" in value) {
      const { name, manifest, weights } = value as unknown as AssetModule;
      return { name, manifest: address(manifest), weights: address(weights) };
    }
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, convert(each)]));
  };
  return convert(source) as T;
}
