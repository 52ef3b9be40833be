// What the conformance suite does not see: memory, several engines in one process, backend choice, refusals.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Backbone, isAbortError, isAnyMC3DError, type Tensor } from "@anymc3d/core";
import { encode, selfTestInput } from "@anymc3d/core/engine";
import { loadTiny } from "@anymc3d/core/testing";
import { fixtures } from "@anymc3d/testkit/fixtures";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { relativeError } from "../../core/src/engine/selftest.js";
import { createTfjsEngine } from "../src/index.js";
import { isWasm, peekUrl, wasmFiles } from "../src/wasm-files.js";

const tiny = await loadTiny(fixtures, "tiny-dinov2");
const rotary = await loadTiny(fixtures, "tiny-dinov3-gated");
// As tf.memory().numTensors, which needs a backend to be there.
const tensors = () => tf.engine().state.numTensors;
const everything = { attention: true, patches: true };

async function refusal(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isAnyMC3DError(error)) throw new Error(`expected an AnyMC3DError, got ${String(error)}`);
  return error;
}

/** A backbone whose weights do not give the stored answer. */
function corrupted(): Backbone {
  const weight = tiny.backbone.tensors.get("blocks.0.proj.weight") as Tensor;
  const changed = new Map(tiny.backbone.tensors).set("blocks.0.proj.weight", { ...weight, data: weight.data.map((v) => -v) });
  return { ...tiny.backbone, tensors: changed };
}

describe.each(["cpu", "wasm"] as const)("memory on %s", (backend) => {
  test.each([
    ["learned positions", tiny],
    ["rotary positions", rotary],
  ])("no tensor is left behind, %s", async (_, { backbone, slices }) => {
    const before = tensors();
    const engine = await createTfjsEngine(backbone, { backend });
    const created = tensors();
    await encode(engine, slices, undefined, everything);
    expect(tensors()).toBe(created);
    await engine.dispose();
    await engine.dispose();
    expect(tensors()).toBe(before);
  });

  test("a hundred swaps of adapters keep two of them on the device", async () => {
    const before = tensors();
    const engine = await createTfjsEngine(tiny.backbone, { backend });
    const plain = tensors();
    const maps = 1 + 2 * tiny.backbone.spec.depth;
    const counts: number[] = [];
    for (let i = 0; i < 100; i++) {
      await encode(engine, tiny.slices, selfTestInput(tiny.backbone.spec, i).lora, {});
      counts.push(tensors() - plain);
    }
    expect(counts[0]).toBe(2 * maps);
    expect(new Set(counts.slice(1))).toEqual(new Set([4 * maps]));
    await engine.dispose();
    expect(tensors()).toBe(before);
  });

  test("a refused engine leaves nothing", async () => {
    const before = tensors();
    expect((await refusal(createTfjsEngine(corrupted(), { backend }))).code).toBe("ENGINE_SELF_TEST");
    expect(tensors()).toBe(before);
  });

  test("an encode that fails leaves nothing and the engine goes on", async () => {
    const engine = await createTfjsEngine(tiny.backbone, { backend });
    const created = tensors();
    const broken = { ...tiny.slices, read: () => Promise.reject(new Error("the file went away")) };
    await expect(encode(engine, broken, undefined, {})).rejects.toThrow("the file went away");
    expect(tensors()).toBe(created);
    expect(relativeError((await encode(engine, tiny.slices, undefined, {})).cls, tiny.cls)).toBeLessThan(1e-4);
    await engine.dispose();
  });
});

test("only what is asked for is computed and returned", async () => {
  const engine = await createTfjsEngine(tiny.backbone, { backend: "wasm" });
  expect(
    Object.entries(await encode(engine, tiny.slices, undefined, {}))
      .filter(([, v]) => v !== undefined)
      .map(([k]) => k),
  ).toEqual(["cls"]);
  const all = await encode(engine, tiny.slices, undefined, everything);
  const { attention } = await encode(engine, tiny.slices, undefined, { attention: true });
  // Without patches the last block runs for CLS alone.
  expect(relativeError(attention as Float32Array, all.attention as Float32Array)).toBeLessThan(1e-5);
  await engine.dispose();
});

test("engines on different backends, encoding at the same time, do not disturb each other", async () => {
  const first = await createTfjsEngine(tiny.backbone, { backend: "cpu", chunk: 1 });
  const second = await createTfjsEngine(rotary.backbone, { backend: "wasm", chunk: 1 });
  const third = await createTfjsEngine(tiny.backbone, { backend: "wasm" });
  const before = tensors();
  const results = await Promise.all([
    encode(first, tiny.slices, undefined, everything),
    encode(second, rotary.slices, undefined, everything),
    encode(third, tiny.slices, undefined, everything),
    encode(first, tiny.slices, undefined, {}),
    encode(second, rotary.slices, undefined, {}),
  ]);
  [tiny, rotary, tiny, tiny, rotary].forEach((expected, i) => expect(relativeError(results[i].cls, expected.cls)).toBeLessThan(1e-4));
  expect(tensors()).toBe(before);
  await Promise.all([first.dispose(), second.dispose(), third.dispose()]);
});

test("dispose during an encode refuses the rest", async () => {
  const engine = await createTfjsEngine(tiny.backbone, { backend: "cpu", chunk: 1 });
  const before = tensors();
  const work = encode(engine, tiny.slices, undefined, { onSlices: () => void engine.dispose() });
  expect((await refusal(work)).code).toBe("ENGINE_DISPOSED");
  await engine.dispose();
  expect(tensors()).toBeLessThan(before);
});

describe("choice of a backend", () => {
  test("by default the first that works, with a warning for each passed over", async () => {
    const engine = await createTfjsEngine(tiny.backbone);
    expect(engine.id).toBe("tfjs/wasm");
    expect(engine.warnings.map(({ code }) => code)).toEqual(["ENGINE_FALLBACK", "ENGINE_FALLBACK"]);
    expect(engine.warnings[0].message).toContain("tfjs/webgpu was passed over");
    expect(engine.warnings[1].message).toContain("tfjs/webgl was passed over");
    await engine.dispose();
  });

  test("wrong weights are refused as such when every backend finds them wrong", async () => {
    expect((await refusal(createTfjsEngine(corrupted()))).code).toBe("ENGINE_SELF_TEST");
  });

  test.each(["webgpu", "webgl", "tensorflow"] as const)("%s, asked for where it is not: what to do instead", async (backend) => {
    const before = tensors();
    const { code, message } = await refusal(createTfjsEngine(tiny.backbone, { backend }));
    expect(code).toBe("ENGINE_UNAVAILABLE");
    expect(message).toMatch(/could not start: .+\. .*(Use|Install|needs)/);
    expect(tensors()).toBe(before);
  });

  test("a backbone without a stored answer is used with a warning", async () => {
    const engine = await createTfjsEngine({ ...tiny.backbone, selfTest: undefined }, { backend: "cpu" });
    expect(engine.warnings.map(({ code }) => code)).toEqual(["NO_SELF_TEST"]);
    await engine.dispose();
  });

  test("options that make no sense, and an aborted creation", async () => {
    expect((await refusal(createTfjsEngine(tiny.backbone, { backend: "cuda" as "cpu" }))).code).toBe("OPTION_INVALID");
    expect((await refusal(createTfjsEngine(tiny.backbone, { chunk: 0 }))).code).toBe("OPTION_INVALID");
    const before = tensors();
    const aborted = await createTfjsEngine(tiny.backbone, { signal: AbortSignal.abort() }).catch((reason: unknown) => reason);
    expect(isAbortError(aborted)).toBe(true);
    expect(tensors()).toBe(before);
  });
});

describe("tfjs-wasm's files", () => {
  test("in Node they come from the installed package", async () => {
    const files = Object.values(await wasmFiles());
    expect(files).toHaveLength(3);
    for (const file of files) expect(file).toMatch(/node_modules.*tfjs-backend-wasm.*\.wasm$/);
  });

  test("a folder with or without slash, and a complete map", async () => {
    expect((await wasmFiles("/assets"))["tfjs-backend-wasm-simd.wasm"]).toBe("/assets/tfjs-backend-wasm-simd.wasm");
    expect((await wasmFiles("/assets/"))["tfjs-backend-wasm.wasm"]).toBe("/assets/tfjs-backend-wasm.wasm");
    expect((await refusal(wasmFiles({ "tfjs-backend-wasm.wasm": "/a.wasm" }))).code).toBe("OPTION_INVALID");
  });

  test("an HTML page in a .wasm file's place is seen for what it is", async () => {
    const server = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { first, found } = await peekUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a.wasm`);
    server.closeAllConnections();
    server.close();
    expect(first && isWasm(first)).toBe(false);
    expect(found).toBe("the server answered 200 with content type text/html");
    expect((await peekUrl("http://127.0.0.1:9/a.wasm")).found).toContain("could not be reached");
  });
});
