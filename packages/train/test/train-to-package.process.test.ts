// A program trains a package: what it is told on the way, what lies in the folder, an abort and how it goes on, faults of configuration and data.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { AnyMC3DError, type Backbone } from "@anymc3d/core";
import { contentHash, readSafetensors, writeSafetensors } from "@anymc3d/core/engine";
import { loadTiny } from "@anymc3d/core/testing";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { fixtures } from "@anymc3d/testkit/fixtures";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import type { TrainToPackageEvent } from "../src/run/events.js";
import { type TrainToPackageOptions, trainToPackage } from "../src/run/train-to-package.js";
import { ballTruth, madeCases } from "./balls.js";
import { binaryTask } from "./build.js";

let tiny: Backbone;
beforeAll(async () => {
  const { backbone } = await loadTiny(fixtures, "tiny-dinov2");
  tiny = { ...backbone, hash: await contentHash(readSafetensors(writeSafetensors(backbone.tensors))) };
});

const view = { source: "volume", plane: "axial", crop: "volume", spacing: null, size: [32, 32], slices: { choice: "all" }, pad: 0 };
const config = {
  name: "@example/adapter-ball",
  title: "Ball",
  description: "Whether there is a bright ball.",
  dataset: "made",
  task: binaryTask,
  input: { views: [{ ...view, intensity: { kind: "range", range: [0, 220] } }] },
  training: { epochs: 5, batch: 4, learningRate: { lora: 3e-3, head: 1e-2 }, augment: { zoom: { p: 0, low: 1, high: 1 } } },
};

function optionsFor(changes: Partial<TrainToPackageOptions> = {}) {
  const root = mkdtempSync(path.join(tmpdir(), "anymc3d-to-package-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const engine = vi.fn((backbone: Backbone) => createOnnxEngine(backbone));
  const backbone = vi.fn(async () => tiny);
  return { data: madeCases(26, 14, ballTruth), config, out: path.join(root, "adapter"), backbone, engine, ...changes };
}

/** An abort in the middle of the second epoch. */
function abortLater(): Pick<TrainToPackageOptions, "signal" | "onEvent"> {
  const controller = new AbortController();
  const onEvent = (event: TrainToPackageEvent) => {
    if (event.type === "step" && event.epoch === 2 && event.step === 3) controller.abort();
  };
  return { signal: controller.signal, onEvent };
}

test("cases of a program's own: events in their order, a package that is fit to publish, the same figures in result, event and adapter.json", async () => {
  const events: TrainToPackageEvent[] = [];
  const { out, ...options } = optionsFor({ madeBy: "my program 1.0", onEvent: (event) => events.push(event) });
  const result = await trainToPackage({ ...options, out });
  const kinds = events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
  // At the end the validation cases once more, with the tensors of the kept epoch.
  const epoch = ["step", "validate", "epoch"];
  expect(kinds).toEqual(["reading", "data", ...epoch, ...epoch, ...epoch, ...epoch, ...epoch, "validate", "done"]);
  expect(events.find(({ type }) => type === "data")).toMatchObject({ splits: [{ split: "train", n: 26 }, { split: "val", n: 14 }], skipped: [] }); // biome-ignore format: a line
  const manifest = JSON.parse(await readFile(path.join(out, "adapter.json"), "utf8"));
  const [{ labels, madeBy }] = manifest.metrics;
  expect(madeBy).toBe("my program 1.0");
  expect(labels[0].auroc).toBeGreaterThan(0.9);
  expect(result.manifest).toEqual(manifest);
  expect(result.measured[0].figures.auroc.value).toBe(labels[0].auroc);
  expect(events.at(-1)).toMatchObject({ type: "done", out, measured: result.measured, report: path.join(out, "run", "report.html") });
  expect(result.checks.filter(({ name, ok }) => !ok && name !== "card")).toEqual([]);
  expect(await readFile(result.report, "utf8")).toContain("my program 1.0");
});

test("aborted and gone on with: a second run without `resume` is refused, with it the weights are those of a run that was never stopped", async () => {
  const whole = optionsFor();
  await trainToPackage(whole);
  const stopped = optionsFor();
  await expect(trainToPackage({ ...stopped, ...abortLater() })).rejects.toMatchObject({ name: "AbortError" });
  expect(existsSync(path.join(stopped.out, "weights.safetensors"))).toBe(false);
  await expect(trainToPackage(stopped)).rejects.toMatchObject({ code: "OUTPUT_NOT_WRITABLE" });
  await trainToPackage({ ...stopped, resume: true });
  const weights = ({ out }: { out: string }) => readFile(path.join(out, "weights.safetensors"));
  expect((await weights(stopped)).equals(await weights(whole))).toBe(true);
});

test("a case that cannot be used is told of before the refusal, and no engine is started; skipBad leaves it out", async () => {
  const data = madeCases(12, 8, ballTruth);
  const broken = { ...data[3], load: async () => Promise.reject(new AnyMC3DError("FILE_NOT_FOUND", "gone.nii: no such file")) };
  const events: TrainToPackageEvent[] = [];
  const options = optionsFor({ data: data.with(3, broken), onEvent: (event) => events.push(event), training: { epochs: 1 } });
  await expect(trainToPackage(options)).rejects.toMatchObject({ code: "DATA_INVALID", message: expect.stringContaining("case3 (FILE_NOT_FOUND)") });
  expect(events.at(-1)).toMatchObject({ type: "faults", skipped: false, faults: [{ id: "case3", code: "FILE_NOT_FOUND" }] });
  expect(options.engine).not.toHaveBeenCalled();
  expect(existsSync(options.out)).toBe(false);
  const { keptEpoch } = await trainToPackage({ ...options, skipBad: true });
  expect(keptEpoch).toBe(1);
  expect(events.find(({ type }) => type === "data")).toMatchObject({ skipped: [{ id: "case3" }], splits: [{ n: 11 }, { n: 8 }] });
});

test("a comparison: the variant's events bear its name, and the size-only baselines stand beside it", async () => {
  const events: TrainToPackageEvent[] = [];
  const options = optionsFor({ compare: ["head-only"], training: { epochs: 1 }, onEvent: (event) => events.push(event) });
  const { compared } = await trainToPackage(options);
  expect(compared?.map(({ name }) => name)).toEqual(["as configured", "head-only", "slice count", "volume extent", "foreground"]);
  expect(events.filter(({ type }) => type === "done").map((event) => "variant" in event && event.variant)).toEqual([false, "head-only"]);
  expect(events.at(-1)).toMatchObject({ type: "compared", models: compared, table: expect.stringContaining("| head-only |") });
  expect(existsSync(path.join(options.out, "compare/head-only/adapter.json"))).toBe(true);
  // A run that only goes on keeps the table; one of another format is left out.
  const again = async () => {
    await trainToPackage({ ...options, compare: undefined, resume: true });
    return readFile(path.join(options.out, "README.md"), "utf8");
  };
  expect(await again()).toContain("| head-only |");
  for (const other of ['[{ "name": "head-only", "auroc": {}, "mean": {} }]', "{"]) {
    await writeFile(path.join(options.out, "compare/comparison.json"), other);
    expect(await again()).not.toContain("head-only");
  }
});

test("a fault of the configuration is found before the backbone is asked for", async () => {
  const options = optionsFor({ config: { ...config, tasks: {} } });
  await expect(trainToPackage(options)).rejects.toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining("tasks") });
  await expect(trainToPackage({ ...options, config: "nowhere/task.json" })).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
  await expect(trainToPackage({ ...options, config, compare: ["heads-only"] })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  expect(options.backbone).not.toHaveBeenCalled();
});
