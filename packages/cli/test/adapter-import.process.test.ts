// anymc3d adapter import as a PyTorch user meets it: the example of docs/import-from-python.md, run by its script, comes over with PyTorch's logits.
import { existsSync, readdirSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkConformance, type Tensor } from "@anymc3d/core";
import { readTensors, writeSafetensors } from "@anymc3d/core/engine";
import { createEngine, openAdapter, openBackbone } from "@anymc3d/sdk";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createProgram } from "../src/program.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const example = join(root, "packages/cli/test/reference/example");

let folder: string;
let backbone: string;
let config: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-import-"));
  backbone = join(folder, "backbone");
  config = join(folder, "task.json");
  await anymc3d("backbone", "import", join(root, "packages/core/fixtures/tiny-dinov2"), "--out", backbone);
  await writeFile(config, await taskOfTheDocs());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function taskOfTheDocs(): Promise<string> {
  const text = await readFile(join(root, "docs/import-from-python.md"), "utf8");
  return /```json\n(.*?)```/s.exec(text)?.[1] as string;
}

/** Runs a command; what it wrote to stdout and stderr. */
async function anymc3d(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const written = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((stream) =>
    vi.spyOn(process[stream], "write").mockImplementation((text) => {
      written[stream] += text;
      return true;
    }),
  );
  try {
    await createProgram().parseAsync(["node", "anymc3d", ...args]);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return written;
}

const file = (name: string) => join(example, name);
const flagsOf = (out: string, changes: Record<string, string | undefined> = {}) => {
  const flags = {
    "--config": config,
    "--lora": file("lora"),
    "--head": file("head.safetensors"),
    "--expect": file("expected.safetensors"),
    "--backbone": backbone,
    "--out": join(folder, out),
    ...changes,
  };
  return ["adapter", "import", ...Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]))];
};

async function refusal(changes: Record<string, string | undefined>): Promise<{ code: string; message: string }> {
  const out = "refused";
  const error = await anymc3d(...flagsOf(out, changes)).then(
    () => undefined,
    (reason) => reason,
  );
  expect(readdirSync(folder).filter((name) => name.includes(out))).toEqual([]);
  if (!error) throw new Error("was not refused");
  return error;
}

describe("the example of the docs", () => {
  test("PyTorch's logits, an adapter that loads and passes its own conformance vector", async () => {
    const { stdout, stderr } = await anymc3d(...flagsOf("adapter"));
    expect(stdout).toMatch(/@you\/adapter-example, LoRA of rank 24 on patch, qkv, proj, \d+ parameters; logits as expected, off by \d\.\de-\d/);
    expect(Number(/off by (\S+)/.exec(stdout)?.[1])).toBeLessThan(1e-4);
    expect(stderr).toBe("");
    const adapter = await openAdapter(join(folder, "adapter"));
    expect(adapter.manifest).toMatchObject({ name: "@you/adapter-example", metrics: [], modules: { lora: { rank: 24, alpha: 48 }, fusion: "none" } });
    const engine = await createEngine(await openBackbone(backbone));
    expect(await checkConformance(adapter, engine)).toBeLessThan(1e-4);
    await engine.dispose();
  });

  test("metrics are taken over; without --expect a warning says that nothing was compared", async () => {
    const label = { id: "bright", n: 10, positives: 4, auroc: 0.9, interval: [0.8, 1] };
    const metrics = { dataset: "mine", split: "val", date: "2026-01-02", seed: 1, madeBy: "scikit-learn 1.9", labels: [label] };
    await writeFile(join(folder, "metrics.json"), JSON.stringify(metrics));
    const { stderr } = await anymc3d(...flagsOf("measured", { "--expect": undefined, "--metrics": join(folder, "metrics.json") }));
    expect(stderr).toContain("--expect");
    const [taken, ...others] = (await openAdapter(join(folder, "measured"))).manifest.metrics;
    expect([taken, others]).toEqual([{ ...metrics, warnings: [expect.objectContaining({ code: "FEW_CASES" })] }, []]);
  });

  test("two views: each folder's LoRA, both queries and the fusion", async () => {
    const task = JSON.parse(await taskOfTheDocs());
    const [view] = task.input.views;
    task.input.views = [view, { ...view, source: "other" }];
    await writeFile(join(folder, "two.json"), JSON.stringify(task));
    const head = readTensors(await readFile(file("head.safetensors")));
    const query = head.get("pool.query") as Tensor;
    head.delete("pool.query");
    for (const name of ["views.0.pool.query", "views.1.pool.query", "fusion.query"]) head.set(name, query);
    await writeFile(join(folder, "two.safetensors"), writeSafetensors(head));
    const expected = readTensors(await readFile(file("expected.safetensors")));
    const pixels = expected.get("pixels") as Tensor;
    expected.delete("pixels");
    await writeFile(join(folder, "two-expected.safetensors"), writeSafetensors(expected.set("views.0.pixels", pixels).set("views.1.pixels", pixels)));
    // Equal views fuse to either of them, so the logits are those of one view.
    const flags = flagsOf("two", {
      "--config": join(folder, "two.json"),
      "--head": join(folder, "two.safetensors"),
      "--expect": join(folder, "two-expected.safetensors"),
    });
    await anymc3d(...flags, "--lora", file("lora"));
    const { manifest, tensors } = await openAdapter(join(folder, "two"));
    expect(manifest.modules.fusion).toBe("attention");
    expect(tensors.get("views.1.lora.patch.A")).toEqual(tensors.get("views.0.lora.patch.A"));
  });

  test("two views, concatenated: the head is as wide as both", async () => {
    const task = JSON.parse(await taskOfTheDocs());
    const [view] = task.input.views;
    task.input.views = [view, { ...view, source: "other" }];
    task.modules = { lora: { rank: 1, alpha: 1, targets: ["qkv"] }, pooling: "attention", fusion: "concat" };
    await writeFile(join(folder, "concat.json"), JSON.stringify(task));
    const head = readTensors(await readFile(file("head.safetensors")));
    const query = head.get("pool.query") as Tensor;
    head.delete("pool.query");
    for (const name of ["views.0.pool.query", "views.1.pool.query"]) head.set(name, query);
    // Of equal views a quarter of one and three quarters of the other make the logits of one view.
    const { shape, data } = head.get("head.weight") as Tensor;
    const [labels, width] = shape;
    const wide = Float32Array.from({ length: 2 * data.length }, (_, i) => {
      const [row, column] = [Math.floor(i / (2 * width)), i % (2 * width)];
      return data[row * width + (column % width)] * (column < width ? 0.25 : 0.75);
    });
    head.set("head.weight", { shape: [labels, 2 * width], data: wide });
    await writeFile(join(folder, "concat.safetensors"), writeSafetensors(head));
    const expected = readTensors(await readFile(file("expected.safetensors")));
    const pixels = expected.get("pixels") as Tensor;
    expected.delete("pixels");
    await writeFile(join(folder, "concat-expected.safetensors"), writeSafetensors(expected.set("views.0.pixels", pixels).set("views.1.pixels", pixels)));
    const flags = flagsOf("concat", {
      "--config": join(folder, "concat.json"),
      "--head": join(folder, "concat.safetensors"),
      "--expect": join(folder, "concat-expected.safetensors"),
    });
    await anymc3d(...flags, "--lora", file("lora"));
    const { manifest, tensors } = await openAdapter(join(folder, "concat"));
    expect(manifest.modules.fusion).toBe("concat");
    expect(tensors.get("head.weight")?.shape).toEqual([labels, 2 * width]);
  });
});

describe("refused, with nothing written", () => {
  const altered = async (name: string, change: (tensors: Map<string, Tensor>) => void, source: string): Promise<string> => {
    const tensors = readTensors(await readFile(source));
    change(tensors);
    await writeFile(join(folder, name), writeSafetensors(tensors));
    return join(folder, name);
  };

  /** A copy of the LoRA folder with a change. */
  const lora = async (name: string, change: (tensors: Map<string, Tensor>) => void): Promise<string> => {
    await mkdir(join(folder, name));
    await cp(file("lora/adapter_config.json"), join(folder, name, "adapter_config.json"));
    await altered(`${name}/adapter_model.safetensors`, change, file("lora/adapter_model.safetensors"));
    return join(folder, name);
  };

  test("other logits than PyTorch's, other numbers of them, no pixels", async () => {
    const off = await altered("off.safetensors", (t) => ((t.get("logits") as Tensor).data[1] += 0.002), file("expected.safetensors"));
    expect(await refusal({ "--expect": off })).toMatchObject({ code: "CONFORMANCE_FAILED", message: expect.stringContaining("0.001 apart") });
    await anymc3d(...flagsOf("tolerated", { "--expect": off, "--tolerance": "0.01" }));
    const fewer = await altered("fewer.safetensors", (t) => t.set("logits", { shape: [1], data: new Float32Array(1) }), file("expected.safetensors"));
    expect(await refusal({ "--expect": fewer })).toMatchObject({ code: "CONFORMANCE_FAILED" });
    const nan = await altered("nan.safetensors", (t) => (t.get("logits") as Tensor).data.fill(Number.NaN), file("expected.safetensors"));
    expect(await refusal({ "--expect": nan })).toMatchObject({ code: "CONFORMANCE_FAILED" });
    const blind = await altered("blind.safetensors", (t) => t.delete("pixels"), file("expected.safetensors"));
    expect(await refusal({ "--expect": blind })).toMatchObject({ code: "INPUT_MISSING", message: expect.stringContaining("pixels") });
  });

  test("LoRA that was dropped: PyTorch's logits are not those of the bare backbone", async () => {
    const zero = await lora("zero", (t) => t.forEach(({ data }, name) => name.includes("lora_B") && data.fill(0)));
    expect(await refusal({ "--lora": zero })).toMatchObject({ code: "CONFORMANCE_FAILED" });
  });

  test("LoRA too small to move the backbone's answer", async () => {
    const tiny = await lora("tiny", (t) =>
      t.forEach((tensor, name) => name.includes("lora_B") && t.set(name, { ...tensor, data: tensor.data.map((v) => v * 1e-30) })),
    );
    expect(await refusal({ "--lora": tiny, "--expect": undefined })).toMatchObject({ code: "ENGINE_FAILED", message: expect.stringContaining("not zero") });
  });

  test("one B missing; a renamed prefix; NaN", async () => {
    const KEY = "base_model.model.encoder.layer.1.attention.q_proj.lora_B.weight";
    const gone = await lora("gone", (t) => t.delete(KEY));
    expect(await refusal({ "--lora": gone })).toMatchObject({ code: "TENSORS_MISMATCH", message: expect.stringContaining("layer.1.attention.q_proj.lora_B") });
    const renamed = await lora("renamed", (t) => {
      for (const [name, tensor] of [...t]) t.set(name.replace("base_model.model.", "mine."), tensor).delete(name);
    });
    expect(await refusal({ "--lora": renamed })).toMatchObject({ code: "TENSORS_MISMATCH", message: expect.stringMatching(/Missing: .*Unused: mine\./) });
    const spoilt = await lora("spoilt", (t) => (t.get(KEY) as Tensor).data.fill(Number.NaN, 0, 1));
    expect(await refusal({ "--lora": spoilt })).toMatchObject({ code: "TENSORS_MISMATCH", message: expect.stringContaining("NaN") });
  });

  test("a head without bias, for another number of labels, with tensors of no use", async () => {
    const head = (name: string, change: (tensors: Map<string, Tensor>) => void) => altered(name, change, file("head.safetensors"));
    expect(await refusal({ "--head": undefined })).toMatchObject({ code: "TENSORS_MISMATCH", message: expect.stringContaining("missing head.weight [2,32]") });
    const bias = await head("bias.safetensors", (t) => t.delete("head.bias"));
    expect(await refusal({ "--head": bias })).toMatchObject({ code: "TENSORS_MISMATCH", message: expect.stringContaining("missing head.bias [2]") });
    const three = await head("three.safetensors", (t) => t.set("head.weight", { shape: [3, 32], data: new Float32Array(96) }));
    expect(await refusal({ "--head": three })).toMatchObject({ code: "TENSORS_MISMATCH", message: expect.stringContaining("[3,32], expected [2,32]") });
    const more = await head("more.safetensors", (t) => t.set("decoder.weight", { shape: [1], data: new Float32Array(1) }));
    expect(await refusal({ "--head": more })).toMatchObject({ code: "TENSORS_MISMATCH", message: expect.stringContaining("unused decoder.weight") });
  });

  test("the wrong number of folders; no folder although LoRA is wanted; files that are not there or no JSON; another backbone", async () => {
    expect(await refusal({ "--lora": undefined })).toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining("1 view(s), --lora names 0") });
    expect(await refusal({ "--config": join(folder, "none.json") })).toMatchObject({ code: "FILE_NOT_FOUND" });
    expect(await refusal({ "--config": file("head.safetensors") })).toMatchObject({ code: "FORMAT_INVALID" });
    expect(await refusal({ "--lora": example })).toMatchObject({ code: "FILE_NOT_FOUND" });
    expect(await refusal({ "--backbone": undefined })).toMatchObject({ code: "TENSORS_MISMATCH", message: expect.stringContaining("Missing: ") });
    await writeFile(join(folder, "bad-metrics.json"), '{ "auroc": 1 }');
    expect(await refusal({ "--metrics": join(folder, "bad-metrics.json") })).toMatchObject({ code: "MANIFEST_INVALID" });
  });

  test("a folder that is there already", async () => {
    await mkdir(join(folder, "taken"));
    await expect(anymc3d(...flagsOf("taken"))).rejects.toMatchObject({ code: "OUTPUT_NOT_WRITABLE" });
    expect(readdirSync(join(folder, "taken"))).toEqual([]);
  });
});

test("without LoRA where task.json says so: a head on frozen features", async () => {
  const task = { ...JSON.parse(await taskOfTheDocs()), modules: { lora: null, pooling: "attention" } };
  await writeFile(join(folder, "frozen.json"), JSON.stringify(task));
  await anymc3d(...flagsOf("frozen", { "--config": join(folder, "frozen.json"), "--lora": undefined, "--expect": undefined }));
  expect((await openAdapter(join(folder, "frozen"))).manifest.modules.lora).toBeNull();
  expect(existsSync(join(folder, "frozen/weights.safetensors"))).toBe(true);
});
