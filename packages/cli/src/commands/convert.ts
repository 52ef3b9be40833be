// anymc3d convert: a volume into another format, and onto another grid where that is asked for.

import { existsSync } from "node:fs";
import { AnyMC3DError, type Volume } from "@anymc3d/core";
import { valuesOf } from "@anymc3d/core/learn";
import { canonical, cropToForeground, readVolume, resample, writeVolume } from "@anymc3d/io";
import { checkFileTarget } from "@anymc3d/node-files/target";
import { checkNotInput } from "../data/not-an-input.js";
import { interruptSignal } from "../interrupt.js";
import { readOptions } from "../options/read.js";
import { pc, print, printErr } from "../output/terminal.js";

export interface ConvertFlags {
  canonical?: boolean;
  cropAbove?: number;
  resample?: [number, number, number];
  like?: string;
  interpolation?: "linear" | "nearest";
  fill?: number;
  force?: boolean;
}

/** Reads, orders, crops, resamples and writes, in this order. */
export async function convert(input: string, output: string, flags: ConvertFlags): Promise<void> {
  const signal = interruptSignal();
  const idle = (["interpolation", "fill"] as const).find((name) => flags[name] !== undefined);
  if (idle && !flags.like && !flags.resample)
    throw new AnyMC3DError("OPTION_INVALID", `--${idle} is about a new grid, and none is asked for; give --like or --resample too, or leave it out`);
  if (flags.like && flags.resample) throw new AnyMC3DError("OPTION_INVALID", "--like and --resample both say what the output's grid is; give one of them");
  if (existsSync(output) && !flags.force) throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${output} exists; --force replaces it`);
  await checkNotInput("The output", output, [input, ...(flags.like === undefined ? [] : [flags.like])]);
  await checkFileTarget(output);
  let volume = await readVolume(input, { ...readOptions(flags), signal });
  for (const { code, message } of volume.notes ?? []) printErr(`${pc.yellow("note")} ${pc.dim(code)} ${message}`);
  if (flags.canonical) volume = canonical(volume);
  if (flags.cropAbove !== undefined) volume = cropToForeground(volume, { above: flags.cropAbove });
  const options = { ...(flags.resample || flags.like ? { interpolation: interpolationOf(volume, flags) } : {}), fill: flags.fill, signal };
  if (flags.resample) volume = resample(volume, { spacing: flags.resample }, options);
  if (flags.like) volume = resample(volume, await readVolume(flags.like, { signal }), { ...options, antialias: false });
  await writeVolume(output, volume, { signal });
  print(`${output}: ${volume.shape.join(" × ")} voxels`);
}

/** A scan has more grey values. */
const MOST_LABELS = 64;

/** As asked for; else nearest for what is a segmentation, or looks like one, which is said: whole numbers, few of them, 0 the smallest. */
function interpolationOf({ data, labels }: Volume, { interpolation }: ConvertFlags): ConvertFlags["interpolation"] {
  if (interpolation || labels || data instanceof Float32Array || data instanceof Float64Array) return interpolation;
  const values = valuesOf(data);
  if (!values || values.length > MOST_LABELS || values[0] !== 0) return undefined;
  const shown = `${values.slice(0, 8).join(", ")}${values.length > 8 ? ", …" : ""}`;
  printErr(`${pc.yellow("note")} its values are ${shown}: taken as labels, which are not interpolated; --interpolation linear where it is an image`);
  return "nearest";
}
