// The longest task of a page's main thread, from a trace of headless Chromium.
import type { Page } from "playwright-core";

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds on the clock. */
  readonly dur?: number;
  /** Microseconds of the processor; not there for some of the shortest. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/**
 * Runs `work` and measures the main thread's longest task meanwhile, by the processor's time it took: what other processes take of a busy
 * machine does not count, though it is in the durations that the page itself could observe.
 * @returns milliseconds, and what `work` returned
 */
export async function longestTask<T>(page: Page, work: () => Promise<T>): Promise<{ longest: number; result: T }> {
  const browser = page.context().browser();
  if (!browser) throw new Error("the page is of no browser that was launched");
  await browser.startTracing(page, { categories: ["disabled-by-default-devtools.timeline"] });
  let trace: Buffer | undefined;
  const result = await work().finally(async () => {
    trace = await browser.stopTracing();
  });
  const events: TraceEvent[] = JSON.parse(String(trace)).traceEvents;
  const mainThreads = new Set(
    events.filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain").map(({ pid, tid }) => `${pid} ${tid}`),
  );
  // One that the trace cuts off has no duration.
  const tasks = events.filter(({ name, pid, tid, dur }) => name === "RunTask" && dur !== undefined && mainThreads.has(`${pid} ${tid}`));
  if (!tasks.some(({ tdur = 0 }) => tdur > 1000)) throw new Error(`the trace has no times: ${tasks.length} tasks of ${mainThreads.size} main threads`);
  return { longest: Math.max(...tasks.map(({ dur = 0, tdur = dur }) => tdur)) / 1000, result };
}
