// What a page's side of a worker owes its callers an answer to, whatever becomes of the worker. Workers here answer when they are told to.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Thread } from "../src/worker/thread.js";

/** A worker that is busy until it is told what to answer; what is said to one that was ended is not heard. */
class BusyWorker {
  onmessage: ((event: { data: unknown }) => void) | undefined;
  readonly heard: { id?: number; method?: string; abort?: number }[] = [];
  ended = false;

  constructor() {
    queueMicrotask(() => this.say({ ready: true }));
  }
  postMessage(message: { id?: number; method?: string; abort?: number }): void {
    if (!this.ended) this.heard.push(message);
  }
  terminate(): void {
    this.ended = true;
  }
  say(data: unknown): void {
    if (!this.ended) this.onmessage?.({ data });
  }
  /** Answers a method's last call. */
  answer(method: string, result: unknown): void {
    this.say({ id: this.heard.findLast((call) => call.method === method)?.id, result });
  }
}

let workers: BusyWorker[];
let thread: Thread;
const methods = ({ heard }: BusyWorker) => heard.flatMap(({ method }) => method ?? []);
const ENGINE = { id: "an engine", precision: "fp32", warnings: [] };

beforeEach(() => {
  vi.useFakeTimers();
  workers = [];
  const make = () => {
    workers.push(new BusyWorker());
    return workers[workers.length - 1] as unknown as Worker;
  };
  thread = new Thread(make, { options: {} } as never);
});
afterEach(() => {
  thread.end();
  vi.useRealTimers();
});

const call = (method: "read" | "check" | "classify", signal?: AbortSignal) => thread.call(method, () => ({ source: "scan" }) as never, { signal });

test("a scan is closed while the engine is made: the engine is made anew where the worker heard nothing for ten seconds, and no call waits for ever", async () => {
  const told: number[] = [];
  const engine = thread.start({ onProgress: ({ done }) => told.push(done) });
  await vi.advanceTimersByTimeAsync(0);
  const stop = new AbortController();
  const closed = call("check", stop.signal);
  const next = call("read");
  const answer = call("classify");
  await vi.advanceTimersByTimeAsync(0);
  stop.abort();
  await expect(closed).rejects.toMatchObject({ name: "AbortError" });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(workers.map(({ ended }) => ended)).toEqual([true, false]);
  expect(methods(workers[1])).toEqual(["start", "read"]);
  workers[1].answer("read", "a volume");
  expect(await next).toBe("a volume");
  workers[1].say({ id: workers[1].heard.find(({ method }) => method === "start")?.id, progress: { stage: "load", done: 1, total: 2 } });
  expect(told).toEqual([1]);
  workers[1].answer("start", ENGINE);
  expect(await engine).toEqual(ENGINE);
  await vi.advanceTimersByTimeAsync(0);
  workers[1].answer("classify", "a result");
  expect(await answer).toBe("a result");
});

test("twice in a row, and once the worker hears: then it is kept", async () => {
  const engine = thread.start();
  for (let i = 0; i < 2; i++) {
    const stop = new AbortController();
    const closed = call("check", stop.signal);
    await vi.advanceTimersByTimeAsync(0);
    stop.abort();
    await expect(closed).rejects.toMatchObject({ name: "AbortError" });
    await vi.advanceTimersByTimeAsync(10_000);
  }
  expect(workers.map(({ ended }) => ended)).toEqual([true, true, false]);
  const stop = new AbortController();
  const closed = call("check", stop.signal);
  await vi.advanceTimersByTimeAsync(0);
  stop.abort();
  await expect(closed).rejects.toMatchObject({ name: "AbortError" });
  workers[2].say({ id: workers[2].heard.find(({ method }) => method === "check")?.id, error: { name: "AbortError", message: "", stack: "" } });
  await vi.advanceTimersByTimeAsync(60_000);
  workers[2].answer("start", ENGINE);
  expect([await engine, workers.length]).toEqual([ENGINE, 3]);
});

test("disposed while it waits: every call is told", async () => {
  const calls = [thread.start(), call("read"), call("classify")];
  await vi.advanceTimersByTimeAsync(0);
  thread.end();
  for (const each of calls) await expect(each).rejects.toMatchObject({ code: "ENGINE_DISPOSED" });
});
