// anymc3d inspect: shape, spacing, orientation, values of a file, the regions that it marks, and which installed adapters accept it.

import { type Adapter, AnyMC3DError, axisCodes, isAnyMC3DError, type Volume, valueRange, voxelSpacing } from "@anymc3d/core";
import { checkInput, valuesOf } from "@anymc3d/core/learn";
import { type MarkedRegion, type RegionFile, readRegions } from "@anymc3d/io";
import { checkFileTarget } from "@anymc3d/node-files/target";
import { openAdapter, readVolume } from "@anymc3d/sdk";
import { installedAdapters } from "../adapters/installed.js";
import { checkNotInput } from "../data/not-an-input.js";
import { readOptions } from "../options/read.js";
import { describeError, EXIT, firstLine, Reported, reportError } from "../output/failure.js";
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
      const found = await volumeOrRegions(file, flags);
      if ("regions" in found) {
        if (flags.png) throw new AnyMC3DError("OPTION_INVALID", `--png: ${file} holds places, and no image of them`);
        if (flags.json)
          printJson({ schema: "anymc3d.inspect/1", file, ok: true, kind: found.kind, regions: found.regions.map(plainRegion), notes: found.notes });
        else printRegions(file, found);
        continue;
      }
      const regions = mayBeLabels(found) ? await readRegions(file, readOptions(flags)).catch(() => undefined) : undefined;
      const report = { ...describe(file, found, adapters), ...(regions && { regions: regions.regions.map(plainRegion) }) };
      if (flags.png) await writeStrip(flags.png, found);
      if (flags.json) printJson(report);
      else printReport(report, regions?.regions);
    } catch (error) {
      failed = true;
      if (flags.json) printJson({ schema: "anymc3d.inspect/1", file, ok: false, error: describeError(error) });
      else reportError(error, Boolean(flags.verbose));
    }
  }
  if (failed) throw new Reported(EXIT.failed);
}

/** What a file holds: a volume, or else places in one. */
async function volumeOrRegions(file: string, flags: InspectFlags): Promise<Volume | RegionFile> {
  try {
    return await readVolume(file, readOptions(flags));
  } catch (error) {
    return readRegions(file).catch(() => {
      throw error;
    });
  }
}

/** Images have more grey values. */
const MOST_LABELS = 512;

/** Whether the values may be numbers of labels. */
function mayBeLabels({ labels, data, modality }: Volume): boolean {
  if (labels) return true;
  const values = modality === undefined ? valuesOf(data) : undefined;
  return values !== undefined && values.length > 1 && values.length <= MOST_LABELS && values[0] === 0 && values.every(Number.isInteger);
}

/** A region as --json has it: where it lies, or why it cannot be used; its voxels and contours stay in the file. */
function plainRegion({ name, number, point, box, size, space, error }: MarkedRegion) {
  return {
    name,
    ...(number !== undefined && { number }),
    ...(error ? { error: describeError(error) } : { ...(point && { point }), ...(box && { box }), ...(size !== undefined && { size }), space: space ?? "RAS" }),
  };
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

type Report = ReturnType<typeof describe>;

const KINDS: Readonly<Record<RegionFile["kind"], string>> = {
  labels: "label map",
  seg: "DICOM segmentation",
  rtstruct: "RT Structure Set",
  sr: "DICOM structured report",
  markups: "3D Slicer's markups",
  csv: "table of points",
};

const MOST_SHOWN = 30;

function regionRows(regions: readonly MarkedRegion[]): [string, string][] {
  const shown = regions.slice(0, MOST_SHOWN).map(({ name, number, point, box, size, space, error }): [string, string] => {
    const mm = (value: number) => String(Number(value.toFixed(1)));
    const unit = space === "voxel" ? "voxels" : "mm RAS";
    const place = box && size === undefined ? [0, 1, 2].map((axis) => `${mm(box[0][axis])} to ${mm(box[1][axis])}`).join(", ") : point?.map(mm).join(", ");
    const where = error ? pc.yellow(describeError(error).message) : `${place} ${unit}${size === undefined ? "" : `, ${mm(size)} mm`}`;
    return ["region", `${number === undefined || name.endsWith(` ${number}`) ? name : `${number} (${name})`}: ${where}`];
  });
  return regions.length > MOST_SHOWN ? [...shown, ["", `… ${regions.length - MOST_SHOWN} more (--json has all)`]] : shown;
}

function printRegions(file: string, { kind, regions, notes }: RegionFile): void {
  const rows: [string, string][] = [
    ["holds", `${KINDS[kind]}, ${regions.length} ${regions.length === 1 ? "region" : "regions"}; for --roi of anymc3d classify`],
    ...regionRows(regions),
    ...notes.map(({ message }): [string, string] => ["note", message]),
  ];
  printRows(file, rows);
}

const printRows = (file: string, rows: readonly (readonly [string, string])[]): void =>
  print(pc.bold(file), ...rows.map(([key, value]) => `  ${key.padEnd(12)} ${value}`));

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

function printReport(report: Report, regions: readonly MarkedRegion[] = []): void {
  const rows: [string, string][] = [
    ["shape", `${report.shape.join(" × ")} voxels`],
    ["spacing", report.orientation === "?" ? "not stated" : `${report.spacing.join(" × ")} mm`],
    ["orientation", report.orientation === "?" ? "not stated" : report.orientation],
    ["modality", report.modality ?? "not stated"],
    ["values", "problem" in report.values ? pc.yellow(report.values.problem) : `${report.values.minimum} to ${report.values.maximum} (${report.dtype})`],
    ...Object.entries(report.meta).map(([key, value]): [string, string] => [key, String(value)]),
    ...report.notes.map(({ message }): [string, string] => ["note", message]),
    ...regionRows(regions),
    ...report.adapters.map(({ name, accepts, reason }): [string, string] => [
      accepts ? (reason ? pc.yellow("warned") : pc.green("accepted")) : pc.red("refused"),
      `${name}${reason ? `: ${reason}` : ""}`,
    ]),
  ];
  printRows(report.file, rows);
}
