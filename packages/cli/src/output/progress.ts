// How far a command is, on stderr: one line redrawn where that is a terminal, else a line now and then, so that a log shows that it lives.

import type { Progress } from "@anymc3d/core";
import { harmless } from "@anymc3d/core/errors";

const STAGES = { load: "loading", read: "reading", encode: "encoding slices", heatmap: "drawing heatmap" } as const;

export const stageName = ({ stage }: Progress): string => STAGES[stage];

/** What is told of a stage within one volume. */
export const stageText = ({ stage, done, total }: Progress): string => `${STAGES[stage]} ${done}/${total}`;

/** Work that is under way. */
export interface Work {
  /** "reading cases", "epoch 2 of 5, step" */
  readonly what: string;
  readonly done: number;
  readonly total: number;
  /** What is done at this moment. */
  readonly now?: string;
  /** Seconds to go. */
  readonly left?: number;
}

export interface ProgressLine {
  show(work: Work): void;
  /** Nothing is under way, or something else is to be printed: removes the line from a terminal. */
  clear(): void;
}

export interface ProgressOptions {
  /** Tell nothing. */
  readonly quiet?: boolean;
  /** Lines on a terminal, too: where what is printed on stdout would be torn by a line redrawn. */
  readonly lines?: boolean;
  readonly stream?: Pick<NodeJS.WriteStream, "write" | "isTTY" | "columns">;
}

/** Ms until a log gets a line, and between two; and between two drawings. */
const EVERY = 30_000;
const FRAME = 100;
const BAR = 20;

export function progressLine({ quiet = false, lines = false, stream = process.stderr }: ProgressOptions = {}): ProgressLine {
  if (quiet) return { show() {}, clear() {} };
  return stream.isTTY && !lines ? redrawn(stream) : nowAndThen(stream);
}

function redrawn(stream: NonNullable<ProgressOptions["stream"]>): ProgressLine {
  let drawn = Number.NEGATIVE_INFINITY;
  let shown = false;
  return {
    show(work) {
      const now = performance.now();
      if (shown && now - drawn < FRAME) return;
      drawn = now;
      shown = true;
      // One column stays free: a terminal wraps after its last one.
      const room = Math.max(1, (stream.columns || 80) - 1);
      stream.write(`\r\x1b[2K${[...`${bar(work)} ${workText(work)}`].slice(0, room).join("")}`);
    },
    clear() {
      if (shown) stream.write("\r\x1b[2K");
      shown = false;
    },
  };
}

function bar({ done, total }: Work): string {
  const full = Math.round(BAR * Math.min(1, total > 0 ? done / total : 0));
  return "█".repeat(full) + "░".repeat(BAR - full);
}

/** A timer tells of work that gives no news, too; where the process has no time for timers, the next news does. */
function nowAndThen(stream: NonNullable<ProgressOptions["stream"]>): ProgressLine {
  const started = performance.now();
  let due = started + EVERY;
  let work: Work | undefined;
  let timer: NodeJS.Timeout | undefined;
  const tell = () => {
    const now = performance.now();
    if (!work || now < due) return;
    due = now + EVERY;
    stream.write(`${workText(work)}, ${timeText((now - started) / 1000)} so far\n`);
  };
  return {
    show(next) {
      work = next;
      timer ??= setInterval(tell, 1_000).unref();
      tell();
    },
    clear() {
      clearInterval(timer);
      timer = work = undefined;
    },
  };
}

const workText = ({ what, done, total, now, left }: Work): string =>
  harmless([`${what} ${done}/${total}`, ...(now ? [now] : []), ...(left === undefined || !Number.isFinite(left) ? [] : [`${timeText(left)} left`])].join(", "));

/** "45 s", "3 min 20 s", "2 h 5 min" */
export function timeText(seconds: number): string {
  const s = Math.round(seconds);
  const minutes = Math.round(s / 60);
  return s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
