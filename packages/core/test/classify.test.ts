// classify() on a tiny backbone: sources, views, orientation, decisions, progress, abort, refusals.
import {
  type Adapter,
  type Backbone,
  type ClassifyResult,
  classify,
  type Engine,
  isAbortError,
  isAnyMC3DError,
  loadAdapter,
  type Slices,
  type Tensor,
  type Volume,
} from "@anymc3d/core";
import { writeSafetensors } from "@anymc3d/core/engine";
import { adapterShapes, seededRandom } from "@anymc3d/core/learn";
import { loadTiny } from "@anymc3d/core/testing";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { axisOrders, expectClose, type Loose, manifestJson, pinned, refusal, volumeOf } from "@anymc3d/testkit/expectations";
import { fixtures } from "@anymc3d/testkit/fixtures";
import { afterAll, describe, expect, test } from "vitest";

const HASH = `sha256-${"ab".repeat(32)}`;
const tiny: Backbone = { ...(await loadTiny(fixtures, "tiny-dinov2")).backbone, hash: HASH };
const engine = await createOnnxEngine(tiny, { threads: 1, chunk: 2 });
afterAll(() => engine.dispose());

/** An adapter with random weights on the tiny backbone. */
async function adapterOf(change: (m: Loose) => void = () => {}): Promise<Adapter> {
  const manifest = manifestJson((m) => {
    m.backbone.hash = HASH;
    m.modules = { lora: { rank: 2, alpha: 4, targets: ["patch", "qkv", "proj"] }, pooling: "attention", fusion: "none", head: "linear" };
    m.input.views[0].spacing = 1;
    change(m);
  });
  const random = seededRandom(3);
  const tensors = new Map<string, Tensor>();
  for (const [name, shape] of adapterShapes(manifest, tiny.spec)) {
    const reach = name.endsWith("query") ? 3 : 0.3;
    tensors.set(name, { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => (random() - 0.5) * reach) });
  }
  const weights = writeSafetensors(tensors);
  return loadAdapter(await pinned(manifest, weights), weights);
}

const twoViews = (m: Loose) => {
  const [view] = m.input.views;
  m.input.views = [
    { ...view, source: "t1" },
    { ...view, source: "t2", plane: "sagittal", size: [32, 48] },
  ];
  m.modules.fusion = "attention";
};

const scene = (x: number, y: number, z: number) => 0.5 + 0.5 * Math.sin(x * 0.4 + y * 0.23 - z * 0.31) * Math.cos(y * 0.2 + z * 0.6);
const AFFINE = [-1, 0, 0, 10, 0, -1, 0, 12, 0, 0, 2, -4, 0, 0, 0, 1];
const volume = volumeOf([20, 24, 5], (i, j, k) => scene(10 - i, 12 - j, 2 * k - 4), { affine: AFFINE });
const logits = (result: ClassifyResult) => result.logits;

test("weights sum to 1, one result a slice; the probability is the sigmoid of the logit, the decision at the threshold", async () => {
  const adapter = await adapterOf();
  const result = await classify(volume, adapter, { engine });
  const [view] = result.views;
  expect(view).toMatchObject({ source: "volume", plane: "axial", axis: 2, weight: 1 });
  expect(view.slices.map((s) => s.index)).toEqual([0, 1, 2, 3, 4]);
  expect(view.slices.reduce((sum, s) => sum + s.weight, 0)).toBeCloseTo(1, 6);
  const [label] = result.labels;
  expect(label.logit).toBe(result.logits[0]);
  expect(label.probability).toBeCloseTo(1 / (1 + Math.exp(-result.logits[0])), 6);
  expect(label.positive).toBe(label.probability >= 0.5);
  for (const [threshold, positive] of [
    [label.probability - 1e-3, true],
    [label.probability + 1e-3, false],
  ] as const) {
    const moved = await classify(
      volume,
      await adapterOf((m) => {
        m.task.labels[0].threshold = threshold;
      }),
      { engine },
    );
    expect(moved.labels[0]).toMatchObject({ positive, threshold });
  }
  expect(result.heatmap).toBeUndefined();
  expect(result.disclaimer).toMatch(/not a medical device/i);
  expect(result.provenance).toMatchObject({
    adapter: { name: "adapter-made-for-tests", version: "1.0.0", hash: adapter.hash },
    backbone: { name: "tiny-dinov2", hash: HASH },
    engine: engine.id,
    precision: "fp32",
  });
  for (const ms of Object.values(result.provenance.times)) expect(ms).toBeGreaterThanOrEqual(0);
});

test("multiclass: probabilities are the softmax, the most probable label is positive", async () => {
  const adapter = await adapterOf((m) => {
    m.task = { kind: "multiclass", labels: ["a", "b", "c"].map((id) => ({ id, name: id, snomed: "427359005" })) };
    m.conformance.logits = [0, 0, 0];
  });
  const { labels, logits: found } = await classify(volume, adapter, { engine });
  const exps = found.map(Math.exp);
  expectClose(
    labels.map((l) => l.probability),
    exps.map((e) => e / exps.reduce((a, b) => a + b)),
    1e-6,
  );
  expect(labels.filter((l) => l.positive).map((l) => l.logit)).toEqual([Math.max(...found)]);
  expect(labels[0].snomed).toBe("427359005");
});

describe("the same patient stored in another order", () => {
  /** The scene on the same places, in another voxel order. */
  function stored(order: readonly number[]): Volume {
    const mm = [1, 1, 2];
    const counts = [20, 24, 5];
    const axes = [0, 1, 2].map((v) => [0, 1, 2].findIndex((world) => order[4 * world + v] !== 0)); // patient axis of each voxel axis
    const low = [10 - 19, 12 - 23, -4];
    const affine = new Array(16).fill(0);
    affine[15] = 1;
    axes.forEach((world, v) => {
      const sign = Math.sign(order[4 * world + v]);
      affine[4 * world + v] = sign * mm[world];
      affine[4 * world + 3] = sign > 0 ? low[world] : low[world] + (counts[world] - 1) * mm[world];
    });
    const shape = axes.map((world) => counts[world]) as [number, number, number];
    const place = (index: number[]) => [0, 1, 2].map((world) => affine[4 * world + 3] + affine[4 * world + axes.indexOf(world)] * index[axes.indexOf(world)]);
    return volumeOf(shape, (...index) => scene(...(place(index) as [number, number, number])), { affine });
  }

  test("gives the same logits, slice weights and heatmap in all 48 orders", async () => {
    const adapter = await adapterOf((m) => {
      m.input.views[0].plane = "coronal";
      m.input.views[0].slices = { choice: "even", count: 3 };
    });
    const wanted = await classify(volume, adapter, { engine, heatmap: true });
    const heatAt = (heat: Volume | undefined, position: number[]) => {
      const { affine, shape, data } = heat as Volume & { affine: number[] };
      const index = [0, 1, 2].map((v) => {
        const world = [0, 1, 2].findIndex((w) => affine[4 * w + v] !== 0);
        return Math.round((position[world] - affine[4 * world + 3]) / affine[4 * world + v]);
      });
      return data[index[0] + shape[0] * (index[1] + shape[1] * index[2])];
    };
    for (const order of axisOrders([1, 1, 1])) {
      const own = stored(order);
      const found = await classify(own, adapter, { engine, heatmap: true });
      expectClose(logits(found), logits(wanted), 1e-4);
      const [view] = found.views;
      expectClose(
        view.slices.map((s) => s.weight),
        wanted.views[0].slices.map((s) => s.weight),
        1e-5,
      );
      // each slice index, along its axis of this array, is the same patient position
      const affine = own.affine as number[];
      const positions = view.slices.map((s) => affine[4 + view.axis] * s.index + affine[7]);
      expectClose(
        positions,
        wanted.views[0].slices.map((s) => 12 - s.index),
        1e-9,
      );
      for (const place of [
        [0, 0, 0],
        [5, -3, 2],
        [-7, 9, 4],
        [10, 12, -4],
      ])
        expect(heatAt(found.heatmap, place)).toBeCloseTo(heatAt(wanted.heatmap, place), 4);
    }
  });
});

describe("several sources", () => {
  const other = volumeOf([24, 18, 16], (i, j, k) => scene(j, k, i), { affine: [0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1] });

  test("both views count: fusion weights sum to 1, a heatmap for each on its own grid", async () => {
    const adapter = await adapterOf(twoViews);
    const result = await classify({ t1: volume, t2: other }, adapter, { engine, heatmap: true });
    expect(result.views.map((v) => [v.source, v.plane, v.axis])).toEqual([
      ["t1", "axial", 2],
      ["t2", "sagittal", 2],
    ]);
    expect(result.views[0].weight + result.views[1].weight).toBeCloseTo(1, 6);
    for (const view of result.views) expect(view.slices.reduce((sum, s) => sum + s.weight, 0)).toBeCloseTo(1, 6);
    expect(Object.keys(result.heatmaps ?? {})).toEqual(["t1", "t2"]);
    expect(result.heatmaps?.t1.shape).toEqual([20, 24, 5]);
    expect(result.heatmaps?.t2.shape).toEqual([24, 18, 16]);
    expect(result.heatmap).toBe(result.heatmaps?.t1);
    for (const map of Object.values(result.heatmaps ?? {})) expect(Math.max(...map.data)).toBe(1);
    const swapped = await classify({ t2: other, t1: other }, adapter, { engine });
    expect(Math.abs(logits(swapped)[0] - logits(result)[0])).toBeGreaterThan(1e-4);
  });

  test("concatenated views: each has its own columns of the head, and all weigh the same", async () => {
    const adapter = await adapterOf((m) => {
      twoViews(m);
      m.modules.fusion = "concat";
    });
    const result = await classify({ t1: volume, t2: other }, adapter, { engine, heatmap: true });
    expect(result.views.map(({ weight }) => weight)).toEqual([0.5, 0.5]);
    for (const map of Object.values(result.heatmaps ?? {})) expect(Math.max(...map.data)).toBe(1);
    const head = adapter.tensors.get("head.weight") as Tensor;
    const without = (v: number) => ({ shape: head.shape, data: head.data.map((w, i) => (i < head.data.length / 2 === (v === 0) ? 0 : w)) });
    const parts = [0, 1].map((v): Adapter => ({ ...adapter, tensors: new Map(adapter.tensors).set("head.weight", without(v)) }));
    const [second, first] = await Promise.all(parts.map(async (part) => logits(await classify({ t1: volume, t2: other }, part, { engine }))[0]));
    const bias = (adapter.tensors.get("head.bias") as Tensor).data[0];
    expect(logits(result)[0]).toBeCloseTo(first + second - bias, 4);
    const swapped = await classify({ t1: other, t2: other }, parts[0], { engine }); // the first view has no say
    expect(logits(swapped)[0]).toBe(second);
  });

  test("the order of the given sources does not matter", async () => {
    const adapter = await adapterOf(twoViews);
    expect(logits(await classify({ t2: other, t1: volume }, adapter, { engine }))).toEqual(
      logits(await classify({ t1: volume, t2: other }, adapter, { engine })),
    );
  });

  test.each([
    ["one missing", { t1: volume }, /t1, t2/],
    ["one undefined", { t1: volume, t2: undefined }, /t1, t2/],
    ["one too many", { t1: volume, t2: other, t3: other }, /t3/],
    ["misspelt", { t1: volume, T2: other }, /T2/],
    ["a single volume", volume, /one volume/],
    ["nothing", undefined, /t1, t2/],
    ["null", null, /t1, t2/],
    ["an empty object", {}, /t1, t2/],
  ])("%s: INPUT_MISSING naming the sources", async (_, input, message) => {
    const error = await refusal(async () => classify(input as Loose, await adapterOf(twoViews), { engine }));
    expect(error.code).toBe("INPUT_MISSING");
    expect(error.message).toMatch(message);
  });

  test.each(["constructor", "__proto__"])("no source is named like a property that every object has: %s", async (name) => {
    const made = adapterOf((m) => {
      twoViews(m);
      m.input.views[1].source = name;
    });
    expect((await refusal(() => made)).code).toBe("MANIFEST_INVALID");
  });

  test("an adapter of one source takes the volume by name as well", async () => {
    const adapter = await adapterOf();
    expect(logits(await classify({ volume }, adapter, { engine }))).toEqual(logits(await classify(volume, adapter, { engine })));
  });

  test("all views are checked before the first is prepared, and nothing is encoded for a study that is refused", async () => {
    // Preparing the first view would fail, too: nothing in it is above its foreground's value.
    const adapter = await adapterOf((m) => {
      twoViews(m);
      m.input.views[0].crop = { foreground: { above: 1e6, margin: 0 } };
      m.input.views[1].expect = { modality: ["MR"] };
    });
    const idle: Engine = { ...engine, forward: () => Promise.reject(new Error("nothing was to be encoded")) };
    const refused = await refusal(() => classify({ t1: volume, t2: { ...other, modality: "CT" } }, adapter, { engine: idle }));
    expect(refused.code).toBe("INPUT_MODALITY");
    expect(refused.message).toContain('"t2"');
    const empty = await refusal(() => classify({ t1: volume, t2: { ...other, modality: "MR" } }, adapter, { engine: idle }));
    expect(empty.code).toBe("INPUT_VALUES");
  });

  test("a spoilt source is named", async () => {
    const spoilt = { ...other, data: Float32Array.from(other.data) };
    spoilt.data[5] = Number.NaN;
    const error = await refusal(async () => classify({ t1: volume, t2: spoilt }, await adapterOf(twoViews), { engine }));
    expect(error.code).toBe("VOXELS_NOT_FINITE");
    expect(error.message).toContain('"t2"');
  });
});

test("two planes of one volume share its heatmap, each by its fusion weight", async () => {
  const adapter = await adapterOf((m) => {
    twoViews(m);
    for (const view of m.input.views) Object.assign(view, { source: "volume", spacing: null });
  });
  // attention even everywhere: a voxel's heat is then the sum of its slices' weights
  const even: Engine = {
    id: engine.id,
    precision: engine.precision,
    backbone: engine.backbone,
    warnings: [],
    dispose: async () => {},
    forward: async (...given) => {
      const { encoded, release } = await engine.forward(...given);
      return { encoded: { ...encoded, attention: encoded.attention?.map(() => 1) }, release };
    },
  };
  const { views, heatmap } = await classify(volume, adapter, { engine: even, heatmap: true });
  expect(views.map((v) => v.axis)).toEqual([2, 0]);
  expect(Math.abs(views[0].weight - views[1].weight)).toBeGreaterThan(0.01);
  const weightOf = (v: number, index: number) => (views[v].slices.find((s) => s.index === index)?.weight ?? Number.NaN) * views[v].weight;
  const sum = volumeOf(volume.shape, (i, _j, k) => weightOf(0, k) + weightOf(1, i)).data;
  const top = Math.max(...sum);
  expectClose(
    heatmap?.data ?? [],
    sum.map((v) => v / top),
    1e-5,
  );
});

test("LoRA changes the result, and leaves no trace for the next adapter", async () => {
  const [adapter, frozen] = [
    await adapterOf(),
    await adapterOf((m) => {
      m.modules.lora = null;
    }),
  ];
  const first = logits(await classify(volume, adapter, { engine }));
  const bare = logits(await classify(volume, frozen, { engine }));
  expect(logits(await classify(volume, adapter, { engine }))).toEqual(first);
  expect(logits(await classify(volume, frozen, { engine }))).toEqual(bare);
});

describe("the caller's array", () => {
  test.each([Float32Array, Float64Array, Int16Array, Uint8Array, Int32Array, Uint16Array])(
    "$name stays as it was after two runs, which agree",
    async (Type) => {
      const data = new Type(Array.from(volume.data, (v) => Math.round(v * 100)));
      const before = data.slice();
      const adapter = await adapterOf((m) => {
        m.input.views[0].intensity = { kind: "percentile", low: 1, high: 99 };
      });
      const [a, b] = [
        await classify({ ...volume, data }, adapter, { engine, heatmap: true }),
        await classify({ ...volume, data }, adapter, { engine, heatmap: true }),
      ];
      expect(data.length).toBe(2400);
      expect(data).toEqual(before);
      expect(logits(b)).toEqual(logits(a));
      expect(b.heatmap?.data).toEqual(a.heatmap?.data);
    },
  );
});

describe("abort", () => {
  /** The engine, with every read of slices counted. */
  function counting() {
    const count = { reads: 0 };
    const forward: typeof engine.forward = (slices: Slices, ...rest) =>
      engine.forward(
        {
          ...slices,
          read: (a, b) => {
            count.reads++;
            return slices.read(a, b);
          },
        },
        ...rest,
      );
    return {
      count,
      engine: { ...engine, id: engine.id, precision: engine.precision, backbone: engine.backbone, warnings: engine.warnings, forward, dispose: async () => {} },
    };
  }
  const tall = volumeOf([16, 16, 40], (i, j, k) => scene(i, j, k), { affine: AFFINE });

  test("mid-way: AbortError, no further read, and the next call works", async () => {
    const { count, engine: counted } = counting();
    const controller = new AbortController();
    let readsAtAbort = -1;
    const onProgress = ({ stage, done }: { stage: string; done: number }) => {
      if (stage !== "encode" || done < 6 || readsAtAbort >= 0) return;
      readsAtAbort = count.reads;
      controller.abort();
    };
    const run = classify(tall, await adapterOf(), { engine: counted, signal: controller.signal, onProgress });
    await expect(run).rejects.toSatisfy(isAbortError);
    expect(readsAtAbort).toBe(3);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(count.reads).toBe(3);
    expect(logits(await classify(tall, await adapterOf(), { engine: counted }))[0]).toBeTypeOf("number");
    expect(count.reads).toBe(3 + 20);
  });

  test("before the start: nothing is read; the signal's own reason comes back", async () => {
    const { count, engine: counted } = counting();
    const reason = new Error("enough");
    await expect(classify(tall, await adapterOf(), { engine: counted, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(count.reads).toBe(0);
  });

  test("from a timer, between chunks", async () => {
    const { engine: counted } = counting();
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 1);
    const many = volumeOf([16, 16, 2000], () => 0.5, { affine: AFFINE });
    await expect(classify(many, await adapterOf(), { engine: counted, signal: controller.signal })).rejects.toSatisfy(isAbortError);
  });
});

test("progress runs from 0 to all slices of all views, then the heatmap", async () => {
  const steps: [string, number, number][] = [];
  await classify({ t1: volume, t2: volume }, await adapterOf(twoViews), {
    engine,
    heatmap: true,
    onProgress: ({ stage, done, total }) => steps.push([stage, done, total]),
  });
  const encode = steps.filter(([stage]) => stage === "encode");
  expect(encode[0]).toEqual(["encode", 0, 25]);
  expect(encode.at(-1)).toEqual(["encode", 25, 25]);
  expect(encode.every(([, done], i) => i === 0 || done > encode[i - 1][1])).toBe(true);
  expect(steps.at(-1)).toEqual(["heatmap", 25, 25]);
});

describe("odd volumes", () => {
  test("one voxel, one slice, one row: finite results and heatmaps of the same shape", async () => {
    for (const shape of [
      [1, 1, 1],
      [9, 7, 1],
      [1, 9, 4],
      [9, 1, 4],
    ] as const) {
      const own = volumeOf(shape, (i, j, k) => (i + j + k) / 20, { affine: AFFINE });
      for (const spacing of [null, 1]) {
        const result = await classify(
          own,
          await adapterOf((m) => {
            m.input.views[0].spacing = spacing;
          }),
          { engine, heatmap: true },
        );
        expect(Number.isFinite(logits(result)[0])).toBe(true);
        expect(result.heatmap?.shape).toEqual(shape);
        expect(result.heatmap?.data.every((v) => v >= 0 && v <= 1)).toBe(true);
        expect(result.views[0].slices.length).toBe(shape[2]);
      }
    }
  });

  test("a constant volume under every intensity rule", async () => {
    for (const intensity of [
      { kind: "zscore" },
      { kind: "zscore", over: "nonzero" },
      { kind: "percentile", low: 0, high: 99 },
      { kind: "range", range: [0, 1] },
    ]) {
      for (const value of [0, 0.1, -1e6]) {
        const result = await classify(
          volumeOf([8, 8, 2], () => value, { affine: AFFINE }),
          await adapterOf((m) => {
            m.input.views[0].intensity = intensity;
          }),
          { engine },
        );
        expect(Number.isFinite(logits(result)[0]), `${JSON.stringify(intensity)} ${value}`).toBe(true);
      }
    }
  });

  test("without orientation: taken as stored, with a warning", async () => {
    const result = await classify({ ...volume, affine: undefined }, await adapterOf(), { engine });
    expect(result.warnings.map((w) => w.code)).toEqual(["NO_ORIENTATION"]);
    expect(result.views[0].axis).toBe(2);
  });

  test("a singular affine: GEOMETRY_INVALID, even with checks off", async () => {
    const flat = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    expect((await refusal(async () => classify({ ...volume, affine: flat }, await adapterOf(), { engine, checks: "warn" }))).code).toBe("GEOMETRY_INVALID");
  });

  test("more foreground wanted than there is: INPUT_VALUES", async () => {
    const adapter = await adapterOf((m) => {
      m.input.views[0].slices = { choice: "foreground", above: 7 };
    });
    expect((await refusal(() => classify(volume, adapter, { engine }))).code).toBe("INPUT_VALUES");
  });
});

test('checks: "refuse" is the default, "warn" goes on and says so', async () => {
  const adapter = await adapterOf((m) => {
    m.input.views[0].expect = { modality: ["MR"], maximum: { range: [10, 20], otherwise: "refuse" } };
  });
  const given = { ...volume, modality: "CT" };
  expect((await refusal(() => classify(given, adapter, { engine }))).code).toBe("INPUT_MODALITY");
  expect((await refusal(() => classify(given, adapter, { engine, checks: "warn" }))).code).toBe("INPUT_MODALITY");
  const result = await classify(given, adapter, { engine, checks: "force" });
  expect(result.warnings.map((w) => w.code)).toEqual(["INPUT_MODALITY", "INPUT_VALUES"]);
  expect(result.outside).toMatchObject([
    { code: "INPUT_MODALITY", otherKind: true, details: { measured: "modality", found: "CT", expected: ["MR"] } },
    { code: "INPUT_VALUES", details: { measured: "maximum", expected: [10, 20] } },
  ]);
  const stretched = await classify({ ...given, modality: "MR" }, adapter, { engine, checks: "warn" });
  expect(stretched.outside?.map(({ code }) => code)).toEqual(["INPUT_VALUES"]);
  const right = await classify({ ...given, modality: undefined }, await adapterOf(), { engine, checks: "force" });
  expect(right.outside).toBeUndefined();
});

test("errors are recognised across copies of the package", async () => {
  const error = await refusal(async () => classify(volume, await adapterOf(twoViews), { engine }));
  expect(error).toBeInstanceOf(Error);
  expect(isAnyMC3DError(error)).toBe(true);
  expect(isAnyMC3DError({ [Symbol.for("anymc3d.error")]: true })).toBe(true);
  expect(isAnyMC3DError(new Error("x"))).toBe(false);
  expect(isAnyMC3DError(null)).toBe(false);
});
