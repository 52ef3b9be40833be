// Reads where people's regions come from: label maps, DICOM segmentations, structure sets and reports, 3D Slicer's markups, tables of points.

import { AnyMC3DError, isAnyMC3DError, type Space, type Volume, type Warning } from "@anymc3d/core";
import { isGzip } from "../compression/gzip.js";
import { isDicom } from "../formats/dicom/parse.js";
import { formatOf } from "../formats/index.js";
import { describeBytes } from "../formats/unknown.js";
import { checkReadOptions } from "../options/check.js";
import { byteLimit } from "../options/limits.js";
import type { ReadOptions } from "../options/read-options.js";
import { emptyFile } from "../read-by.js";
import { volumeIn } from "../read-volume.js";
import { type FileEntry, wholeFile } from "../sources/file-entry.js";
import { type FileSet, fileSet, unpackedFiles } from "../sources/file-set.js";
import type { Source } from "../sources/open.js";
import { isZip } from "../sources/zip-directory.js";
import { textOf } from "./cells.js";
import { dicomRegions, marksRegions } from "./dicom.js";
import { labelNames } from "./label-table.js";
import { labelRegions } from "./labels.js";
import { isMarkups, markupRegions } from "./markups.js";
import { tableRegions } from "./points-table.js";
import { type MarkedRegion, type RegionFile, type RegionKind, some, withinReach } from "./region.js";

/** What a file of regions cannot tell; and, for label maps, what a reader of volumes can be told. */
export interface RegionOptions extends ReadOptions {
  /** Label maps: what labels are called, by number; before the file's own names. */
  readonly names?: Readonly<Record<string, string>>;
  /** Label maps: a file of such names: number and name in a line (ITK-SNAP, FreeSurfer, CSV), or JSON by number or by name. */
  readonly nameTable?: Source;
  /** Tables of points that name no space: which it is. Default RAS. */
  readonly space?: Space;
}

/**
 * Reads the regions of a file: a label map in any format of `readVolume()`, a DICOM segmentation (each segment, also where they overlap), RT Structure
 * Set or Structured Report (TID 1500 and others with coordinates in space), 3D Slicer's markups (.mrk.json, .fcsv), a CSV table with the columns x, y, z.
 *
 * @param source as of `readVolume()`; of several files, a folder or a zip: the only one that marks regions
 * @returns a region each; those that cannot be used have an `error` in place of a place
 * @throws AnyMC3DError `REGION_INVALID` for a file without any region, or an image in place of labels; `FORMAT_UNKNOWN`, `FORMAT_INVALID`,
 * `GEOMETRY_INVALID` (a label map without orientation), `OPTION_INVALID`, and what `readVolume()` throws; the signal's reason
 */
export async function readRegions(source: Source | readonly Source[], options: RegionOptions = {}): Promise<RegionFile> {
  const { names, nameTable, space = "RAS", ...read } = options;
  checkReadOptions(read);
  if (!["RAS", "LPS", "voxel"].includes(space)) throw new AnyMC3DError("OPTION_INVALID", `\`space\` is ${JSON.stringify(space)}; RAS, LPS and voxel exist.`);
  const within = { limit: byteLimit(read), signal: read.signal };
  const called = { ...(nameTable !== undefined && (await labelNames(nameTable, within))), ...names };
  const set = await unzipped(await fileSet(source, within), within.limit);
  const file = await regionFileOf(set, within.limit);
  const found = await regionsIn(file, set, { ...read, names: called, space });
  return { ...found, regions: withinReach(found.regions, found.name) };
}

type Options = ReadOptions & { readonly names: Readonly<Record<string, string>>; readonly space: Space };

async function regionsIn(file: FileEntry | undefined, set: FileSet, options: Options): Promise<RegionFile> {
  if (!file) return labelMap(set, options);
  return isDicom(await file.read(0, HEAD)) ? dicomRegions(file, options) : textRegions(file, options);
}

/** Bytes by which formats are told. */
const HEAD = 544;

/** A zip stands for the files in it. */
async function unzipped(set: FileSet, limit: number): Promise<FileSet> {
  const zip = set.kind === "file" && isZip(await set.files[0].read(0, 4));
  if (set.kind === "folder" || (set.kind === "file" && !zip)) return set;
  const files = await unpackedFiles(set, limit);
  return { name: set.name, kind: files.length === 1 ? "file" : zip ? "zip" : "list", files };
}

/** Of the files, the one that marks regions; undefined where they are a volume. @throws AnyMC3DError `OPTION_INVALID` for several */
async function regionFileOf({ name, kind, files }: FileSet, limit: number): Promise<FileEntry | undefined> {
  if (kind === "file") return (await isVolume(files[0])) ? undefined : files[0];
  const found: FileEntry[] = [];
  for (const file of files) {
    const head = await file.read(0, HEAD);
    if (isDicom(head) ? await marksRegions(file, limit) : !(await isVolume(file)) && isText(head)) found.push(file);
  }
  if (found.length < 2) return found[0];
  const named = found.map((file) => file.name);
  throw new AnyMC3DError("OPTION_INVALID", `${name}: ${found.length} files that mark regions (${some(named, 5)}). Give one of them.`);
}

/** Whether a file is for `readVolume()`; DICOM may be either. */
async function isVolume(file: FileEntry): Promise<boolean> {
  const head = await file.read(0, HEAD);
  return isGzip(head) || (formatOf(head) !== undefined && !isDicom(head));
}

const isText = (head: Uint8Array): boolean => head.length > 0 && !head.includes(0);

async function labelMap(set: FileSet, { names, space: _, ...read }: Options): Promise<RegionFile> {
  const { name } = set;
  const volumes = await layersIn(set, read);
  const regions = volumes.flatMap((volume) => labelRegions(volume, name, names));
  return regionFile(name, "labels", regions, volumes.flatMap(({ notes = [] }) => notes)); // biome-ignore format: a line
}

/** Layers that a file may have of segments that overlap. */
const MOST_LAYERS = 256;

/** The label map in a file; of a segmentation in layers, each. */
async function layersIn(set: FileSet, read: ReadOptions): Promise<Volume[]> {
  try {
    return [await volumeIn(set, read)];
  } catch (error) {
    if (!isAnyMC3DError(error)) throw error;
    const { option, range } = (error.details ?? {}) as { option?: string; range?: readonly [number, number] };
    if (!range || !(option === "frame" || option === "channel") || read[option] !== undefined || range[1] >= MOST_LAYERS) throw error;
    const first = await volumeIn(set, { ...read, [option]: 0 });
    // Only a file that says which labels are in which layer means them to be told apart.
    if (!first.labels || Object.keys(first.labels).length === 0) throw error;
    const volumes = [first];
    for (let layer = 1; layer <= range[1]; layer++) volumes.push(await volumeIn(set, { ...read, [option]: layer }));
    return volumes;
  }
}

async function textRegions(file: FileEntry, { space, ...read }: Options): Promise<RegionFile> {
  const { bytes, name } = await wholeFile(file, byteLimit(read));
  if (bytes.length === 0) throw emptyFile(name, false);
  const text = textOf(bytes);
  if (text === undefined) throw unknown(name, bytes);
  const isJson = /^\s*[[{]/.test(text);
  const json = isJson ? parsedJson(text, name) : undefined;
  if (isJson && !isMarkups(json)) throw unknown(name, bytes);
  const { regions, notes } = isJson ? markupRegions(json, name) : tableRegions(text, name, space);
  return regionFile(name, isJson ? "markups" : "csv", regions, notes);
}

const unknown = (name: string, bytes: Uint8Array): AnyMC3DError =>
  new AnyMC3DError(
    "FORMAT_UNKNOWN",
    `${name}: no file of regions; its content looks like ${describeBytes(bytes)}. What can be read: label maps (NIfTI, NRRD, MetaImage, MGH), DICOM segmentations, structure sets and reports, 3D Slicer's markups (.mrk.json, .fcsv), tables with the columns x, y, z.`,
    { details: { file: name } },
  );

function parsedJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new AnyMC3DError("FORMAT_INVALID", `${name}: its JSON is damaged (${(cause as Error).message}). Save it again.`, { cause });
  }
}

const regionFile = (name: string, kind: RegionKind, regions: readonly MarkedRegion[], notes: readonly Warning[]): RegionFile => ({
  name,
  kind,
  regions,
  notes,
});
