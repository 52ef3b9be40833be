// How far a command is: a log gets a whole line now and then, a terminal one line that is redrawn and never wraps.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { progressLine, timeText } from "../src/output/progress.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
afterEach(() => void vi.useRealTimers());

function sink(isTTY = false, columns = 80) {
  const written: string[] = [];
  return { written, isTTY, columns, write: (text: string | Uint8Array) => written.push(String(text)) > 0 };
}

test("a log: a line every 30 s, also while nothing is heard; plain lines", () => {
  const stream = sink();
  const progress = progressLine({ stream });
  progress.show({ what: "volumes", done: 0, total: 298 });
  vi.advanceTimersByTime(29_000);
  expect(stream.written).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(stream.written).toEqual(["volumes 0/298, 30 s so far\n"]);
  for (let i = 1; i <= 29; i++) {
    vi.advanceTimersByTime(1_000);
    progress.show({ what: "volumes", done: i, total: 298, now: "encoding slices 3/64", left: 7_260 });
  }
  expect(stream.written).toHaveLength(1);
  vi.advanceTimersByTime(1_000);
  expect(stream.written[1]).toBe("volumes 29/298, encoding slices 3/64, 2 h 1 min left, 1 min 0 s so far\n");
  vi.advanceTimersByTime(90_000);
  expect(stream.written).toHaveLength(5);
  for (const control of ["\r", "\u001b"]) expect(stream.written.join("")).not.toContain(control);
});

test("a log: what keeps the process from its timers is told of by the next news", () => {
  const stream = sink();
  const progress = progressLine({ stream });
  progress.show({ what: "cases", done: 1, total: 9 });
  vi.setSystemTime(Date.now() + 60_000);
  vi.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
  progress.show({ what: "cases", done: 2, total: 9 });
  expect(stream.written).toEqual(["cases 2/9, 1 min 0 s so far\n"]);
  vi.restoreAllMocks();
});

test("short work, quiet work and work that was cleared tell nothing", () => {
  const [short, quiet] = [sink(), sink()];
  const progress = progressLine({ stream: short });
  progress.show({ what: "cases", done: 1, total: 9 });
  progress.clear();
  progressLine({ stream: quiet, quiet: true }).show({ what: "cases", done: 1, total: 9 });
  vi.advanceTimersByTime(100_000);
  expect([short.written, quiet.written]).toEqual([[], []]);
});

test.each([
  [80, "\r\u001b[2K██████████░░░░░░░░░░ volumes 5/10, a"],
  [24, "\r\u001b[2K██████████░░░░░░░░░░ vo"],
  [0, "\r\u001b[2K██████████░░░░░░░░░░ volumes 5/10, a"],
])("a terminal of %i columns", (columns, line) => {
  const stream = sink(true, columns);
  const progress = progressLine({ stream });
  progress.show({ what: "volumes", done: 5, total: 10, now: "a" });
  progress.show({ what: "volumes", done: 6, total: 10 });
  expect(stream.written).toEqual([line]);
  progress.clear();
  progress.clear();
  expect(stream.written.slice(1)).toEqual(["\r\u001b[2K"]);
});

test("beside JSON lines a terminal gets lines, too", () => {
  const stream = sink(true);
  progressLine({ stream, lines: true }).show({ what: "cases", done: 1, total: 9 });
  vi.advanceTimersByTime(30_000);
  expect(stream.written).toEqual(["cases 1/9, 30 s so far\n"]);
});

test.each([
  [44.6, "45 s"],
  [200, "3 min 20 s"],
  [7_500, "2 h 5 min"],
  [7_199, "2 h 0 min"],
])("%d s is %s", (seconds, text) => expect(timeText(seconds)).toBe(text));
