// How answers are worded, of outcomes that core makes of each kind of task; how they are drawn stands in outcomes.browser.test.ts.
import { type AdapterManifest, type ClassifyResult, TASK_KINDS, type Task, taskKind } from "@anymc3d/core";
import { expect, test } from "vitest";
import { FORMS, formOf } from "../src/results/outcomes/index.js";

const named = (...names: string[]) => names.map((name) => ({ id: name.toLowerCase(), name }));
const conformal = (...quantiles: number[]) => ({ coverage: 0.9, quantiles, n: quantiles.map(() => 50) });
const yesNo = (...names: string[]) => named(...names).map((label) => ({ ...label, threshold: 0.5 }));

/** One task of each kind, with logits whose probabilities are simple. */
const TASKS: readonly { readonly task: Task; readonly logits: readonly number[]; readonly sentence: string; readonly explained: string }[] = [
  {
    task: { kind: "binary", labels: yesNo("Nodule"), conformal: conformal(0.3) },
    logits: [Math.log(4)],
    sentence: "Nodule 80 %, above threshold",
    explained: "“Nodule”",
  },
  {
    task: { kind: "multilabel", labels: yesNo("Cyst", "Mass") },
    logits: [Math.log(1 / 4), Math.log(3)],
    sentence: "Cyst 20 %; Mass 75 %, above threshold",
    explained: "“Mass”",
  },
  {
    task: { kind: "multiclass", labels: named("Left", "Right", "Both"), conformal: conformal(0.75) },
    logits: [Math.log(5), Math.log(4), 0],
    sentence: "Left, the most probable, 50 %; With 90 % coverage: Left or Right",
    explained: "“Left”",
  },
  {
    // P(class > k): 0.8, 0.6, 0.1
    task: { kind: "ordinal", labels: named("None", "Mild", "Moderate", "Severe"), conformal: conformal(0.85) },
    logits: [Math.log(4), Math.log(1.5), Math.log(1 / 9)],
    sentence: "Moderate, expected value 1.5; With 90 % coverage: None, Mild or Moderate",
    explained: "a higher class",
  },
  {
    task: { kind: "regression", labels: [{ id: "diameter", name: "Diameter", unit: "mm" }], conformal: conformal(3.25) },
    logits: [8.5],
    sentence: "Diameter 8.5 mm; With 90 % coverage: 5.25 to 11.75 mm",
    explained: "a higher value of “Diameter”",
  },
];

const answer = (task: Task, logits: readonly number[]) => ({
  result: { task: task.kind, logits, ...taskKind(task).outcome(task, logits) } as unknown as ClassifyResult,
  manifest: { task, metrics: [] } as unknown as AdapterManifest,
});

test("every kind of task has one form", () => {
  expect(TASKS.map(({ task }) => task.kind)).toEqual(TASK_KINDS.map(({ id }) => id));
  for (const { task, logits } of TASKS) expect(FORMS.filter(({ fits }) => fits(answer(task, logits).result))).toHaveLength(1);
});

test.each(TASKS)("$task.kind: in one line, and what Grad-CAM explains", ({ task, logits, sentence, explained }) => {
  const given = answer(task, logits);
  const form = formOf(given.result);
  expect(form.sentence(given)).toBe(sentence);
  expect(form.explained(given)).toBe(explained);
  const { head, rows } = form.table(given);
  for (const row of rows) expect(row).toHaveLength(head.length);
});

test("the report's tables", () => {
  const tables = TASKS.map(({ task, logits }) => formOf(answer(task, logits).result).table(answer(task, logits)));
  expect(tables.map(({ rows }) => rows[0])).toEqual([
    ["Nodule", "80.0 %", "50.0 %", "yes", "yes"],
    ["Cyst", "20.0 %", "50.0 %", "no"],
    ["Left", "50.0 %", "yes"],
    ["None", "20.0 %", "no"],
    ["Diameter", "8.5 mm"],
  ]);
  expect(tables.map(({ notes }) => notes)).toEqual([
    [],
    [],
    ["With 90 % coverage: Left or Right"],
    ["Expected value: 1.5", "With 90 % coverage: None, Mild or Moderate"],
    ["With 90 % coverage: 5.25 to 11.75 mm"],
  ]);
});

test("a finding that was asked for is named; the unit of a pure number is not said", () => {
  const given = answer(TASKS[1].task, TASKS[1].logits);
  expect(formOf(given.result).explained(given, "cyst")).toBe("“Cyst”");
  const ratio = answer({ kind: "regression", labels: [{ id: "ratio", name: "Ratio", unit: "1" }] }, [0.123456]);
  expect(formOf(ratio.result).sentence(ratio)).toBe("Ratio 0.1235");
});
