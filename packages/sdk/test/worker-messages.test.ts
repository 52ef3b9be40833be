// An error that a worker sends is the same error in the page: class, code, details; and an error of others keeps its name.
import type { ClassifyResult } from "@anymc3d/core";
import { AnyMC3DError, isAbortError, isAnyMC3DError } from "@anymc3d/core/errors";
import { readVolume, writeNifti } from "@anymc3d/io";
import { expect, test } from "vitest";
import { answersOf, errorOf, plainAnswers, plainError } from "../src/worker/messages.js";
import { sendableRegions } from "../src/worker/sendable.js";

const sent = (error: unknown) => errorOf(structuredClone(plainError(error)));

test("a reader's question, through a structured clone", async () => {
  const one = writeNifti({ data: new Int16Array(8), shape: [2, 2, 2], affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] });
  const bytes = new Uint8Array([...one, ...one.subarray(352)]);
  const header = new DataView(bytes.buffer);
  header.setInt16(40, 4, true);
  header.setInt16(48, 2, true);
  const before: unknown = await readVolume(bytes, { name: "two.nii" }).catch((error) => error);
  const after = sent(before);
  if (!isAnyMC3DError(after, "FRAME_REQUIRED")) throw after;
  expect(after).toBeInstanceOf(AnyMC3DError);
  expect(after.details).toEqual({ option: "frame", file: "two.nii", holds: "a 4-D file of 2 frames (2 × 2 × 2 × 2)", range: [0, 1] });
  expect([after.message, after.stack]).toEqual([(before as Error).message, (before as Error).stack]);
});

test("an error without details, and errors of others", () => {
  const empty = sent(new AnyMC3DError("FILE_EMPTY", "scan.nii: the file is empty"));
  expect(isAnyMC3DError(empty, "FILE_EMPTY") && "details" in empty).toBe(false);
  expect(isAbortError(sent(new DOMException("stopped", "AbortError")))).toBe(true);
  expect(sent(new RangeError("too large"))).toMatchObject({ name: "RangeError", message: "too large" });
  expect(sent("a text")).toMatchObject({ name: "Error", message: "a text" });
});

test("answers of a list of regions: what failed is the same error again", () => {
  const answer = { logits: [1, 2] } as unknown as ClassifyResult;
  const failed = new AnyMC3DError("REGION_ELSEWHERE", "outside", { details: { space: "RAS", others: ["LPS"] } });
  const [first, second] = answersOf(structuredClone(plainAnswers([answer, { error: failed }])));
  expect(first).toEqual(answer);
  expect("error" in second && isAnyMC3DError(second.error, "REGION_ELSEWHERE") && second.error.details).toEqual({ space: "RAS", others: ["LPS"] });
});

test("regions go over as they are, a mask's address as it is meant in the page", () => {
  const regions = [{ point: [1, 2, 3], space: "LPS" }, { mask: "https://a.test/mask.nii", label: "Nodule" }] as const; // biome-ignore format: one line
  expect(sendableRegions(regions)).toEqual(regions);
  const file = new File(["x"], "mask.nii");
  expect(sendableRegions({ mask: file, label: 3 })).toEqual({ mask: file, label: 3 });
  expect(sendableRegions(undefined)).toBeUndefined();
});
