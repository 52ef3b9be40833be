// Builds tasks, task.json and data-set folders for tests.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Affine, Volume } from "@anymc3d/core";
import { writeVolume } from "@anymc3d/io";
import { onTestFinished } from "vitest";
import type { Task } from "../src/config.js";

export const binaryTask: Task = { kind: "binary", labels: [{ id: "sick", name: "Sick" }] };
export const multilabelTask: Task = {
  kind: "multilabel",
  labels: [
    { id: "a", name: "A" },
    { id: "b", name: "B" },
  ],
};
export const multiclassTask: Task = {
  kind: "multiclass",
  labels: [
    { id: "cat", name: "Cat" },
    { id: "dog", name: "Dog" },
    { id: "cow", name: "Cow" },
  ],
};

/** The smallest task.json of a task. */
export const taskJson = (task: Task) => ({
  name: "@example/test",
  title: "Test",
  description: "A test.",
  task,
  dataset: "made up",
  input: {
    views: [
      {
        source: "volume",
        plane: "axial",
        crop: "volume",
        spacing: 1,
        size: [28, 28],
        slices: { choice: "all" },
        intensity: { kind: "range", range: [0, 100] },
        pad: 0,
      },
    ],
  },
});

/** x, y, z spacing and origin in mm, axes towards left, posterior, superior. */
export const lps = ([x, y, z]: readonly number[], [ox, oy, oz] = [0, 0, 0]): Affine => [-x, 0, 0, ox, 0, -y, 0, oy, 0, 0, z, oz, 0, 0, 0, 1];

/** A small CT-like volume; voxel values by place. */
export function volumeOf(shape: readonly [number, number, number], affine: Affine, value = (i: number, j: number, k: number) => i + 10 * j + 100 * k): Volume {
  const [width, height, depth] = shape;
  const data = new Int16Array(width * height * depth);
  for (let k = 0, at = 0; k < depth; k++) for (let j = 0; j < height; j++) for (let i = 0; i < width; i++) data[at++] = value(i, j, k);
  return { data, shape, affine };
}

/** A folder with these files, removed after the test: text, bytes or volumes by relative path. */
export async function folderOf(files: Readonly<Record<string, string | Uint8Array | Volume>>): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), "anymc3d-train-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    const target = path.join(folder, name);
    mkdirSync(path.dirname(target), { recursive: true });
    if (typeof content === "string" || content instanceof Uint8Array) writeFileSync(target, content);
    else await writeVolume(target, content);
  }
  return folder;
}
