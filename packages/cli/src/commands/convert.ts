// anymc3d convert: a volume into another format, and onto another grid where that is asked for.

import { access } from "node:fs/promises";
import { AnyMC3DError } from "@anymc3d/core";
import { canonical, cropToForeground, readVolume, resample, resampleLike, writeVolume } from "@anymc3d/io";
import { checkFileTarget } from "@anymc3d/node-files/target";
import { interruptSignal } from "../interrupt.js";
import { readOptions } from "../options/read.js";
import { pc, print, printErr } from "../output/terminal.js";

export interface ConvertFlags {
  canonical?: boolean;
  cropAbove?: number;
  resample?: [number, number, number];
  like?: string;
  interpolation: "linear" | "nearest";
  fill: number;
  force?: boolean;
}

/** Reads, orders, crops, resamples and writes, in this order. */
export async function convert(input: string, output: string, flags: ConvertFlags): Promise<void> {
  const signal = interruptSignal();
  const { interpolation, fill } = flags;
  if (flags.like && flags.resample) throw new AnyMC3DError("OPTION_INVALID", "--like and --resample both say what the output's grid is; give one of them");
  const exists = await access(output).then(
    () => true,
    () => false,
  );
  if (exists && !flags.force) throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${output} exists; --force replaces it`);
  await checkFileTarget(output);
  let volume = await readVolume(input, { ...readOptions(flags), signal });
  for (const { code, message } of volume.notes ?? []) printErr(`${pc.yellow("note")} ${pc.dim(code)} ${message}`);
  if (flags.canonical) volume = canonical(volume);
  if (flags.cropAbove !== undefined) volume = cropToForeground(volume, { above: flags.cropAbove });
  if (flags.resample) volume = resample(volume, { spacing: flags.resample }, { interpolation, fill, signal });
  if (flags.like) volume = resampleLike(volume, await readVolume(flags.like, { signal }), { interpolation, fill, signal });
  await writeVolume(output, volume, { signal });
  print(`${output}: ${volume.shape.join(" × ")} voxels`);
}
