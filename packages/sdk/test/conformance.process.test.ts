// The conformance vector in the SDK: before the first answer, once an adapter, engine and machine; a number never comes of what fails it.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { plainEngine } from "./plain-engine.js";
import { backbone, tinyAdapter, volume } from "./tiny.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-conformance-"));
  vi.stubEnv("ANYMC3D_CACHE", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** The SDK as another process would have it: nothing in memory. */
async function session() {
  vi.resetModules();
  return import("../src/index.js");
}

/** Slices of the volume, and of the vector's. */
const [OWN, VECTOR] = [5, 8];

test("before the first answer, and not again: not in this session, and not in the next", async () => {
  const adapter = await tinyAdapter();
  for (const vectors of [VECTOR, 0]) {
    const counts = { slices: 0, disposed: 0 };
    const classifier = await (await session()).createClassifier({ backbone, engine: plainEngine(backbone, counts) });
    const before = counts.slices;
    const first = await classifier.classify(volume, adapter);
    expect(counts.slices - before).toBe(vectors + OWN);
    expect((await classifier.classify(volume, adapter)).logits).toEqual(first.logits);
    expect(counts.slices - before).toBe(vectors + 2 * OWN);
  }
  expect(await readdir(folder)).toEqual([expect.stringMatching(/^conformance-[0-9a-f]{64}$/)]);
});

test("calls at the same time wait for one run", async () => {
  const adapter = await tinyAdapter();
  const counts = { slices: 0, disposed: 0 };
  const classifier = await (await session()).createClassifier({ backbone, engine: plainEngine(backbone, counts) });
  const before = counts.slices;
  await Promise.all([classifier.classify(volume, adapter), classifier.classify(volume, adapter), classifier.classify(volume, adapter)]);
  expect(counts.slices - before).toBe(VECTOR + 3 * OWN);
});

test.each<[string, (name: string, value: number) => number]>([
  ["the head is zeros", (name, value) => (name.startsWith("head") ? 0 : value)],
  ["LoRA is zeros", (name, value) => (name.includes("lora") ? 0 : value)],
  ["the bias is off by one", (name, value) => (name === "head.bias" ? value + 1 : value)],
])("a damaged adapter whose hashes fit is an error each time, in classify() too: %s", async (_, damage) => {
  const sdk = await session();
  const [adapter, right] = [await tinyAdapter(damage), await tinyAdapter()];
  const classifier = await sdk.createClassifier({ backbone, engine: plainEngine(backbone) });
  for (let i = 0; i < 2; i++) await expect(classifier.classify(volume, adapter)).rejects.toMatchObject({ code: "CONFORMANCE_FAILED" });
  await expect(sdk.classify(volume, adapter, { backbone, engine: plainEngine(backbone) })).rejects.toMatchObject({ code: "CONFORMANCE_FAILED" });
  expect(await readdir(folder)).toEqual([]);
  expect((await classifier.classify(volume, right)).labels).toHaveLength(1);
});

test("a device that computes something else is an error, whatever it passed before", async () => {
  const sdk = await session();
  const adapter = await tinyAdapter();
  const plain = plainEngine(backbone);
  const wrong = { ...plainEngine(backbone), id: "wrong" };
  let calls = 0;
  const forward: typeof plain.forward = async (...given) => {
    const answer = await plain.forward(...given);
    // The self-test is right: two slices, without and with LoRA.
    return ++calls <= 2 ? answer : { ...answer, encoded: { ...answer.encoded, cls: answer.encoded.cls.map((value) => value * 1.5) } };
  };
  const classifier = await sdk.createClassifier({ backbone, engine: { ...wrong, forward } });
  await expect(classifier.classify(volume, adapter)).rejects.toMatchObject({ code: "CONFORMANCE_FAILED" });
});

test("who has measured it himself turns it off", async () => {
  const adapter = await tinyAdapter((name, value) => (name.startsWith("head") ? 0 : value));
  const counts = { slices: 0, disposed: 0 };
  const classifier = await (await session()).createClassifier({ backbone, engine: plainEngine(backbone, counts), conformance: false });
  const before = counts.slices;
  expect((await classifier.classify(volume, adapter)).logits).toEqual([0]);
  expect(counts.slices - before).toBe(OWN);
});

test("a note that was damaged, or a folder that cannot be written, only costs another run", async () => {
  const adapter = await tinyAdapter();
  const counts = { slices: 0, disposed: 0 };
  const engine = plainEngine(backbone, counts);
  const run = async () => {
    const before = counts.slices;
    const ran = await (await session()).checkConformanceOnce(adapter, engine);
    return [ran, counts.slices - before];
  };
  expect(await run()).toEqual([true, VECTOR]);
  expect(await run()).toEqual([false, 0]);
  const [note] = await readdir(folder);
  expect(await readFile(join(folder, note), "utf8")).toContain(adapter.hash);
  await writeFile(join(folder, note), "");
  expect(await run()).toEqual([true, VECTOR]);
  vi.stubEnv("ANYMC3D_CACHE", join(folder, note));
  expect(await run()).toEqual([true, VECTOR]);
});

test("an abort ends the vector, and the next call runs it", async () => {
  const sdk = await session();
  const adapter = await tinyAdapter();
  const engine = plainEngine(backbone);
  const stop = new AbortController();
  const aborted = sdk.checkConformanceOnce(adapter, engine, stop.signal);
  stop.abort();
  await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
  expect(await sdk.checkConformanceOnce(adapter, engine)).toBe(true);
});
