// What the frames of one file are to each other: slices one behind the other, views or times of one place, or tiles of one plane.

import { AnyMC3DError } from "@anymc3d/core";
import { type DicomData, tagText } from "./data.js";
import { TAG } from "./tags.js";

/** How frames without a place of their own follow. */
export interface FrameOrder {
  /** Why they are no stack: the file says that they follow in time, are views, or does not say what they are. */
  readonly notDepth?: string;
  /** Of every frame, its place along the stack, from 0; absent: as they are stored. */
  readonly slices?: readonly number[];
  /** Of every frame, the volume that it is of, where the file holds several; and what tells them apart. */
  readonly volumes?: { readonly keys: readonly string[]; readonly by: string };
}

/** UIDs of storage classes, without what they begin with. */
const CLASS = "1.2.840.10008.5.1.4.1.1.";
/** Classes whose frames are slices: enhanced CT, MR and PET, X-ray 3D, tomosynthesis, dose, segmentations, parametric maps (PS3.4 B.5). */
const STACKS: ReadonlySet<string> = new Set(
  "2 2.1 2.2 4 4.1 4.3 4.4 128 128.1 130 13.1.1 13.1.2 13.1.3 30 66.4 66.7 481.2".split(" ").map((end) => CLASS + end),
);
/**
 * Classes whose frames follow in time or are views, never slices: ultrasound, angiography and fluoroscopy, projections, endoscopy, photographs, screens.
 */
const SEQUENCES: ReadonlySet<string> = new Set(
  "1 1.1 1.1.1 1.2 1.2.1 1.3 1.3.1 3 3.1 6 6.1 6.2 7.1 7.4 12.1 12.1.1 12.2 12.2.1 12.3 13.1.4 13.1.5 14.1 14.2 481.1 77.1.1 77.1.1.1 77.1.2 77.1.2.1 77.1.4 77.1.4.1 77.1.5.1 77.1.5.2 77.1.5.5 77.1.5.6 77.1.7"
    .split(" ")
    .map((end) => CLASS + end),
);
/** Whole-slide microscopy, microscopy in slide coordinates, confocal tiles. */
const TILES: ReadonlySet<string> = new Set(["77.1.3", "77.1.6", "77.1.9"].map((end) => CLASS + end));
/** Modalities whose images are slices, where no class says it. */
const SLICED: ReadonlySet<string> = new Set(["CT", "MR", "PT", "SEG", "RTDOSE"]);
const NUCLEAR = `${CLASS}20`;

/** Attributes by which frames of one file may lie behind each other: the Slice Vector of nuclear medicine, the grid of a dose. */
const IN_DEPTH: readonly number[] = [TAG.sliceVector, TAG.gridFrameOffsets];
/** What else the frames of nuclear medicine may follow in, a number for each frame (PS3.3 C.8.4.8). */
const VECTORS: ReadonlyMap<number, string> = new Map([
  [TAG.energyWindowVector, "energy window"],
  [TAG.detectorVector, "detector"],
  [TAG.phaseVector, "phase"],
  [TAG.rotationVector, "rotation"],
  [TAG.beatVector, "R-R interval"],
  [TAG.timeSlotVector, "time slot"],
  [TAG.angularViewVector, "angular view"],
  [TAG.timeSliceVector, "time slice"],
]);

/**
 * Refuses tiles of one large plane: laid one behind the other they would be a volume that was never there.
 * @throws AnyMC3DError `GEOMETRY_INVALID`
 */
export function refuseTiles(data: DicomData, name: string): void {
  const sopClass = data.text(TAG.sopClass) ?? "";
  const [rows, columns, totalRows, totalColumns] = [TAG.rows, TAG.columns, TAG.totalRows, TAG.totalColumns].map((tag) => data.number(tag, name));
  const organization = data.text(TAG.dimensionOrganization) ?? "";
  const group = data.items(TAG.perFrameGroups)[0] ?? data.item(TAG.sharedGroups);
  const why = TILES.has(sopClass)
    ? "its storage class is of microscopy"
    : data.text(TAG.modality) === "SM"
      ? "its modality is SM, slide microscopy"
      : organization.startsWith("TILED")
        ? `Dimension Organization Type is ${organization}`
        : group?.has(TAG.slidePositionSequence)
          ? "its frames are placed on a slide"
          : (totalRows !== undefined && totalRows !== rows) || (totalColumns !== undefined && totalColumns !== columns)
            ? `Total Pixel Matrix is ${totalColumns}×${totalRows}, its frames are ${columns}×${rows}`
            : undefined;
  if (!why) return;
  throw new AnyMC3DError(
    "GEOMETRY_INVALID",
    `${name}: ${why}: its frames are parts of one large plane (whole-slide microscopy), not slices of a volume. Give a file whose frames are slices.`,
  );
}

/**
 * How the frames of a file follow that have no positions of their own.
 * @param count frames
 * @throws AnyMC3DError `FORMAT_INVALID` for a vector with another number of values than there are frames
 */
export function frameOrder(data: DicomData, count: number, name: string): FrameOrder {
  if (count === 1) return {};
  const increments = data.numbers(TAG.frameIncrement, name);
  const values = (tag: number): readonly number[] => {
    const found = data.numbers(tag, name);
    if (found.length === count) return found;
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: ${tagText(tag)} has ${found.length} numbers, expected one for each of ${count} frames. Correct the header.`,
    );
  };
  const others = increments.filter((tag) => !IN_DEPTH.includes(tag));
  const deep = others.length < increments.length;
  const slices = increments.includes(TAG.sliceVector) && data.has(TAG.sliceVector) ? { slices: values(TAG.sliceVector).map((number) => number - 1) } : {};
  const unknown = others.filter((tag) => !VECTORS.has(tag));
  const follow = `its ${count} frames follow in ${others.map(tagText).join(", ")} (Frame Increment Pointer), not in depth alone`;
  if (unknown.length || (others.length && !deep)) return { notDepth: follow };
  if (!deep) {
    const why = notStacked(data, name);
    return why ? { notDepth: `${why}: its ${count} frames are no slices` } : {};
  }
  const varying = others.map((tag) => ({ tag, numbers: values(tag) })).filter(({ numbers }) => new Set(numbers).size > 1);
  if (varying.length === 0) return slices;
  if (!slices.slices) return { notDepth: follow };
  const keys = Array.from({ length: count }, (_, i) => varying.map(({ numbers }) => numbers[i]).join(", "));
  return { ...slices, volumes: { keys, by: varying.map(({ tag }) => VECTORS.get(tag)).join(", ") } };
}

/** Why frames of which nothing says how they follow are not taken as slices; undefined where they are. */
function notStacked(data: DicomData, name: string): string | undefined {
  const sopClass = data.text(TAG.sopClass) ?? "";
  const modality = data.text(TAG.modality) ?? "";
  if (SEQUENCES.has(sopClass)) return `its storage class (${sopClass}) is one of images over time or of views`;
  const spaced = Math.abs(data.number(TAG.spacingBetweenSlices, name) ?? 0) > 0;
  if (sopClass === NUCLEAR || modality === "NM") {
    const kind = data.texts(TAG.imageType)[2] ?? "";
    if (kind.startsWith("RECON")) return undefined;
    if (kind && kind !== "EMISSION" && kind !== "TRANSMISSION") return `Image Type says ${kind}`;
    return spaced ? undefined : "nuclear medicine that says of no frame what it is";
  }
  if (spaced) return undefined;
  if (data.has(TAG.frameTime) || data.has(TAG.frameTimeVector)) return "it states a Frame Time";
  if (STACKS.has(sopClass) || SLICED.has(modality)) return undefined;
  return `nothing in it says that they lie behind each other (modality ${modality || "not stated"})`;
}
