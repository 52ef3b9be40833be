// Options that several commands share.

import type { ReadOptions } from "@anymc3d/sdk";
import { type Command, InvalidArgumentError, Option } from "commander";

/** What a reader must be told where the file does not say it. */
export interface ReadFlags {
  modality?: string;
  frame?: number;
  channel?: number;
  array?: string;
  index?: number;
  orientation?: string;
  voxels?: readonly [number, number, number];
  series?: string;
  stack?: number;
  uneven?: "resample";
}

export interface EngineFlags extends ReadFlags {
  engine: string;
  precision: "fp32" | "int8";
  threads?: number;
  backbone?: string;
  checks: "refuse" | "warn";
  verbose?: boolean;
}

/** A whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < least) throw new InvalidArgumentError(`a whole number from ${least} is needed.`);
    return value;
  };
}

/** A number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("a number above 0 is needed.");
  return value;
}

/** DICOM codes are upper case. */
export const upperCase = (text: string): string => text.trim().toUpperCase();

/** Three numbers above 0, as 1,1,2.5, or one for all. */
export function triple(text: string): [number, number, number] {
  const values = text.split(/[,x×]/).map(positiveNumber);
  if (values.length !== 1 && values.length !== 3) throw new InvalidArgumentError("one number or three, as 1,1,2.5, are needed.");
  return [values[0], values[1] ?? values[0], values[2] ?? values[0]];
}

export function addReadFlags(command: Command): Command {
  return command
    .option("--modality <code>", "DICOM modality of the files (CT, MR, …), where they do not say it", upperCase)
    .option("--frame <n>", "which frame of a 4-D file, from 0", wholeNumber(0))
    .option("--channel <n>", "which channel of a file with several values a voxel, from 0", wholeNumber(0))
    .option("--array <name>", "which array of an .npz")
    .option("--index <n>", "which volume of an array with four axes, from 0", wholeNumber(0))
    .option("--orientation <code>", "where the axes point in a file that does not say it, as LPS or RAS", upperCase)
    .option("--series <uid>", "which DICOM series, by UID, its beginning, or number")
    .option("--stack <n>", "which stack of a DICOM series that mixes sizes or orientations, from 0", wholeNumber(0))
    .addOption(new Option("--uneven <how>", "DICOM slices at uneven distances: resample interpolates; default: refused").choices(["resample"]))
    .option("--voxels <mm>", "voxel size in a file that does not say it, as 0.7,0.7,1", triple);
}

/** The reader's options. */
export function readOptions({ modality, frame, channel, array, index, orientation, voxels, series, stack, uneven }: ReadFlags): ReadOptions {
  return { modality, frame, channel, array, index, orientation, spacing: voxels, series, stack, uneven };
}

export function addEngineFlags(command: Command): Command {
  return addReadFlags(command)
    .option(
      "--engine <engine>",
      "auto, onnx/cpu, onnx/wasm, onnx/webgpu, onnx/cuda, tfjs/wasm, tfjs/cpu, tfjs/tensorflow; in browsers also tfjs/webgpu, tfjs/webgl",
      "auto",
    )
    .addOption(new Option("--precision <precision>", "int8 is about twice as fast; logits move by up to about 0.5").choices(["fp32", "int8"]).default("fp32"))
    .option("--threads <n>", "CPU threads", wholeNumber(1))
    .option("--backbone <folder>", "another backbone's folder or package; default: the one the adapter names")
    .addOption(new Option("--checks <mode>", "input outside what the adapter declares").choices(["refuse", "warn"]).default("refuse"))
    .option("--verbose", "show where an error came from");
}
