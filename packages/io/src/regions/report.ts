// Structured Reports with coordinates in space: each measurement group (TID 1410, 1411, 1501) is a region, and each key point outside of groups.

import { own } from "@anymc3d/core";
import type { DicomData } from "../formats/dicom/data.js";
import { TAG } from "../formats/dicom/tags.js";
import { contourRegion } from "./contours.js";
import type { DicomSource, Found } from "./dicom.js";
import { lineRegion } from "./lines.js";
import { boundsOf, flipped, invalidRegion, type MarkedRegion, middleOf, triple } from "./region.js";

type Triple = readonly [number, number, number];

/** Codes of DCM (PS3.16 D). */
const GROUP = "125007";
const TRACKING = "112039";
const FINDING = "121071";
const MAX_DEPTH = 32;
/** Points of the contour that stands for an ellipse. */
const ROUND = 72;

interface Item {
  readonly data: DicomData;
  readonly type: string;
  readonly code: string;
}

/** What a graphic marks, RAS. */
interface Graphic {
  readonly type: string;
  readonly points: readonly Triple[];
  readonly frameOfReference?: string;
}

const itemOf = (data: DicomData): Item => ({
  data,
  type: data.text(TAG.valueType) ?? "",
  code: data.item(TAG.conceptName)?.text(TAG.codeValue) ?? "",
});

/** Items below one, its own first; what `stop` says so of is given, not entered. */
function* below(data: DicomData, stop: (item: Item) => boolean = () => false, depth = 0): Generator<Item> {
  if (depth > MAX_DEPTH) return;
  for (const child of data.items(TAG.contentSequence)) {
    const item = itemOf(child);
    yield item;
    if (!stop(item)) yield* below(child, stop, depth + 1);
  }
}

/** @throws AnyMC3DError `REGION_INVALID` for a report without a place */
export function reportRegions({ file: { name: file }, data }: DicomSource): Found {
  const decoder = data.decoder(TAG.characterSet);
  const isGroup = ({ code, type }: Item) => type === "CONTAINER" && code === GROUP;
  const regions: MarkedRegion[] = [];
  for (const item of below(data, isGroup)) {
    const number = regions.length + 1;
    if (isGroup(item)) regions.push(groupRegion(item.data, number, file, decoder));
    else if (item.type === "SCOORD3D") {
      const name = item.data.item(TAG.conceptName)?.text(TAG.codeMeaning, decoder) ?? `point ${number}`;
      regions.push(graphicsRegion([graphicOf(item.data, file)], name, number, file));
    }
  }
  if (regions.length === 0) throw invalidRegion(file, "a report without measurement groups and without coordinates in space (SCOORD3D).");
  return { regions };
}

function groupRegion(group: DicomData, number: number, file: string, decoder: TextDecoder): MarkedRegion {
  const items = [...below(group)];
  const text = items.find(({ code, type }) => code === TRACKING && type === "TEXT")?.data.text(TAG.textValue, decoder);
  const finding = items
    .find(({ code, type }) => code === FINDING && type === "CODE")
    ?.data.item(TAG.conceptCode)
    ?.text(TAG.codeMeaning, decoder);
  const name = text ?? finding ?? `group ${number}`;
  const graphics = items.filter(({ type }) => type === "SCOORD3D").map((item) => graphicOf(item.data, file));
  if (graphics.length) return graphicsRegion(graphics, name, number, file);
  return { name, number, error: invalidRegion(file, `${name}: ${elsewhere(items, file)}`) };
}

/** Of a group without coordinates in space: what it refers to. */
function elsewhere(items: readonly Item[], file: string): string {
  for (const { data } of items) {
    const reference = data.item(TAG.referencedSopSequence);
    const segments = reference?.numbers(TAG.segmentNumber, file) ?? [];
    if (reference && segments.length)
      return `it is segment ${segments.join(", ")} of the segmentation ${reference.text(TAG.referencedInstance) ?? "that it names"}. Give that file, and the segment's number.`;
  }
  return items.some(({ type }) => type === "SCOORD")
    ? "its coordinates are pixels of an image (SCOORD), not places in space. Export it with SCOORD3D, or give a segmentation."
    : "it marks no place.";
}

function graphicOf(data: DicomData, file: string): Graphic {
  const numbers = data.numbers(TAG.graphicData, file);
  const whole = numbers.length % 3 === 0 && numbers.every(Number.isFinite);
  const points = whole ? Array.from({ length: numbers.length / 3 }, (_, i) => flipped([numbers[3 * i], numbers[3 * i + 1], numbers[3 * i + 2]])) : [];
  return { type: data.text(TAG.graphicType) ?? "", points, frameOfReference: data.text(TAG.frameOfRegion) };
}

/** Points that a graphic needs, least and most. */
const COUNTS: Readonly<Record<string, readonly [number, number]>> = {
  POINT: [1, 1],
  MULTIPOINT: [1, Number.POSITIVE_INFINITY],
  POLYLINE: [2, Number.POSITIVE_INFINITY],
  POLYGON: [3, Number.POSITIVE_INFINITY],
  ELLIPSE: [4, 4],
  ELLIPSOID: [6, 6],
};

/** The region of graphics that mark one thing together. */
function graphicsRegion(graphics: readonly Graphic[], name: string, number: number, file: string): MarkedRegion {
  const [{ frameOfReference }] = graphics;
  const placed = { number, ...(frameOfReference && { frameOfReference }) };
  const faulty = (what: string) => ({ name, number, error: invalidRegion(file, `${name}: ${what}`) });
  if (graphics.some((graphic) => graphic.frameOfReference !== frameOfReference)) return faulty("its coordinates are of several frames of reference.");
  const wrong = graphics.find(({ type, points }) => {
    const [least, most] = own(COUNTS, type) ?? [1, 0];
    return points.length < least || points.length > most;
  });
  if (wrong) return faulty(`a graphic ${wrong.type || "of no type"} of ${wrong.points.length} points: that cannot be. Export the report again.`);
  const types = new Set(graphics.map(({ type }) => type));
  const outlines = graphics.filter((graphic) => graphic.type === "POLYGON" || graphic.type === "ELLIPSE" || isClosed(graphic));
  if (outlines.length === graphics.length) return { ...contourRegion(name, number, outlines.map(outlineOf), file), ...placed };
  const points = graphics.flatMap(marked);
  if (points.length === 1) return { name, point: points[0], ...placed };
  if (types.size === 1 && types.has("POLYLINE") && graphics.length === 1) return { ...lineRegion(name, points), ...placed };
  const box = boundsOf(points);
  return { name, point: middleOf(box), box, ...placed };
}

/** A line that comes back to its first point, around something. */
const isClosed = ({ type, points }: Graphic): boolean =>
  type === "POLYLINE" && points.length > 3 && points[0].every((mm, axis) => mm === points[points.length - 1][axis]);

const outlineOf = ({ type, points }: Graphic): readonly Triple[] => (type === "ELLIPSE" ? ellipse(points) : points);

/** An ellipse is given by the ends of its axes, the longer first. */
function ellipse([a, b, c, d]: readonly Triple[]): Triple[] {
  const centre = triple((axis) => (a[axis] + b[axis] + c[axis] + d[axis]) / 4);
  return Array.from({ length: ROUND }, (_, i) => {
    const [cos, sin] = [Math.cos((2 * Math.PI * i) / ROUND), Math.sin((2 * Math.PI * i) / ROUND)];
    return triple((axis) => centre[axis] + (cos * (b[axis] - a[axis])) / 2 + (sin * (d[axis] - c[axis])) / 2);
  });
}

/** Points whose bounds are those of the graphic. An ellipsoid is given by the ends of its three axes. */
function marked({ type, points }: Graphic): readonly Triple[] {
  if (type === "ELLIPSE") return ellipse(points);
  if (type !== "ELLIPSOID") return points;
  const centre = triple((axis) => points.reduce((sum, point) => sum + point[axis], 0) / 6);
  const reach = triple((axis) => Math.hypot(...[0, 2, 4].map((i) => (points[i + 1][axis] - points[i][axis]) / 2)));
  return [-1, 1].map((sign) => triple((axis) => centre[axis] + sign * reach[axis]));
}
