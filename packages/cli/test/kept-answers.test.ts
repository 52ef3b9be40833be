// Answers kept as they are made: what is torn, changed or made by something else never comes back as an answer.

import { mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepAnswers } from "../src/data/kept-answers.js";

const MADE = { adapter: "a1", engine: "cpu" };
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-kept-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const answer = (i: number) => ({ logits: [i / 3, -1e-300], interval: [Number.NEGATIVE_INFINITY, 2 ** 53] });

async function write(path: string, n: number, made = MADE): Promise<void> {
  const kept = await keepAnswers(path, made);
  for (let i = 0; i < n; i++) await kept.add(`case ${i}`, `input ${i}`, answer(i));
  await kept.close();
}

async function read(path: string, n: number, made: Record<string, string> = MADE): Promise<{ got: unknown[]; there: number; differs: readonly string[] }> {
  const kept = await keepAnswers(path, made);
  const got = Array.from({ length: n }, (_, i) => kept.answerTo(`case ${i}`, `input ${i}`));
  await kept.close();
  return { got, there: kept.there, differs: kept.differs };
}

test("what was kept comes back to the bit, unbounded intervals too, in a file that only its owner reads", async () => {
  const path = join(folder, "whole/answers.jsonl");
  await write(path, 3);
  expect(await read(path, 4)).toEqual({ got: [answer(0), answer(1), answer(2), undefined], there: 3, differs: [] });
  expect((await stat(path)).mode & 0o077).toBe(0);
});

test("cut off at any byte: the answers before the cut, and what is added after it", async () => {
  const path = join(folder, "cut.jsonl");
  await write(path, 2);
  const text = await readFile(path, "utf8");
  const ends = [...text.matchAll(/\}(?=\n)/g)].map(({ index }) => index + 1);
  for (let length = 0; length <= text.length; length += 7) {
    await writeFile(path, text);
    await truncate(path, length);
    // Of the first line, what made the answers, a part is enough to know the file, and none counts as one.
    const whole = ends.filter((end) => end <= length).length - 1;
    expect((await read(path, 2)).got).toEqual([0, 1].map((i) => (i < whole ? answer(i) : undefined)));
    await write(path, 2);
    expect((await read(path, 2)).got).toEqual([answer(0), answer(1)]);
  }
});

test("a volume of other bytes has no answer; of several answers the last counts", async () => {
  const path = join(folder, "changed.jsonl");
  const kept = await keepAnswers(path, MADE);
  await kept.add("a", "old", { logits: [1] });
  await kept.add("a", "new", { logits: [2] });
  await kept.add("b", "old", { logits: [3] });
  await kept.close();
  const again = await keepAnswers(path, MADE);
  expect([again.answerTo("a", "old"), again.answerTo("a", "new"), again.answerTo("b", "new")]).toEqual([undefined, { logits: [2] }, undefined]);
  await again.close();
});

test("a changed line is none", async () => {
  const path = join(folder, "edited.jsonl");
  await write(path, 2);
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace('"case 1"', '"case 0"'));
  expect((await read(path, 2)).got).toEqual([answer(0), undefined]);
});

test("answers made by another adapter do not count, are named, and stay", async () => {
  const path = join(folder, "made.jsonl");
  await write(path, 2);
  const other = { ...MADE, adapter: "a2" };
  expect(await read(path, 2, other)).toEqual({ got: [undefined, undefined], there: 0, differs: ["adapter"] });
  await write(path, 1, other);
  expect((await read(path, 2)).got).toEqual([answer(0), answer(1)]);
});

test("one process at a time; a file of something else is refused and stays as it is", async () => {
  const path = join(folder, "held.jsonl");
  const kept = await keepAnswers(path, MADE);
  await expect(keepAnswers(path, MADE)).rejects.toMatchObject({ code: "RUN_LOCKED" });
  await kept.close();
  await (await keepAnswers(path, MADE)).close();
  const labels = join(folder, "labels.csv");
  await writeFile(labels, "id,label\n1,0\n");
  await expect(keepAnswers(labels, MADE)).rejects.toMatchObject({ code: "OUTPUT_NOT_WRITABLE" });
  expect(await readFile(labels, "utf8")).toBe("id,label\n1,0\n");
});
