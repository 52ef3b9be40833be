// A region of a study: found in a volume's voxels, cut out before anything is resampled, and its heatmap put back.

import { valuesOf, wholeLabels } from "./declared.js";
import { AnyMC3DError } from "./errors.js";
import { applyAffine, assertVolume, invertAffine, nearestAxes, shiftAffine, voxelSpacing } from "./geometry.js";
import { type Roi, roiKind } from "./kinds/roi/index.js";
import { mapOnStudy } from "./kinds/roi/label-image.js";
import type { ImagePlace, Marked, Millimetres, RoiKind } from "./kinds/roi/roi-kind.js";
import type { Affine, Region, RegionPlace, Space, Volume, VoxelArray, Warning } from "./types.js";

type Triple = readonly [number, number, number];

/** A region cut out of a volume. */
export interface CutRegion {
  /** The voxels of the region, as they are in the volume, with the affine of that place. */
  readonly volume: Volume;
  readonly place: RegionPlace;
  /** Of an image that was made of a label: where it lies. Its volume may state no orientation. */
  readonly made?: ImagePlace;
  readonly warnings: readonly Warning[];
}

/** Bounds in voxel coordinates: voxel i reaches from i - 0.5 to i + 0.5. */
interface Bounds {
  readonly low: Triple;
  readonly high: Triple;
}

const AXES = [0, 1, 2] as const;
const each = <T>(value: (axis: 0 | 1 | 2) => T) => AXES.map(value) as unknown as readonly [T, T, T];

/** Of a voxel: what rounding of millimetres may move a face by. */
const ROUNDING = 1e-6;

/**
 * Cuts a region out of a volume: the voxels whose centres lie in its box (from its lower face on, below its upper one, so that n mm are n voxels of 1 mm),
 * which ends at the volume's edges.
 * @param roi what the adapter declares of regions; its sizes are used where the region gives none
 * @throws AnyMC3DError `REGION_INVALID` (numbers that are none, no size, smaller or larger than the adapter takes, an empty mask), `REGION_ELSEWHERE`
 * (outside of the volume; the other space is named where the point would lie inside by it), `REGION_NOT_FOUND` (a label that is not in the mask),
 * `VOLUME_INVALID` and `GEOMETRY_INVALID` for volume and mask
 */
export function cutRegion(volume: Volume, region: Region, roi: Roi, adapterName: string): CutRegion {
  assertVolume(volume);
  const kind = roiKind(roi);
  if (kind.image) return imageOf(volume, region, { roi, kind, adapterName });
  const { marked, bounds } = found(volume, region);
  const spacing = voxelSpacing(volume.affine);
  const along = alongVoxelAxes(volume.affine);
  const size = kind.size(roi, marked, along);
  if (!size) throw invalid(`${adapterName} does not say how large a region around a point is: give \`size\` in mm (--size), or a box.`);
  const { least, most } = kind.limits?.(roi, along) ?? {
    least: [0, 0, 0],
    most: [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  };
  const beyond = AXES.find((axis) => size[axis] < least[axis] - 1e-6 || size[axis] > most[axis] + 1e-6);
  if (beyond !== undefined)
    throw invalid(
      `The region is ${listed(size)} mm along the volume's axes; ${adapterName} takes ${listed(least)} to ${listed(most)} mm. Give a ${size[beyond] < least[beyond] ? "larger" : "smaller"} one.`,
    );
  const middle = each((axis) => (bounds.low[axis] + bounds.high[axis]) / 2);
  const wanted = each((axis) => [
    Math.ceil(middle[axis] - size[axis] / spacing[axis] / 2 - ROUNDING),
    Math.ceil(middle[axis] + size[axis] / spacing[axis] / 2 - ROUNDING) - 1,
  ]);
  const start = each((axis) => Math.max(0, wanted[axis][0]));
  const shape = each((axis) => Math.min(volume.shape[axis] - 1, wanted[axis][1]) - start[axis] + 1);
  if (shape.some((length) => length < 1))
    throw invalid(`The region of ${listed(size)} mm holds the centre of no voxel: these are ${listed(spacing)} mm. Give a larger one.`);
  const count = (lengths: Triple) => lengths[0] * lengths[1] * lengths[2];
  const inside = count(shape) / count(each((axis) => wanted[axis][1] - wanted[axis][0] + 1));
  const warnings: Warning[] =
    inside < 1 - 1e-9
      ? [{ code: "REGION_CLIPPED", message: `${Math.max(1, Math.round(100 * (1 - inside)))} % of the region lie outside of the volume, and are left out` }]
      : [];
  const cut = cutBox(volume, start, shape);
  return { volume: cut, place: { start, shape, ...(cut.affine && { mm: boundsInMm(cut.affine, shape) }) }, warnings };
}

interface Wanted {
  readonly roi: Roi;
  readonly kind: RoiKind<Roi>;
  readonly adapterName: string;
}

function imageOf(volume: Volume, region: Region, { roi, kind, adapterName }: Wanted): CutRegion {
  if (typeof region !== "object" || region === null || !("mask" in region))
    throw invalid(`${adapterName} looks at ${kind.text}, and a point or a box says nothing of its shape: give roi: { mask, label } (--roi FILE --label N).`);
  const { mask, number } = ofLabel(volume, region);
  const { image, place, outside } = (kind.image as NonNullable<typeof kind.image>)(roi, { ...mask, affine: mask.affine ?? volume.affine }, number);
  const warnings: Warning[] =
    outside > 1e-9
      ? [
          {
            code: "REGION_CLIPPED",
            message: `${Math.max(1, Math.round(100 * outside))} % of the label lie outside of the image that ${adapterName} looks at, and are left out`,
          },
        ]
      : [];
  const corners = cornerBounds([-0.5, -0.5, -0.5], each((axis) => place.shape[axis] - 0.5), (at) => intoVoxels(volume, "RAS")(applyAffine(place.affine, at))); // biome-ignore format: a line
  const start = each((axis) => Math.min(volume.shape[axis] - 1, Math.max(0, Math.ceil(corners.low[axis] - ROUNDING))));
  const shape = each((axis) => Math.max(1, Math.min(volume.shape[axis] - 1, Math.floor(corners.high[axis] + ROUNDING)) - start[axis] + 1));
  return { volume: image, place: { start, shape, mm: boundsInMm(place.affine, place.shape) }, made: place, warnings };
}

const invalid = (message: string): AnyMC3DError => new AnyMC3DError("REGION_INVALID", message);

const listed = (numbers: readonly number[]): string => numbers.map((mm) => String(Number(mm.toPrecision(4)))).join(" × ");

/** Mm of patient axes in the order of the voxel axes; as given where the volume has no orientation. */
function alongVoxelAxes(affine: Affine | undefined): (mm: Millimetres) => [number, number, number] {
  const nearest = affine && nearestAxes(affine);
  return (mm) => (typeof mm === "number" ? [mm, mm, mm] : [...each((axis) => mm[nearest ? nearest[axis].axis : axis])]);
}

function found(volume: Volume, region: Region): { readonly marked: Marked; readonly bounds: Bounds } {
  if (typeof region === "object" && region !== null) {
    if ("point" in region) return aroundPoint(volume, region);
    if ("box" in region) return betweenCorners(volume, region);
    if ("mask" in region) return ofLabel(volume, region);
  }
  throw invalid("A region is { point, space }, { box, space } or { mask }.");
}

function isTriple(value: unknown): value is Triple {
  return Array.isArray(value) && value.length === 3 && value.every((number) => typeof number === "number" && Number.isFinite(number));
}

const SPACES = ["RAS", "LPS", "voxel"] as const;

function checkSpace(space: unknown): asserts space is Space {
  if (!SPACES.includes(space as Space)) throw invalid(`The region's \`space\` is ${JSON.stringify(space)}; expected "RAS", "LPS" or "voxel".`);
}

function aroundPoint(volume: Volume, { point, space, size }: Extract<Region, { point: unknown }>) {
  if (!isTriple(point)) throw invalid(`The region's point is ${JSON.stringify(point)}; expected three numbers.`);
  checkSpace(space);
  const sizes = size === undefined || typeof size !== "number" ? size : ([size, size, size] as const);
  if (sizes !== undefined && !(isTriple(sizes) && sizes.every((mm) => mm > 0)))
    throw invalid(`The region's size is ${JSON.stringify(size)}; expected mm above 0: one number, or three.`);
  const at = intoVoxels(volume, space)(point);
  if (!isInside(volume, at)) {
    const others = otherSpaces(volume, space, (into) => isInside(volume, into(point)));
    throw elsewhere(volume, `point ${point.join(", ")} (${spaceName(space)})`, space, others, { point: [...point], voxel: [...at] });
  }
  return { marked: { by: "point" as const, ...(sizes && { size: alongVoxelAxes(volume.affine)(sizes) }) }, bounds: { low: at, high: at } };
}

const isInside = ({ shape }: Volume, at: Triple): boolean => at.every((index, axis) => index >= -0.5 && index <= shape[axis] - 0.5);

/** @param others by which it would lie inside */
function elsewhere(volume: Volume, what: string, space: Space, others: readonly Space[], details: object): AnyMC3DError {
  const reach = volume.affine && space !== "voxel" ? boundsInMm(volume.affine, volume.shape) : undefined;
  const flip = space === "LPS" ? -1 : 1;
  const range = (low: number, high: number, sign: number) => (sign < 0 ? [-high, -low] : [low, high]).map((mm) => Number(mm.toFixed(1))).join(" to ");
  const shown = reach
    ? AXES.map((axis) => range(reach[0][axis], reach[1][axis], axis < 2 ? flip : 1)).join(", ")
    : volume.shape.map((length) => `0 to ${length - 1}`).join(", ");
  const hint = others.length
    ? `Taken as ${others.join(" or ")} it lies inside: is that its space (--space ${others[0].toLowerCase()})?`
    : "Is it of another scan?";
  return new AnyMC3DError("REGION_ELSEWHERE", `The ${what} lies outside of the volume, which reaches over ${shown}. ${hint}`, {
    details: { ...details, space, others },
  });
}

/** The other spaces in which something lies inside. */
const otherSpaces = (volume: Volume, space: Space, inside: (into: (place: Triple) => Triple, space: Space) => boolean): Space[] =>
  SPACES.filter((other) => other !== space && (other === "voxel" || volume.affine) && inside(intoVoxels(volume, other), other));

const spaceName = (space: Space): string => (space === "voxel" ? "voxel indices" : space);

function betweenCorners(volume: Volume, { box, space }: Extract<Region, { box: unknown }>) {
  if (!(Array.isArray(box) && box.length === 2 && box.every(isTriple))) throw invalid("The region's box is to be two corners of three numbers each.");
  checkSpace(space);
  const [a, b] = box;
  if (space !== "voxel" && AXES.some((axis) => a[axis] === b[axis]))
    throw invalid(`The region's box has no size: its corners are ${a.join(", ")} and ${b.join(", ")}.`);
  const boundsBy = (into: (place: Triple) => Triple, by: Space): Bounds => {
    const half = by === "voxel" ? 0.5 : 0;
    const { low, high } = cornerBounds(
      each((axis) => Math.min(a[axis], b[axis])),
      each((axis) => Math.max(a[axis], b[axis])),
      into,
    );
    return { low: each((axis) => low[axis] - half), high: each((axis) => high[axis] + half) };
  };
  const bounds = boundsBy(intoVoxels(volume, space), space);
  if (!overlaps(volume, bounds)) {
    const others = otherSpaces(volume, space, (into, other) => overlaps(volume, boundsBy(into, other)));
    throw elsewhere(volume, `box from ${a.join(", ")} to ${b.join(", ")} (${spaceName(space)})`, space, others, {});
  }
  return { marked: { by: "box" as const, size: spans(volume, bounds) }, bounds };
}

const spans = ({ affine }: Volume, { low, high }: Bounds) => {
  const spacing = voxelSpacing(affine);
  return each((axis) => (high[axis] - low[axis]) * spacing[axis]);
};

const overlaps = ({ shape }: Volume, { low, high }: Bounds): boolean => AXES.every((axis) => high[axis] > -0.5 && low[axis] < shape[axis] - 0.5);

/** Bounds of a box's corners, brought into other coordinates. */
function cornerBounds(low: Triple, high: Triple, into: (place: Triple) => Triple): Bounds {
  const corners = Array.from({ length: 8 }, (_, bits) => into(each((axis) => ((bits >> axis) & 1 ? high : low)[axis])));
  return { low: each((axis) => Math.min(...corners.map((corner) => corner[axis]))), high: each((axis) => Math.max(...corners.map((corner) => corner[axis]))) };
}

function ofLabel(volume: Volume, { mask: given, label }: Extract<Region, { mask: unknown }>) {
  assertVolume(given, "the region's mask");
  const mask = wholeLabels(given);
  const number = labelNumber(mask, label);
  const own = boundsOf(mask, number);
  const same = mask.shape.every((length, axis) => length === volume.shape[axis]);
  if (!(mask.affine && volume.affine) && !same)
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      `The region's mask has ${mask.shape.join(" × ")} voxels and the volume ${volume.shape.join(" × ")}, and they do not both say where these lie. Give a mask on the volume's grid.`,
    );
  const bounds = mask.affine && volume.affine && mask.affine !== volume.affine ? mapped(own, mask.affine, volume) : own;
  if (!overlaps(volume, bounds))
    throw new AnyMC3DError("REGION_ELSEWHERE", "The label of the region's mask lies outside of the volume. Is it a mask of another scan?");
  return { marked: { by: "mask" as const, size: spans(volume, bounds) }, bounds, mask, number };
}

function mapped({ low, high }: Bounds, affine: Affine, volume: Volume): Bounds {
  const into = intoVoxels(volume, "RAS");
  return cornerBounds(low, high, (place) => into(applyAffine(affine, place)));
}

/** @throws AnyMC3DError `REGION_NOT_FOUND` with the labels that are there, `REGION_INVALID` for an empty mask and for a scan in its place */
function labelNumber({ data, labels = {} }: Volume, label: number | string | undefined): number {
  const values = valuesOf(data)?.filter((value) => value !== 0);
  if (values === undefined || values.some((value) => !Number.isInteger(value)))
    throw invalid("The region's mask holds other than whole numbers of labels. Is it the scan itself?");
  if (values.length === 0) throw invalid("The region's mask is empty: all of its voxels are 0.");
  const known = values.map((value) => (labels[value] ? `${value} (${labels[value]})` : String(value)));
  const named = Object.entries(labels).find(([, name]) => name === label)?.[0];
  const number = label === undefined ? (values.length === 1 ? values[0] : undefined) : Number(typeof label === "string" ? (named ?? label) : label);
  if (number !== undefined && values.includes(number)) return number;
  const asked = label === undefined ? "holds several labels" : `has no voxel of label ${JSON.stringify(label)}`;
  throw new AnyMC3DError(
    "REGION_NOT_FOUND",
    `The region's mask ${asked}; there are ${known.slice(0, 30).join(", ")}${known.length > 30 ? ", …" : ""}. Choose one: label (--label).`,
    {
      details: { labels: values },
    },
  );
}

/** Outer faces of the voxels of a label. */
function boundsOf({ data, shape: [nx, ny, nz] }: Volume, label: number): Bounds {
  const low = [nx, ny, nz];
  const high = [-1, -1, -1];
  for (let k = 0, at = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, at++) {
        if (data[at] !== label) continue;
        if (i < low[0]) low[0] = i;
        if (i > high[0]) high[0] = i;
        if (j < low[1]) low[1] = j;
        if (j > high[1]) high[1] = j;
        if (k < low[2]) low[2] = k;
        if (k > high[2]) high[2] = k;
      }
    }
  }
  return { low: each((axis) => low[axis] - 0.5), high: each((axis) => high[axis] + 0.5) };
}

/** @throws AnyMC3DError `GEOMETRY_INVALID` for millimetres in a volume without orientation */
function intoVoxels({ affine }: Volume, space: Space): (place: Triple) => Triple {
  if (space === "voxel") return (place) => place;
  if (!affine)
    throw new AnyMC3DError(
      "GEOMETRY_INVALID",
      `The volume does not say how it lies in the patient, so a place in ${space} millimetres is nowhere in it. Give voxel indices (space "voxel", --space voxel), or say how it lies (\`orientation\`, \`spacing\`).`,
    );
  const flip = space === "LPS" ? -1 : 1;
  const inverse = invertAffine(affine);
  return ([x, y, z]) => applyAffine(inverse, [flip * x, flip * y, z]);
}

function boundsInMm(affine: Affine, shape: Triple): readonly [Triple, Triple] {
  const { low, high } = cornerBounds(
    [-0.5, -0.5, -0.5],
    each((axis) => shape[axis] - 0.5),
    (place) => applyAffine(affine, place),
  );
  return [low, high];
}

/** Voxels of a box, copied line by line. */
function cutBox(volume: Volume, start: Triple, shape: Triple): Volume {
  const { data, noData, affine, shape: whole } = volume;
  if (AXES.every((axis) => shape[axis] === whole[axis])) return volume;
  const [nx, ny, nz] = shape;
  const cut = new (data.constructor as new (length: number) => VoxelArray)(nx * ny * nz);
  const bits = noData && new Uint8Array(Math.ceil(cut.length / 8));
  for (let k = 0, to = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++, to += nx) {
      const from = ((k + start[2]) * whole[1] + j + start[1]) * whole[0] + start[0];
      cut.set(data.subarray(from, from + nx), to);
      if (bits) for (let i = 0; i < nx; i++) if ((noData[(from + i) >> 3] >> ((from + i) & 7)) & 1) bits[(to + i) >> 3] |= 1 << ((to + i) & 7);
    }
  }
  const { noData: _, ...rest } = volume;
  return {
    ...rest,
    data: cut,
    ...(bits && { noData: bits }),
    shape,
    ...(affine && { affine: shiftAffine(affine, start) }),
  };
}

/** A map of a region on the grid of the study that it is of; 0 elsewhere. */
export function putBack(map: Volume, { place: { start, shape: size }, made }: Pick<CutRegion, "place" | "made">, study: Volume): Volume {
  if (made) return mapOnStudy(map, made, study, { start, shape: size });
  const { shape, affine } = study;
  if (AXES.every((axis) => map.shape[axis] === shape[axis])) return map;
  const data = new Float32Array(shape[0] * shape[1] * shape[2]);
  const [nx, ny, nz] = map.shape;
  for (let k = 0, from = 0; k < nz; k++)
    for (let j = 0; j < ny; j++, from += nx) data.set(map.data.subarray(from, from + nx), ((k + start[2]) * shape[1] + j + start[1]) * shape[0] + start[0]);
  return { data, shape, affine };
}
