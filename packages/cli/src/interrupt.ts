// Ctrl-C: the first asks the work to stop after the current slices, the second ends the process at once.

import { EXIT } from "./output/failure.js";
import { printErr } from "./output/terminal.js";

/** SIGHUP: the terminal was closed, or a login ended. */
const STOPS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

let controller: AbortController | undefined;

/** Aborts on SIGINT, SIGTERM and SIGHUP; one for the process. */
export function interruptSignal(): AbortSignal {
  if (controller) return controller.signal;
  const mine = new AbortController();
  controller = mine;
  const stop = (signal: NodeJS.Signals) => {
    if (mine.signal.aborted) process.exit(EXIT.interrupted);
    mine.abort();
    if (signal === "SIGINT") printErr("ending the current step; Ctrl-C once more ends at once");
  };
  // Not `once`: a library's handler that finds itself the only one (signal-exit, which npm's and Verdaccio's use) ends the process before the work has.
  for (const name of STOPS) process.on(name, stop);
  return mine.signal;
}

let keeps = false;

/** As {@link interruptSignal}, of work that keeps what it has when it is stopped: it ends by itself where its output cannot be written any more. */
export function keepingSignal(): AbortSignal {
  keeps = true;
  return interruptSignal();
}

/** Stops work that keeps what it has. @returns whether it is under way, and ends the process by itself */
export function stopKeeping(): boolean {
  if (keeps) controller?.abort();
  return keeps;
}

/** The command that goes on with this one's work, as one types it. */
export function resumeCommand(): string {
  const given = process.argv.slice(2);
  return ["anymc3d", ...given, ...(given.includes("--resume") ? [] : ["--resume"])].map(quoted).join(" ");
}

const quoted = (word: string): string => (/^[\w@%+=:,./~^-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
