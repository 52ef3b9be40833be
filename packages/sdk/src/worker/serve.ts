// What is done in the Web Worker: one classifier, the last volume it read, the adapters it was sent.

import type { Adapter, ClassifyResult, FailedRegion, Progress, Volume } from "@anymc3d/core";
import { listSeries } from "@anymc3d/io";
import { type AdapterSource, openAdapter } from "../assets.js";
import { type Classifier, checkStudy, createClassifier, type OneRegion, type RunOptions, readStudy } from "../classifier.js";
import { type Abort, type Answer, buffersOf, type Call, type Payloads, plainAnswers, plainError } from "./messages.js";

const page = globalThis as unknown as {
  postMessage(message: Answer, transfer?: ArrayBuffer[]): void;
  onmessage: ((event: { data: Call | Abort }) => void) | null;
};

const running = new Map<number, AbortController>();
const adapters = new Map<number, { readonly source: AdapterSource; opened?: Promise<Adapter> }>();
let classifier: Classifier | undefined;
/** The study read last, so that the next adapter need not read it again. */
let last: { readonly key: string; readonly study: Volume | Readonly<Record<string, Volume>> } | undefined;

interface Run {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

const METHODS: { [M in Call["method"]]: (payload: Payloads[M], run: Run) => Promise<unknown> } = {
  async start({ options }, { signal, onProgress }) {
    classifier = await createClassifier({ ...options, signal, onProgress });
    const { id, precision, warnings } = classifier.engine;
    return { id, precision, warnings: [...warnings] };
  },
  series: ({ files, options }, { signal }) => listSeries(files, { ...options, signal }),
  async read({ source, key, read }, run) {
    const study = await studyOf(source, key, { read, ...run });
    return structuredClone(study);
  },
  async check({ source, key, adapter, options }, run) {
    const opened = await adapterOf(adapter);
    return checkStudy(await studyOf(source, key, { read: options.read, ...run }), opened, { roi: options.roi, signal: run.signal });
  },
  async classify({ source, key, adapter, options }, run) {
    if (!classifier) throw new Error("the worker was not started");
    const opened = await adapterOf(adapter);
    const study = await studyOf(source, key, { read: options.read, ...run });
    const onProgress = (progress: Progress) => progress.stage !== "read" && run.onProgress(progress);
    const answers: ClassifyResult | (ClassifyResult | FailedRegion)[] = await classifier.classify(study, opened, {
      ...options,
      ...run,
      onProgress,
    } as RunOptions & OneRegion);
    return Array.isArray(answers) ? plainAnswers(answers) : answers;
  },
};

/** Opens an adapter once; again after a failure. */
function adapterOf({ id }: Payloads["check"]["adapter"]): Promise<Adapter> {
  const known = adapters.get(id);
  if (!known) throw new Error("the worker was not sent this adapter");
  known.opened ??= openAdapter(known.source).catch((error) => {
    known.opened = undefined;
    throw error;
  });
  return known.opened;
}

async function studyOf(source: Payloads["read"]["source"], key: string | undefined, options: Parameters<typeof readStudy>[1]) {
  if (key !== undefined && last?.key === key) return last.study;
  last = undefined;
  const study = await readStudy(source, options);
  if (key !== undefined) last = { key, study };
  return study;
}

/** Classifications and the engine's making run one after the other; reading does not wait for them. */
let queue = Promise.resolve();

/** Listens to the page from now on, and says so. */
export function serve(): void {
  page.onmessage = ({ data }) => {
    if ("abort" in data) return running.get(data.abort)?.abort();
    const stop = new AbortController();
    running.set(data.id, stop);
    // Kept as it comes: the call itself may be aborted before its turn.
    const { id, source } = (data.payload as Partial<Payloads["check"]>).adapter ?? {};
    if (id !== undefined && source !== undefined) adapters.set(id, { source });
    if (data.method === "start" || data.method === "classify") queue = queue.then(() => answer(data, stop));
    else void answer(data, stop);
  };
  page.postMessage({ ready: true });
}

async function answer({ id, method, payload }: Call, stop: AbortController): Promise<void> {
  const onProgress = (progress: Progress) => page.postMessage({ id, progress });
  try {
    stop.signal.throwIfAborted();
    const result = await (METHODS[method] as (payload: unknown, run: Run) => Promise<unknown>)(payload, { signal: stop.signal, onProgress });
    page.postMessage({ id, result }, buffersOf(result));
  } catch (error) {
    page.postMessage({ id, error: plainError(error) });
  } finally {
    running.delete(id);
  }
}
