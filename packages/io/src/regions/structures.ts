// RT Structure Sets: each structure is a region of closed contours, or a point.

import type { Warning } from "@anymc3d/core";
import type { DicomData } from "../formats/dicom/data.js";
import { TAG } from "../formats/dicom/tags.js";
import { contourRegion, encloses, gapOf, planesOf } from "./contours.js";
import type { DicomSource, Found } from "./dicom.js";
import { flipped, invalidRegion, type MarkedRegion } from "./region.js";

type Triple = readonly [number, number, number];

interface Drawn {
  readonly type: string;
  readonly points: readonly Triple[];
}

interface Structure {
  readonly number: number;
  readonly name: string;
  readonly frameOfReference?: string;
  readonly contours: readonly Drawn[];
  /** As the file states it, mm. */
  readonly slab?: number;
}

const CLOSED = ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"];

/** @throws AnyMC3DError `REGION_INVALID` for a file without a structure, `FORMAT_INVALID` for text in place of numbers */
export function structureRegions({ file: { name: file }, data }: DicomSource): Found {
  const decoder = data.decoder(TAG.characterSet);
  const drawn = new Map<number | undefined, DicomData[]>();
  for (const item of data.items(TAG.structureContours)) {
    const of = item.number(TAG.contourOf, file);
    drawn.set(of, [...(drawn.get(of) ?? []), ...item.items(TAG.contours)]);
  }
  const frames = data.items(TAG.referencedFrameSequence).flatMap((item) => item.text(TAG.frameOfReference) ?? []);
  const only = frames.length === 1 ? frames[0] : undefined;
  const structures = data.items(TAG.structures).map((item): Structure => {
    const number = item.number(TAG.structureNumber, file) ?? 0;
    const contours = drawn.get(number) ?? [];
    const slab = contours.map((contour) => contour.number(TAG.slabThickness, file)).find((mm) => mm !== undefined && mm > 0);
    return {
      number,
      name: item.text(TAG.structureName, decoder) ?? `structure ${number}`,
      frameOfReference: item.text(TAG.frameOfRegion) ?? only,
      contours: contours.map((contour) => drawnOf(contour, file)),
      slab,
    };
  });
  if (structures.length === 0) throw invalidRegion(file, "a structure set without a structure.");
  // The distance of the slices that were drawn on, which a structure of one or two contours does not tell.
  const common = gapOf(planesOf(structures.flatMap(({ contours }) => closedOf(contours).map(({ points }) => points))));
  const numbers = structures.map(({ number }) => number);
  const strange = [...drawn].filter(([number, contours]) => contours.length > 0 && !numbers.includes(number as number)).map(([number]) => number ?? "none");
  const notes: Warning[] = [];
  if (strange.length)
    notes.push({ code: "REGIONS_LEFT", message: `${file}: contours of structures that it does not list (number ${strange.join(", ")}) were left out` });
  const regions = structures.map((structure) => {
    const region =
      numbers.indexOf(structure.number) === numbers.lastIndexOf(structure.number) ? structureRegion(structure, file, common, notes) : twice(structure, file);
    return { ...region, ...(structure.frameOfReference && { frameOfReference: structure.frameOfReference }) };
  });
  return { regions, notes };
}

/** Which of two structures contours are of that name them by one number, nobody knows. */
const twice = ({ number, name }: Structure, file: string): MarkedRegion => ({
  name,
  number,
  error: invalidRegion(file, `${name}: another structure has the number ${number}, too. Export the file again.`),
});

const closedOf = (contours: readonly Drawn[]): readonly Drawn[] => contours.filter(({ type }) => CLOSED.includes(type));

/** A contour as it is drawn, RAS; the numbers of one that cannot be are kept, for the structure's error. */
function drawnOf(contour: DicomData, file: string): Drawn {
  const type = contour.text(TAG.contourType) ?? "";
  const numbers = contour.numbers(TAG.contourData, file);
  const stated = contour.number(TAG.contourPoints, file) ?? numbers.length / 3;
  if (numbers.length !== 3 * stated || !numbers.every(Number.isFinite)) return { type: `of ${stated} points and ${numbers.length} numbers`, points: [] };
  return { type, points: Array.from({ length: stated }, (_, i) => flipped([numbers[3 * i], numbers[3 * i + 1], numbers[3 * i + 2]])) };
}

function structureRegion({ number, name, contours, slab }: Structure, file: string, common: number | undefined, notes: Warning[]): MarkedRegion {
  const faulty = (what: string) => ({ name, number, error: invalidRegion(file, `${name}: ${what}`) });
  const closed = closedOf(contours);
  const others = contours.filter((contour) => !closed.includes(contour));
  const broken = others.find(({ points }) => points.length === 0);
  if (contours.length === 0) return faulty("it has no contour.");
  if (broken) return faulty(`a contour ${broken.type}: it is damaged. Export the file again.`);
  if (closed.length === 0) {
    if (contours.length === 1 && others[0].type === "POINT" && others[0].points.length === 1) return { name, number, point: others[0].points[0] };
    return faulty(
      `its contours are not closed (${[...new Set(others.map(({ type }) => type || "of no type"))].join(", ")}). Close them in the program that drew them.`,
    );
  }
  // A single voxel, or a row of them, is drawn as a contour without an inside.
  const whole = closed.filter(({ points }) => encloses(points));
  const drawn = (whole.length ? whole : closed).map(({ points }) => points);
  const left = contours.length - drawn.length;
  if (left)
    notes.push({ code: "REGIONS_LEFT", message: `${file}: ${name}: ${left} of ${contours.length} contours are open or enclose nothing, and were left out` });
  const region = contourRegion(name, number, drawn, file, slab);
  const tells = slab !== undefined || new Set(planesOf(drawn).map(({ at }) => at.toFixed(1))).size > 2;
  return region.error || tells || !common ? region : contourRegion(name, number, drawn, file, common);
}
