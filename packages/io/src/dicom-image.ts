// What a DICOM file says of its image: identity, pixel encoding, and of every frame its place, its rescaling and what tells it from others.

import { AnyMC3DError } from "@anymc3d/core";
import { CODECS, type Codec } from "./dicom-codecs.js";
import { type DicomData, tagText } from "./dicom-data.js";
import type { DicomFile } from "./dicom-files.js";
import { DEFLATED, type DicomHeader } from "./dicom-parse.js";
import { TAG } from "./dicom-tags.js";

export type Vector = readonly [number, number, number];

/** Attributes by which frames at one place may differ: time, echo, diffusion weighting, …; what they are called, in the order they are tried. */
export const DIMENSIONS = [
  "temporal position",
  "echo",
  "echo time",
  "b-value",
  "trigger time",
  "segment",
  "acquisition",
  "image type",
  "acquisition time",
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** One frame of one file. */
export interface DicomFrame {
  readonly image: DicomImage;
  /** Within the file, from 0. */
  readonly index: number;
  /** Patient position of the first pixel's centre, mm, LPS; undefined where the file does not say. */
  readonly position?: Vector;
  /** Directions of increasing column and row index, LPS. */
  readonly orientation?: readonly [row: Vector, column: Vector];
  /** Mm between rows, between columns. */
  readonly pixelSpacing?: readonly [rows: number, columns: number];
  readonly thickness?: number;
  readonly slope: number;
  readonly intercept: number;
  readonly dimensions: Readonly<Partial<Record<Dimension, number | string>>>;
}

export interface DicomImage {
  readonly file: DicomFile;
  readonly codec: Codec;
  readonly littleEndian: boolean;
  /** Offset and bytes of the pixel data's value (-1: encapsulated), and which element it is. */
  readonly pixels: { readonly offset: number; readonly length: number; readonly tag: number };
  /** Where frames of compressed pixel data begin, by the extended offset table; empty without one. */
  readonly extendedOffsets: readonly number[];
  /** The pixels' offset is not one of the file but of what is deflated in it. */
  readonly deflated: boolean;
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
  /** Stored values that mean "no image here", both ends included. */
  readonly padding?: readonly [low: number, high: number];
  readonly instance: string;
  readonly instanceNumber?: number;
  readonly imageType: readonly string[];
  readonly series: SeriesIdentity;
}

export interface SeriesIdentity {
  readonly uid: string;
  readonly study: string;
  readonly modality?: string;
  readonly description?: string;
  readonly number?: number;
  readonly bodyPart?: string;
  readonly laterality?: string;
  readonly manufacturer?: string;
  readonly units?: string;
  readonly patient: { readonly name?: string; readonly id?: string; readonly birthDate?: string; readonly sex?: string };
}

/** True for a file with an image in it. */
export const hasImage = ({ data, pixels }: DicomHeader): boolean => pixels !== undefined && data.has(TAG.rows) && data.has(TAG.columns);

/**
 * The image and its frames.
 * @throws AnyMC3DError `FORMAT_UNKNOWN` (transfer syntax, named), `CHANNELS_UNSUPPORTED` (colour, palette, MONOCHROME1), `FORMAT_INVALID`
 */
export function imageOf(file: DicomFile, header: DicomHeader, littleEndian: boolean): { image: DicomImage; frames: DicomFrame[] } {
  const { data, transferSyntax, pixels } = header;
  const { name } = file;
  const codec = CODECS.get(transferSyntax);
  if (!codec) {
    throw new AnyMC3DError(
      "FORMAT_UNKNOWN",
      `${name}: transfer syntax ${transferSyntax || "(none)"} is not one that can be read. Convert the file, for example with \`dcmconv\` or \`gdcmconv --raw\`.`,
    );
  }
  checkGrey(data, name);
  if (data.items(TAG.modalityLut).length)
    throw new AnyMC3DError(
      "FORMAT_UNKNOWN",
      `${name}: its values go through a table, Modality LUT ${tagText(TAG.modalityLut)}, which is not applied here. Convert the file to rescaled values.`,
    );
  const image = {
    file,
    codec,
    littleEndian,
    ...encoding(data, name),
    ...identity(data, name),
    pixels: pixels as DicomImage["pixels"],
    deflated: transferSyntax === DEFLATED,
    extendedOffsets: data.numbers(TAG.extendedOffsets, name),
  };
  if (codec !== "native" && image.pixels.length !== -1)
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: the transfer syntax says that the pixel data are compressed, but they are not encapsulated. Correct the header.`,
    );
  checkLength(image);
  return { image, frames: framesOf(image, data, name) };
}

/** Refuses pixel data that reach beyond the file; of a deflated one, it shows when it is unpacked. */
function checkLength({ codec, deflated, pixels, bitsAllocated, rows, columns, frames, file }: DicomImage): void {
  if (codec !== "native" || deflated) return;
  const need = Math.ceil((rows * columns * frames * bitsAllocated) / 8);
  const there = Math.min(pixels.length, file.size - pixels.offset);
  if (there < need) throw tooFew(file.name, `${columns}×${rows} pixels of ${bitsAllocated} bits in ${frames} frame(s)`, need, there);
}

export const tooFew = (name: string, what: string, need: number, there: number): AnyMC3DError =>
  new AnyMC3DError("FILE_TRUNCATED", `${name}: ${what} need ${need} bytes, found ${there}. The file is cut short; copy or export it again.`);

function checkGrey(data: DicomData, name: string): void {
  const photometric = data.text(TAG.photometric) ?? "MONOCHROME2";
  const samples = data.number(TAG.samplesPerPixel, name) ?? 1;
  if (photometric === "MONOCHROME2" && samples === 1) return;
  const why =
    photometric === "MONOCHROME1"
      ? "a negative, whose lowest value is shown white; an adapter would see it the wrong way round"
      : `${samples} sample(s) a pixel; grey values are expected`;
  throw new AnyMC3DError(
    "CHANNELS_UNSUPPORTED",
    `${name}: Photometric Interpretation ${tagText(TAG.photometric)} is ${photometric}: ${why}. Convert it to MONOCHROME2 if it is a grey image.`,
  );
}

function encoding(data: DicomData, name: string) {
  const number = (tag: number, fallback?: number): number => {
    const value = data.number(tag, name) ?? fallback;
    if (value === undefined) throw new AnyMC3DError("FORMAT_INVALID", `${name}: ${tagText(tag)} is missing; an image needs it.`);
    return value;
  };
  const bitsAllocated = number(TAG.bitsAllocated);
  const bitsStored = number(TAG.bitsStored, bitsAllocated);
  const highBit = number(TAG.highBit, bitsStored - 1);
  const [rows, columns, frames] = [number(TAG.rows), number(TAG.columns), number(TAG.numberOfFrames, 1)];
  const fine =
    [1, 8, 16, 32, 64].includes(bitsAllocated) && bitsStored >= 1 && bitsStored <= bitsAllocated && highBit >= bitsStored - 1 && highBit < bitsAllocated;
  if (!fine)
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: ${bitsAllocated} bits allocated, ${bitsStored} stored, high bit ${highBit}: that cannot be. Correct the header.`,
    );
  if (!(rows > 0 && columns > 0 && Number.isInteger(frames) && frames > 0))
    throw new AnyMC3DError("FORMAT_INVALID", `${name}: ${columns}×${rows} pixels, ${frames} frames: that cannot be. Correct the header.`);
  const signed = number(TAG.pixelRepresentation, 0) === 1;
  return { rows, columns, frames, bitsAllocated, bitsStored, highBit, signed, padding: paddingOf(data, signed, name) };
}

/** Compared in stored values, before rescaling (PS3.3 C.7.5.1.1.2). */
function paddingOf(data: DicomData, signed: boolean, name: string): readonly [number, number] | undefined {
  const read = (tag: number) => {
    const value = data.number(tag, name);
    return value !== undefined && signed && value > 32767 ? value - 65536 : value;
  };
  const value = read(TAG.pixelPadding);
  if (value === undefined) return undefined;
  const limit = read(TAG.pixelPaddingLimit) ?? value;
  return [Math.min(value, limit), Math.max(value, limit)];
}

function identity(data: DicomData, name: string) {
  const decoder = data.decoder(TAG.characterSet);
  const text = (tag: number) => data.text(tag, decoder) || undefined;
  const modality = text(TAG.modality);
  const series: SeriesIdentity = {
    uid: text(TAG.seriesInstance) ?? "",
    study: text(TAG.studyInstance) ?? "",
    modality,
    description: text(TAG.seriesDescription),
    number: data.number(TAG.seriesNumber, name),
    bodyPart: text(TAG.bodyPart),
    laterality: text(TAG.laterality),
    manufacturer: text(TAG.manufacturer),
    units: text(TAG.units) ?? text(TAG.rescaleType) ?? (modality === "CT" ? "HU" : undefined),
    patient: { name: text(TAG.patientName), id: text(TAG.patientId), birthDate: text(TAG.patientBirthDate), sex: text(TAG.patientSex) },
  };
  return { series, instance: text(TAG.sopInstance) ?? "", instanceNumber: data.number(TAG.instanceNumber, name), imageType: data.texts(TAG.imageType) };
}

/** Attributes of a frame are looked for in its own functional groups, then in the shared ones, then in the image (PS3.3 C.7.6.16). */
function framesOf(image: DicomImage, data: DicomData, name: string): DicomFrame[] {
  const shared = data.item(TAG.sharedGroups);
  const own = data.items(TAG.perFrameGroups);
  if (own.length > 0 && own.length !== image.frames)
    throw new AnyMC3DError("FORMAT_INVALID", `${name}: ${image.frames} frames, but functional groups of ${own.length}. Correct the header.`);
  const offsets = data.numbers(TAG.gridFrameOffsets, name);
  return Array.from({ length: image.frames }, (_, index) => {
    const group = (sequence: number) => own[index]?.item(sequence) ?? shared?.item(sequence);
    const from = (sequence: number, tag: number) => {
      const found = group(sequence)?.numbers(tag, name) ?? [];
      return found.length ? found : data.numbers(tag, name);
    };
    const measures = TAG.pixelMeasuresSequence;
    const values = group(TAG.pixelValueSequence) ?? data;
    const orientation = vectors(from(TAG.planeOrientationSequence, TAG.orientation), tagText(TAG.orientation), 2, name);
    const [position] = vectors(from(TAG.planePositionSequence, TAG.position), tagText(TAG.position), 1, name);
    const [rowSpacing, columnSpacing = rowSpacing] = from(measures, TAG.pixelSpacing);
    const thickness = from(measures, TAG.sliceThickness)[0];
    return {
      image,
      index,
      position: image.frames > 1 && own.length === 0 ? gridPosition(position, orientation, offsets[index]) : position,
      orientation: orientation.length === 2 ? checkedOrientation(orientation as [Vector, Vector], name) : undefined,
      pixelSpacing: rowSpacing > 0 && columnSpacing > 0 ? [rowSpacing, columnSpacing] : undefined,
      thickness: thickness > 0 ? thickness : undefined,
      slope: slopeOf(values, data, name),
      intercept: values.number(TAG.rescaleIntercept, name) ?? 0,
      dimensions: dimensionsOf(data, group, image, name),
    };
  });
}

/** @throws AnyMC3DError `FORMAT_INVALID` for 0, which would make all voxels equal */
function slopeOf(values: DicomData, data: DicomData, name: string): number {
  const slope = values.number(TAG.rescaleSlope, name) ?? data.number(TAG.doseGridScaling, name) ?? 1;
  if (slope !== 0) return slope;
  throw new AnyMC3DError("FORMAT_INVALID", `${name}: Rescale Slope ${tagText(TAG.rescaleSlope)} is 0: every voxel would be the same. Correct the header.`);
}

/** Frames without functional groups lie where Grid Frame Offset Vector says (RT Dose); otherwise their place is not known. */
function gridPosition(first: Vector | undefined, orientation: readonly Vector[], offset: number | undefined): Vector | undefined {
  if (!first || orientation.length !== 2 || offset === undefined) return undefined;
  const normal = cross(orientation[0], orientation[1]);
  return [0, 1, 2].map((axis) => first[axis] + offset * normal[axis]) as unknown as Vector;
}

function vectors(numbers: readonly number[], what: string, count: number, name: string): Vector[] {
  if (numbers.length === 0) return [];
  if (numbers.length !== 3 * count || !numbers.every(Number.isFinite))
    throw new AnyMC3DError("GEOMETRY_INVALID", `${name}: ${what} has ${numbers.length} numbers, expected ${3 * count}. Correct the header.`);
  return Array.from({ length: count }, (_, i) => numbers.slice(3 * i, 3 * i + 3) as unknown as Vector);
}

/** Directions must be unit vectors at right angles, as far as rounding goes. */
function checkedOrientation([row, column]: readonly [Vector, Vector], name: string): readonly [Vector, Vector] {
  const off = Math.max(Math.abs(dot(row, row) - 1), Math.abs(dot(column, column) - 1), Math.abs(dot(row, column)));
  if (off < 0.01) return [row, column];
  throw new AnyMC3DError(
    "GEOMETRY_INVALID",
    `${name}: Image Orientation ${tagText(TAG.orientation)} is ${[...row, ...column].join("\\")}: no two directions at right angles. Correct the header.`,
  );
}

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a: Vector, b: Vector): Vector => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

function dimensionsOf(data: DicomData, group: (sequence: number) => DicomData | undefined, image: DicomImage, name: string): DicomFrame["dimensions"] {
  const number = (sequence: number, tag: number) => group(sequence)?.number(tag, name) ?? data.number(tag, name);
  const found: Record<Dimension, number | string | undefined> = {
    "temporal position": number(TAG.frameContentSequence, TAG.temporalPositionIndex) ?? data.number(TAG.temporalPosition, name),
    echo: data.number(TAG.echoNumber, name),
    "echo time": number(TAG.echoSequence, TAG.effectiveEchoTime) ?? data.number(TAG.echoTime, name),
    "b-value": number(TAG.diffusionSequence, TAG.diffusionBValue),
    "trigger time": data.number(TAG.triggerTime, name),
    segment: number(TAG.segmentSequence, TAG.segmentNumber),
    acquisition: data.number(TAG.acquisitionNumber, name),
    "image type": image.imageType.join("\\") || undefined,
    "acquisition time": data.text(TAG.acquisitionTime),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
