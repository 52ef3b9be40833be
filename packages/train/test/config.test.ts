// task.json: what is refused before anything is read, and in which words.
import { describe, expect, test } from "vitest";
import { checkFits, manifestParts, parseTrainConfig } from "../src/config.js";
import { binaryTask, taskJson } from "./build.js";

const json = taskJson(binaryTask);
const label = (id: string) => ({ task: { kind: "binary", labels: [{ id, name: "Sick" }] } });

test("the loss that is not named is the task's own", () => {
  expect(parseTrainConfig(json).training.loss).toBe("bce");
  const labels = ["a", "b"].map((id) => ({ id, name: id }));
  expect(parseTrainConfig({ ...json, task: { kind: "multiclass", labels } }).training.loss).toBe("cross-entropy");
});

test.each<[string, object, RegExp]>([
  ["a name that npm would refuse", { name: "Lung Nodule!" }, /not an npm package name[\s\S]*at name/],
  ["a label called as a column", label("group"), /group is a column of labels\.csv/],
  ["a seed beyond 32 bits", { training: { seed: 1e20 } }, /training\.seed/],
  ["a zoom the wrong way round", { training: { augment: { zoom: { p: 1, low: 2, high: 1 } } } }, /training\.augment\.zoom: low 2 is above high 1/],
  ["an augmentation that is a word", { training: { augment: true } }, /expected false, or amounts[\s\S]*training\.augment/],
  ["a threshold that is a word", { training: { threshold: "best" } }, /expected "youden" or[\s\S]*training\.threshold/],
])("%s is refused", (_, change, message) => {
  expect(() => parseTrainConfig({ ...json, ...change })).toThrow(message);
});

test("several views are fused by attention, or as modules.fusion says; a single one is not fused", () => {
  const view = json.input.views[0];
  const fusionOf = (views: number, fusion?: string) =>
    manifestParts(parseTrainConfig({ ...json, input: { views: Array(views).fill(view) }, modules: { lora: null, pooling: "mean", fusion } })).modules.fusion;
  expect([fusionOf(2), fusionOf(2, "attention"), fusionOf(2, "concat"), fusionOf(1, "concat")]).toEqual(["attention", "attention", "concat", "none"]);
  expect(() => fusionOf(2, "sum")).toThrow(/modules\.fusion/);
});

describe("what the backbone cannot take", () => {
  const config = parseTrainConfig({ ...json, modules: { lora: { rank: 2, alpha: 4, targets: ["qkv"], lastBlocks: 3 }, pooling: "attention" } });
  const [height, width] = config.input.views[0].size;

  test("slices that are no multiple of the patch, more blocks than there are", () => {
    expect(() => checkFits(config, { patch: height, depth: 3 })).not.toThrow();
    expect(() => checkFits(config, { patch: height, depth: 2 })).toThrow(/lastBlocks is 3, the backbone has 2 blocks/);
    expect(() => checkFits(config, { patch: height + 1, depth: 3 })).toThrow(`size ${height}×${width} is no multiple of the backbone's patch, ${height + 1}`);
  });
});
