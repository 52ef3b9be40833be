// Adapters: tensors exactly those the manifest implies, the right backbone, the right LoRA scale.
import { readFile } from "node:fs/promises";
import { type Backbone, loadAdapter, type Tensor } from "@anymc3d/core";
import { readTensors, writeSafetensors } from "@anymc3d/core/engine";
import { adapterShapes, bindAdapter, upgradeManifest, weightsHash } from "@anymc3d/core/learn";
import { loadTiny } from "@anymc3d/core/testing";
import { type Loose, manifestJson, pinned, refusal, version1 } from "@anymc3d/testkit/expectations";
import { fixtures } from "@anymc3d/testkit/fixtures";
import { describe, expect, test } from "vitest";

const HASH = `sha256-${"ab".repeat(32)}`;
const tiny: Backbone = { ...(await loadTiny(fixtures, "tiny-dinov2")).backbone, hash: HASH };
const { width, depth } = tiny.spec;

const json = (change: (m: Loose) => void = () => {}) =>
  manifestJson((m) => {
    m.backbone.hash = HASH;
    m.modules = { lora: { rank: 2, alpha: 4, targets: ["patch", "qkv", "proj"] }, pooling: "attention", fusion: "none", head: "linear" };
    change(m);
  });

/** The tensors by hand, from the names and shapes of the design. */
function tensors(rank = 2): Map<string, Tensor> {
  const made = new Map<string, Tensor>();
  const add = (name: string, ...shape: number[]) => made.set(name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.01) });
  const pair = (map: string, into: number, out: number) => add(`views.0.lora.${map}.A`, rank, into) && add(`views.0.lora.${map}.B`, out, rank);
  pair("patch", 3 * 16 * 16, width);
  for (let i = 0; i < depth; i++) {
    pair(`blocks.${i}.qkv`, width, 3 * width);
    pair(`blocks.${i}.proj`, width, width);
  }
  add("views.0.pool.query", width);
  add("head.weight", 1, width);
  add("head.bias", 1);
  return made;
}

const load = async (manifest: Loose, own: Map<string, Tensor>, dtype: "F32" | "F16" = "F32") => {
  const weights = writeSafetensors(own, dtype);
  return loadAdapter(await pinned(manifest, weights), weights);
};

const bind = async (manifest: Loose, own: Map<string, Tensor>, backbone: Backbone = tiny) => bindAdapter(await load(manifest, own), backbone);

test("the tensors of the design fit, and come apart by view", async () => {
  const bound = await bind(json(), tensors());
  expect(bound.views[0].lora?.tensors.get(`blocks.${depth - 1}.qkv.B`)?.shape).toEqual([3 * width, 2]);
  expect([...(bound.views[0].lora?.tensors.keys() ?? [])].some((name) => name.startsWith("views"))).toBe(false);
  expect(bound.views[0].query?.length).toBe(width);
  expect(bound.fusion).toBeUndefined();
});

test("two views and attention fusion: every view its own LoRA and query, one fusion query, one head row a label", () => {
  const manifest = json((m) => {
    m.input.views.push({ ...m.input.views[0], source: "second" });
    m.modules.fusion = "attention";
    m.modules.lora = { rank: 2, alpha: 4, targets: ["qkv"], lastBlocks: 1 };
    m.task = {
      kind: "multiclass",
      labels: [
        { id: "a", name: "A" },
        { id: "b", name: "B" },
        { id: "c", name: "C" },
      ],
    };
    m.conformance.logits = [0, 0, 0];
  });
  const last = depth - 1;
  expect(Object.fromEntries(adapterShapes(manifest, tiny.spec))).toEqual({
    [`views.0.lora.blocks.${last}.qkv.A`]: [2, width],
    [`views.0.lora.blocks.${last}.qkv.B`]: [3 * width, 2],
    "views.0.pool.query": [width],
    [`views.1.lora.blocks.${last}.qkv.A`]: [2, width],
    [`views.1.lora.blocks.${last}.qkv.B`]: [3 * width, 2],
    "views.1.pool.query": [width],
    "fusion.query": [width],
    "head.weight": [3, width],
    "head.bias": [3],
  });
});

test("two views, concatenated: no fusion query, a head as wide as both", () => {
  const manifest = json((m) => {
    m.input.views.push({ ...m.input.views[0], source: "second" });
    m.modules = { lora: null, pooling: "mean", fusion: "concat", head: "linear" };
  });
  expect(Object.fromEntries(adapterShapes(manifest, tiny.spec))).toEqual({ "head.weight": [1, 2 * width], "head.bias": [1] });
});

test("the published count: 229,729 parameters for ViT-S, rank 8, one logit", async () => {
  const { spec } = JSON.parse(await readFile(new URL("../../backbone-dinov2-small/backbone.json", import.meta.url), "utf8"));
  const shapes = adapterShapes(
    json((m) => {
      m.modules.lora.rank = 8;
    }),
    spec,
  );
  expect([...shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(229_729);
});

describe("LoRA scale", () => {
  // by the definitions: LoRA alpha/r (Hu et al. 2021), rank-stabilised alpha/√r (Kalajdzievski 2023)
  test.each([
    [{ rank: 16, alpha: 16, rankStabilised: true }, 4],
    [{ rank: 16, alpha: 16, rankStabilised: false }, 1],
    [{ rank: 16, alpha: 16 }, 1],
    [{ rank: 8, alpha: 16 }, 2],
    [{ rank: 4, alpha: 2, rankStabilised: true }, 1],
  ])("%j → %d", async (rule, scale) => {
    const bound = await bind(
      json((m) => {
        Object.assign(m.modules.lora, rule);
      }),
      tensors(rule.rank),
    );
    expect(bound.views[0].lora?.scale).toBe(scale);
    expect(bound.views[0].lora?.rank).toBe(rule.rank);
  });
});

describe("TENSORS_MISMATCH, listing the tensors", () => {
  const cases: [string, (own: Map<string, Tensor>) => void, RegExp[]][] = [
    ["one layer's B is missing", (own) => own.delete("views.0.lora.blocks.1.qkv.B"), [/missing views\.0\.lora\.blocks\.1\.qkv\.B \[96,2\]/]],
    ["a tensor too many", (own) => own.set("classifier.weight", { shape: [1], data: new Float32Array(1) }), [/unused classifier\.weight/]],
    [
      "another shape",
      (own) => own.set("head.weight", { shape: [2, width], data: new Float32Array(2 * width) }),
      [/head\.weight is \[2,32\], expected \[1,32\]/],
    ],
    [
      "transposed, same count",
      (own) => own.set("head.weight", { shape: [width, 1], data: new Float32Array(width) }),
      [/head\.weight is \[32,1\], expected \[1,32\]/],
    ],
    [
      "another rank than declared",
      (own) => {
        for (const [name, tensor] of tensors(4)) own.set(name, tensor);
      },
      [/patch\.A is \[4,768\], expected \[2,768\]/],
    ],
    [
      "LoRA of a block that is not there",
      (own) => own.set(`views.0.lora.blocks.${depth}.qkv.A`, { shape: [2, width], data: new Float32Array(2 * width) }),
      [/unused/],
    ],
    ["no tensor at all", (own) => own.clear(), [/missing head\.weight|and \d+ more/]],
  ];
  test.each(cases)("%s", async (_, change, messages) => {
    const own = tensors();
    change(own);
    const error = await refusal(() => bind(json(), own));
    expect(error.code).toBe("TENSORS_MISMATCH");
    for (const message of messages) expect(error.message).toMatch(message);
  });

  test("as data: what is missing, what is too many, and both shapes", async () => {
    const own = tensors();
    own.delete("views.0.pool.query");
    own.set("classifier.weight", { shape: [1], data: new Float32Array(1) });
    own.set("head.weight", { shape: [2, width], data: new Float32Array(2 * width) });
    expect((await refusal(() => bind(json(), own))).details).toEqual({
      missing: ["views.0.pool.query"],
      unexpected: ["classifier.weight"],
      shapes: [{ name: "head.weight", found: [2, 32], expected: [1, 32] }],
    });
  });

  test("all names with another program's prefix: both the missing and the unused are counted", async () => {
    const own = new Map([...tensors()].map(([name, tensor]) => [`base_model.model.${name}`, tensor]));
    const error = await refusal(() => bind(json(), own));
    expect(error.code).toBe("TENSORS_MISMATCH");
    expect(error.message).toMatch(/missing views\.0\.lora\.patch\.A/);
    expect(error.message).toContain(`and ${2 * own.size - 12} more`);
  });

  test("LoRA tensors beside a manifest without LoRA are refused, not ignored", async () => {
    const error = await refusal(() =>
      bind(
        json((m) => {
          m.modules.lora = null;
        }),
        tensors(),
      ),
    );
    expect(error.message).toMatch(/unused views\.0\.lora\.patch\.A/);
  });

  test("values that are not finite", async () => {
    const own = tensors();
    own.set("head.bias", { shape: [1], data: Float32Array.of(Number.NaN) });
    const error = await refusal(() => bind(json(), own));
    expect(error.code).toBe("TENSORS_MISMATCH");
    expect(error.message).toMatch(/head\.bias.*NaN/);
    expect(error.details).toEqual({ notFinite: ["head.bias"] });
  });
});

test("another backbone: BACKBONE_MISMATCH naming both", async () => {
  const error = await refusal(() => bind(json(), tensors(), { ...tiny, name: "another", hash: `sha256-${"cd".repeat(32)}` }));
  expect(error.code).toBe("BACKBONE_MISMATCH");
  for (const part of [HASH, "another", `sha256-${"cd".repeat(32)}`]) expect(error.message).toContain(part);
  expect(error.details).toEqual({ backbone: json().backbone.name, expected: HASH, found: `sha256-${"cd".repeat(32)}` });
});

test("a slice size that is no multiple of the patch: INPUT_SHAPE", async () => {
  expect(
    (
      await refusal(() =>
        bind(
          json((m) => {
            m.input.views[0].size = [32, 40];
          }),
          tensors(),
        ),
      )
    ).code,
  ).toBe("INPUT_SHAPE");
});

describe("adapter hash", () => {
  const hashOf = async (manifest: Loose, own = tensors(), dtype: "F32" | "F16" = "F32") =>
    (await loadAdapter(version1(manifest), writeSafetensors(own, dtype))).hash;

  test("the order of keys and of tensors does not matter, every value does", async () => {
    const hash = await hashOf(json());
    expect(hash).toMatch(/^sha256-[0-9a-f]{64}$/);
    const reversed = Object.fromEntries(Object.entries(json()).reverse());
    expect(await hashOf(reversed, new Map([...tensors()].reverse()))).toBe(hash);
    expect(
      await hashOf(
        json((m) => {
          m.task.labels[0].threshold = 0.4;
        }),
      ),
    ).not.toBe(hash);
    const changed = tensors();
    changed.set("head.bias", { shape: [1], data: Float32Array.of(0.02) });
    expect(await hashOf(json(), changed)).not.toBe(hash);
    expect(await hashOf(json(), tensors(), "F16")).not.toBe(hash);
  });
});

describe("weights", () => {
  test("other weights than the manifest pins are refused, and both hashes named", async () => {
    const manifest = await pinned(json(), writeSafetensors(tensors()));
    const changed = tensors();
    changed.set("head.bias", { shape: [1], data: Float32Array.of(0.02) });
    const error = await refusal(() => loadAdapter(manifest, writeSafetensors(changed)));
    expect(error.code).toBe("INTEGRITY_MISMATCH");
    expect(error.message).toContain(manifest.weights.hash);
    expect((await loadAdapter(manifest, writeSafetensors(tensors()))).warnings).toBeUndefined();
  });

  test("version 1 pins none: it loads as version 2 does, with a warning", async () => {
    const old = await loadAdapter(version1(json()), writeSafetensors(tensors()));
    expect(old.warnings?.map(({ code }) => code)).toEqual(["WEIGHTS_NOT_PINNED"]);
    const { schemaVersion: _, weights: __, ...rest } = (await load(json(), tensors())).manifest;
    expect(old.manifest).toEqual({ ...rest, schemaVersion: 1 });
    expect(old.manifest).toMatchObject({ input: { roi: { kind: "whole" } }, modules: { features: [{ kind: "cls" }], members: 1 } });
  });

  test("upgraded, version 1 is version 2; a threshold that decided nothing is gone", async () => {
    const weights = writeSafetensors(tensors());
    const manifest = await pinned(json(), weights);
    expect(upgradeManifest(version1(manifest), await weightsHash(weights))).toEqual(manifest);
    const task = { kind: "multiclass", labels: ["a", "b"].map((id) => ({ id, name: id, threshold: 0.5 })) };
    expect(upgradeManifest({ ...version1(manifest), task }, "")).toMatchObject({
      task: {
        labels: [
          { id: "a", name: "a" },
          { id: "b", name: "b" },
        ],
      },
    });
    expect(upgradeManifest({ ...version1(manifest), task }, "")).not.toHaveProperty("task.labels.0.threshold");
  });
});

test("float16 tensors are read as numpy's float16 of them", async () => {
  const own = tensors();
  const adapter = await load(json(), own, "F16");
  expect(adapter.tensors.get("head.bias")?.data[0]).toBe(0.01000213623046875); // numpy.float16(0.01)
  expect(readTensors(writeSafetensors(own)).get("head.bias")?.data[0]).toBe(Math.fround(0.01));
});
