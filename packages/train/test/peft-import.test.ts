// Adapters written by PEFT: the adapted backbone answers as PEFT's, whatever the config; what cannot be carried exactly is refused by name.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Adapter, type Backbone, isAnyMC3DError, loadAdapter, parseAdapterManifest, type Tensor, type Tensors } from "@anymc3d/core";
import { encode, readTensors, writeSafetensors } from "@anymc3d/core/engine";
import { bindAdapter } from "@anymc3d/core/learn";
import { loadTiny } from "@anymc3d/core/testing";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { fixtures, goldenFiles, hasShared } from "@anymc3d/testkit/fixtures";
import { describe, expect, test } from "vitest";
import { pixelLogits } from "../src/package/pixel-logits.js";
import { importPeft, type PeftFolder, type PeftImport } from "../src/peft/peft-import.js";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const none = { name: "head", tensors: new Map<string, Tensor>() };

function folderOf(name: string): PeftFolder {
  const folder = here(`reference/peft/${name}`);
  return {
    name,
    config: JSON.parse(readFileSync(`${folder}/adapter_config.json`, "utf8")),
    tensors: readTensors(readFileSync(`${folder}/adapter_model.safetensors`)),
  };
}

const HASH = `sha256-${"0".repeat(64)}`;

/** The import as an adapter package holds it, so that names and shapes are checked against the manifest. */
async function adapterOf({ lora, tensors }: PeftImport, backbone: Backbone, views = 1): Promise<Adapter> {
  const view = {
    source: "volume",
    plane: "axial",
    crop: "volume",
    spacing: null,
    size: [4 * backbone.spec.patch, 4 * backbone.spec.patch],
    slices: { choice: "all" },
    intensity: { kind: "range", range: [0, 1] },
    pad: 0,
    expect: {},
  };
  const labels = tensors.get("head.bias")?.shape[0] ?? 1;
  const all = new Map(tensors);
  const query = { shape: [backbone.spec.width], data: new Float32Array(backbone.spec.width) };
  for (let v = 0; v < views; v++) if (!all.has(`views.${v}.pool.query`)) all.set(`views.${v}.pool.query`, query);
  if (!all.has("head.bias")) {
    all.set("head.weight", { shape: [1, backbone.spec.width], data: new Float32Array(backbone.spec.width) });
    all.set("head.bias", { shape: [1], data: new Float32Array(1) });
  }
  const manifest = parseAdapterManifest({
    schemaVersion: 1,
    name: "imported",
    version: "0.1.0",
    title: "Imported",
    description: "Imported",
    task: { kind: labels > 1 ? "multilabel" : "binary", labels: Array.from({ length: labels }, (_, i) => ({ id: `l${i}`, name: `L${i}`, threshold: 0.5 })) },
    backbone: { name: "tiny", hash: backbone.hash },
    input: { bodyParts: [], views: new Array(views).fill(view) },
    modules: { lora, pooling: "attention", fusion: views > 1 ? "attention" : "none", head: "linear" },
    metrics: [],
    intendedUse: "test",
    limits: ["test"],
    license: "Apache-2.0",
    citation: [],
    conformance: { seed: 1, logits: new Array(labels).fill(0), tolerance: 0.01 },
  });
  return loadAdapter(manifest, writeSafetensors(all));
}

async function tiny(family: string) {
  const { backbone, slices } = await loadTiny(fixtures, family);
  return { backbone: { ...backbone, hash: HASH }, slices };
}

const distance = (a: ArrayLike<number>, b: ArrayLike<number>) => Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));

/** What each case must declare: the merged rank, alpha by hand from PEFT's scale (alpha/r, or alpha/√r), the maps. */
const CASES: Record<string, { backbone: string; rank: number; scale: number; targets: string[]; lastBlocks?: number }> = {
  "rslora-query-value": { backbone: "tiny-dinov2", rank: 6, scale: 6 / Math.sqrt(3), targets: ["qkv"] },
  "patterns-all": { backbone: "tiny-dinov2-registers", rank: 5, scale: 1 / 4, targets: ["patch", "qkv", "proj"] },
  "patterns-rslora": { backbone: "tiny-dinov2", rank: 10, scale: 2, targets: ["qkv", "proj"] },
  dinov3: { backbone: "tiny-dinov3", rank: 6, scale: 2, targets: ["patch", "qkv", "proj"] },
  vit: { backbone: "tiny-vit", rank: 6, scale: 2, targets: ["patch", "qkv", "proj"] },
  "last-layer": { backbone: "tiny-dinov2", rank: 6, scale: 2, targets: ["qkv", "proj"], lastBlocks: 1 },
  "first-layer": { backbone: "tiny-dinov2", rank: 2, scale: 2, targets: ["qkv"] },
  "regex-exclude": { backbone: "tiny-dinov2", rank: 2, scale: 2, targets: ["qkv", "proj"] },
  "patch-only": { backbone: "tiny-dinov2-swiglu", rank: 3, scale: 5 / 3, targets: ["patch"] },
  fused: { backbone: "tiny-dinov2", rank: 2, scale: 2, targets: ["patch", "qkv", "proj"] },
  "fused-rslora": { backbone: "tiny-dinov2", rank: 4, scale: 2, targets: ["qkv"] },
  "wrapped-head": { backbone: "tiny-dinov2", rank: 4, scale: 2, targets: ["qkv"] },
  "old-dinov2": { backbone: "tiny-dinov2", rank: 6, scale: 2, targets: ["patch", "qkv", "proj"] },
  "old-vit": { backbone: "tiny-vit", rank: 4, scale: 4 / Math.sqrt(2), targets: ["qkv"] },
  "old-dinov3": { backbone: "tiny-dinov3-gated", rank: 6, scale: 2, targets: ["patch", "qkv", "proj"] },
};

describe("the CLS of PEFT's own model", () => {
  const expected = readTensors(readFileSync(here("reference/peft/expected.safetensors")));

  test.each(Object.entries(CASES))("%s", async (name, { backbone: family, rank, scale, targets, lastBlocks }) => {
    const { backbone, slices } = await tiny(family);
    const imported = importPeft([folderOf(name)], none, backbone.spec);
    expect(imported.warnings).toEqual([]);
    expect(imported.lora).toMatchObject({ rank, targets });
    expect(imported.lora.lastBlocks).toBe(lastBlocks);
    const { lora } = bindAdapter(await adapterOf(imported, backbone), backbone).views[0];
    expect(lora?.scale).toBeCloseTo(scale, 12);
    const engine = await createOnnxEngine(backbone);
    const [adapted, bare] = [await encode(engine, slices, lora, {}), await encode(engine, slices, undefined, {})];
    await engine.dispose();
    const right = expected.get(`${name}.cls`)?.data as Float32Array;
    expect(distance(adapted.cls, right)).toBeLessThan(1e-4);
    expect(distance(bare.cls, right)).toBeGreaterThan(1e-2);
  });

  test("a fused adapter comes over bit for bit, its alpha and rule as stated; a saved head keeps its name", async () => {
    const { backbone } = await tiny("tiny-dinov2");
    const fused = folderOf("fused-rslora");
    const { lora, tensors } = importPeft([fused], none, backbone.spec);
    expect(lora).toEqual({ rank: 4, alpha: 4, rankStabilised: true, targets: ["qkv"] });
    for (const block of [0, 1])
      for (const side of ["A", "B"])
        expect(tensors.get(`views.0.lora.blocks.${block}.qkv.${side}`)).toEqual(
          fused.tensors.get(`base_model.model.blocks.${block}.attn.qkv.lora_${side}.weight`),
        );
    const wrapped = folderOf("wrapped-head");
    const head = importPeft([wrapped], none, backbone.spec).tensors.get("head.weight");
    expect(head?.shape).toEqual([2, 32]);
    expect(head).toEqual(wrapped.tensors.get("base_model.model.head.weight"));
  });
});

const spec = (await tiny("tiny-dinov2")).backbone.spec;
const base = folderOf("rslora-query-value");
const withConfig = (change: Record<string, unknown>, folder = base): PeftFolder => ({ ...folder, config: { ...(folder.config as object), ...change } });
const withNames = (rename: (name: string) => string | undefined, folder = base): PeftFolder => ({
  ...folder,
  tensors: new Map([...folder.tensors].flatMap(([name, tensor]) => (rename(name) === undefined ? [] : [[rename(name) as string, tensor] as const]))),
});

function refusal(folders: PeftFolder | PeftFolder[], head: { name: string; tensors: Tensors } = none): { code: string; message: string } {
  try {
    importPeft([folders].flat(), head, spec);
  } catch (error) {
    if (isAnyMC3DError(error)) return error;
    throw error;
  }
  throw new Error("was not refused");
}

describe("the scale rule", () => {
  const d = (shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5) });
  const make = (config: object): PeftFolder => ({
    name: "made",
    config: { peft_type: "LORA", target_modules: ["qkv"], ...config },
    tensors: new Map(
      [0, 1].flatMap((i) => [[`blocks.${i}.attn.qkv.lora_A.weight`, d([16, 32])] as const, [`blocks.${i}.attn.qkv.lora_B.weight`, d([96, 16])]]),
    ),
  });
  const scaleOf = async (folder: PeftFolder) => {
    const { backbone } = await tiny("tiny-dinov2");
    return bindAdapter(await adapterOf(importPeft([folder], none, backbone.spec), backbone), backbone).views[0].lora;
  };

  test("use_rslora: alpha/√r = 4 for r 16, alpha 16, not alpha/r = 1", async () => {
    expect((await scaleOf(make({ r: 16, lora_alpha: 16, use_rslora: true })))?.scale).toBe(4);
    expect((await scaleOf(make({ r: 16, lora_alpha: 16 })))?.scale).toBe(1);
  });

  test("the same with alpha_pattern: each block's factor, scale times what was folded into its B", async () => {
    const lora = await scaleOf(make({ r: 16, lora_alpha: 16, use_rslora: true, alpha_pattern: { "blocks.1.attn.qkv": 8 } }));
    const factor = (block: number) => ((lora?.scale as number) * (lora?.tensors.get(`blocks.${block}.qkv.B`)?.data[0] as number)) / 0.5;
    expect([factor(0), factor(1)]).toEqual([4, 2]);
  });
});

describe("key prefixes", () => {
  const same = (folder: PeftFolder) => expect(importPeft([folder], none, spec).tensors).toEqual(importPeft([base], none, spec).tensors);

  test.each([
    ["none", ""],
    ["the model in an attribute", "base_model.model.backbone."],
    ["model.", "base_model.model.model."],
    ["a classifier's", "base_model.model.dinov2."],
    ["several", "model.backbone."],
  ])("%s: equal tensors", (_, prefix) => same(withNames((name) => name.replace("base_model.model.", prefix))));

  test("an adapter's name in the keys (a state dict): equal tensors", () => same(withNames((name) => name.replace(/\.weight$/, ".default.weight"))));

  test.each(["wrong.", "base_model.other.", "teacher.backbone."])("%s: refused, every tensor listed as missing and as unused", (prefix) => {
    const { code, message } = refusal(withNames((name) => name.replace("base_model.model.", prefix)));
    expect(code).toBe("TENSORS_MISMATCH");
    expect(message).toMatch(/Missing: \S*encoder\.layer\.0\.attention\.q_proj\.lora_A\.weight/);
    expect(message).toContain(`Unused: ${prefix}encoder.layer.0.attention.q_proj.lora_A.weight`);
  });

  test("half of the keys renamed, two adapters in a file, a tensor under two names: refused", () => {
    const half = refusal(withNames((name) => (name.includes("layer.1") ? name.replace("base_model.", "") : name)));
    expect(half.message).toMatch(/Missing: encoder\.layer\.1.*Unused: model\.encoder\.layer\.1/);
    expect(refusal(withNames((name) => name.replace(".weight", name.includes("layer.1") ? ".a.weight" : ".b.weight"))).message).toMatch(/"b", "a"|"a", "b"/);
    const twice = new Map([...base.tensors, ...withNames((name) => name.replace("base_model.model.", "")).tensors]);
    expect(refusal({ ...base, tensors: twice }).message).toContain("twice");
  });
});

describe("weights that are not there, or too many", () => {
  const MODULE = "encoder.layer.1.attention.v_proj";

  test.each(["A", "B"])("one lora_%s removed: refused, named as missing", (side) => {
    const { code, message } = refusal(withNames((name) => (name.includes(`${MODULE}.lora_${side}`) ? undefined : name)));
    expect(code).toBe("TENSORS_MISMATCH");
    expect(message).toContain(`Missing: ${MODULE}.lora_${side}.weight. Unused: none.`);
  });

  test.each([
    ["a block", "layer.1."],
    ["a target in all blocks", "v_proj"],
    ["all", ""],
  ])("%s removed: refused", (_, part) => {
    const { code, message } = refusal(withNames((name) => (name.includes(part) ? undefined : name)));
    expect(code).toBe("TENSORS_MISMATCH");
    expect(message).toMatch(/v_proj/);
  });

  test("the same where the targets are a pattern", () => {
    const config = { target_modules: String.raw`encoder\.layer\.(?P<n>\d+)\.attention\.(q|v)_proj` };
    expect(importPeft([withConfig(config)], none, spec).lora.rank).toBe(6);
    const folder = withConfig(
      config,
      withNames((name) => (name.includes("v_proj") ? undefined : name)),
    );
    expect(refusal(folder).message).toContain("Missing: encoder.layer.0.attention.v_proj.lora_A.weight");
  });

  test("maps that cannot be adapted here, and maps that the config does not target: refused as unused", () => {
    const mlp = new Map([...base.tensors].map(([name, tensor]) => [name.replace("attention.v_proj", "mlp.fc1"), tensor]));
    expect(refusal(withConfig({ target_modules: ["q_proj", "fc1"] }, { ...base, tensors: mlp })).message).toContain(
      "Unused: encoder.layer.0.mlp.fc1.lora_A.weight",
    );
    expect(refusal(withConfig({ target_modules: ["q_proj"] })).message).toContain("Unused: encoder.layer.0.attention.v_proj.lora_A.weight");
    expect(refusal(withConfig({ layers_to_transform: [0] })).message).toContain("Unused: encoder.layer.1.attention.q_proj.lora_A.weight");
    const dora = new Map([
      ...base.tensors,
      ["base_model.model.encoder.layer.0.attention.q_proj.lora_magnitude_vector", { shape: [32], data: new Float32Array(32) }],
    ]);
    expect(refusal({ ...base, tensors: dora as Tensors }).message).toContain("lora_magnitude_vector");
  });

  test("tensors of another rank, or for another width: refused with both shapes", () => {
    expect(refusal(withConfig({ r: 4 })).message).toContain("v_proj.lora_A.weight is [3,32], expected [4, 32]");
    expect(() => importPeft([base], none, { ...spec, width: 64 })).toThrow(/lora_B\.weight is \[32,3\], expected \[64, 3\]/);
  });

  test("a view whose B are all zero: imported, with a warning", () => {
    const zero = new Map([...base.tensors].map(([name, t]) => [name, name.includes("lora_B") ? { ...t, data: new Float32Array(t.data.length) } : t]));
    expect(importPeft([{ ...base, tensors: zero }], none, spec).warnings.map(({ code }) => code)).toEqual(["LORA_ZERO"]);
  });

  test("a query or head given by two files: refused", () => {
    const tensors = new Map([["head.weight", { shape: [2, 32], data: new Float32Array(64) }]]);
    expect(refusal(folderOf("wrapped-head"), { name: "head.safetensors", tensors }).message).toContain("head.weight was given already");
  });
});

describe("configs that compute something else are refused by the field's name", () => {
  test.each<[string, unknown]>([
    ["use_dora", true],
    ["fan_in_fan_out", true],
    ["lora_bias", true],
    ["bias", "all"],
    ["bias", "lora_only"],
    ["modules_to_save", ["classifier"]],
    ["layer_replication", [[0, 1]]],
    ["megatron_config", { tensor_model_parallel_size: 2 }],
    ["init_lora_weights", "pissa"],
    ["init_lora_weights", "pissa_niter_16"],
    ["init_lora_weights", "olora"],
    ["init_lora_weights", "loftq"],
    ["init_lora_weights", "corda"],
    ["init_lora_weights", "something-new"],
    ["loftq_config", { loftq_bits: 4 }],
    ["target_parameters", ["x"]],
    ["trainable_token_indices", [1]],
    ["alora_invocation_tokens", [1]],
    ["use_qalora", true],
    ["use_bdlora", { nblocks: 2 }],
    ["arrow_config", { top_k: 2 }],
    ["a_field_of_the_future", 1],
    ["peft_type", "IA3"],
    ["target_modules", "all-linear"],
    ["target_modules", null],
    ["r", 0],
    ["r", "8"],
    ["lora_alpha", 0],
    ["use_rslora", "yes"],
    ["rank_pattern", { q_proj: 0 }],
    ["alpha_pattern", { q_proj: "4" }],
    ["alpha_pattern", { "q_proj(": 4 }],
  ])("%s %j", (field, value) => {
    const { code, message } = refusal(withConfig({ [field]: value }));
    expect(code).toBe("CONFIG_INVALID");
    expect(message).toContain(field);
  });

  test.each<[string, unknown]>([
    ["lora_dropout", 0.1],
    ["inference_mode", false],
    ["init_lora_weights", "gaussian"],
    ["init_lora_weights", "orthogonal"],
    ["base_model_name_or_path", "facebook/dinov2-small"],
    ["task_type", "FEATURE_EXTRACTION"],
    ["revision", "main"],
    ["a_field_of_the_future", null],
    ["another_field_of_the_future", []],
  ])("%s %j changes nothing", (field, value) => {
    expect(importPeft([withConfig({ [field]: value })], none, spec)).toEqual(importPeft([base], none, spec));
  });

  test("no object at all; a rank beyond the manifest's limit", () => {
    expect(refusal({ ...base, config: null }).code).toBe("CONFIG_INVALID");
    const big = [...base.tensors].map(([name, { shape }], i) => {
      const sized = name.includes("lora_A") ? [200, 32] : [32, 200];
      return [name, { shape: sized, data: new Float32Array(6400).fill(i + shape.length) }] as const;
    });
    expect(refusal(withConfig({ r: 200 }, { ...base, tensors: new Map(big) })).message).toContain("rank 400, at most 256");
  });
});

if (!hasShared) console.warn("../shared is not there: the import of the two-view reference adapter is not tested");

describe.skipIf(!hasShared)("the two-view reference adapter, written as PEFT would", async () => {
  if (!hasShared) return;
  const { backbone: golden, twoView } = await goldenFiles();
  const backbone: Backbone = { ...golden, hash: HASH };
  const reference = readTensors(twoView);
  const params = new Map([...reference].filter(([name]) => name.startsWith("params.")).map(([name, tensor]) => [name.slice(7), tensor]));
  const others = { name: "head", tensors: new Map([...params].filter(([name]) => !name.includes(".lora."))) };
  const config = { peft_type: "LORA", r: 8, lora_alpha: 16 };
  const { width, patch } = backbone.spec;
  const convolution = (name: string, t: Tensor): Tensor => ({ ...t, shape: name.endsWith("A") ? [8, 3, patch, patch] : [width, 8, 1, 1] });

  /** timm's names: qkv stays fused. */
  function fusedView(v: number): PeftFolder {
    const tensors = new Map<string, Tensor>();
    for (const [name, tensor] of params) {
      const [, map, side] = new RegExp(`^views\\.${v}\\.lora\\.(.*)\\.([AB])$`).exec(name) ?? [];
      if (!map) continue;
      const module = map === "patch" ? "patch_embed.proj" : map.replace(/(qkv|proj)$/, "attn.$1");
      tensors.set(`base_model.model.${module}.lora_${side}.weight`, map === "patch" ? convolution(name, tensor) : tensor);
    }
    return { name: `view ${v}`, config: { ...config, target_modules: ["patch_embed.proj", "qkv", "attn.proj"] }, tensors };
  }

  const flip = ({ shape, data }: Tensor): Tensor => ({
    shape,
    data: Float32Array.from(data, (_, i) => data[(shape[0] - 1 - Math.floor(i / shape[1])) * shape[1] + (i % shape[1])]),
  });
  const mirror = ({ shape, data }: Tensor): Tensor => ({
    shape,
    data: Float32Array.from(data, (_, i) => data[Math.floor(i / shape[1]) * shape[1] + shape[1] - 1 - (i % shape[1])]),
  });
  const times = ({ shape, data }: Tensor, factor: number): Tensor => ({ shape, data: data.map((value) => value * factor) });

  /** transformers' names: A for query, key and value each, B's rows in thirds. `own`: the three A differ, B making up for it. */
  function splitView(v: number, own: boolean): PeftFolder {
    const tensors = new Map<string, Tensor>();
    for (const [name, tensor] of fusedView(v).tensors) {
      const renamed = name.replace("patch_embed.proj", "embeddings.patch_embeddings.projection").replace("blocks.", "encoder.layer.");
      const third = (i: number): Tensor => ({ shape: [width, 8], data: tensor.data.slice(i * width * 8, (i + 1) * width * 8) });
      if (!name.includes(".qkv.")) tensors.set(renamed.replace("attn.proj", "attention.output.dense"), tensor);
      else
        ["query", "key", "value"].forEach((part, i) => {
          const a = name.includes("lora_A");
          const plain = a ? tensor : third(i);
          const varied = [plain, times(plain, a ? 2 : 0.5), a ? flip(plain) : mirror(plain)][i];
          tensors.set(renamed.replace("attn.qkv", `attention.attention.${part}`), own ? varied : plain);
        });
    }
    return { name: `view ${v}`, config: { ...config, target_modules: ["projection", "query", "key", "value", "output.dense"] }, tensors };
  }

  test("fused, and split with a shared A: rank 8 and every tensor bit for bit", () => {
    for (const folders of [[0, 1].map(fusedView), [0, 1].map((v) => splitView(v, false))]) {
      const { lora, tensors } = importPeft(folders, others, backbone.spec);
      expect(lora).toEqual({ rank: 8, alpha: 16, rankStabilised: false, targets: ["patch", "qkv", "proj"] });
      expect([...tensors.keys()].sort()).toEqual([...params.keys()].sort());
      for (const [name, { shape, data }] of params) {
        expect(tensors.get(name)?.shape, name).toEqual(shape);
        expect(distance(tensors.get(name)?.data as Float32Array, data), name).toBe(0);
      }
    }
  });

  test("PyTorch's logit, from rank 8 and from three A merged into rank 24", async () => {
    const engine = await createOnnxEngine(backbone);
    const pixels = [0, 1].map((v) => realSlices(reference.get(`views.${v}.pixels`) as Tensor, reference.get(`views.${v}.mask`) as Tensor));
    const right = (reference.get("logits") as Tensor).data;
    const logits = async (folders: PeftFolder[]) => {
      const imported = importPeft(folders, others, backbone.spec);
      return { rank: imported.lora.rank, found: await pixelLogits(await adapterOf(imported, backbone, 2), engine, pixels) };
    };
    for (const [folders, rank] of [
      [[0, 1].map(fusedView), 8],
      [[0, 1].map((v) => splitView(v, true)), 24],
      [[fusedView(0), splitView(1, true)], 24],
    ] as const) {
      const { rank: merged, found } = await logits([...folders]);
      expect(merged).toBe(rank);
      expect(found.length).toBe(1);
      expect(Math.abs(found[0] - right[0])).toBeLessThan(2e-4);
    }
    const swapped = await logits([fusedView(1), fusedView(0)]);
    expect(Math.abs(swapped.found[0] - right[0])).toBeGreaterThan(1e-3);
    await engine.dispose();
  });

  function realSlices({ shape, data }: Tensor, mask: Tensor): Tensor {
    const size = data.length / shape[0];
    const kept = [...mask.data.keys()].filter((s) => mask.data[s]);
    const out = new Float32Array(kept.length * size);
    kept.forEach((s, i) => out.set(data.subarray(s * size, (s + 1) * size), i * size));
    return { shape: [kept.length, ...shape.slice(1)], data: out };
  }
});
