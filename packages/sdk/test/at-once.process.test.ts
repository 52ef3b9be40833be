// classify() reads the scan while it makes backbone and engine ready: shown by a server that answers only once both were asked for, not by a clock.
import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Progress } from "@anymc3d/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import lungNodule, { sample } from "../../adapters-lung-nodule/index.js";
import backbone from "../../backbone-dinov2-small/index.js";
import { type AssetModule, classify, isAbortError } from "../src/index.js";

/** What the server has, by path. */
const FILES: Readonly<Record<string, URL>> = {
  "/scan.nii.gz": sample,
  "/adapter.json": lungNodule.manifest,
  "/adapter.safetensors": lungNodule.weights,
  "/backbone.json": backbone.manifest,
  "/backbone.safetensors": backbone.weights,
};

const server = createServer(({ url = "" }, response) => {
  answers.set(url, response);
  response.on("close", () => !response.writableFinished && droppedPaths.push(url));
  void onAsked();
});
let answers: Map<string, ServerResponse>;
/** Paths whose answer was no longer wanted. */
let droppedPaths: string[];
let onAsked: () => Promise<void> | void;
let at: (path: string) => URL;
let modules: { readonly adapter: AssetModule; readonly backbone: AssetModule };

beforeEach(async () => {
  [answers, droppedPaths, onAsked] = [new Map(), [], () => {}];
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  at = (path) => new URL(path, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  modules = {
    adapter: { name: "a", manifest: at("/adapter.json"), weights: at("/adapter.safetensors") },
    backbone: { name: "b", manifest: at("/backbone.json"), weights: at("/backbone.safetensors") },
  };
});
afterEach(() => new Promise((done) => void [server.closeAllConnections(), server.close(done)]));

async function answer(path: string): Promise<void> {
  answers.get(path)?.end(await readFile(FILES[path]));
  answers.delete(path);
}
const answerAll = async () => void (await Promise.all([...answers.keys()].map(answer)));
const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((done) => setTimeout(done, 5));
};

test("scan, adapter and backbone are asked for before any of them has come; reading is told first, then loading, each forwards only", async () => {
  onAsked = () => (["/scan.nii.gz", "/adapter.json", "/backbone.json"].every((path) => answers.has(path)) ? start() : undefined);
  const start = async () => {
    onAsked = answerAll;
    await answerAll();
  };
  const steps: Progress[] = [];
  const result = await classify(at("/scan.nii.gz"), modules.adapter, { backbone: modules.backbone, onProgress: (step) => steps.push(step) });
  expect(result.labels[0].logit).toBeCloseTo(2.69495, 3);
  const stages = steps.map(({ stage }) => stage).filter((stage, i, all) => stage !== all[i - 1]);
  expect(stages).toEqual(["read", "load", "encode"]);
  for (const stage of stages) {
    const shares = steps.filter((step) => step.stage === stage).map(({ done, total }) => done / total);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  }
});

test("a scan that is not there ends the rest: the backbone is no longer fetched", async () => {
  const work = classify(at("/scan.nii.gz"), modules.adapter, { backbone: modules.backbone });
  await until(() => answers.size === 5);
  answers.get("/scan.nii.gz")?.writeHead(404).end();
  await expect(work).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
  await until(() => droppedPaths.length === 4);
  expect([...droppedPaths].sort()).toEqual(["/adapter.json", "/adapter.safetensors", "/backbone.json", "/backbone.safetensors"]);
});

test("an adapter that is damaged ends the reading", async () => {
  const work = classify(at("/scan.nii.gz"), modules.adapter, { backbone: modules.backbone });
  await until(() => answers.size === 5);
  answers.get("/adapter.json")?.end("not JSON");
  await expect(work).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
  await until(() => droppedPaths.includes("/scan.nii.gz"));
});

test("an abort is answered while nothing has come yet, and nothing is waited for any more", async () => {
  const stop = new AbortController();
  const work = classify(at("/scan.nii.gz"), modules.adapter, { backbone: modules.backbone, signal: stop.signal });
  await until(() => answers.size === 5);
  stop.abort();
  await expect(work).rejects.toSatisfy(isAbortError);
  await until(() => droppedPaths.length === 5);
});
