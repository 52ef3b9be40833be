// anymc3d inspect: shape, spacing, orientation, values of a file, and which installed adapters accept it.

import { type Adapter, AnyMC3DError, axisCodes, isAnyMC3DError, type Volume, valueRange, voxelSpacing } from "@anymc3d/core";
import { checkInput } from "@anymc3d/core/learn";
import { checkFileTarget } from "@anymc3d/node-files/target";
import { openAdapter, readVolume } from "@anymc3d/sdk";
import { installedAdapters } from "../adapters/installed.js";
import { checkNotInput } from "../data/not-an-input.js";
import { readOptions } from "../options/read.js";
import { describeError, EXIT, Reported, reportError } from "../output/failure.js";
import { writeStrip } from "../output/strip.js";
import { pc, print, printErr, printJson } from "../output/terminal.js";

export interface InspectFlags {
  adapter?: string[];
  png?: string;
  json?: boolean;
  verbose?: boolean;
}

export async function inspectFiles(files: readonly string[], flags: InspectFlags): Promise<void> {
  if (flags.png && files.length > 1)
    throw new AnyMC3DError("OPTION_INVALID", `--png ${flags.png} would hold one of ${files.length} files; inspect one at a time`);
  if (flags.png) {
    await checkNotInput("--png", flags.png, files);
    await checkFileTarget(flags.png);
  }
  const adapters = [...(await usable(installedAdapters())), ...(await Promise.all((flags.adapter ?? []).map((source) => openAdapter(source))))];
  let failed = false;
  for (const file of files) {
    try {
      const volume = await readVolume(file, readOptions(flags));
      const report = describe(file, volume, adapters);
      if (flags.png) await writeStrip(flags.png, volume);
      if (flags.json) printJson(report);
      else printReport(report);
    } catch (error) {
      failed = true;
      if (flags.json) printJson({ schema: "anymc3d.inspect/1", file, ok: false, error: describeError(error) });
      else reportError(error, Boolean(flags.verbose));
    }
  }
  if (failed) throw new Reported(EXIT.failed);
}

/** Of the adapters that happen to be installed, those that can be read; of the others it is said why not. */
async function usable(folders: readonly string[]): Promise<Adapter[]> {
  const opened = folders.map((folder) =>
    openAdapter(folder).catch((error) => {
      // A line each: all faults of a manifest would hide the answer that was asked for.
      printErr(`${pc.yellow("warning")} ${folder} is left out: ${firstLine(describeError(error).message)}`);
      return [];
    }),
  );
  return (await Promise.all(opened)).flat();
}

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return end < 0 ? text : `${text.slice(0, end)} …`;
}

type Report = ReturnType<typeof describe>;

function describe(file: string, volume: Volume, adapters: readonly Adapter[]) {
  return {
    schema: "anymc3d.inspect/1",
    file,
    ok: true,
    shape: volume.shape,
    spacing: voxelSpacing(volume.affine).map((mm) => Number(mm.toPrecision(6))),
    orientation: axisCodes(volume.affine),
    modality: volume.modality ?? null,
    meta: volume.meta ?? {},
    dtype: volume.data.constructor.name.replace("Array", "").toLowerCase(),
    values: finiteRange(file, volume),
    notes: volume.notes ?? [],
    adapters: adapters.map((adapter) => ({ name: adapter.manifest.name, ...verdict(volume, adapter) })),
  };
}

function finiteRange(file: string, volume: Volume): { minimum: number; maximum: number } | { problem: string } {
  try {
    return valueRange(volume, file);
  } catch (error) {
    return { problem: describeError(error).message };
  }
}

/** Whether an adapter takes the volume; several sources cannot be judged from one file. */
function verdict(volume: Volume, { manifest }: Adapter): { accepts: boolean; reason?: string } {
  try {
    const warnings = manifest.input.views.flatMap((view) => checkInput(volume, view, manifest.name, "refuse"));
    const sources = new Set(manifest.input.views.map(({ source }) => source)).size;
    const reason = [...(sources > 1 ? [`reads ${sources} volumes a study`] : []), ...warnings.map(({ message }) => message)].join("; ");
    return { accepts: true, ...(reason ? { reason } : {}) };
  } catch (error) {
    if (!isAnyMC3DError(error)) throw error;
    return { accepts: false, reason: error.message };
  }
}

function printReport(report: Report): void {
  const rows: [string, string][] = [
    ["shape", `${report.shape.join(" × ")} voxels`],
    ["spacing", report.orientation === "?" ? "not stated" : `${report.spacing.join(" × ")} mm`],
    ["orientation", report.orientation === "?" ? "not stated" : report.orientation],
    ["modality", report.modality ?? "not stated"],
    ["values", "problem" in report.values ? pc.yellow(report.values.problem) : `${report.values.minimum} to ${report.values.maximum} (${report.dtype})`],
    ...Object.entries(report.meta).map(([key, value]): [string, string] => [key, String(value)]),
    ...report.notes.map(({ message }): [string, string] => ["note", message]),
    ...report.adapters.map(({ name, accepts, reason }): [string, string] => [
      accepts ? (reason ? pc.yellow("warned") : pc.green("accepted")) : pc.red("refused"),
      `${name}${reason ? `: ${reason}` : ""}`,
    ]),
  ];
  print(pc.bold(report.file), ...rows.map(([key, value]) => `  ${key.padEnd(12)} ${value}`));
}
