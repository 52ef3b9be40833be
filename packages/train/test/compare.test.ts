// Comparisons of models on the same cases: values by hand and by scikit-learn, baselines whose sign comes from training alone, variants by name.
import type { Volume } from "@anymc3d/core";
import { describe, expect, test } from "vitest";
import { parseTrainConfig } from "../src/config.js";
import type { TrainCase } from "../src/data/cases.js";
import { type Contender, compare, comparisonTable, sizeBaselines } from "../src/metrics/compare.js";
import { defaultVariants, variantConfig } from "../src/variants.js";
import { binaryTask, lps, multilabelTask, taskJson } from "./build.js";

const caseOf = (id: string, labels: Record<string, number>, split: TrainCase["split"] = "val", volume?: Volume): TrainCase => ({
  id,
  group: id,
  split,
  labels: new Map(Object.entries(labels)),
  origin: id,
  load: async () => ({ volume: volume as Volume }),
});

/** scikit-learn 1.9: roc_auc_score([0,0,1,1,1,0],[.1,.4,.35,.8,.7,.2]) = 8/9; of b over its known cases ([1,0,0,1],[.3,.2,.6,.9]) = .75. */
const labels: Record<string, number>[] = [{ a: 0, b: 1 }, { a: 0, b: 0 }, { a: 1 }, { a: 1, b: 0 }, { a: 1, b: 1 }, { a: 0 }];
const cases = labels.map((each, i) => caseOf(`case${i}`, each));
const scores = [
  [0.1, 0.3],
  [0.4, 0.2],
  [0.35, 0],
  [0.8, 0.6],
  [0.7, 0.9],
  [0.2, 0],
];
const contenderOf = (name: string, change: (score: number) => number): Contender => ({
  name,
  parameters: 5,
  scored: cases.map((trainCase, i) => ({ trainCase, scores: scores[i].map(change) })),
});

describe("compare", () => {
  const [first, same, negated] = compare(
    [contenderOf("first", (x) => x), contenderOf("same", (x) => 3 * x + 1), contenderOf("negated", (x) => -x)],
    multilabelTask,
  );

  test("AUROC by label over the cases that have it, and their mean", () => {
    expect(first.figures.a.value).toBeCloseTo(8 / 9, 12);
    expect(first.figures.b.value).toBeCloseTo(0.75, 12);
    expect(first.score.value).toBeCloseTo((8 / 9 + 0.75) / 2, 12);
    expect(first.difference).toBeNull();
  });

  test("scores of the same order: a difference of exactly 0, in every resample", () => {
    expect(same.difference).toEqual({ value: 0, interval: [0, 0] });
  });

  test("negated scores: one minus", () => {
    expect(negated.score.value).toBeCloseTo(1 - (8 / 9 + 0.75) / 2, 12);
    expect(negated.difference?.value).toBeCloseTo(1 - 2 * ((8 / 9 + 0.75) / 2), 12);
  });

  test("the table has a row a model and says what each difference is", () => {
    const rows = comparisonTable([first, same, negated], multilabelTask).split("\n");
    expect(rows).toHaveLength(5);
    expect(rows[2]).toMatch(/\| first \| 5 \| 0\.889 \[.*\] \| 0\.750/);
    expect(rows[3]).toContain("0.000 [0.000 to 0.000]");
    expect(rows[4]).toContain("-0.6");
  });
});

describe("size-only baselines", () => {
  /** `n` of 8 voxels of 2 mm³ are 100, the others 0. */
  const sized = (n: number): Volume => ({ data: Float32Array.from({ length: 8 }, (_, i) => (i < n ? 100 : 0)), shape: [2, 2, 2], affine: lps([1, 1, 2]) });
  const config = parseTrainConfig(taskJson(binaryTask));

  test("the sign comes from training: where validation is the other way round, the AUROC is below chance", async () => {
    const training = [1, 2, 5, 6].map((n, i) => caseOf(`t${i}`, { sick: n > 3 ? 0 : 1 }, "train", sized(n)));
    const alike = [1, 2, 5, 6].map((n, i) => caseOf(`v${i}`, { sick: n > 3 ? 0 : 1 }, "val", sized(n)));
    const opposite = [1, 2, 5, 6].map((n, i) => caseOf(`v${i}`, { sick: n > 3 ? 1 : 0 }, "val", sized(n)));
    const foreground = async (validation: TrainCase[]) => {
      const found = (await sizeBaselines([...training, ...validation], config)).find(({ name }) => name === "foreground") as Contender;
      return compare([found], binaryTask)[0].score.value;
    };
    expect(await foreground(alike)).toBe(1);
    expect(await foreground(opposite)).toBe(0);
  });

  test("mm³; the mask only where every case has one", async () => {
    const masked = (each: TrainCase): TrainCase => ({ ...each, loadMask: async () => sized(3) });
    const some = [caseOf("t", { sick: 1 }, "train", sized(2)), caseOf("v", { sick: 1 }, "val", sized(5))];
    const named = async (those: TrainCase[]) => new Map((await sizeBaselines(those, config)).map(({ name, scored }) => [name, scored[0].scores[0]]));
    expect(Object.fromEntries(await named(some.map(masked)))).toEqual({ "slice count": 2, "volume extent": 16, foreground: 10, mask: 6 });
    expect([...(await named([masked(some[0]), some[1]])).keys()]).toEqual(["slice count", "volume extent", "foreground"]);
  });
});

describe("variants", () => {
  const config = parseTrainConfig({
    ...taskJson(binaryTask),
    modules: { lora: { rank: 8, alpha: 16, targets: ["qkv"] }, pooling: "attention" },
    training: { masks: {} },
  });

  test("names change what they say, alone and joined", () => {
    expect(variantConfig(config, "last-2").modules.lora?.lastBlocks).toBe(2);
    expect(variantConfig(config, "rank-2").modules.lora).toMatchObject({ rank: 2, alpha: 4 });
    expect(variantConfig(config, "concat-fusion").modules).toEqual({ ...config.modules, fusion: "concat" });
    expect(variantConfig(config, "concat-fusion+attention-fusion").modules.fusion).toBe("attention");
    const both = variantConfig(config, "head-only+mean-pooling");
    expect([both.modules.lora, both.modules.pooling, both.training.masks, both.training.augment]).toEqual([null, "mean", null, false]);
    expect(variantConfig(config, "no-masks")).toEqual({ ...config, training: { ...config.training, masks: null } });
  });

  test("defaults fit the configuration", () => {
    expect(defaultVariants(config)).toEqual(["head-only", "head-only+mean-pooling", "last-4"]);
    expect(defaultVariants(variantConfig(config, "last-4"))).toEqual(["head-only", "head-only+mean-pooling"]);
    const head = variantConfig(config, "head-only");
    expect(defaultVariants(head)).toEqual(["mean-pooling"]);
    const planes = { ...head, input: { ...head.input, views: [head.input.views[0], head.input.views[0]] } };
    expect(defaultVariants(planes)).toEqual(["mean-pooling", "concat-fusion"]);
    expect(defaultVariants(variantConfig(planes, "concat-fusion"))).toEqual(["mean-pooling", "attention-fusion"]);
  });

  test.each(["lst-4", "last-0", "", "head-only+rank-4", "rank-257", "no-masks+no-masks"])("%s is refused", (name) => {
    expect(() => variantConfig(config, name)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});
