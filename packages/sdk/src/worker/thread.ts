// The worker and the calls it owes an answer to: started when it is needed, ended or replaced when it does not listen.

import type { Progress } from "@anymc3d/core";
import { AnyMC3DError } from "@anymc3d/core/errors";
import type { AdapterSource } from "../assets.js";
import { orAborted } from "../at-once.js";
import type { OneRegion, RunOptions, SeveralRegions, StudySource } from "../classifier.js";
import { type Answer, buffersOf, type Call, type EngineInfo, errorOf, type Payloads } from "./messages.js";
import { sendable, sendableRead, sendableRegions } from "./sendable.js";
import { ObjectNumbers, studyKey } from "./study-key.js";

/** A worker that has not said a word by then was blocked, or is no worker. Its script may come over a slow line, onto a busy machine. */
const START_MS = 300_000;
/** An abort is answered to the caller at once; a worker that is still busy after this time is ended, and a new one takes over. */
const ABORT_MS = 10_000;

/** What a call may have beside its payload. */
export interface Hooks {
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

export class Thread {
  readonly #make: () => Worker;
  readonly #options: Payloads["start"];
  readonly #pending = new Map<number, Pending>();
  readonly #numbers = new ObjectNumbers();
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
      for (const listener of this.#starting) listener(progress);
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

  readOf(source: StudySource, read: RunOptions["read"]): Payloads["read"] {
    return { source: sendable(source), key: studyKey(source, read, this.#numbers), read: sendableRead(read) };
  }

  runOf<O extends Pick<RunOptions, "read"> & (OneRegion | SeveralRegions)>(source: StudySource, adapter: AdapterSource, options: O) {
    const { read, ...study } = this.readOf(source, options.read);
    return { ...study, adapter: this.#adapterOf(adapter), options: { ...options, read, ...(options.roi && { roi: sendableRegions(options.roi) }) } };
  }

  /** An adapter goes to the worker once. */
  #adapterOf(adapter: AdapterSource): Payloads["classify"]["adapter"] {
    if (typeof adapter !== "object" || adapter === null || adapter instanceof URL)
      throw new AnyMC3DError(
        "ADAPTER_NOT_FOUND",
        "in a browser an adapter is an imported package or a loaded adapter; load one by name with @anymc3d/registry",
      );
    const id = this.#numbers.of(adapter);
    if (this.#sent.has(id)) return { id };
    this.#sent.add(id);
    return { id, source: sendable(adapter) as AdapterSource };
  }

  end(): void {
    this.#ended = true;
    this.#drop(new AnyMC3DError("ENGINE_DISPOSED", "the classifier was disposed while it worked"));
  }

  #open(): Promise<void> {
    return new Promise((resolve, reject) => {
      let worker: Worker;
      try {
        worker = this.#make();
      } catch (cause) {
        return reject(notStarted((cause as Error).message, "policy", cause));
      }
      this.#worker = worker;
      const timer = setTimeout(() => fail("it did not answer within five minutes"), START_MS);
      const fail = (why: string, reason?: "network") => {
        clearTimeout(timer);
        reject(notStarted(why, reason));
        this.#drop(new AnyMC3DError("ENGINE_FAILED", `the worker ended: ${why}`));
      };
      worker.onerror = (event) => {
        event.preventDefault();
        fail(
          event.message || "its script could not be loaded: a policy forbids it (Content-Security-Policy worker-src), or the server does not have it",
          "network",
        );
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

  /** Ends a worker that does not listen; the calls that wait behind, and the engine's making, go to a new one. */
  #replace(): void {
    this.#worker?.terminate();
    const waiting = [...this.#pending.values()].filter(({ aborted }) => !aborted);
    this.#forget();
    for (const { method, payload, resolve, reject, ...hooks } of waiting) {
      // Who listened to the first start listens still.
      const again = method === "start" ? this.start({ signal: hooks.signal }) : this.call(method, payload as () => Payloads["read"], hooks);
      again.then(resolve as (result: unknown) => void, reject);
    }
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

const notStarted = (why: string, reason?: "network" | "policy", cause?: unknown) =>
  new AnyMC3DError(
    "ENGINE_UNAVAILABLE",
    `the worker could not be started: ${why}. Serve the SDK's worker script from the page's own origin, and see "In the browser" in @anymc3d/sdk's README.`,
    { cause, details: { engine: "worker", ...(reason && { reason }) } },
  );
