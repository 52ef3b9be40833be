// How many threads ONNX Runtime gets, and what they do between runs.

/**
 * Threads wait instead of spinning between runs: each session has its own, and those of one would take the cores from another.
 * Measured (docs/decisions/0009): training 5 to 10 % faster, 32 slices of 112×112 unchanged, a single one 5 % slower.
 */
export const QUIET = { session: { intra_op: { allow_spinning: "0" } } };

/**
 * Threads in a browser, never more than there are cores. One where the page is not cross-origin isolated, and by default on a page's own thread, which
 * ONNX Runtime's threads may start from the wrong script of a bundle; in a worker all of up to 4 cores, of more the half (two logical cores share a
 * physical one), 8 at most.
 */
export function browserThreads(wanted: number | undefined): number {
  // WebKit may say that it is isolated and have no shared memory all the same.
  if (!globalThis.crossOriginIsolated || typeof SharedArrayBuffer === "undefined") return 1;
  const cores = navigator.hardwareConcurrency;
  const inPage = "document" in globalThis;
  return Math.min(cores, wanted ?? (inPage ? 1 : cores <= 4 ? cores : Math.min(8, Math.ceil(cores / 2))));
}
