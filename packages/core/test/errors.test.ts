// Error codes and warnings are tables; what an error says is data, too, and stays so through copies, clones and JSON.
import { afterEach, describe, expect, expectTypeOf, test, vi } from "vitest";
import * as errors from "../src/errors.js";
import { AnyMC3DError, ERRORS, errorFrom, isAnyMC3DError, isOfMachine, type MissingOption, reworded, WARNINGS } from "../src/errors.js";

/** Codes as they were published. One that is missing here was renamed, which none may be; a new one is added. */
const PUBLISHED = `ACCESS_DENIED ADAPTER_NOT_FOUND ASSET_INVALID BACKBONE_INVALID BACKBONE_MISMATCH BACKBONE_NOT_FOUND BACKBONE_UNSUPPORTED CHANNELS_UNSUPPORTED
CHECKPOINT_INVALID CONFIG_INVALID CONFORMANCE_FAILED DATA_INVALID DEVICE_LIMIT DEVICE_LOST ENGINE_DISPOSED ENGINE_FAILED ENGINE_SELF_TEST ENGINE_UNAVAILABLE
FILE_EMPTY FILE_NOT_FOUND FILE_TOO_LARGE FILE_TRUNCATED FILE_UNREADABLE FORMAT_INVALID FORMAT_UNKNOWN FRAME_REQUIRED GEOMETRY_INVALID INPUT_MISSING
INPUT_MODALITY INPUT_SHAPE INPUT_SIZE INPUT_SPACING INPUT_VALUES INTEGRITY_MISMATCH LABELS_INVALID LOCK_INVALID LOCK_MISMATCH LORA_SHAPE MANIFEST_INVALID
OPTION_INVALID OUTPUT_NOT_WRITABLE OUT_OF_MEMORY PACKAGE_INVALID PACKAGE_NOT_FOUND REGISTRY_UNREACHABLE RUN_LOCKED SAFETENSORS_INVALID SERIES_REQUIRED
SIGNATURE_INVALID TENSORS_MISMATCH TRAINING_DIVERGED VERSION_NOT_FOUND VOLUME_INVALID VOXELS_NOT_FINITE`.split(/\s+/);

const choice = { option: "frame", file: "scan.nii", holds: "a 4-D file of 3 frames", range: [0, 2] } as const satisfies MissingOption;
const asked = () => new AnyMC3DError("FRAME_REQUIRED", "scan.nii: choose", { details: choice });

test("the entry point @anymc3d/core/errors", () => {
  const names = [
    "AnyMC3DError",
    "ERRORS",
    "WARNINGS",
    "bounded",
    "errorFrom",
    "harmless",
    "harmlessHtml",
    "harmlessJson",
    "harmlessLines",
    "isAbortError",
    "isAnyMC3DError",
    "isHarmless",
    "isOfAdapter",
    "isOfMachine",
    "isolated",
    "reworded",
    "warningWords",
  ];
  expect(Object.keys(errors).sort()).toEqual(names);
});

test("no published code is gone", () => {
  expect(Object.keys(ERRORS)).toEqual(expect.arrayContaining(PUBLISHED));
});

test("wrong usage, and only that, ends the command line with 2", () => {
  const usage = Object.entries(ERRORS).filter(([, { exit }]) => exit === 2);
  expect(usage.map(([code]) => code).sort()).toEqual(["CONFIG_INVALID", "LABELS_INVALID", "OPTION_INVALID"]);
});

test("titles are short, and end as a sentence does", () => {
  for (const { title } of Object.values(ERRORS)) expect(title).toMatch(/^[A-Z].{5,55}[.?]$/);
});

test("what is of the machine is told once, whatever the files", () => {
  const ofAdapters = ["FEW_CASES", "NEAR_CHANCE", "NOT_CALIBRATED", "WEIGHTS_NOT_PINNED", "WORSE_THAN_CHANCE"];
  expect(Object.keys(WARNINGS).filter(isOfMachine).sort()).toEqual(["DEVICE_LOST", "ENGINE_FALLBACK", "NO_SELF_TEST", ...ofAdapters].sort());
  expect(isOfMachine("toString")).toBe(false);
});

describe("details", () => {
  afterEach(() => void vi.resetModules());

  test("are required for codes that somebody acts on, and typed by code", () => {
    // @ts-expect-error without details
    new AnyMC3DError("FRAME_REQUIRED", "scan.nii");
    // @ts-expect-error of another code
    new AnyMC3DError("BACKBONE_MISMATCH", "other weights", { details: choice });
    const error: unknown = asked();
    if (!isAnyMC3DError(error, "FRAME_REQUIRED")) throw error;
    expectTypeOf(error.details).toEqualTypeOf<MissingOption>();
    expect(error.details).toEqual(choice);
    expect(isAnyMC3DError(error, "SERIES_REQUIRED")).toBe(false);
  });

  test("an error without has no such property", () => {
    expect(Object.keys(new AnyMC3DError("FILE_EMPTY", "scan.nii")).sort()).toEqual(["code", "name"]);
  });

  test("go through JSON, a structured clone and another copy of the package as they are", async () => {
    const { code, message, details } = asked();
    const facts = JSON.parse(JSON.stringify({ code, message, details }));
    vi.resetModules();
    const copy = await import("../src/errors.js");
    expect(copy.AnyMC3DError).not.toBe(AnyMC3DError);
    for (const error of [errorFrom(structuredClone({ code, message, details })), copy.errorFrom(facts)]) {
      expect(isAnyMC3DError(error, "FRAME_REQUIRED") && copy.isAnyMC3DError(error, "FRAME_REQUIRED") && error.details).toEqual(choice);
      expect(error.message).toBe("scan.nii: choose");
    }
  });

  test("other words keep code, details and what was before", () => {
    const first = asked();
    const error = reworded(first, "case 7: scan.nii: choose");
    expect([error.code, error.details, error.message, error.cause]).toEqual(["FRAME_REQUIRED", choice, "case 7: scan.nii: choose", first]);
  });
});
