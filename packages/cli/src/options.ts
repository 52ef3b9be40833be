// Options that several commands share.

import { type Command, InvalidArgumentError, Option } from "commander";

export interface EngineFlags {
  engine: string;
  precision: "fp32" | "int8";
  threads?: number;
  backbone?: string;
  checks: "refuse" | "warn";
  modality?: string;
  frame?: number;
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

export function addEngineFlags(command: Command): Command {
  return command
    .option(
      "--engine <engine>",
      "auto, onnx/cpu, onnx/wasm, onnx/webgpu, onnx/cuda, tfjs/wasm, tfjs/cpu, tfjs/tensorflow; in browsers also tfjs/webgpu, tfjs/webgl",
      "auto",
    )
    .addOption(new Option("--precision <precision>", "int8 is about twice as fast; logits move by up to about 0.5").choices(["fp32", "int8"]).default("fp32"))
    .option("--threads <n>", "CPU threads", wholeNumber(1))
    .option("--backbone <folder>", "another backbone's folder or package; default: the one the adapter names")
    .addOption(new Option("--checks <mode>", "input outside what the adapter declares").choices(["refuse", "warn"]).default("refuse"))
    .option("--modality <code>", "DICOM modality of the files (CT, MR, …), which NIfTI cannot tell", upperCase)
    .option("--frame <n>", "which frame of a 4-D file, from 0", wholeNumber(0))
    .option("--verbose", "show where an error came from");
}
