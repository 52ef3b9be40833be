// Several frames at one place, and several acquisitions among each other: which of the volumes that they make is meant.

import { AnyMC3DError, type Warning } from "@anymc3d/core";
import { DIMENSIONS, type DicomFrame, type Dimension, dot, type TimeName, type Vector } from "./image.js";
import { isEven, pixelOf } from "./spacing.js";
import type { StackOptions } from "./stack.js";
import { listed, where } from "./words.js";

const along = (frame: DicomFrame, normal: Vector): number => dot(frame.position as Vector, normal);

/** Frames by their place along the normal, ascending. */
function placesOf(frames: readonly DicomFrame[], normal: Vector): DicomFrame[][] {
  const sorted = [...frames].sort((a, b) => along(a, normal) - along(b, normal));
  const places: DicomFrame[][] = [];
  for (const frame of sorted) {
    const last = places.at(-1);
    if (last && Math.abs(along(last[0], normal) - along(frame, normal)) < 1e-3) last.push(frame);
    else places.push([frame]);
  }
  return places;
}

/** A way to take frames apart into volumes. */
interface Split {
  /** What they differ in, for people. */
  readonly by: string;
  /** Of each volume, in order: what it is, and its frames. */
  readonly volumes: readonly { readonly text: string; readonly frames: readonly DicomFrame[] }[];
}

/** One of the volumes. @throws AnyMC3DError `FRAME_REQUIRED` listing them */
function oneOf({ by, volumes }: Split, { name, frame }: StackOptions, how = "which differ in"): readonly DicomFrame[] {
  const one = frame.of(volumes);
  if (one) return one.frames;
  const choices = volumes.map(({ text }, value) => ({ value, text }));
  const holds = `${volumes.length} volumes in one series, ${how} ${by}`;
  throw new AnyMC3DError("FRAME_REQUIRED", `${name}: ${holds}; expected one. Choose with the option \`frame\` (--frame):\n${listed(choices.slice(0, 40))}`, {
    details: { option: "frame", file: name, holds, choices },
  });
}

/**
 * One frame for each place, in order along the normal: of several volumes the one that is meant, of copies the first.
 * @throws AnyMC3DError `FRAME_REQUIRED`, `GEOMETRY_INVALID`
 */
export async function onePerPlace(frames: readonly DicomFrame[], normal: Vector, options: StackOptions, notes: Warning[]): Promise<readonly DicomFrame[]> {
  const places = placesOf(frames, normal);
  const most = Math.max(...places.map(({ length }) => length));
  if (most === 1) return places.flat();
  const differing = dimension(places, most) ?? ranked(places, ["acquisition time", "frame time", "trigger time"], options.name);
  if (differing) return oneOf(differing, options);
  const { equal, differ } = await copies(places, options.same);
  if (differ && !equal) {
    const numbered = ranked(places, ["content time", "instance number"], options.name);
    if (numbered) return oneOf(numbered, options);
  }
  if (differ && !equal && places.length === 1 && frames.every(({ image }) => image === frames[0].image)) {
    const volumes = [...places[0]].sort((a, b) => a.index - b.index).map((one) => ({ text: `frame ${one.index + 1}`, frames: [one] }));
    return oneOf({ by: "the number of the frame alone", volumes }, options);
  }
  const partly = differ && incomplete(places);
  if (partly) return oneOf(partly, options);
  if (differ)
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      `${where(differ[0])} and ${where(differ[1])} lie at the same place (${(differ[0].position as Vector).join(", ")} mm) and differ, and nothing in their headers says what they are (time, echo, b-value, number). Remove one of them.`,
    );
  notes.push({ code: "DUPLICATE_SLICES", message: `${options.name}: ${equal} copies of slices, equal to the last pixel, were left out` });
  return places.map(([first]) => first);
}

/** How many frames are copies of the first at their place; and the first pair of such that are not. */
async function copies(places: readonly DicomFrame[][], same: StackOptions["same"]): Promise<{ equal: number; differ?: readonly [DicomFrame, DicomFrame] }> {
  let equal = 0;
  let differ: readonly [DicomFrame, DicomFrame] | undefined;
  for (const [first, ...others] of places) {
    for (const other of others) {
      if (await same(first, other)) equal++;
      else differ ??= [first, other];
      if (equal && differ) return { equal, differ };
    }
  }
  return { equal, differ };
}

/** The attributes that frames have: those of every file, then the dimensions that files name themselves. */
function dimensionsOf(frames: readonly DicomFrame[]): Dimension[] {
  const own = new Set(frames.flatMap(({ dimensions }) => Object.keys(dimensions).filter((each) => each.startsWith("index: "))));
  return [...DIMENSIONS, ...(own as Set<Dimension>)];
}

const ordered = (a: string, b: string): number => Number.parseFloat(a) - Number.parseFloat(b) || (a < b ? -1 : 1);

/** The attribute, or pair of attributes, whose values are the same set at every place, each once. */
function dimension(places: readonly DicomFrame[][], count: number): Split | undefined {
  if (places.some(({ length }) => length !== count)) return undefined;
  const all = dimensionsOf(places.flat());
  const pairs = all.flatMap((a, i) => all.slice(i + 1).map((b) => [a, b]));
  for (const names of [...all.map((each) => [each]), ...pairs]) {
    const key = (frame: DicomFrame) => names.map((each) => String(frame.dimensions[each] ?? "")).join(", ");
    const values = new Set(places[0].map(key));
    if (values.size !== count || places.some((those) => new Set(those.map(key)).size !== count || those.some((frame) => !values.has(key(frame))))) continue;
    const by = names.map((each) => each.replace(/^index: /, "")).join(", ");
    const volume = (value: string) => ({ text: `${by} ${value}`, frames: places.map((those) => those.find((each) => key(each) === value) as DicomFrame) });
    return { by, volumes: [...values].sort(ordered).map(volume) };
  }
  return undefined;
}

/**
 * Volumes of which some lack slices: by the first attribute that is another in every frame of a place, those that have a slice at every place; where none
 * has, as where two overlap at their ends, all without gaps.
 */
function incomplete(places: readonly DicomFrame[][]): Split | undefined {
  const splits = dimensionsOf(places.flat()).flatMap((name) => {
    const groups = new Map<string, (DicomFrame | undefined)[]>();
    for (const [place, frames] of places.entries())
      for (const frame of frames) {
        const value = String(frame.dimensions[name] ?? "");
        const group = groups.get(value) ?? new Array<DicomFrame | undefined>(places.length).fill(undefined);
        if (group[place]) return [];
        group[place] = frame;
        groups.set(value, group);
      }
    return groups.size < 2 || groups.has("") ? [] : [{ by: name.replace(/^index: /, ""), groups: [...groups].sort(([a], [b]) => ordered(a, b)) }];
  });
  const there = (group: readonly (DicomFrame | undefined)[]) => group.filter((frame) => frame !== undefined);
  const whole = splits.find(({ groups }) => groups.some(([, group]) => group.every(Boolean)) && places.length > 1);
  if (whole) {
    const lacking = whole.groups.filter(([, group]) => !group.every(Boolean));
    const gaps = lacking.map(([value, group]) => {
      const lost = group.flatMap((frame, i) => (frame ? [] : [`(${(places[i][0].position as Vector).join(", ")})`]));
      return `${whole.by} ${value} has no slice at ${lost.slice(0, 4).join(", ")}${lost.length > 4 ? ` and ${lost.length - 4} more places` : ""}`;
    });
    const volumes = whole.groups.filter(([, group]) => group.every(Boolean)).map(([value, group]) => ({ text: `${whole.by} ${value}`, frames: there(group) }));
    return { by: `${whole.by}; ${lacking.length} more lack slices: ${gaps.slice(0, 6).join("; ")}`, volumes };
  }
  const gapless = (group: readonly (DicomFrame | undefined)[]) => {
    const [first, last] = [group.findIndex(Boolean), group.findLastIndex(Boolean)];
    return last > first && group.slice(first, last + 1).every(Boolean);
  };
  const ends = splits.find(({ groups }) => groups.every(([, group]) => gapless(group)));
  if (!ends) return undefined;
  const volumes = ends.groups.map(([value, group]) => ({
    text: `${ends.by} ${value}, ${there(group).length} of ${places.length} slices`,
    frames: there(group),
  }));
  return { by: ends.by, volumes };
}

const before = (a: number | string, b: number | string): number => (typeof a === "number" && typeof b === "number" ? a - b : String(a) < String(b) ? -1 : 1);

/**
 * Volumes by the order of frames at each place: where no value comes back at another place, the first of each place is of the first volume.
 * @throws AnyMC3DError `GEOMETRY_INVALID` where the order by one attribute is not that by another
 */
function ranked(places: readonly DicomFrame[][], names: readonly TimeName[], file: string): Split | undefined {
  const [{ length: count }] = places;
  if (places.some(({ length }) => length !== count)) return undefined;
  const order = (name: TimeName): DicomFrame[][] | undefined => {
    const distinct = places.every(
      (those) => new Set(those.map(({ times }) => times[name] ?? "")).size === count && those.every(({ times }) => times[name] !== undefined),
    );
    return distinct ? places.map((those) => [...those].sort((a, b) => before(a.times[name] as string, b.times[name] as string))) : undefined;
  };
  const indices = Object.keys(places[0][0].times).filter((each): each is `index: ${string}` => each.startsWith("index: "));
  const [found] = [...names, ...indices].flatMap((name) => (order(name) ? [name] : []));
  if (!found) return undefined;
  const right = order(found) as DicomFrame[][];
  for (const other of Object.keys(places[0][0].times) as TimeName[]) {
    const there = order(other);
    const at = there?.findIndex((those, i) => those.some((frame, k) => frame !== right[i][k])) ?? -1;
    if (at >= 0)
      throw new AnyMC3DError(
        "GEOMETRY_INVALID",
        `${file}: ${count} frames at each of ${places.length} places, whose order by ${found} is not that by ${other.replace(/^index: /, "")} (first at ${(right[at][0].position as Vector).join(", ")} mm): which volume a frame is of is not known. Give the files of one volume.`,
      );
  }
  const by = found.replace(/^index: /, "");
  const text = (k: number) => `number ${k + 1} by ${by}: ${right[0][k].times[found]} … ${right[right.length - 1][k].times[found]}`;
  return { by, volumes: Array.from({ length: count }, (_, k) => ({ text: text(k), frames: right.map((those) => those[k]) })) };
}

/** Most volumes that are looked for among each other. */
const MOST_AMONG = 8;
/** Those that differ in time alone: slices that were taken at once in many groups share a time, too. */
const MOST_TIMES = 4;

/**
 * The slices, or those of one acquisition, where several lie among each other: complete and even each, and told apart by an attribute. Acquisitions that
 * follow each other in space are one volume.
 * @throws AnyMC3DError `FRAME_REQUIRED` listing them, and all together
 */
export function apart(slices: readonly DicomFrame[], normal: Vector, options: StackOptions): readonly DicomFrame[] {
  const split = among(slices, normal);
  if (!split) return slices;
  const all = { text: `all ${slices.length} slices as one volume`, frames: slices };
  return oneOf({ ...split, volumes: [...split.volumes, all] }, options, "the slices of some lie among those of others; they differ in");
}

function among(slices: readonly DicomFrame[], normal: Vector): Split | undefined {
  if (slices.length < 4) return undefined;
  const one = spacedAsOne(slices, normal);
  for (const name of dimensionsOf(slices)) {
    if (one && (TIMES.has(name) || name === "acquisition")) continue;
    const groups = new Map<string, DicomFrame[]>();
    for (const slice of slices) {
      const value = String(slice.dimensions[name] ?? "");
      const group = groups.get(value);
      if (group) group.push(slice);
      else groups.set(value, [slice]);
    }
    if (groups.size > (TIMES.has(name) ? MOST_TIMES : MOST_AMONG)) continue;
    if (interleaved([...groups.values()], normal))
      return {
        by: name.replace(/^index: /, ""),
        volumes: [...groups].sort(([a], [b]) => ordered(a, b)).map(([value, frames]) => ({ text: spoken(name, value, frames), frames })),
      };
  }
  return (one ? undefined : byNumber(slices, normal)) ?? bySweep(slices, normal);
}

const TIMES: ReadonlySet<string> = new Set<Dimension>(["acquisition time", "acquisition date and time", "frame acquisition time"]);

/** An MR's slices that are taken in several passes, every other in one: the distance that their headers state is that of all together. */
function spacedAsOne(slices: readonly DicomFrame[], normal: Vector): boolean {
  if (slices[0].image.series.modality !== "MR") return false;
  const step = Math.abs(along(slices[slices.length - 1], normal) - along(slices[0], normal)) / (slices.length - 1);
  return slices.every(({ stated }) => stated !== undefined && Math.abs(stated - step) <= 0.02 * step);
}

/** Acquisitions that are numbered from the same number on: of those that have one number, the first along the normal is of the first. */
function byNumber(slices: readonly DicomFrame[], normal: Vector): Split | undefined {
  const seen = new Map<number | string, number>();
  const groups: DicomFrame[][] = [];
  for (const slice of slices) {
    const number = slice.times["instance number"];
    if (number === undefined) return undefined;
    const rank = seen.get(number) ?? 0;
    seen.set(number, rank + 1);
    if (rank === groups.length) groups.push([]);
    groups[rank].push(slice);
  }
  if (groups.length > MOST_TIMES || !interleaved(groups, normal)) return undefined;
  const volumes = groups.map((frames, i) => ({ text: `number ${i + 1} along the normal, ${frames.length} slices`, frames }));
  return { by: "place alone, as their Instance Numbers begin anew", volumes };
}

const spoken = (name: string, value: string, { length }: readonly DicomFrame[]): string =>
  `${name.replace(/^index: /, "")} ${value || "not stated"}, ${length} slices`;

/** Whether groups are even each, and two of them reach into each other. */
function interleaved(groups: readonly (readonly DicomFrame[])[], normal: Vector): boolean {
  if (groups.length < 2 || groups.some(({ length }) => length < 2)) return false;
  const depths = groups.map((those) => those.map((frame) => along(frame, normal)).sort((a, b) => a - b));
  if (!depths.every((depth, i) => isEven(depth, pixelOf(groups[i][0])))) return false;
  return depths.some((a, i) => depths.slice(i + 1).some((b) => a[0] < b[b.length - 1] && b[0] < a[a.length - 1]));
}

/**
 * A CT's slices are taken in the order in which they lie: where their times, or their numbers, are two or more passes over the same stretch, these are
 * acquisitions. When a slice was taken counts before when it was made, and that before its number.
 */
function bySweep(slices: readonly DicomFrame[], normal: Vector): Split | undefined {
  if (slices[0].image.series.modality !== "CT") return undefined;
  const tells = (name: TimeName) =>
    slices.every(({ times }) => times[name] !== undefined) && new Set(slices.map(({ times }) => times[name])).size === slices.length;
  const taken = (["acquisition time", "frame time"] as const).find(tells);
  for (const name of taken ? [taken] : (["content time", "instance number"] as const).filter(tells)) {
    const sweeps = sweepsOf(slices, name, normal);
    if (sweeps.length > MOST_TIMES || sweeps.some(({ length }) => length < 3) || !interleaved(sweeps, normal)) continue;
    const inOrder = (sweep: readonly DicomFrame[]) => [...sweep].sort((a, b) => along(a, normal) - along(b, normal));
    const volumes = sweeps.map((sweep) => ({ text: `${name} from ${sweep[0].times[name]}, ${sweep.length} slices`, frames: inOrder(sweep) }));
    return { by: name, volumes };
  }
  return undefined;
}

/** In the order of an attribute, as far as each time they lie evenly one behind the other. */
function sweepsOf(slices: readonly DicomFrame[], name: TimeName, normal: Vector): DicomFrame[][] {
  const sorted = [...slices].sort((a, b) => before(a.times[name] as string, b.times[name] as string));
  const sweeps: DicomFrame[][] = [];
  for (const slice of sorted) {
    const last = sweeps.at(-1);
    const on =
      last &&
      (last.length < 2 ||
        isEven(
          [...last, slice].map((each) => along(each, normal)),
          pixelOf(slice),
        ));
    if (on) last.push(slice);
    else sweeps.push([slice]);
  }
  return sweeps;
}
