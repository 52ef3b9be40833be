// DICOM files that are made in reference/make_dicom_odd.py, with what other programs make of them: for tests in Node and in browsers.
import { readFileSync } from "node:fs";
import type { ReadOptions } from "../src/index.js";

export interface OddCase {
  readonly file: Uint8Array;
  readonly options: ReadOptions;
  readonly shape?: readonly number[];
  /** x fastest. */
  readonly values?: readonly number[];
  readonly affine?: readonly number[];
  /** Codes. */
  readonly notes: readonly string[];
  /** Of a refusal. */
  readonly says?: string;
}

const stored: Record<string, Omit<OddCase, "file"> & { file: string }> = JSON.parse(readFileSync(new URL("reference/dicom-odd.json", import.meta.url), "utf8"));

export const ODD: Readonly<Record<string, OddCase>> = Object.fromEntries(
  Object.entries(stored).map(([name, each]) => [name, { ...each, file: Uint8Array.from(Buffer.from(each.file, "base64")) }]),
);
