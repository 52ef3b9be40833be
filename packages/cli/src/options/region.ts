// Options that say which regions of a scan are meant, and the regions they make.

import { AnyMC3DError, type ClassifyResult, type Region, type Space, type Volume } from "@anymc3d/core";
import { checkSamePlace, chosenRegion, readRegions, readVolume, regionOf } from "@anymc3d/io";
import { type Command, InvalidArgumentError, Option } from "commander";
import { place, triple } from "./values.js";

type Triple = readonly [number, number, number];

export interface RegionFlags {
  at?: Triple[];
  box?: (readonly [Triple, Triple])[];
  size?: Triple;
  space?: "ras" | "lps" | "voxel";
  roi?: string;
  label?: string[];
  labelNames?: string;
}

/** A region, and what people call it. */
export interface NamedRegion {
  readonly name: string;
  /** @throws AnyMC3DError for one that its file does not hold, or holds of another scan */
  region(): Region;
}

export function addRegionFlags(command: Command): Command {
  return command
    .addOption(new Option("--at <x,y,z>", "the region around this point; several: once more each").argParser(collected(place)))
    .option("--size <mm>", "of the box around --at, as 40 or 40,40,20 (right–left, front–back, feet–head); default: the adapter's", triple)
    .addOption(new Option("--box <x0,y0,z0:x1,y1,z1>", "the region between two corners; several: once more each").argParser(collected(corners)))
    .addOption(
      new Option(
        "--space <space>",
        "of --at and --box: mm with axes as DICOM (lps) or NIfTI (ras), or voxel indices; default: lps for DICOM, else ras",
      ).choices(["ras", "lps", "voxel"]),
    )
    .option("--roi <file>", "regions of a file: label map, DICOM SEG, RT Structure Set or structured report, 3D Slicer's markups, table of points")
    .addOption(
      new Option("--label <label>", "of --roi, or of the file itself: number or name; several: once more each; default: every region of --roi").argParser(
        collected((text) => text),
      ),
    )
    .option("--label-names <file>", "of --roi: what the numbers of a label map are called (ITK-SNAP, FreeSurfer, CSV, JSON)");
}

const collected =
  <T>(parse: (text: string) => T) =>
  (text: string, before: T[] = []): T[] => [...before, parse(text)];

/** Two places, as -80,0,120:-40,40,160. */
function corners(text: string): readonly [Triple, Triple] {
  const places = text.split(":");
  if (places.length !== 2) throw new InvalidArgumentError("two corners, as -80,0,120:-40,40,160, are needed.");
  return [place(places[0]), place(places[1])];
}

/** Whether any region is asked for. @throws AnyMC3DError `OPTION_INVALID` for options that mean nothing without another */
export function asksForRegions({ at, box, size, space, roi, label, labelNames }: RegionFlags): boolean {
  const without = (flag: string, needed: string) => new AnyMC3DError("OPTION_INVALID", `${flag} says nothing without ${needed}`);
  if (size && !at) throw without("--size", "--at");
  if (space && !at && !box && !roi) throw without("--space", "--at, --box or --roi");
  if (labelNames && !roi) throw without("--label-names", "--roi");
  return Boolean(at || box || roi || label);
}

/** Whether more than one region may be asked for. */
export const asksForSeveral = ({ at = [], box = [], roi, label }: RegionFlags): boolean =>
  at.length + box.length + (label?.length ?? (roi === undefined ? 0 : Number.POSITIVE_INFINITY)) > 1;

/** DICOM's own axes for what was read from DICOM; those of NIfTI, which all volumes have here, for the rest. */
const usualSpace = ({ meta }: Volume): Space => (meta?.seriesUid === undefined ? "RAS" : "LPS");

/**
 * The regions that the options ask for, in the order points, boxes, regions of a file.
 * @param file the scan, whose own labels are meant where a label is asked for and no file of regions is given
 * @param volume what was read of it; says which space places are in, where the options do not
 * @throws AnyMC3DError for a file of regions that cannot be read
 */
export async function regionsOf(flags: RegionFlags, file: string, volume: Volume, signal: AbortSignal): Promise<NamedRegion[]> {
  const { at = [], box = [], size, space } = flags;
  const within: Space = space === undefined ? usualSpace(volume) : space === "voxel" ? "voxel" : (space.toUpperCase() as "RAS" | "LPS");
  return [
    ...at.map((point): NamedRegion => ({ name: `at ${point.join(", ")} ${within}`, region: () => ({ point, space: within, ...(size && { size }) }) })),
    ...box.map(
      (two): NamedRegion => ({ name: `box ${two.map((corner) => corner.join(", ")).join(" to ")} ${within}`, region: () => ({ box: two, space: within }) }),
    ),
    ...(await regionsOfFile({ ...flags, roi: flags.roi ?? (flags.label && file) }, volume, space && within, signal)),
  ];
}

async function regionsOfFile({ roi, label, labelNames }: RegionFlags, volume: Volume, space: Space | undefined, signal: AbortSignal): Promise<NamedRegion[]> {
  if (roi === undefined) return [];
  // Without an orientation nothing but voxels of the same grid can be meant.
  if (!volume.affine) {
    const mask = await readVolume(roi, { signal });
    return (label ?? [undefined]).map((each) => ({ name: nameIn(roi, each), region: () => ({ mask, ...(each !== undefined && { label: each }) }) }));
  }
  const file = await readRegions(roi, { signal, ...(space && { space }), ...(labelNames !== undefined && { nameTable: labelNames }) });
  if (label) return label.map((each) => ({ name: nameIn(roi, each), region: () => chosenRegion(file, volume, each) }));
  checkSamePlace(file, volume);
  return file.regions.map((marked) => ({
    name: `${roi}, ${marked.name}`,
    region() {
      checkSamePlace(file, volume, marked);
      return regionOf(marked, volume);
    },
  }));
}

const nameIn = (roi: string, label: string | undefined): string => (label === undefined ? roi : `${roi}, label ${label}`);

/** Where a result's region lies, in a line. */
export function regionText({ region }: ClassifyResult): string | undefined {
  if (!region) return undefined;
  const { start, shape, mm } = region;
  const voxels = `${shape.join(" × ")} voxels from ${start.join(", ")}`;
  if (!mm) return `region: ${voxels}`;
  const reach = [0, 1, 2].map((axis) => `${Number(mm[0][axis].toFixed(1))} to ${Number(mm[1][axis].toFixed(1))}`);
  return `region: ${reach.join(", ")} mm RAS; ${voxels}`;
}
