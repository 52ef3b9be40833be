// An .npz in MedMNIST's layout → cases: volumes are views into the arrays, nothing is copied.

import { AnyMC3DError, type VoxelArray } from "@anymc3d/core";
import { type NpyArray, readNpz } from "@anymc3d/io";
import type { Task } from "../config.js";
import { taskTraining } from "../tasks/index.js";
import type { TrainCase } from "./cases.js";
import type { Split } from "./splits.js";

/** Options of `npzCases()`. */
export interface NpzCasesOptions {
  readonly task: Task;
  /** What to call the file in errors. */
  readonly file: string;
  /** Which splits to read; each must be there. Default: train and val. */
  readonly splits?: readonly Split[];
  /** Name of the only source. Default "volume". */
  readonly source?: string;
  /** DICOM modality to give to the volumes. */
  readonly modality?: string;
  /** Most bytes that the arrays may unpack to. Default 4 GiB. */
  readonly maxBytes?: number;
}

/**
 * The cases of an .npz file: `train_images` [n, depth, height, width] with `train_labels` [n, 1] or [n] (binary: 0 or 1; multiclass: the class's
 * id, or its position from 0 where no class is called by a number; regression: the value) or [n, labels] of 0 and 1 (multilabel, in the task's order); `val_*`, `test_*` alike.
 * NaN: not known. Volumes have no orientation: slices lie along the array's first axis. Every case is its own group.
 * @param bytes of the file; unpacked once, here, and kept as long as a case is
 * @throws AnyMC3DError `DATA_INVALID` for another layout, `LABELS_INVALID` naming the place of a label; as `readNpz`
 */
export function npzCases(bytes: Uint8Array, options: NpzCasesOptions): TrainCase[] {
  const { file, splits = ["train", "val"], maxBytes } = options;
  const arrays = readNpz(bytes, { name: file, maxBytes, only: splits.flatMap((split) => [`${split}_images`, `${split}_labels`]) });
  return splits.flatMap((split) => splitCases(arrays, split, options));
}

function fail(file: string, what: string): never {
  const layout = "expected MedMNIST's layout: train_images [n, depth, height, width], train_labels [n, 1], val_images, val_labels";
  throw new AnyMC3DError("DATA_INVALID", `${file}: ${what}; ${layout}.`);
}

function splitCases(arrays: ReadonlyMap<string, NpyArray>, split: Split, options: NpzCasesOptions): TrainCase[] {
  const { file, task, source = "volume", modality } = options;
  const images = arrays.get(`${split}_images`) ?? fail(file, `no ${split}_images`);
  const labels = arrays.get(`${split}_labels`) ?? fail(file, `no ${split}_labels`);
  const [n, depth, height, width] = volumesShape(images, split, file);
  if (labels.shape[0] !== n) fail(file, `${split}_labels has ${labels.shape[0]} rows for ${n} volumes`);
  const read = labelsReader(labels, task, `${file}: ${split}_labels`);
  const size = depth * height * width;
  return Array.from({ length: n }, (_, i) => {
    const id = `${split}_${String(i).padStart(4, "0")}`;
    const data: VoxelArray = images.data.subarray(i * size, (i + 1) * size);
    const volume = { data, shape: [width, height, depth] as const, ...(modality && { modality }) };
    return { id, group: id, split, labels: read(i), origin: `${file}: ${split}_images[${i}]`, load: async () => ({ [source]: volume }) };
  });
}

function volumesShape({ shape }: NpyArray, split: Split, file: string): readonly number[] {
  const shown = `${split}_images is [${shape.join(", ")}]`;
  if (shape.length !== 4) fail(file, `${shown}, not volumes`);
  if (shape[3] <= 4) fail(file, `${shown}: flat images with ${shape[3]} colour channel(s), not volumes`);
  if (shape.includes(0)) fail(file, `${shown}, which is empty`);
  return shape;
}

function labelsReader({ shape, data }: NpyArray, task: Task, name: string): (i: number) => Map<string, number> {
  const { columns: wanted, read } = taskTraining(task).arrayReader(task);
  const columns = shape.length === 1 ? 1 : shape[1];
  if (shape.length > 2 || columns !== wanted) {
    const expected = `a ${task.kind} task of ${task.labels.length} label(s) needs ${wanted} column(s)`;
    throw new AnyMC3DError("LABELS_INVALID", `${name} is [${shape.join(", ")}]; ${expected}.`);
  }
  return (i) =>
    read(Array.from(data.subarray(i * columns, (i + 1) * columns), Number), (what) => {
      throw new AnyMC3DError("LABELS_INVALID", `${name}[${i}] ${what}.`);
    });
}
