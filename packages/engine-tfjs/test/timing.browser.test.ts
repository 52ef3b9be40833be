// Not a test: the figures of the README. TFJS_TIMING="node wasm 4,node wasm 4 backward,chromium webgl 4" npx vitest run packages/engine-tfjs/test/timing.browser.test.ts
import { fileURLToPath } from "node:url";
import { encode, selfTestInput, slicesOf } from "@anymc3d/core/engine";
import { gradients } from "@anymc3d/core/testing";
import { startHarness } from "@anymc3d/testkit/browser/harness";
import { shippedBackbone } from "@anymc3d/testkit/fixtures";
import { describe, test } from "vitest";
import { createTfjsEngine, type TfjsBackend } from "../src/index.js";

const RUNS = 5;
const SIDE = Number(process.env.TFJS_TIMING_SIDE ?? 112);
const jobs = (process.env.TFJS_TIMING ?? "")
  .split(",")
  .filter(Boolean)
  .map((job) => job.trim().split(" "));

function report(where: string, chunk: number, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const ms = (value: number) => value.toFixed(0);
  console.log(
    `${where} ${SIDE}×${SIDE}, chunk ${chunk}: median ${ms(sorted[sorted.length >> 1])} ms a slice (${ms(sorted[0])} to ${ms(sorted[sorted.length - 1])}, ${times.length} runs)`,
  );
}

async function inNode(backend: TfjsBackend, chunk: number, backward: boolean): Promise<number[]> {
  const backbone = await shippedBackbone();
  const engine = await createTfjsEngine(backbone, { backend, chunk });
  const slices = slicesOf(
    Float32Array.from({ length: chunk * 3 * SIDE * SIDE }, (_, i) => Math.sin(i)),
    SIDE,
    SIDE,
  );
  const { lora } = selfTestInput(backbone.spec, 5);
  const dCls = Float32Array.from({ length: chunk * backbone.spec.width }, (_, i) => Math.cos(i));
  const times: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const start = performance.now();
    if (backward) await gradients(engine, slices, lora, { dCls });
    else await encode(engine, slices, lora, { attention: true });
    if (run > 0) times.push((performance.now() - start) / chunk);
  }
  await engine.dispose();
  return times;
}

async function inChromium(backend: string, chunk: number): Promise<number[]> {
  const harness = await startHarness(fileURLToPath(new URL("./browser-entry.ts", import.meta.url)));
  const job = { create: "createTfjsEngine", options: { backend, chunk } };
  return (await harness.timing(job, { side: SIDE, slices: chunk, runs: RUNS }).finally(() => harness.close())).perSlice;
}

describe.skipIf(jobs.length === 0)("timing", () => {
  for (const [place, backend, chunk, what] of jobs) {
    test(`${place} ${backend} ${chunk} ${what}`, { timeout: 600_000 }, async () => {
      const times = await (place === "node" ? inNode(backend as TfjsBackend, Number(chunk), what === "backward") : inChromium(backend, Number(chunk)));
      report(`${place} ${backend} ${what ?? "encode"}`, Number(chunk), times);
    });
  }
});
