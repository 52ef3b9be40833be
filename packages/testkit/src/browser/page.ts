// The page that runs the conformance suite on one engine. The harness fills in the engine's module, `virtual:engine`.

import * as engineModule from "virtual:engine";
import type { Backbone, Engine } from "@anymc3d/core";
import { loadBackbone } from "@anymc3d/core";
import { encode, selfTestInput, slicesOf } from "@anymc3d/core/engine";
import { testEngine } from "@anymc3d/core/testing";
import type { CaseResult, PageJob, PageTiming } from "./harness.js";

type Create = (backbone: Backbone, options?: object) => Promise<Engine>;

const bytes = async (path: string): Promise<Uint8Array> => {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};

const shipped = async (): Promise<Backbone> =>
  loadBackbone(JSON.parse(new TextDecoder().decode(await bytes("/backbone/backbone.json"))), await bytes("/backbone/weights.safetensors"));

const createFor = (job: PageJob): Create => {
  const create = (engineModule as Record<string, unknown>)[job.create] as Create;
  return (backbone, options) => create(backbone, { ...job.options, ...options });
};

/** Runs every case and says how each went. */
async function conformance(job: PageJob): Promise<CaseResult[]> {
  const backbone = job.realBackbone ? await shipped() : undefined;
  const cases = testEngine({ create: createFor(job), fixtures: (path) => bytes(`/fixtures/${path}`), backbone, trainable: job.trainable });
  const results: CaseResult[] = [];
  for (const { name, run } of cases) {
    const start = performance.now();
    const error = await run().then(
      () => undefined,
      (reason: unknown) => String(reason instanceof Error ? (reason.stack ?? reason.message) : reason),
    );
    results.push({ name, ms: performance.now() - start, error });
  }
  return results;
}

/** Milliseconds per slice of the shipped backbone with LoRA and attention. */
async function timing(job: PageJob, { side, slices, runs }: PageTiming): Promise<{ id: string; createMs: number; perSlice: number[] }> {
  const backbone = await shipped();
  const start = performance.now();
  const engine = await createFor(job)(backbone);
  const createMs = performance.now() - start;
  const pixels = slicesOf(
    Float32Array.from({ length: slices * 3 * side * side }, (_, i) => Math.sin(i)),
    side,
    side,
  );
  const { lora } = selfTestInput(backbone.spec, 5);
  const perSlice: number[] = [];
  for (let run = 0; run <= runs; run++) {
    const before = performance.now();
    await encode(engine, pixels, lora, { attention: true });
    if (run > 0) perSlice.push((performance.now() - before) / slices);
  }
  await engine.dispose();
  return { id: engine.id, createMs, perSlice };
}

/** An engine's own tests may bring functions of their own for the page. */
const tools = (engineModule as { pageTools?: object }).pageTools;
Object.assign(globalThis, { anymc3d: { conformance, timing, ...tools } });
