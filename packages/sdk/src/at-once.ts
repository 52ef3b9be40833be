// Work done at the same time: it fails as one, and tells of its stages in one order.

import type { Progress } from "@anymc3d/core";

/** The work's result, or at once the signal's reason where that aborts first. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  if (signal.aborted) {
    work.catch(() => undefined);
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/**
 * Runs what goes on at the same time, as one `Promise.all`: once a part of it has failed, or `signal` has aborted, that is thrown at once, and the
 * signal that all parts were given aborts.
 */
export async function atOnce<T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
  const stop = new AbortController();
  const forward = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", forward, { once: true });
  try {
    return await orAborted(work(stop.signal), signal);
  } catch (error) {
    stop.abort(error);
    throw error;
  } finally {
    signal?.removeEventListener("abort", forward);
  }
}

/**
 * Tells of reading first, then of loading, although both go on at once: of the loading that is done until then, the last step is told. Then of all
 * else as it comes.
 */
export function readingFirst(onProgress: (progress: Progress) => void): (progress: Progress) => void {
  let reading = true;
  let held: Progress | undefined;
  return (progress) => {
    if (!reading) {
      if (progress.stage !== "read") onProgress(progress);
    } else if (progress.stage === "load") held = progress;
    else {
      onProgress(progress);
      reading = progress.done < progress.total;
      if (!reading && held) onProgress(held);
    }
  };
}
