// Closed planar contours: whether they enclose something, how far they reach, and which voxels of a grid lie within.

import { AnyMC3DError, type Volume, voxelSpacing } from "@anymc3d/core";
import { applyAffine, type Grid, invertAffine, type Triple } from "../volume/geometry.js";
import { cutMask, extentOf } from "./labels.js";
import { boundsOf, invalidRegion, type MarkedRegion, triple } from "./region.js";

type Contour = readonly Triple[];
type Point = readonly [u: number, v: number];

/** Mm by which points may lie beside a plane, and edges beyond each other, as rounding makes it. */
const FLAT = 0.1;
const TOUCH = 0.01;
/** Contours nearer to each other, mm, lie in one plane: where planes lie closely, where there are too few to tell, and as rounding to 0.1 mm leaves it. */
const SAME = { least: 0.02, few: 0.06, most: 0.101 } as const;
/** Distances of planes that tell how closely they lie; and by how much of that contours of one plane may lie beside each other. */
const JITTER = { gaps: 3, share: 0.25 } as const;
/** Cosine of the angle between planes that are parallel. */
const PARALLEL = 0.999;

interface Plane {
  /** Of length 1. */
  readonly normal: Triple;
  /** From the origin along the normal, mm. */
  readonly at: number;
}

const cross = (a: Triple, b: Triple): Triple => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const dot = (a: Triple, b: Triple): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** Twice the area vector: the sum over edges is at right angles to the plane. */
function areaOf(contour: Contour): Triple {
  const [o] = contour;
  let [x, y, z] = [0, 0, 0];
  for (let i = 1; i < contour.length; i++) {
    const [a, b] = [contour[i - 1], contour[i]];
    const [ax, ay, az, bx, by, bz] = [a[0] - o[0], a[1] - o[1], a[2] - o[2], b[0] - o[0], b[1] - o[1], b[2] - o[2]];
    x += ay * bz - az * by;
    y += az * bx - ax * bz;
    z += ax * by - ay * bx;
  }
  return [x, y, z];
}

/** The plane of a contour, its normal's largest part positive; undefined for one whose points lie on a line. */
function planeOf(contour: Contour): Plane | undefined {
  const area = areaOf(contour);
  // The areas of a contour that crosses itself can cancel out: then by the points that lie furthest from each other.
  const across = Math.hypot(...area) > 1e-6 ? area : widest(contour);
  const length = Math.hypot(...across);
  if (!(length > 1e-6)) return undefined;
  const largest = [0, 1, 2].reduce((best, axis) => (Math.abs(across[axis]) > Math.abs(across[best]) + 1e-9 * length ? axis : best), 0);
  const sign = across[largest] < 0 ? -1 : 1;
  const normal = triple((axis) => (sign * across[axis]) / length);
  return { normal, at: contour.reduce((sum, point) => sum + dot(normal, point), 0) / contour.length };
}

/** The largest cross product of two ways from the first point, one of them the longest. */
function widest(contour: Contour): Triple {
  const ways = contour.map((point) => triple((axis) => point[axis] - contour[0][axis]));
  const far = ways.reduce((best, way) => (dot(way, way) > dot(best, best) ? way : best));
  return ways.map((way) => cross(far, way)).reduce((best, each) => (dot(each, each) > dot(best, best) ? each : best));
}

/** Without what repeats: a point after itself, the first at the end. */
const distinct = (points: Contour): Contour =>
  points.filter((point, i) => {
    const before = points[i === 0 ? points.length - 1 : i - 1];
    return points.length === 1 || point.some((value, axis) => value !== before[axis]);
  });

/**
 * A region of closed contours.
 * @param given each contour's points, mm, RAS+
 * @param slab how far each reaches along its normal, where the file says it
 * @returns with an error where a contour encloses nothing, is not flat, crosses itself or another of its plane
 */
export function contourRegion(name: string, number: number | undefined, given: readonly Contour[], file: string, slab?: number): MarkedRegion {
  const base = { name, ...(number !== undefined && { number }) };
  const contours = unrepeated(given.map(distinct));
  const planes = contours.map(planeOf);
  const faulty = (what: string) => ({ ...base, error: invalidRegion(file, `${name}: ${what}`) });
  const at = (contour: Contour) => contour[0]?.map((mm) => Number(mm.toFixed(1))).join(", ");
  const open = contours.findIndex((contour, i) => contour.length < 3 || !planes[i]);
  if (open >= 0) return faulty(`contour ${open + 1} of ${contours.length} encloses nothing (${contours[open].length} points at ${at(contours[open])}).`);
  const bent = contours.findIndex((contour, i) => contour.some((point) => Math.abs(dot((planes[i] as Plane).normal, point) - (planes[i] as Plane).at) > FLAT));
  if (bent >= 0) return faulty(`contour ${bent + 1} of ${contours.length} does not lie in a plane. Draw it on one slice.`);
  const layers = layersOf(contours, planes as Plane[]);
  if (!layers) return faulty(`more than ${MOST_AT_ONE} of its contours lie across each other at one place. Draw them on the slices of one scan.`);
  for (const { contours: loops, normal } of layers) {
    const [u, v] = basis(normal);
    const flat = loops.map((loop) => loop.map((point) => [dot(u, point), dot(v, point)] as const));
    if (liesOnAnother(flat))
      return faulty(`two contours of one plane lie on each other (RAS ${at(loops[0])}), and it is not known what they enclose. Remove one.`);
    const crossed = crossing(flat);
    if (crossed === "too many") return faulty("its contours wind so much that it cannot be told whether they cross each other. Draw them with fewer points.");
    if (crossed)
      return faulty(
        `a contour crosses ${loops.length > 1 ? "itself or another of its plane" : "itself"} (RAS ${at([onPlane(crossed, loops[0][0], u, v, normal)])}). What it encloses is not known; draw it anew.`,
      );
  }
  const thick = slab ?? gapOf(layers);
  const [low, high] = boundsOf(contours.flat());
  const reach = triple((axis) => Math.abs(layers[0].normal[axis]) * ((thick ?? 0) / 2));
  return { ...base, contours, ...(thick && { slab: thick }), box: [triple((axis) => low[axis] - reach[axis]), triple((axis) => high[axis] + reach[axis])] };
}

/** A contour that is there twice, from whichever point on and whichever way round, would take itself out. */
function unrepeated(contours: readonly Contour[]): Contour[] {
  const seen = new Set<string>();
  return contours.filter((contour) => {
    const key = keyOf(contour);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The same for the same points, to a micrometre, in the same order or backwards. */
function keyOf(contour: Contour): string {
  const words = contour.map((point) => point.map((mm) => Math.round(1000 * mm) + 0).join(" "));
  const from = words.reduce((least, word, i) => (word < words[least] ? i : least), 0);
  const turned = [...words.slice(from), ...words.slice(0, from)];
  const back = [turned[0], ...turned.slice(1).reverse()];
  return (turned[1] < (back[1] ?? "") ? turned : back).join();
}

interface Layer extends Plane {
  readonly contours: Contour[];
}

/** Most planes of other directions at one place that a contour is compared with. */
const MOST_AT_ONE = 256;

/** Contours by their planes, in order along the normal; undefined where too many planes cross each other. */
function layersOf(contours: readonly Contour[], planes: readonly Plane[]): Layer[] | undefined {
  const layers: Layer[] = [];
  const order = [...contours.keys()].sort((a, b) => planes[a].at - planes[b].at);
  const same = nearness(order.map((i) => planes[i].at));
  for (const i of order) {
    const near = layers.slice(firstNear(layers, planes[i].at - same));
    if (near.length > MOST_AT_ONE) return undefined;
    const home = near.find(({ normal }) => dot(normal, planes[i].normal) > PARALLEL);
    if (home) home.contours.push(contours[i]);
    else layers.push({ ...planes[i], contours: [contours[i]] });
  }
  return layers;
}

/** Of layers in order, the first that lies no further below than a place. */
function firstNear(layers: readonly Plane[], place: number): number {
  let i = layers.length;
  while (i > 0 && layers.length - i <= MOST_AT_ONE && place <= layers[i - 1].at) i--;
  return i;
}

/** How near contours lie that are meant to lie in one plane, mm: by the distance of most planes, of which there may be several contours each. */
function nearness(sorted: readonly number[]): number {
  const gaps = gapsOf(sorted, SAME.least).sort((a, b) => a - b);
  if (gaps.length < JITTER.gaps) return SAME.few;
  return Math.max(SAME.least, Math.min(SAME.most, JITTER.share * gaps[Math.floor(0.75 * gaps.length)]));
}

/** Distances of places in order, of those that are above `same`. */
const gapsOf = (sorted: readonly number[], same: number): number[] =>
  sorted.slice(1).flatMap((place, i) => (place - sorted[i] > same ? [place - sorted[i]] : []));

/** The least distance of parallel planes, mm; undefined where there is only one. */
export function gapOf(planes: readonly Plane[]): number | undefined {
  const places = planes.filter(({ normal }) => dot(normal, planes[0].normal) > PARALLEL).map(({ at }) => at);
  const sorted = places.sort((a, b) => a - b);
  const gaps = gapsOf(sorted, nearness(sorted));
  return gaps.length ? gaps.reduce((a, b) => Math.min(a, b)) : undefined;
}

/** Whether a contour has an inside: not one of two points, or of points on a line. */
export const encloses = (points: Contour): boolean => distinct(points).length > 2 && planeOf(distinct(points)) !== undefined;

/** Planes of contours. */
export const planesOf = (contours: readonly Contour[]): Plane[] => contours.flatMap((contour) => planeOf(contour) ?? []);

/** Two directions at right angles to a normal and to each other. */
function basis(normal: Triple): readonly [Triple, Triple] {
  const axis = [0, 1, 2].reduce((least, each) => (Math.abs(normal[each]) < Math.abs(normal[least]) ? each : least), 0);
  const other = triple((each) => (each === axis ? 1 : 0) - normal[axis] * normal[each]);
  const length = Math.hypot(...other);
  const u = triple((each) => other[each] / length);
  return [u, cross(normal, u)];
}

const onPlane = ([a, b]: Point, on: Triple, u: Triple, v: Triple, normal: Triple): Triple =>
  triple((axis) => a * u[axis] + b * v[axis] + dot(normal, on) * normal[axis]);

interface Edge {
  readonly a: Point;
  readonly b: Point;
  readonly low: number;
  readonly high: number;
}

/** By how much bounds, mm, and areas, a share, of two contours differ that are one, drawn twice. */
const COPY = { mm: 0.05, area: 0.01 } as const;

/** Whether two of a plane's contours are nearly the same: with an even number of them nearly all would be outside. */
function liesOnAnother(loops: readonly (readonly Point[])[]): boolean {
  const boxes = loops
    .map((loop) => {
      const [low, high] = boundsOf(loop.map(([a, b]) => [a, b, 0] as const));
      const [ox, oy] = loop[0];
      const area = loop.reduce(
        (sum, [a, b], i) => sum + (a - ox) * (loop[(i + 1) % loop.length][1] - oy) - (loop[(i + 1) % loop.length][0] - ox) * (b - oy),
        0,
      );
      return { sides: [low[0], low[1], high[0], high[1]], area: Math.abs(area) };
    })
    .sort((a, b) => a.sides[0] - b.sides[0]);
  for (const [i, one] of boxes.entries()) {
    for (const other of boxes.slice(i + 1, i + 1 + MOST_AT_ONE)) {
      if (other.sides[0] - one.sides[0] > COPY.mm) break;
      const alike = one.sides.every((side, each) => Math.abs(side - other.sides[each]) <= COPY.mm);
      if (alike && Math.abs(one.area - other.area) <= COPY.area * one.area) return true;
    }
  }
  return false;
}

/** Bands of a plane in which edges are compared with each other, and edges for each. */
const BANDS = { most: 512, edges: 8 } as const;
/** How many bands an edge lies in, and with how many others it is compared, at most, on the average; and that few contours need. */
const WINDING = { bands: 64, compared: 100, few: 100_000 } as const;

/**
 * Where two edges cross, each reaching beyond the other on both sides: what only touches, or runs back on itself, does not. "too many" where contours
 * wind so much, along both axes, that to tell would take long.
 */
function crossing(loops: readonly (readonly Point[])[]): Point | "too many" | undefined {
  const found = crossingInBands(loops);
  if (found !== "too many") return found;
  const turned = crossingInBands(loops.map((loop) => loop.map(([a, b]) => [b, a] as const)));
  return turned && turned !== "too many" ? [turned[1], turned[0]] : turned;
}

function crossingInBands(loops: readonly (readonly Point[])[]): Point | "too many" | undefined {
  const edges = loops.flatMap((loop) =>
    loop.map((a, i): Edge => {
      const b = loop[(i + 1) % loop.length];
      return { a, b, low: Math.min(a[0], b[0]), high: Math.max(a[0], b[0]) };
    }),
  );
  const bands = bandsOf(edges);
  let left = WINDING.few + WINDING.compared * edges.length;
  for (const those of bands ?? []) {
    those.sort((p, q) => p.low - q.low);
    for (let i = 0; i < those.length; i++) {
      for (let j = i + 1; j < those.length && those[j].low < those[i].high; j++) {
        if (--left < 0) return "too many";
        const at = crossed(those[i], those[j]);
        if (at) return at;
      }
    }
  }
  return bands ? undefined : "too many";
}

/** Edges by the bands that they lie in; undefined where that is too often. */
function bandsOf(edges: readonly Edge[]): Edge[][] | undefined {
  const count = Math.max(1, Math.min(BANDS.most, Math.ceil(edges.length / BANDS.edges)));
  let [bottom, top] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { a } of edges) [bottom, top] = [Math.min(bottom, a[1]), Math.max(top, a[1])];
  const band = (v: number) => Math.min(count - 1, Math.floor((count * (v - bottom)) / (top - bottom || 1)));
  const bands: Edge[][] = Array.from({ length: count }, () => []);
  let left = WINDING.few + WINDING.bands * edges.length;
  for (const edge of edges) {
    const [first, last] = [band(Math.min(edge.a[1], edge.b[1])), band(Math.max(edge.a[1], edge.b[1]))];
    left -= last - first + 1;
    if (left < 0) return undefined;
    for (let i = first; i <= last; i++) bands[i].push(edge);
  }
  return bands;
}

/** From the line through a and b, mm, signed. */
const beside = ({ a, b }: Edge, p: Point): number => ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])) / Math.hypot(b[0] - a[0], b[1] - a[1]);

function crossed(one: Edge, other: Edge): Point | undefined {
  const { a, b } = one;
  if (Math.max(a[1], b[1]) < Math.min(other.a[1], other.b[1]) || Math.min(a[1], b[1]) > Math.max(other.a[1], other.b[1])) return undefined;
  const [c, d] = [beside(one, other.a), beside(one, other.b)];
  if (!(c * d < 0 && Math.min(Math.abs(c), Math.abs(d)) > TOUCH)) return undefined;
  const [e, f] = [beside(other, a), beside(other, b)];
  if (!(e * f < 0 && Math.min(Math.abs(e), Math.abs(f)) > TOUCH)) return undefined;
  const share = e / (e - f);
  return [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
}

/** Of a voxel, by which the points of a contour may lie before and behind each other along the slices' axis. */
const LEVEL = 0.25;

/**
 * The region's mask: of a label or segment its own, on its file's grid; of contours the voxels of a grid whose centres lie within them (even-odd) or on
 * them, on slices parallel to them. A slice takes the contours of the nearest plane, no further away than half the distance of planes or slices.
 * @returns 0 and 1, on that grid, cut to the region
 * @throws AnyMC3DError `REGION_INVALID` for a region without an outline, contours that are not parallel to slices of the grid, or that hold no voxel's
 * centre; `REGION_ELSEWHERE` for contours outside of the grid; `GEOMETRY_INVALID` for a grid without orientation; the region's own `error`
 */
export function maskOf(region: MarkedRegion, grid: Grid): Volume {
  const { name, contours, error } = region;
  if (error) throw error;
  if (region.mask) return region.mask;
  if (!contours) throw invalidRegion(name, "a point, line or box has no outline of which a mask could be made.");
  if (!grid.affine)
    throw new AnyMC3DError("GEOMETRY_INVALID", `${name}: the scan does not say how it lies in the patient, so that contours in mm are nowhere in it.`);
  const inverse = invertAffine(grid.affine);
  const placed = contours.map((contour) => contour.map((point) => applyAffine(inverse, point)));
  const axis = sliceAxis(placed);
  if (axis === undefined)
    throw invalidRegion(name, "its contours are not parallel to slices of this scan. Give the scan that they were drawn on, or a mask in their place.");
  const spacing = voxelSpacing(grid.affine)[axis];
  const layers = levels(placed, axis, Math.min(SAME.most / spacing, LEVEL));
  const half = Math.max(1, (region.slab ?? 0) / spacing) / 2;
  const [low, high] = boundsOf(placed.flat());
  const first = triple((each) => Math.max(0, Math.ceil(low[each] - (each === axis ? half : ON))));
  const last = triple((each) => Math.min(grid.shape[each] - 1, Math.floor(high[each] + (each === axis ? half : ON))));
  const shape = triple((each) => last[each] - first[each] + 1);
  if (shape.some((length) => length < 1) && first.some((each, i) => each > grid.shape[i] - 1 || last[i] < 0))
    throw new AnyMC3DError("REGION_ELSEWHERE", `${name}: its contours lie outside of the scan. Were they drawn on another?`, { details: { others: [] } });
  const none = () => invalidRegion(name, "its contours enclose the centre of no voxel of this scan.");
  if (shape.some((length) => length < 1)) throw none();
  const data = new Uint8Array(shape[0] * shape[1] * shape[2]);
  const strides = [1, shape[0], shape[0] * shape[1]];
  const [u, v] = [0, 1, 2].filter((each) => each !== axis);
  for (let slice = 0; slice < shape[axis]; slice++) {
    const layer = nearest(layers, slice + first[axis], half);
    if (layer) fill(data, layer.loops, { from: slice * strides[axis], u, v, first, shape, strides });
  }
  const whole = { data, shape, affine: grid.affine };
  const extent = extentOf(whole, Boolean);
  if (!extent) throw none();
  const cut = cutMask({ ...whole, affine: shifted(grid.affine, first) }, ...extent, Boolean);
  return cut;
}

const shifted = (affine: readonly number[], start: Triple): number[] => {
  const origin = applyAffine(affine, start);
  return affine.map((value, at) => (at < 12 && at % 4 === 3 ? origin[(at - 3) / 4] : value));
};

/** The axis along which no contour reaches. */
const sliceAxis = (placed: readonly Contour[]): 0 | 1 | 2 | undefined =>
  ([2, 1, 0] as const).find((axis) =>
    placed.every((contour) => {
      const [low, high] = boundsOf(contour);
      return high[axis] - low[axis] <= LEVEL;
    }),
  );

interface Level {
  readonly at: number;
  readonly loops: Contour[];
}

function levels(placed: readonly Contour[], axis: number, same: number): Level[] {
  const all = placed.map((contour) => ({ at: contour.reduce((sum, point) => sum + point[axis], 0) / contour.length, contour }));
  const found: Level[] = [];
  for (const { at, contour } of all.sort((a, b) => a.at - b.at)) {
    const last = found.at(-1);
    if (last && at - last.at <= same) last.loops.push(contour);
    else found.push({ at, loops: [contour] });
  }
  return found;
}

/** The level nearest to a slice; of two that are equally near, the upper one. */
function nearest(all: readonly Level[], slice: number, half: number): Level | undefined {
  const off = ({ at }: Level) => Math.abs(at - slice);
  const best = all.reduce((a, b) => (off(b) <= off(a) + 1e-6 ? b : a));
  return best.at - slice <= half + 1e-6 && slice - best.at < half - 1e-6 ? best : undefined;
}

interface Slice {
  readonly from: number;
  readonly u: number;
  readonly v: number;
  readonly first: Triple;
  readonly shape: Triple;
  readonly strides: readonly number[];
}

/** Of a voxel: centres so near to a contour lie on it, and are inside: many programs draw through the centres of the outermost voxels. */
const ON = 0.01;

/** Sets voxels whose centres lie within an odd number of loops, or on one: row by row, between where the row crosses edges. */
function fill(data: Uint8Array, loops: readonly Contour[], { from, u, v, first, shape, strides }: Slice): void {
  const rows: number[][] = Array.from({ length: shape[v] }, () => []);
  for (const loop of loops) {
    for (const [i, a] of loop.entries()) {
      const b = loop[(i + 1) % loop.length];
      const [low, high] = a[v] < b[v] ? [a, b] : [b, a];
      const end = Math.min(Math.ceil(high[v]) - 1, first[v] + shape[v] - 1);
      for (let row = Math.max(Math.ceil(low[v]), first[v]); row <= end; row++)
        rows[row - first[v]].push(low[u] + ((row - low[v]) / (high[v] - low[v])) * (high[u] - low[u]));
    }
  }
  const set = (row: number, begin: number, end: number) => {
    if (row < first[v] || row >= first[v] + shape[v]) return;
    for (let at = Math.max(begin, first[u]); at <= Math.min(end, first[u] + shape[u] - 1); at++)
      data[from + (row - first[v]) * strides[v] + (at - first[u]) * strides[u]] = 1;
  };
  for (const [row, places] of rows.entries()) {
    places.sort((a, b) => a - b);
    for (let i = 0; i + 1 < places.length; i += 2) set(row + first[v], Math.ceil(places[i]), Math.floor(places[i + 1]));
  }
  for (const loop of loops) for (const [i, a] of loop.entries()) setOn([a[u], a[v]], [loop[(i + 1) % loop.length][u], loop[(i + 1) % loop.length][v]], set);
}

/** Sets the voxels whose centres lie on an edge. */
function setOn(a: Point, b: Point, set: (row: number, begin: number, end: number) => void): void {
  const [low, high] = a[1] < b[1] ? [a, b] : [b, a];
  const level = high[1] - low[1] <= 2 * ON;
  for (let row = Math.ceil(low[1] - ON); row <= high[1] + ON; row++) {
    const at = low[0] + Math.min(1, Math.max(0, (row - low[1]) / (high[1] - low[1]))) * (high[0] - low[0]);
    const [begin, end] = level ? [Math.min(a[0], b[0]), Math.max(a[0], b[0])] : [at, at];
    set(row, Math.ceil(begin - ON), Math.floor(end + ON));
  }
}
