// Splits: names, the automatic one by groups, and what is refused.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { assignSplits, checkSplits, drawSplits, splitName } from "../src/data/splits.js";

const reference: { splits: Record<string, string[]>; groups: string[] } = JSON.parse(readFileSync(new URL("reference/data.json", import.meta.url), "utf8"));
const options = { file: "labels.csv", seed: 0 };
const rows = (...splits: (string | undefined)[]) => splits.map((split, i) => ({ group: `p${i}`, labels: new Map(), split, line: i + 2 }));
const unlabelled = (groups: readonly string[]) => groups.map((group) => ({ group, labels: new Map<string, 0 | 1>() }));

test("drawn by the hash of seed and group: what scikit-learn's hash says, whatever the order (O55)", () => {
  for (const [seed, validating] of Object.entries(reference.splits)) {
    for (const groups of [reference.groups, [...reference.groups].reverse(), [...reference.groups, ...reference.groups]]) {
      const drawn = drawSplits(unlabelled(groups), { file: "x", seed: Number(seed) });
      expect([...drawn].flatMap(([group, split]) => (split === "val" ? [group] : [])).sort()).toEqual(validating);
    }
  }
});

test("a split that is called as what every object has is a name like any other", () => {
  for (const name of ["constructor", "__proto__", "toString", "valueOf"]) expect(splitName(name)).toBe(name);
  expect(["Training", "VALID", "dev"].map(splitName)).toEqual(["train", "val", "val"]);
  expect(() => assignSplits(rows("constructor", "train"), options)).toThrow(/"constructor"/);
});

test("stratified: each combination of labels validates by its share, a group's label is positive where one of its cases is", () => {
  // 40 patients of two cases: 10 with a, 5 with a and b, 25 with none; a positive first case, a negative or unknown second.
  const cases = Array.from({ length: 40 }, (_, i) => {
    const labels: [string, 0 | 1][] = i < 15 ? [["a", 1], ["b", i < 5 ? 1 : 0]] : [["a", 0], ["b", 0]]; // biome-ignore format: a line
    return [{ group: `p${i}`, labels: new Map(labels) }, { group: `p${i}`, labels: new Map<string, 0 | 1>([["a", 0]]) }]; // biome-ignore format: a line
  });
  for (let seed = 0; seed < 20; seed++) {
    const drawn = drawSplits(cases.flat(), { file: "x", seed });
    const validating = (from: number, to: number) => cases.slice(from, to).filter(([{ group }]) => drawn.get(group) === "val").length;
    expect([validating(0, 5), validating(5, 15), validating(15, 40)]).toEqual([1, 2, 5]);
    expect(drawSplits(cases.flat().reverse(), { file: "x", seed })).toEqual(drawn);
  }
});

test("two series of each patient stay together", () => {
  const series = ["p1", "p2", "p3", "p4", "p5", "p6"].flatMap((group, i) => [1, 2].map((n) => ({ group, labels: new Map(), line: 2 * i + n + 1 })));
  const splits = assignSplits(series, options);
  for (let i = 0; i < 12; i += 2) expect(splits[i]).toBe(splits[i + 1]);
  expect(splits.filter((split) => split === "val")).toHaveLength(2);
  expect(() => checkSplits(series.map(({ group }, i) => ({ id: `s${i}`, group, split: splits[i] })), "x")).not.toThrow(); // biome-ignore format: one line
});

test("names of splits", () => {
  const names = ["train", "Training", "val", "valid", "validation", "dev", "test"];
  expect(assignSplits(rows(...names), options)).toEqual(["train", "train", "val", "val", "val", "val", "test"]);
  expect(() => assignSplits(rows("train", "holdout"), options)).toThrow(/labels\.csv: line 3, column split: "holdout" is none of train, training, val/);
  expect(() => assignSplits(rows("train", undefined, undefined), options)).toThrow(/2 of 3 rows have no split \(line 3, 4\)/);
});

test("a share of at least one group, at most all but one; bad shares and single groups are refused", () => {
  const validating = (n: number, share: number) =>
    [...drawSplits(unlabelled(Array.from({ length: n }, (_, i) => `g${i}`)), { ...options, share }).values()].filter((split) => split === "val").length; // biome-ignore format: one line
  expect([validating(2, 0.2), validating(2, 0.9), validating(100, 0.25), validating(3, 0.01)]).toEqual([1, 1, 25, 1]);
  expect(() => drawSplits(unlabelled(["one", "one"]), options)).toThrow(expect.objectContaining({ code: "DATA_INVALID" }));
  for (const share of [0, 1, -0.1, Number.NaN])
    expect(() => drawSplits(unlabelled(["a", "b"]), { ...options, share })).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
});

test.each<[string, [id: string, group: string, split: "train" | "val" | "test"][], RegExp]>([
  [
    "no validation set",
    [
      ["a", "a", "train"],
      ["b", "b", "test"],
    ],
    /x\.csv: no validation set \(found train, test\)/,
  ],
  ["no training set", [["a", "a", "val"]], /no training set \(found val\)/],
  ["nothing", [], /no training set \(found no case at all\)/],
  [
    "an id twice",
    [
      ["a", "p", "train"],
      ["a", "q", "val"],
    ],
    /share the id "a"/,
  ],
  [
    "a patient in two splits",
    [
      ["a", "p23", "train"],
      ["b", "p23", "val"],
    ],
    /group "p23" is in train and in val/,
  ],
])("refused: %s", (_, cases, says) => {
  // biome-ignore format: a table
  const check = () => checkSplits(cases.map(([id, group, split]) => ({ id, group, split })), "x.csv"); // biome-ignore format: one line
  expect(check).toThrow(says);
  expect(check).toThrow(expect.objectContaining({ code: "DATA_INVALID" }));
});
