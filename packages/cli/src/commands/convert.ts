// anymc3d convert: a volume, or regions of it, into another format, and onto another grid where that is asked for.

import { existsSync } from "node:fs";
import { AnyMC3DError, type Volume } from "@anymc3d/core";
import { cutRegion, valuesOf } from "@anymc3d/core/learn";
import { canonical, cropToForeground, readVolume, resample, writeVolume } from "@anymc3d/io";
import { checkFileTarget } from "@anymc3d/node-files/target";
import { checkNotInput } from "../data/not-an-input.js";
import { interruptSignal } from "../interrupt.js";
import { readOptions } from "../options/read.js";
import { asksForRegions, type RegionFlags, regionsOf } from "../options/region.js";
import { pc, print, printErr } from "../output/terminal.js";

export interface ConvertFlags extends RegionFlags {
  margin?: [number, number, number];
  canonical?: boolean;
  cropAbove?: number;
  resample?: [number, number, number];
  like?: string;
  interpolation?: "linear" | "nearest";
  fill?: number;
  force?: boolean;
}

/** Reads, cuts regions, orders, crops, resamples and writes, in this order. */
export async function convert(input: string, output: string, flags: ConvertFlags): Promise<void> {
  const signal = interruptSignal();
  const idle = (["interpolation", "fill"] as const).find((name) => flags[name] !== undefined);
  if (idle && !flags.like && !flags.resample)
    throw new AnyMC3DError("OPTION_INVALID", `--${idle} is about a new grid, and none is asked for; give --like or --resample too, or leave it out`);
  if (flags.like && flags.resample) throw new AnyMC3DError("OPTION_INVALID", "--like and --resample both say what the output's grid is; give one of them");
  if (existsSync(output) && !flags.force) throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${output} exists; --force replaces it`);
  const regional = asksForRegions(flags);
  if (flags.margin && !flags.roi) throw new AnyMC3DError("OPTION_INVALID", "--margin says nothing without --roi");
  const read = [input, flags.like, flags.roi, flags.labelNames].filter((path) => path !== undefined);
  await checkNotInput("The output", output, read);
  await checkFileTarget(output);
  const volume = await readVolume(input, { ...readOptions(flags), signal });
  for (const { code, message } of volume.notes ?? []) printErr(`${pc.yellow("note")} ${pc.dim(code)} ${message}`);
  if (!regional) return convertOne(volume, output, flags, signal);
  const regions = await regionsOf(flags, input, volume, signal);
  if (regions.length > 1 && !output.includes("{region}"))
    throw new AnyMC3DError("OPTION_INVALID", `${output}: ${regions.length} regions would write the same file; put {region}, the region's number, into it`);
  const roi = { kind: "box", margin: flags.margin ?? 0 } as const;
  // All are cut before any is written: nothing half of it.
  const cuts = regions.map(({ region }) => cutRegion(volume, region(), roi, "anymc3d convert"));
  for (const [n, { volume: cut, warnings }] of cuts.entries()) {
    for (const { code, message } of warnings) printErr(`${pc.yellow("note")} ${pc.dim(code)} ${message}`);
    const target = output.replaceAll("{region}", String(n + 1));
    if (target !== output) {
      if (existsSync(target) && !flags.force) throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${target} exists; --force replaces it`);
      await checkNotInput("The output", target, read);
    }
    await convertOne(cut, target, flags, signal);
  }
}

async function convertOne(given: Volume, output: string, flags: ConvertFlags, signal: AbortSignal): Promise<void> {
  let volume = given;
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
