// Exit codes and JSON of errors follow from the tables and from what errors say as data.
import { AnyMC3DError } from "@anymc3d/core/errors";
import { expect, test } from "vitest";
import { describeError, exitCodeOf, Reported } from "../src/output/failure.js";

test("2 for wrong usage, 1 for what failed, 130 after an abort", () => {
  const codes = [
    new AnyMC3DError("OPTION_INVALID", "no such option"),
    new AnyMC3DError("CONFIG_INVALID", "task.json"),
    new AnyMC3DError("LABELS_INVALID", "labels.csv"),
    new AnyMC3DError("FILE_EMPTY", "scan.nii"),
    new Error("unforeseen"),
    new DOMException("stopped", "AbortError"),
    new Reported(1),
  ].map(exitCodeOf);
  expect(codes).toEqual([2, 2, 2, 1, 1, 130, 1]);
});

test("--json has the details, where there are some", () => {
  const details = { option: "frame", file: "a.nii", holds: "a 4-D file of 2 frames", range: [0, 1] } as const;
  expect(describeError(new AnyMC3DError("FRAME_REQUIRED", "a.nii: choose", { details }))).toEqual({
    code: "FRAME_REQUIRED",
    message: "a.nii: choose",
    details,
  });
  expect(describeError(new AnyMC3DError("FILE_EMPTY", "a.nii: empty"))).toEqual({ code: "FILE_EMPTY", message: "a.nii: empty" });
  expect(describeError(new Error("unforeseen"))).toEqual({ code: "UNEXPECTED", message: "unforeseen" });
  expect(describeError(new DOMException("stopped", "AbortError"))).toEqual({ code: "INTERRUPTED", message: "interrupted" });
});
