// A volume as a view of an adapter reads it: padding of a CT known as padding, label numbers as the adapter knows them.

import type { ViewManifest } from "./manifest.js";
import { type VolumeStatistics, volumeStatistics } from "./statistics.js";
import type { Volume, VoxelArray } from "./types.js";

/** Air, in Hounsfield units: what stands where a CT holds no data. */
export const AIR = -1000;
/** In Hounsfield units: what a CT can measure ends here (twelve bits, from -1024 on). */
export const FLOOR = -1024;

/** Whether the values are in Hounsfield units. */
export const inHounsfield = ({ modality, meta }: Pick<Volume, "modality" | "meta">): boolean => modality === "CT" && (meta?.units ?? "HU") === "HU";

/** How far voxels of padding lie from its value: what lossy codecs make of it. */
const CODEC_ERROR = 32;
/** Share of the voxels that are so low which padding makes up, with its value or two: noise, and air of a CT on another scale, are spread. */
const PLATEAU = 0.9;
/** Padding lies well below air; what reaches a little below the floor is noise of a scanner that stores it. */
const WELL_BELOW = -1200;
/** Beside noise that reaches below the floor: how far above padding next to nothing lies, how much that is of its voxels, and how many these are. */
const APART = { distance: 128, share: 0.02, voxels: 8 } as const;
/** So too where noise reaches the padding's one value, which stands out of it: not as the value at which noise was cut off, which the noise next to it nears. */
const SPIKE = { distance: 64, share: 0.125 } as const;
/** How many more voxels lie near the floor, where noise has most, than between that and padding, where mixtures of padding with tissue have as many. */
const NOISE = 4;

/**
 * Voxels of a CT in Hounsfield units that lie below all that can be measured, where they are padding: marked, and set to air. The same volume where there
 * are none.
 * @param floor at most -1024
 */
export function withoutPadding(volume: Volume, floor = FLOOR): Volume {
  const { data } = volume;
  const below = new Map<number, number>();
  for (let i = 0; i < data.length; i++) {
    if (!(data[i] < floor)) continue;
    const value = Math.round(data[i]);
    below.set(value, (below.get(value) ?? 0) + 1);
  }
  const least = below.size === 0 ? undefined : paddingBelow(below, floor);
  if (least === undefined) return volume;
  const air = data.slice();
  const noData = volume.noData?.slice() ?? new Uint8Array(Math.ceil(data.length / 8));
  for (let i = 0; i < data.length; i++) {
    if (!(data[i] < least)) continue;
    air[i] = AIR;
    noData[i >> 3] |= 1 << (i & 7);
  }
  return { ...volume, data: air, noData };
}

/** Below which value there is padding: the floor where nearly all below it is, and the rest not noise; else where padding ends that lies apart from noise. */
function paddingBelow(counts: ReadonlyMap<number, number>, floor: number): number | undefined {
  const within = (low: number, high: number) => [...counts].reduce((sum, [value, count]) => (value >= low && value <= high ? sum + count : sum), 0);
  const plateaus = plateausOf(counts);
  const holds = (some: readonly Plateau[], end: number) =>
    some.length > 0 && some.reduce((sum, { count }) => sum + count, 0) >= PLATEAU * within(Number.NEGATIVE_INFINITY, end);
  const apart = plateaus.flatMap(({ top, atTop, count, end }): Plateau[] => {
    const spike = within(top + 1, top + SPIKE.distance) <= SPIKE.share * atTop ? [{ top, atTop, count: atTop, end: top }] : [];
    const wide = within(end + 1, end + APART.distance) <= APART.share * count ? [{ top, atTop, count, end }] : [];
    return [...(atTop >= PLATEAU * count ? [...spike, ...wide] : [...wide, ...spike])].slice(0, 1);
  });
  const some = apart.filter(({ count }) => count >= APART.voxels);
  const end = Math.max(...some.map((plateau) => plateau.end));
  const least = holds(some, end) ? Math.min(floor, end + 0.5) : undefined;
  const isNoise = least !== undefined && within(WELL_BELOW, floor) > NOISE * within(end + 1, WELL_BELOW);
  return holds(plateaus, floor) && !isNoise ? floor : least;
}

/** Voxels about one value. */
interface Plateau {
  readonly top: number;
  readonly atTop: number;
  /** Of those that count as its, how many, and the largest value. */
  readonly count: number;
  readonly end: number;
}

/** Around the most frequent value well below the floor, and around the most frequent one of the rest. */
function plateausOf(counts: ReadonlyMap<number, number>): Plateau[] {
  const rest = new Map(counts);
  return [1, 2].flatMap(() => {
    let top = Number.NaN;
    for (const [value, count] of rest) if (value <= WELL_BELOW && !(count <= (rest.get(top) ?? 0))) top = value;
    if (Number.isNaN(top)) return [];
    const atTop = rest.get(top) ?? 0;
    let sum = 0;
    for (const [value, count] of [...rest]) {
      if (!(Math.abs(value - top) <= CODEC_ERROR)) continue;
      sum += count;
      rest.delete(value);
    }
    return [{ top, atTop, count: sum, end: top + CODEC_ERROR }];
  });
}

/** By how much a label number may differ from a whole one: what files with float voxels and rounding make of it. */
const NEARLY = 1e-3;

/** The volume with label numbers that are nearly whole made whole; the same volume where nothing is to be done, or where some are not. */
export function wholeLabels(volume: Volume): Volume {
  const { data } = volume;
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return volume;
  let rounded = false;
  for (let i = 0; i < data.length; i++) {
    const off = Math.abs(data[i] - Math.round(data[i]));
    if (!(off <= NEARLY)) return volume;
    rounded ||= off > 0;
  }
  return rounded ? { ...volume, data: data.map((value: number) => 0 + Math.round(value)) } : volume;
}

/** So many values are no labels any more. */
const MANY_VALUES = 4096;

/** The values that occur, in order; undefined where they are too many to be labels. */
export function valuesOf(data: VoxelArray): number[] | undefined {
  const found = new Set<number>();
  let last = Number.NaN;
  for (let i = 0; i < data.length; i++) {
    if (data[i] === last) continue;
    last = data[i];
    found.add(last);
    if (found.size > MANY_VALUES) return undefined;
  }
  return [...found].sort((a, b) => a - b);
}

/** What a view says of the values that it reads. */
type Declared = Pick<ViewManifest, "labels" | "expect" | "pad">;

interface Kept {
  readonly key: string;
  readonly volume: Volume;
}

/** By the statistics of what was given, which are made anew where its voxels changed. */
const kept = new WeakMap<VolumeStatistics, Kept>();

/** The volume as the view reads it; the given one where nothing is to be done, which costs no pass over its voxels that the checks do not make anyway. */
export function asDeclared(given: Volume, view: Declared): Volume {
  const { noData, ...rest } = given;
  const volume = noData && !noData.some((byte) => byte !== 0) ? rest : given;
  const key = view.labels ? JSON.stringify(view.labels) : expectsHounsfield(volume, view) ? `below ${Math.min(FLOOR, view.pad)}` : "";
  if (key === "") return volume;
  const statistics = volumeStatistics(volume);
  if (!view.labels && !(statistics.minimum < Math.min(FLOOR, view.pad))) return volume;
  const known = kept.get(statistics);
  if (known?.key === key) return { ...volume, data: known.volume.data, noData: known.volume.noData };
  const made = view.labels ? mapped(wholeLabels(volume), view.labels) : withoutPadding(volume, Math.min(FLOOR, view.pad));
  if (statistics.finite) kept.set(statistics, { key, volume: made });
  return made;
}

/** Whether its values are in Hounsfield units: the volume says so, or says nothing and the adapter reads CT alone. */
export const expectsHounsfield = (volume: Volume, { expect, labels }: Declared): boolean =>
  !labels && !volume.labels && inHounsfield({ ...volume, modality: volume.modality ?? (expect.modality?.length === 1 ? expect.modality[0] : undefined) });

/** By the table of other numbers, where that knows all that occur. */
function mapped(volume: Volume, { known, map = {} }: NonNullable<Declared["labels"]>): Volume {
  const strange = valuesOf(volume.data)?.filter((value) => !known.includes(value)) ?? [Number.NaN];
  if (strange.length === 0 || !strange.every((value) => Object.hasOwn(map, value))) return volume;
  return { ...volume, data: Float32Array.from(volume.data, (value) => (known.includes(value) ? value : map[value])) };
}

/** Numbers that stand for one thing, there or not, which may be interpolated as a 0/1 image. */
const YES = [1, 255];

/** Whether voxels are numbers of several labels, which are brought onto pixels one at a time: as the view declares, or else as the volume says. */
export function hasSeveralLabels({ data, labels }: Volume, view: Pick<ViewManifest, "labels"> | undefined): boolean {
  if (view?.labels) return view.labels.known.filter((number) => number !== 0).length > 1;
  if (!labels) return false;
  const inside = valuesOf(data)?.filter((value) => value !== 0);
  if (inside === undefined) return true;
  return inside.length > 1 || (inside.length === 1 && !YES.includes(inside[0]) && Object.keys(labels).length > 1);
}
