// 3D Slicer's markups (.mrk.json): control points, lines and boxes, by its schema markups-schema-v1.

import type { Warning } from "@anymc3d/core";
import { lineRegion } from "./lines.js";
import { cornersIn, flipped, invalidRegion, type MarkedRegion, middleOf, some, triple } from "./region.js";

type Json = Readonly<Record<string, unknown>>;
type Triple = readonly [number, number, number];

/** What a markup is made of, as far as it says where it is. */
interface Markup {
  readonly file: string;
  readonly name: string;
  readonly toRas: (place: Triple) => Triple;
  readonly points: readonly MarkedRegion[];
  readonly json: Json;
}

/** Types that mark a place, and what becomes of them. Angles measure, planes cut. */
const TYPES: Readonly<Record<string, (markup: Markup) => MarkedRegion[]>> = {
  Fiducial: ({ points }) => [...points],
  PointList: ({ points }) => [...points],
  Line: (markup) => [lineOf(markup)],
  ROI: (markup) => [boxOf(markup)],
};

export const isMarkups = (json: unknown): boolean => isObject(json) && Array.isArray(json.markups);

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const isNumbers = (value: unknown, count: number): value is readonly number[] =>
  Array.isArray(value) && value.length === count && value.every((number) => typeof number === "number" && Number.isFinite(number));

/** @throws AnyMC3DError `REGION_INVALID` for a file without a point, line or box, and for one in another unit or space */
export function markupRegions(json: unknown, file: string): { regions: MarkedRegion[]; notes: Warning[] } {
  const left: string[] = [];
  const regions = ((json as Json).markups as unknown[]).flatMap((each, i) => {
    const markup = markupOf(each, i, file);
    const type = String(markup.json.type);
    if (Object.hasOwn(TYPES, type)) return TYPES[type](markup);
    left.push(`${markup.name} (${type})`);
    return [];
  });
  if (regions.length === 0) throw invalidRegion(file, `markups without a point, line or ROI${left.length ? `: ${some(left)}` : ""}.`);
  const message = `${file}: left out, as they mark no place: ${some(left)}`;
  return { regions, notes: left.length ? [{ code: "REGIONS_LEFT", message }] : [] };
}

function markupOf(json: unknown, i: number, file: string): Markup {
  if (!isObject(json) || typeof json.type !== "string") throw invalidRegion(file, `markup ${i + 1} has no type. Save it again with 3D Slicer.`);
  const name = typeof json.name === "string" && json.name ? json.name : `markup ${i + 1}`;
  const toRas = toRasOf(json.coordinateSystem ?? "LPS", name, file);
  const units = Array.isArray(json.coordinateUnits) ? json.coordinateUnits[0] : json.coordinateUnits;
  if (units !== undefined && units !== "mm") throw invalidRegion(file, `${name}: coordinateUnits is ${JSON.stringify(units)}; mm are read. Save it in mm.`);
  const controls = Array.isArray(json.controlPoints) ? json.controlPoints : [];
  const points = controls.map((point, at): MarkedRegion => pointOf(point, at, toRas, file));
  return { file, name, toRas, points, json };
}

/** Numbers are of files before 5.0. */
function toRasOf(system: unknown, name: string, file: string): (place: Triple) => Triple {
  if (system === "LPS" || system === "1") return flipped;
  if (system === "RAS" || system === "0") return (place) => place;
  throw invalidRegion(file, `${name}: coordinateSystem is ${JSON.stringify(system)}; LPS and RAS are read.`);
}

function pointOf(json: unknown, at: number, toRas: (place: Triple) => Triple, file: string): MarkedRegion {
  const { label, position, positionStatus } = isObject(json) ? json : {};
  const number = at + 1;
  const name = typeof label === "string" && label ? label : `point ${number}`;
  if (positionStatus !== undefined && positionStatus !== "defined")
    return { name, number, error: invalidRegion(file, `${name}: its position is ${positionStatus}. Place it, or remove it.`) };
  if (!isNumbers(position, 3))
    return { name, number, error: invalidRegion(file, `${name}: its position is ${JSON.stringify(position)}; expected three numbers.`) };
  return { name, number, point: toRas(position as unknown as Triple) };
}

function lineOf({ name, points, file }: Markup): MarkedRegion {
  const broken = points.find(({ error }) => error);
  if (points.length !== 2 || broken)
    return { name, error: broken?.error ?? invalidRegion(file, `${name}: a line of ${points.length} points; expected its two ends.`) };
  return lineRegion(
    name,
    points.map(({ point }) => point as Triple),
  );
}

/** The ROI's axes are the columns of `orientation`, in the file's own space. */
function boxOf({ name, json: { center, orientation = [1, 0, 0, 0, 1, 0, 0, 0, 1], size }, toRas, file }: Markup): MarkedRegion {
  const faulty = (what: string) => ({ name, error: invalidRegion(file, `${name}: ${what}`) });
  if (!isNumbers(center, 3) || !isNumbers(size, 3) || !isNumbers(orientation, 9))
    return faulty("an ROI needs center and size of three numbers, and an orientation of nine.");
  if (!size.every((length) => length > 0)) return faulty(`an ROI of no size (${size.join(" × ")} mm).`);
  const along = (corner: Triple, axis: number) => [0, 1, 2].reduce((sum, column) => sum + orientation[3 * axis + column] * corner[column], center[axis]);
  const half = triple((axis) => size[axis] / 2);
  const box = cornersIn([triple((axis) => -half[axis]), half], (corner) => toRas(triple((axis) => along(corner, axis))));
  return { name, point: middleOf(box), box };
}
