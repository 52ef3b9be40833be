// Work that several callers ask for at once: done once, told to all of them, aborted when the last of them has gone.

import type { LoadOptions } from "./options.js";

type Caller = Pick<LoadOptions, "signal" | "onProgress" | "onWarning">;

interface Job<T> {
  readonly result: Promise<T>;
  readonly callers: Set<Caller>;
  readonly controller: AbortController;
}

/** Does `work`, or waits for the same work that is under way. @throws the work's own error; the caller's signal's reason */
export type Share<T> = (key: string, caller: Caller, work: (all: Caller) => Promise<T>) => Promise<T>;

export function sharing<T>(): Share<T> {
  const jobs = new Map<string, Job<T>>();

  function start(key: string, work: (all: Caller) => Promise<T>): Job<T> {
    const controller = new AbortController();
    const callers = new Set<Caller>();
    const all: Caller = {
      signal: controller.signal,
      onProgress: (done, total) => callers.forEach(({ onProgress }) => onProgress?.(done, total)),
      onWarning: (warning) => callers.forEach(({ onWarning }) => onWarning?.(warning)),
    };
    const job = { callers, controller, result: work(all).finally(() => jobs.get(key) === job && jobs.delete(key)) };
    jobs.set(key, job);
    return job;
  }

  return (key, { signal, onProgress, onWarning }, work) => {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const job = jobs.get(key) ?? start(key, work);
    // Of its own, as one object may ask twice.
    const caller = { onProgress, onWarning };
    job.callers.add(caller);
    return new Promise<T>((resolve, reject) => {
      const leave = () => {
        reject(signal?.reason);
        job.callers.delete(caller);
        if (job.callers.size > 0) return;
        // Who comes now must not wait for work that ends in nothing.
        jobs.delete(key);
        job.controller.abort(signal?.reason);
      };
      signal?.addEventListener("abort", leave, { once: true });
      job.result.then(resolve, reject).finally(() => signal?.removeEventListener("abort", leave));
    });
  };
}
