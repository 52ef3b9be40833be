// The classifier in a Web Worker, in headless Chromium: Node's logits, a page that stays responsive, and what goes wrong with workers.
import { fileURLToPath } from "node:url";
import { type Harness, hasChromium, startHarness } from "@anymc3d/testkit/browser/harness";
import { longestTask } from "@anymc3d/testkit/browser/longest-task";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

if (!hasChromium) console.warn("SKIPPED: the SDK in a worker, no Chromium at /usr/bin/chromium or $CHROMIUM");

/** PyTorch's logits of the bundled sample. */
const LOGITS = [2.69495, 2.0404, 1.66451, -5.02184, -3.10637];
const entry = fileURLToPath(new URL("./worker-entry.ts", import.meta.url));

function expectLogits(found: readonly number[]): void {
  LOGITS.forEach((logit, i) => expect(found[i]).toBeCloseTo(logit, 3));
}

describe.skipIf(!hasChromium)("in a page of a plain server", () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(entry);
  });
  afterAll(() => harness?.close());
  const inPage = async <T>(work: (page: Page) => Promise<T>): Promise<T> => {
    const page = await harness.page();
    return work(page).finally(() => page.close());
  };

  test("classifies the sample as PyTorch does; the page is never blocked for 100 ms", async () => {
    const { longest, result: found } = await inPage((page) => longestTask(page, () => page.evaluate(() => anymc3d.classifySample())));
    expectLogits(found.logits);
    expect(found.engine).toBe("onnxruntime-web/wasm");
    expect(found.warnings.map(({ code }: { code: string }) => code)).toEqual(["ENGINE_FALLBACK"]);
    expect(longest).toBeLessThan(100);
    expect(found.heat[0]).toBe(found.volume.reduce((a: number, b: number) => a * b, 1));
    expect(found.heat[1]).toBeGreaterThan(0.5);
    // The file was read by read(): classify() does not read it again.
    expect(found.stages.filter((stage: string) => stage.startsWith("read"))).toEqual([]);
    expect(found.stages.filter((stage: string) => stage.startsWith("encode")).at(-1)).toMatch(/^encode (\d+)\/\1$/);
    expect(harness.outsideRequests).toEqual([]);
  });

  test("the caller's bytes and volumes stay usable (O41), unless they are handed over", async () => {
    const { sizes, expected, left, logits } = await inPage((page) => page.evaluate(() => anymc3d.keepsArrays()));
    expect(sizes).toEqual(expected);
    expect(left).toBe(0);
    for (const each of logits) expectLogits(each);
  });

  test("errors arrive with their codes and details, and the next call works", async () => {
    const { text, other, frames, named, checked, after } = await inPage((page) => page.evaluate(() => anymc3d.refusals()));
    expect([text.code, other.code, named.code]).toEqual(["FORMAT_UNKNOWN", "INPUT_MODALITY", "ADAPTER_NOT_FOUND"]);
    expect(text.message).toContain("hello.txt");
    expect(other.details).toEqual({ source: "volume", measured: "modality", found: "MR", expected: ["CT"] });
    expect([frames.code, frames.details]).toEqual([
      "FRAME_REQUIRED",
      { option: "frame", file: "four.nii", holds: "a 4-D file of 4 frames (2 × 2 × 2 × 4)", range: [0, 3] },
    ]);
    expect(checked).toMatchObject([
      { verdict: "accepted", findings: [] },
      { verdict: "refused", findings: [{ code: "INPUT_MODALITY" }] },
    ]);
    expectLogits(after);
  });

  test("an abort is answered at once with the signal's reason, and the next call works (O49)", async () => {
    const { same, ms, whole, before, logits } = await inPage((page) => page.evaluate(() => anymc3d.aborted()));
    expect(same).toBe(true);
    expect(ms).toBeLessThan(whole / 2);
    expect(before).toBe("AbortError");
    expectLogits(logits);
  });

  test("a worker that crashes, or hears no abort, is named and replaced", async () => {
    const crashed = await inPage((page) => page.evaluate(() => anymc3d.crash()));
    expect(crashed.first.code).toBe("ENGINE_FAILED");
    expect(crashed.first.message).toContain("out of memory");
    expectLogits(crashed.logits);
    const hung = await inPage((page) => page.evaluate(() => anymc3d.hang()));
    expect(hung.first.message).toContain("TimeoutError");
    expectLogits(hung.logits);
  });

  test("a worker's script that is not there is told, and nothing hangs", async () => {
    const { html, throws } = await inPage((page) => page.evaluate(() => anymc3d.noWorker()));
    expect([html.code, throws.code]).toEqual(["ENGINE_UNAVAILABLE", "ENGINE_UNAVAILABLE"]);
    expect(html.message).toMatch(/script could not be loaded/);
  });

  test("a call that was aborted in the queue, or could not be sent, spoils nothing", async () => {
    const found = await inPage((page) => page.evaluate(() => anymc3d.undelivered()));
    expect(found.queued).toBe("AbortError");
    expectLogits(found.after);
    expect([found.misspelt.code, found.unclonable.code, found.nothing.code, found.reader.code]).toEqual([
      "OPTION_INVALID",
      "OPTION_INVALID",
      "ADAPTER_NOT_FOUND",
      "OPTION_INVALID",
    ]);
    expect(found.misspelt.message).toMatch(/unknown option onprogress/);
    expect(found.unclonable.message).toMatch(/cannot be sent to the worker.*toRaw/);
    expectLogits(found.afterBoth);
  });

  test("a FileList is taken as it is", async () => {
    expectLogits(await inPage((page) => page.evaluate(() => anymc3d.fileList())));
  });

  test("a header's other data file is read anew", async () => {
    expect(await inPage((page) => page.evaluate(() => anymc3d.otherDataFile()))).toEqual([1, 2, 3, 1]);
  });

  test("an abort while the worker starts is answered at once", async () => {
    const { name, ms } = await inPage((page) => page.evaluate(() => anymc3d.abortedAtStart()));
    expect(name).toBe("TimeoutError");
    expect(ms).toBeLessThan(2000);
  });

  test("dispose() ends what is under way", async () => {
    const found = await inPage((page) => page.evaluate(() => anymc3d.disposed()));
    const codes = [found.running, found.justAsked, found.engine, found.after].map(({ code }) => code);
    expect(codes).toEqual(["ENGINE_DISPOSED", "ENGINE_DISPOSED", "ENGINE_DISPOSED", "ENGINE_DISPOSED"]);
  });

  test("a lost graphics device is replaced within the call, and said", async () => {
    const { logits, warnings } = await inPage((page) => page.evaluate(() => anymc3d.losesDevice()));
    expectLogits(logits);
    expect(warnings[0]).toMatchObject({ code: "DEVICE_LOST", message: expect.stringContaining("took over") });
  });

  test("made, used and disposed three times, a browser's memory does not grow (O39, O40)", async () => {
    const memory = async (times: number) =>
      inPage(async (page) => {
        for (const each of await page.evaluate((n) => anymc3d.again(n), times)) expectLogits(each);
        const session = await page.context().newCDPSession(page);
        await session.send("HeapProfiler.collectGarbage");
        return ((await session.send("Runtime.getHeapUsage")) as { usedSize: number; embedderHeapUsedSize?: number }).usedSize;
      });
    const once = await memory(1);
    expect((await memory(3)) - once).toBeLessThan(5e6);
  });
});

test.skipIf(!hasChromium)("a policy that forbids WebAssembly is named, with what every engine said", async () => {
  const harness = await startHarness(entry, { "content-security-policy": "default-src 'self'" });
  try {
    const { code, message } = await (await harness.page()).evaluate(() => anymc3d.startEngine());
    expect(code).toBe("ENGINE_UNAVAILABLE");
    expect(message).toMatch(/onnx\/wasm was passed over: .*add 'wasm-unsafe-eval' to script-src/);
    expect(message).toMatch(/tfjs\/webgpu was passed over.*\n.*onnx\/wasm.*\n.*tfjs\/webgl.*\n.*tfjs\/wasm was passed over/);
    expect(message).not.toContain("[object");
  } finally {
    await harness.close();
  }
});

describe.skipIf(!hasChromium)("in a page that is cross-origin isolated, under a strict policy", () => {
  const headers = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "content-security-policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'",
  };

  test("classifies with threads, and is blocked nowhere", async () => {
    const harness = await startHarness(entry, headers);
    try {
      const page = await harness.page();
      const refused: string[] = [];
      page.on("console", (message) => /Content Security Policy/.test(message.text()) && refused.push(message.text()));
      const { longest, result: found } = await longestTask(page, () => page.evaluate(() => anymc3d.classifySample()));
      expect(found.isolated).toBe(true);
      expectLogits(found.logits);
      expect(found.engine).toBe("onnxruntime-web/wasm");
      expect(longest).toBeLessThan(100);
      expectLogits(await page.evaluate(() => anymc3d.fromElsewhere()));
      expect(refused).toEqual([]);
      // Its threads would come from blob: addresses, which this policy forbids: it runs on one, and passes its self-test.
      expect((await page.evaluate(() => anymc3d.startEngine({ engine: "tfjs/wasm" }))).code).toBe("none");
      expect(harness.outsideRequests).toEqual([]);
    } finally {
      await harness.close();
    }
  });

  test("WebAssembly takes the cores, and no more than there are", async () => {
    const { "content-security-policy": _, ...isolated } = headers;
    const harness = await startHarness(entry, isolated);
    try {
      for (const threads of [undefined, 1, 1000]) {
        const page = await harness.page();
        const { taken, cores } = await page.evaluate((count) => anymc3d.threadsTaken(count), threads);
        // One of the threads is the classifier's own worker.
        expect(taken + 1).toBe(Math.min(cores, threads ?? (cores <= 4 ? cores : Math.min(8, Math.ceil(cores / 2)))));
        await page.close();
      }
    } finally {
      await harness.close();
    }
  });
});
