// Ctrl-C: the first asks the work to stop after the current slices, the second ends the process at once.

import { EXIT } from "./output/failure.js";

/** A signal that aborts on SIGINT or SIGTERM. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  // Not `once`: a library's handler that finds itself the only one (signal-exit, which npm's and Verdaccio's use) ends the process before the work has.
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return controller.signal;
}
