// Ctrl-C: the first asks the work to stop after the current slices, the second ends the process at once.

/** A signal that aborts on SIGINT or SIGTERM. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  return controller.signal;
}
