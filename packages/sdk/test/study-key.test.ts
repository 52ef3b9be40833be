// The name by which the worker knows a study again: the same for the same files read alike, another for all else, none for what may change.
import { expect, test } from "vitest";
import type { RunOptions, StudySource } from "../src/classifier.js";
import { ObjectNumbers, studyKey } from "../src/worker/study-key.js";

const numbers = new ObjectNumbers();
const key = (source: unknown, read?: object) => studyKey(source as StudySource, read as RunOptions["read"], numbers);
const file = (name = "scan.mhd", text = "a") => new File([text], name);

test("the same files with options that say the same", () => {
  const [one, other] = [file(), file()];
  expect(key(one)).toBe(key(one));
  expect(key([one, other], { frame: 1, modality: "CT" })).toBe(key([one, other], { modality: "CT", frame: 1 }));
  expect(key(one, { frame: undefined, companion: undefined })).toBe(key(one));
  expect(key({ t1: one, t2: other })).toBe(key({ t2: other, t1: one }));
  expect(key(one, { spacing: [1, 1, 2] })).toBe(key(one, { spacing: [1, 1, 2] }));
  expect(key(one, { companion: [other] })).toBe(key(one, { companion: [other] }));
});

test("another name for another file, source, option, or data file of a header", () => {
  const [header, first, second] = [file(), file("scan.raw"), file("scan.raw")];
  const names = [
    key(header),
    key(first),
    key([header, first]),
    key([first, header]),
    key({ t1: header, t2: first }),
    key({ t1: first, t2: header }),
    key(header, { companion: first }),
    key(header, { companion: second }),
    key(header, { companion: [first] }),
    key(header, { companion: [first, second] }),
    key(header, { frame: 1 }),
    key(header, { frame: "1" }),
    key(header, { channel: 1 }),
    key(header, { spacing: [1, 1, 2] }),
    key(header, { spacing: [1, 2, 1] }),
    key(header, { array: "a" }),
    key(header, { array: "null" }),
    key(header, { series: "a" }),
    key(header, { index: Number.NaN }),
  ];
  expect(names).not.toContain(undefined);
  expect(new Set(names).size).toBe(names.length);
});

test("no name for what may change under it: arrays, addresses, volumes, functions", () => {
  const bytes = new Uint8Array(4);
  const volume = { data: new Float32Array(1), shape: [1, 1, 1] };
  for (const source of [bytes, bytes.buffer, [bytes], "scan.nii", new URL("https://a.example/scan.nii"), volume, { t1: volume }, [file(), "scan.raw"]])
    expect(key(source)).toBeUndefined();
  for (const read of [{ companion: bytes }, { companion: "scan.raw" }, { companion: [file(), bytes] }, { codecUrl: (name: string) => name }])
    expect(key(file(), read)).toBeUndefined();
});
