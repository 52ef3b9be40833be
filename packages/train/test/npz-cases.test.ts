// .npz in MedMNIST's layout: cases, labels by task, and what is refused.
import { readFileSync } from "node:fs";
import { isAnyMC3DError } from "@anymc3d/core";
import { expect, test } from "vitest";
import type { Task } from "../src/config.js";
import { npzCases } from "../src/data/npz-cases.js";
import { checkSplits } from "../src/data/splits.js";
import { binaryTask, multiclassTask, multilabelTask } from "./build.js";

interface Reference {
  npz: Record<string, string>;
  third: { shape: number[]; data: number[] };
}
const reference: Reference = JSON.parse(readFileSync(new URL("reference/data.json", import.meta.url), "utf8"));
const read = (name: string, task: Task, more = {}) => npzCases(Uint8Array.from(Buffer.from(reference.npz[name], "base64")), { file: "x.npz", task, ...more });
const labels = (name: string, task: Task) => read(name, task).map((each) => task.labels.map(({ id }) => each.labels.get(id)));

test("volumes are views: slices along the first axis, no orientation, every case its own group", async () => {
  const cases = read("binary", binaryTask, { source: "ct", modality: "CT" });
  expect(cases.map(({ id, group, split }) => [id, group, split])).toEqual([
    ["train_0000", "train_0000", "train"],
    ["train_0001", "train_0001", "train"],
    ["train_0002", "train_0002", "train"],
    ["train_0003", "train_0003", "train"],
    ["val_0000", "val_0000", "val"],
    ["val_0001", "val_0001", "val"],
  ]);
  const { ct } = await cases[2].load();
  expect({ shape: ct.shape, data: [...ct.data] }).toEqual(reference.third);
  expect([ct.affine, ct.modality, cases[2].origin]).toEqual([undefined, "CT", "x.npz: train_images[2]"]);
  expect(ct.data.buffer).toBe((await cases[0].load()).ct.data.buffer);
  checkSplits(cases, "x.npz");
});

test("labels of binary, multiclass and multilabel tasks", () => {
  const binary = [[0], [1], [1], [0], [1], [0]];
  expect(labels("binary", binaryTask)).toEqual(binary);
  expect(labels("flat", binaryTask)).toEqual(binary);
  // positions 0, 2, 1, 0 and 2, 1 of cat, dog, cow
  const classes = [[1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]]; // biome-ignore format: a table
  expect(labels("multiclass", multiclassTask)).toEqual(classes);
  const several = [[0, 1], [1, undefined], [1, 1], [0, 0], [1, 0], [0, 1]]; // biome-ignore format: a table
  expect(labels("multilabel", multilabelTask)).toEqual(several);
  const grades: Task = { kind: "multiclass", labels: ["2", "1", "0"].map((id) => ({ id, name: `Grade ${id}` })) };
  expect(labels("multiclass", grades)[1]).toEqual([1, 0, 0]);
});

test.each<[string, Task, string, RegExp]>([
  ["without val", binaryTask, "DATA_INVALID", /^x\.npz: no val_images; expected MedMNIST's layout/],
  ["wrong length", binaryTask, "DATA_INVALID", /train_labels has 3 rows for 4 volumes/],
  ["photographs", binaryTask, "DATA_INVALID", /train_images is \[4, 28, 28, 3\]: flat images/],
  ["flat images", binaryTask, "DATA_INVALID", /train_images is \[4, 28, 28\], not volumes/],
  ["label 2", binaryTask, "LABELS_INVALID", /train_labels\[2\] is 2; expected 0 or 1/],
  [
    "label 2",
    { kind: "multiclass", labels: multiclassTask.labels.slice(0, 2) },
    "LABELS_INVALID",
    /train_labels\[2\] is 2; expected one of 0 \(cat\), 1 \(dog\)/,
  ],
  ["multilabel", binaryTask, "LABELS_INVALID", /train_labels is \[4, 2\]; a binary task of 1 label\(s\) needs 1 column/],
  ["binary", multilabelTask, "LABELS_INVALID", /needs 2 column/],
])("refused: %s", (name, task, code, says) => {
  let error: unknown;
  try {
    read(name, task);
  } catch (caught) {
    error = caught;
  }
  expect(isAnyMC3DError(error) && [error.code, error.message]).toEqual([code, expect.stringMatching(says)]);
});
