// What anymc3d evaluate writes: figures with their units, why one is undefined, coverage in words, predictions beside the truth. Literal values, by hand.
import { type Task, taskKind } from "@anymc3d/core";
import type { Measured } from "@anymc3d/train";
import { describe, expect, test } from "vitest";
import { coverageLines, figureLines, predictionsCsv } from "../src/output/evaluation.js";

const diameter: Task = {
  kind: "regression",
  labels: [{ id: "diameter_mm", name: "Diameter", unit: "mm" }],
  conformal: { coverage: 0.9, quantiles: [2], n: [40] },
};
const named = (ids: string[]) => ids.map((id) => ({ id, name: id.toUpperCase() }));

function row(task: Task, id: string, logits: number[], labels: [string, number][]) {
  return { row: { id, group: `p${id}`, labels: new Map(labels) }, result: { ...taskKind(task).outcome(task, logits), logits } };
}

describe("figures", () => {
  const none = { value: null, interval: null };
  test("of a quantity have its unit; R² of equal values is not called that of one class", () => {
    const figures = { meanAbsoluteError: { value: 3.25, interval: [2, 4.5] as [number, number] }, r2: none };
    const rows: Measured[] = [{ id: "d", name: "Diameter", n: 4, figures, units: { meanAbsoluteError: "mm" } }];
    const [header, line] = figureLines(rows).map((text) => text.trim().split(/ {2,}/));
    expect(header).toEqual(["label", "n", "mean absolute error", "R²"]);
    expect(line).toEqual(["Diameter", "4", "3.250 [2.000–4.500] mm", "undefined (all alike)"]);
  });

  test("of a label with one class only, and without a case", () => {
    const of = (n: number): Measured => ({ id: "a", name: "A", n, positives: 0, figures: { auroc: none } });
    expect(figureLines([of(3), of(0)]).slice(1)).toEqual([
      expect.stringContaining("undefined (one class only)"),
      expect.stringContaining("undefined (no case)"),
    ]);
  });

  test("of decisions, where nothing was decided positive", () => {
    const of = (n: number): Measured => ({ id: "a", name: "A", n, positives: 1, figures: { ppv: none, f1: none } });
    expect(figureLines([of(3)])[1]).toMatch(/undefined \(nothing was decided positive\) +undefined \(nothing is positive, and nothing was decided so\)/);
    expect(figureLines([of(0)])[1]).toMatch(/(undefined \(no case\) *){2}/);
  });

  test("coverage says of how many the truth was held", () => {
    expect(coverageLines(diameter, [{ id: "diameter_mm", target: 0.9, held: 8, n: 10, size: 4 }])).toEqual([
      "diameter_mm: made to hold the truth in 90 % of cases, held it in 8 of 10, 4.00 mm wide on average",
    ]);
    expect(coverageLines(diameter, [{ id: "diameter_mm", target: 0.9, held: 0, n: 0, size: null }])).toEqual([
      "diameter_mm: made to hold the truth in 90 % of cases, held it in 0 of 0",
    ]);
  });
});

describe("predictions", () => {
  test("a quantity: value, interval, truth; blank where unknown", () => {
    const rows = [row(diameter, "1", [12.5], [["diameter_mm", 11]]), row(diameter, "2", [7], [])];
    expect(predictionsCsv(diameter, rows)).toBe("id,group,diameter_mm,low,high,truth,error\n1,p1,12.5,10.5,14.5,11,\n2,p2,7,5,9,,\n");
    // What was forced past refusals says so, in a column that is there only then.
    const outside = [
      { code: "INPUT_SIZE", message: "", details: { source: "volume", measured: "extent", found: 300, expected: [15, 120] } },
      { code: "INPUT_VALUES", message: "", details: { source: "volume", measured: "minimum", found: 0, expected: [-4096, -300] } },
    ] as const;
    const [, forced] = rows;
    expect(predictionsCsv(diameter, [rows[0], { ...forced, result: { ...forced.result, outside } }])).toBe(
      "id,group,diameter_mm,low,high,truth,error,outside\n1,p1,12.5,10.5,14.5,11,,\n2,p2,7,5,9,,,INPUT_SIZE INPUT_VALUES\n",
    );
  });

  test("classes, ordered or not: the true one's id", () => {
    for (const [kind, logits] of [
      ["multiclass", [1, 0, 0]],
      ["ordinal", [1, -1]],
    ] as const) {
      const task = { kind, labels: named(["low", "middle", "high"]) } as Task;
      const known = row(task, "1", [...logits], [["low", 0], ["middle", 0], ["high", 1]]); // biome-ignore format: a line
      const [header, first, second] = predictionsCsv(task, [known, row(task, "2", [...logits], [])]).split("\n");
      expect([header, first, second].map((line) => line.split(",").at(-2))).toEqual(["truth", "high", ""]);
      // The middle class is the median of .27, .46, .27, and the first the most probable one of .58, .21, .21.
      const at = header.split(",").indexOf("decided");
      expect([first, second].map((line) => line.split(",")[at])).toEqual(Array(2).fill(kind === "ordinal" ? "middle" : "low"));
    }
  });

  test("labels: one truth each, after the probabilities", () => {
    const task: Task = { kind: "multilabel", labels: named(["a", "b"]) };
    const [header, first, second] = predictionsCsv(task, [
      row(task, "1", [0, -1], [["b", 1]]),
      { row: { id: "2", group: "p2", labels: new Map([["a", 0]]) }, code: "FILE_NOT_FOUND" },
    ]).split("\n");
    expect(header).toBe("id,group,logit_a,logit_b,probability_a,probability_b,decided_a,decided_b,truth_a,truth_b,error");
    // At .5, the threshold where none is given, a label is there.
    expect(first).toMatch(/^1,p1,0,-1,0\.5,0\.2689\d*,1,0,,1,$/);
    expect(second).toBe("2,p2,,,,,,,0,,FILE_NOT_FOUND");
  });
});
