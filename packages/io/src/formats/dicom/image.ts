// What a DICOM file says of its image: identity, pixel encoding, and of every frame its place, its rescaling and what tells it from others.

import { AnyMC3DError, type Warning } from "@anymc3d/core";
import { MOST_SHRUNK } from "../../compression/gzip.js";
import type { FileEntry } from "../../sources/file-entry.js";
import { CODECS, type Codec } from "./codecs.js";
import { type DicomData, tagText } from "./data.js";
import { type FrameOrder, frameOrder, refuseTiles } from "./frame-order.js";
import { type Mosaic, mosaicOf } from "./mosaic.js";
import type { DicomHeader } from "./parse.js";
import { type Segmentation, segmentationOf } from "./segmentation.js";
import { TAG } from "./tags.js";

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
  "cardiac phase",
  "complex component",
  "flip angle",
  "inversion time",
  "repetition time",
  "tube voltage",
  "contrast agent",
  "sequence name",
  "kernel",
  "acquisition date and time",
  "frame acquisition time",
  "acquisition UID",
  "slice thickness",
] as const;
/** One of them, or what a vector of nuclear medicine or a dimension index of the file calls another. */
export type Dimension = (typeof DIMENSIONS)[number] | `index: ${string}`;

/** One frame of one file. */
export interface DicomFrame {
  readonly image: DicomImage;
  /** Within the file, from 0. */
  readonly index: number;
  /** Patient position of the first pixel's centre, mm, LPS; undefined where the file does not say. */
  readonly position?: Vector;
  /** Directions of increasing column and row index, LPS. */
  readonly orientation?: readonly [row: Vector, column: Vector];
  /** The header's directions were rounded so far that they had to be made unit vectors at right angles. */
  readonly roundedOrientation?: boolean;
  /** Mm between rows, between columns; at the detector where `atDetector`: there is then no other. */
  readonly pixelSpacing?: readonly [rows: number, columns: number];
  readonly atDetector?: boolean;
  readonly thickness?: number;
  /** Spacing Between Slices, mm, as the header states it; `backward` where it is negative. */
  readonly stated?: number;
  readonly backward?: boolean;
  /** Frames of one Stack ID lie in one stack (PS3.3 C.7.6.17). */
  readonly stackId?: string;
  /** Whether slope or intercept are stated. */
  readonly rescaled: boolean;
  readonly slope: number;
  readonly intercept: number;
  readonly dimensions: Readonly<Partial<Record<Dimension, number | string>>>;
  /** By which frames at one place can be put in order, where their values differ from place to place: the times, and the number in the series. */
  readonly times: Readonly<Partial<Record<TimeName, number | string>>>;
}

export type TimeName = "acquisition time" | "frame time" | "trigger time" | "content time" | "instance number" | `index: ${string}`;

export interface DicomImage {
  readonly file: FileEntry;
  readonly codec: Codec;
  /** Compressed with loss, now or before it was written. */
  readonly lossy: boolean;
  readonly littleEndian: boolean;
  /** Offset and bytes of the pixel data's value (-1: encapsulated), and which element it is. */
  readonly pixels: { readonly offset: number; readonly length: number; readonly tag: number; readonly vr: string };
  /** Where frames of compressed pixel data begin, by the extended offset table; empty without one. */
  readonly extendedOffsets: readonly number[];
  /** The pixels' offset is not one of the file but of what is deflated in it. */
  readonly deflated: boolean;
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
  /** Rows, columns and frames as they lie in the file: of a mosaic, one frame of which the frames here are tiles, so many in a row. */
  readonly stored: { readonly rows: number; readonly columns: number; readonly frames: number; readonly across?: number };
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
  /** Stored values that mean "no image here", both ends included. */
  readonly padding?: readonly [low: number, high: number];
  readonly instance: string;
  readonly instanceNumber?: number;
  readonly imageType: readonly string[];
  /** Where positions are measured from: images of different ones do not lie in one space. */
  readonly frameOfReference?: string;
  /** Convolution kernel of a reconstruction. */
  readonly kernel?: string;
  /** How frames follow that have no positions. */
  readonly order: FrameOrder;
  readonly segmentation?: Segmentation;
  /** What had to be decided about the file. */
  readonly notes: readonly Warning[];
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
  /** YYYYMMDD */
  readonly date?: string;
  readonly patient: { readonly name?: string; readonly id?: string; readonly issuer?: string; readonly birthDate?: string; readonly sex?: string };
}

/**
 * True for a file with an image in it, false for one without (a report, a directory).
 * @throws AnyMC3DError `FILE_TRUNCATED` for half an image: a slice would be missing without a word
 */
export function hasImage({ data, pixels }: DicomHeader, name: string): boolean {
  const parts = { "pixel data": pixels !== undefined, Rows: data.has(TAG.rows), Columns: data.has(TAG.columns) };
  const missing = Object.entries(parts).flatMap(([part, there]) => (there ? [] : [part]));
  if (missing.length === 0) return true;
  if (missing.length === 3) return false;
  throw new AnyMC3DError("FILE_TRUNCATED", `${name}: an image without ${missing.join(" and ")}. The file is cut short or damaged; copy or export it again.`);
}

/** JPEG baseline and extended, JPEG-LS near-lossless, JPEG 2000, HTJ2K. Those that may be lossless as well are not hurt by being taken as lossy. */
const LOSSY: ReadonlySet<string> = new Set(["50", "51", "81", "91", "203"].map((end) => `1.2.840.10008.1.2.4.${end}`));

/**
 * The image and its frames.
 * @throws AnyMC3DError `FORMAT_UNKNOWN` (transfer syntax, named), `CHANNELS_UNSUPPORTED` (colour, palette, MONOCHROME1), `FORMAT_INVALID`
 */
export function imageOf(file: FileEntry, header: DicomHeader, littleEndian: boolean): { image: DicomImage; frames: DicomFrame[] } {
  const { data, transferSyntax, deflated, pixels } = header;
  const { name } = file;
  const codec = CODECS.get(transferSyntax);
  if (!codec) {
    throw new AnyMC3DError(
      "FORMAT_UNKNOWN",
      `${name}: transfer syntax ${transferSyntax || "(none)"} is not one that can be read. Convert the file, for example with \`dcmconv\` or \`gdcmconv --raw\`.`,
    );
  }
  refuseTiles(data, name);
  checkGrey(data, name);
  if (data.items(TAG.modalityLut).length)
    throw new AnyMC3DError(
      "FORMAT_UNKNOWN",
      `${name}: its values go through a table, Modality LUT ${tagText(TAG.modalityLut)}, which is not applied here. Convert the file to rescaled values.`,
    );
  const stated = encoding(data, (pixels as DicomImage["pixels"]).tag, name);
  const about = identity(data, name);
  const mosaic = mosaicOf(data, { ...stated, imageType: about.imageType }, name);
  const segmentation = segmentationOf(data, about.series.modality, name);
  const { rows, columns, frames } = stated;
  const image: DicomImage = {
    file,
    codec,
    lossy: LOSSY.has(transferSyntax) || data.text(TAG.lossy) === "01",
    littleEndian,
    ...stated,
    ...about,
    // What a label map declares as padding is its background: data, where nothing is marked.
    ...(segmentation && { padding: undefined }),
    stored: { rows, columns, frames, across: mosaic?.across },
    ...(mosaic && { rows: rows / mosaic.across, columns: columns / mosaic.across, frames: mosaic.count }),
    order: frameOrder(data, frames, name),
    ...(segmentation && { segmentation }),
    notes: [...contradicted(header, name), ...realWorld(data, name)],
    pixels: pixels as DicomImage["pixels"],
    deflated,
    extendedOffsets: data.numbers(TAG.extendedOffsets, name),
  };
  if (codec !== "native" && image.pixels.length !== -1)
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: the transfer syntax says that the pixel data are compressed, but they are not encapsulated. Correct the header.`,
    );
  if (codec === "native" && image.pixels.length === -1)
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: the transfer syntax (${transferSyntax}) says that the pixel data are not compressed, but they are encapsulated, in pieces of undefined length. State the syntax they are compressed with, or export the file again.`,
    );
  checkLength(image);
  return { image, frames: mosaic ? mosaicFrames(framesOf(image, data, name)[0], mosaic, image) : framesOf(image, data, name) };
}

function contradicted({ contradicts, transferSyntax }: DicomHeader, name: string): Warning[] {
  if (!contradicts) return [];
  return [
    { code: "SYNTAX_CONTRADICTED", message: `${name}: the transfer syntax says ${transferSyntax}, the data set is ${contradicts}; it was read as it is` },
  ];
}

const same = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * Math.max(Math.abs(a), Math.abs(b));

/** A mapping to real-world values that is not the rescale is told, not applied: whether it is meant, the file does not say. */
function realWorld(data: DicomData, name: string): Warning[] {
  const mapping = firstGroup(data, TAG.realWorldSequence) ?? data.item(TAG.realWorldSequence);
  const slope = mapping && soft(mapping, TAG.realWorldSlope, name);
  if (!mapping) return [];
  const intercept = soft(mapping, TAG.realWorldIntercept, name) ?? 0;
  const rescale = firstGroup(data, TAG.pixelValueSequence) ?? data;
  const applied = [soft(rescale, TAG.rescaleSlope, name) ?? 1, soft(rescale, TAG.rescaleIntercept, name) ?? 0];
  if (slope !== undefined && same(slope, applied[0]) && same(intercept, applied[1])) return [];
  const unit = mapping.item(TAG.measurementUnits);
  const units = unit?.text(TAG.codeMeaning) ?? unit?.text(TAG.codeValue);
  const label = mapping.text(TAG.realWorldLabel);
  const how = slope === undefined ? "a table" : `${slope} times the stored value plus ${intercept}`;
  const message = `${name}: values are ${applied[0] === 1 && applied[1] === 0 ? "as stored" : "rescaled by Rescale Slope and Intercept"}. The file maps them to other real-world values: ${[label, how, units].filter(Boolean).join(", ")}. The mapping was not applied`;
  return [{ code: "REAL_WORLD_NOT_APPLIED", message }];
}

/** Bytes that the pixels need as a header declares them, if they are not compressed; 0 where it does not. */
export function bytesNeeded(data: DicomData, name: string): number {
  const [rows, columns, frames = 1, bits] = [TAG.rows, TAG.columns, TAG.numberOfFrames, TAG.bitsAllocated].map((tag) => data.number(tag, name));
  return Math.ceil(((rows ?? 0) * (columns ?? 0) * frames * (bits ?? 0)) / 8);
}

/** The slices that are the tiles of a mosaic: its position is that of the corner of the whole (nibabel, nicom/dicomwrappers.py, says why). */
function mosaicFrames(whole: DicomFrame, { count, across, normal: told }: Mosaic, { rows, columns, file: { name } }: DicomImage): DicomFrame[] {
  const { position, orientation, pixelSpacing, stated, atDetector } = whole;
  const missing = {
    "Image Position": position,
    "Image Orientation": orientation,
    "Pixel Spacing": !atDetector && pixelSpacing,
    "Spacing Between Slices": stated,
  };
  const lost = Object.entries(missing).flatMap(([what, there]) => (there ? [] : [what]));
  const refused = (why: string) => new AnyMC3DError("GEOMETRY_INVALID", `${name}: a Siemens mosaic ${why}, so that it is not known where its slices lie.`);
  if (!position || !orientation || !pixelSpacing || !stated || lost.length) throw refused(`without ${lost.join(", ")}`);
  const [row, column] = orientation;
  const right = cross(row, column);
  const along = dot(right, told);
  if (Math.abs(along) < 0.99) throw refused(`whose slices follow in a direction (SliceNormalVector ${told.join(", ")}) that is not at right angles to them`);
  const [beside, below] = [((across - 1) / 2) * columns * pixelSpacing[1], ((across - 1) / 2) * rows * pixelSpacing[0]];
  return Array.from({ length: count }, (_, index) => {
    const deep = index * stated * Math.sign(along);
    return {
      ...whole,
      index,
      position: [0, 1, 2].map((axis) => position[axis] + beside * row[axis] + below * column[axis] + deep * right[axis]) as unknown as Vector,
    };
  });
}

/** How many times smaller than its pixels a stream is at most: two bytes for a run of 128; a bit or two for a block of 64 samples or, lossless, a bit for each. */
const MOST_PACKED: Readonly<Partial<Record<Codec, number>>> = { rle: 64, jpeg: 1024 };

/** Refuses pixel data that reach beyond the file; of a deflated one, it shows when it is unpacked. */
function checkLength({ codec, deflated, pixels, bitsAllocated, stored: { rows, columns, frames }, file }: DicomImage): void {
  const need = Math.ceil((rows * columns * frames * bitsAllocated) / 8);
  // Every compressed frame takes an item of 8 bytes and more, and some codecs cannot shrink further than a certain share.
  const least = 8 * frames + need / (MOST_PACKED[codec] ?? Number.POSITIVE_INFINITY);
  if (codec !== "native" && least > file.size - pixels.offset)
    throw tooFew(file.name, `${frames} compressed frames of ${columns}×${rows} pixels`, Math.ceil(least), file.size - pixels.offset);
  if (deflated && need > MOST_SHRUNK * file.size) throw tooFew(file.name, `${frames} frame(s)`, need, MOST_SHRUNK * file.size);
  if (codec !== "native" || deflated) return;
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

function encoding(data: DicomData, pixelTag: number, name: string) {
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
  if (pixelTag !== TAG.pixelData)
    return { rows, columns, frames, bitsAllocated, bitsStored, highBit, signed: false, padding: floatPadding(data, pixelTag, name) };
  const representation = number(TAG.pixelRepresentation);
  if (representation !== 0 && representation !== 1)
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: Pixel Representation ${tagText(TAG.pixelRepresentation)} is ${representation}; 0 (unsigned) and 1 (signed) exist.`,
    );
  const signed = representation === 1;
  return { rows, columns, frames, bitsAllocated, bitsStored, highBit, signed, padding: paddingOf(data, { signed, bitsStored }, name) };
}

const between = (a: number | undefined, b: number | undefined): readonly [number, number] | undefined =>
  a === undefined ? undefined : [Math.min(a, b ?? a), Math.max(a, b ?? a)];

function floatPadding(data: DicomData, pixelTag: number, name: string): readonly [number, number] | undefined {
  const [value, limit] = pixelTag === TAG.floatPixelData ? [TAG.floatPadding, TAG.floatPaddingLimit] : [TAG.doublePadding, TAG.doublePaddingLimit];
  return between(data.number(value, name), data.number(limit, name));
}

/** Compared in stored values, before rescaling (PS3.3 C.7.5.1.1.2). */
function paddingOf(data: DicomData, { signed, bitsStored }: { signed: boolean; bitsStored: number }, name: string): readonly [number, number] | undefined {
  const read = (tag: number) => {
    const value = data.number(tag, name);
    if (value === undefined) return undefined;
    // Written as a word of the other sign, or as the stored bits alone.
    if (!signed) return value < 0 ? value + 65536 : value;
    if (value >= 2 ** (bitsStored - 1) && value < 2 ** bitsStored) return value - 2 ** bitsStored;
    return value > 32767 && bitsStored <= 16 ? value - 65536 : value;
  };
  return between(read(TAG.pixelPadding), read(TAG.pixelPaddingLimit));
}

/** What a file says of itself, its series and its patient. */
export function identity(data: DicomData, name: string) {
  const decoder = data.decoder(TAG.characterSet);
  const text = (tag: number) => data.text(tag, decoder) || undefined;
  const modality = text(TAG.modality);
  const series: SeriesIdentity = {
    uid: text(TAG.seriesInstance) ?? "",
    study: text(TAG.studyInstance) ?? "",
    modality,
    description: text(TAG.seriesDescription),
    number: soft(data, TAG.seriesNumber, name),
    bodyPart: text(TAG.bodyPart),
    laterality: text(TAG.laterality),
    manufacturer: text(TAG.manufacturer),
    units: text(TAG.units) ?? rescaleType(data, text) ?? (modality === "CT" && isRescaled(data) ? "HU" : undefined),
    date: text(TAG.studyDate),
    patient: {
      name: text(TAG.patientName),
      id: text(TAG.patientId),
      issuer: text(TAG.issuerOfPatientId),
      birthDate: text(TAG.patientBirthDate),
      sex: text(TAG.patientSex),
    },
  };
  return {
    series,
    instance: text(TAG.sopInstance) ?? "",
    instanceNumber: soft(data, TAG.instanceNumber, name),
    imageType: data.texts(TAG.imageType),
    frameOfReference: text(TAG.frameOfReference),
    kernel: data.texts(TAG.kernel).join("\\") || undefined,
  };
}

/** A number that only describes: one that cannot be read is as good as none. */
function soft(data: DicomData, tag: number, name: string): number | undefined {
  try {
    return data.number(tag, name);
  } catch {
    return undefined;
  }
}

/** Functional groups of the first frame, then those that all frames share. */
const firstGroup = (data: DicomData, sequence: number): DicomData | undefined =>
  data.items(TAG.perFrameGroups)[0]?.item(sequence) ?? data.item(TAG.sharedGroups)?.item(sequence);

const rescaleType = (data: DicomData, text: (tag: number) => string | undefined): string | undefined =>
  firstGroup(data, TAG.pixelValueSequence)?.text(TAG.rescaleType) || text(TAG.rescaleType);

const statesRescale = (data: DicomData | undefined): boolean => Boolean(data && (data.has(TAG.rescaleSlope) || data.has(TAG.rescaleIntercept)));
const isRescaled = (data: DicomData): boolean => statesRescale(data) || statesRescale(firstGroup(data, TAG.pixelValueSequence));

/**
 * Attributes of a frame are looked for in its own functional groups, then in the shared ones, then in the image (PS3.3 C.7.6.16); of nuclear medicine,
 * orientation and position also in the detector's (PS3.3 C.8.4.11).
 */
function framesOf(image: DicomImage, data: DicomData, name: string): DicomFrame[] {
  const shared = data.item(TAG.sharedGroups);
  const own = data.items(TAG.perFrameGroups);
  const { stored, order, segmentation } = image;
  if (own.length > 0 && own.length !== stored.frames)
    throw new AnyMC3DError("FORMAT_INVALID", `${name}: ${stored.frames} frames, but functional groups of ${own.length}. Correct the header.`);
  const offsets = own.length ? [] : offsetsOf(data, image, name);
  const indexNames = dimensionNames(data, name);
  const spacing = pixelSpacingOf(data);
  const statedTimes = timesOf(data, image, name);
  return Array.from({ length: stored.frames }, (_, index) => {
    const group = (sequence: number) => own[index]?.item(sequence) ?? shared?.item(sequence);
    const from = (sequence: number, tag: number) => {
      const found = group(sequence)?.numbers(tag, name) ?? [];
      return found.length ? found : data.numbers(tag, name);
    };
    const placed = (sequence: number, tag: number) => {
      const found = from(sequence, tag);
      return found.length ? found : (data.item(TAG.detectorSequence)?.numbers(tag, name) ?? []);
    };
    const measures = TAG.pixelMeasuresSequence;
    const values = group(TAG.pixelValueSequence) ?? data;
    const orientation = vectors(placed(TAG.planeOrientationSequence, TAG.orientation), tagText(TAG.orientation), 2, name);
    const [position] = vectors(placed(TAG.planePositionSequence, TAG.position), tagText(TAG.position), 1, name);
    const thickness = from(measures, TAG.sliceThickness)[0];
    const between = from(measures, TAG.spacingBetweenSlices)[0];
    const content = group(TAG.frameContentSequence);
    const indices = indexed(content?.numbers(TAG.dimensionIndexValues, name) ?? [], indexNames);
    return {
      image,
      index,
      position: stored.frames > 1 && own.length === 0 ? gridPosition(position, orientation, offsets[index] ?? (index === 0 ? 0 : undefined)) : position,
      ...(orientation.length === 2 && skew(orientation[0], orientation[1]) >= NORMAL && { roundedOrientation: true }),
      orientation: orientation.length === 2 ? checkedOrientation(orientation as [Vector, Vector], name) : undefined,
      ...spacing(from(measures, TAG.pixelSpacing), name),
      thickness: thickness > 0 ? thickness : undefined,
      stated: Math.abs(between) || undefined,
      backward: between < 0,
      stackId: content?.text(TAG.stackId) || undefined,
      rescaled: statesRescale(values) || data.has(TAG.doseGridScaling),
      slope: segmentation?.largest ? 1 / segmentation.largest : slopeOf(values, data, name),
      intercept: values.number(TAG.rescaleIntercept, name) ?? 0,
      dimensions: {
        ...dimensionsOf(data, group, image, name),
        ...indices,
        ...(order.volumes && { [`index: ${order.volumes.by}`]: order.volumes.keys[index] }),
      },
      times: { ...statedTimes, ...present({ "frame time": content?.text(TAG.frameAcquisition) ?? soft(data, TAG.frameReferenceTime, name) }), ...indices },
    };
  });
}

const present = <T extends object>(all: T): Partial<T> => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Partial<T>;

/** Where a frame's own numbers are missing, those at the detector or of the film serve: not the patient's size, but nearest to it. */
function pixelSpacingOf(data: DicomData) {
  return (own: readonly number[], name: string): Pick<DicomFrame, "pixelSpacing" | "atDetector"> => {
    const pair = ([rows, columns = rows]: readonly number[]): readonly [number, number] | undefined => (rows > 0 && columns > 0 ? [rows, columns] : undefined);
    const pixelSpacing = pair(own);
    if (pixelSpacing) return { pixelSpacing };
    const other = [TAG.imagerPixelSpacing, TAG.nominalScannedPixelSpacing].map((tag) => pair(data.numbers(tag, name))).find(Boolean);
    return other ? { pixelSpacing: other, atDetector: true } : {};
  };
}

/** What the places in Dimension Index Values stand for (PS3.3 C.7.6.17). */
const dimensionNames = (data: DicomData, name: string): string[] =>
  data.items(TAG.dimensionIndexSequence).map((item) => item.text(TAG.dimensionLabel) || tagText(item.number(TAG.dimensionIndexPointer, name) ?? 0));

const indexed = (values: readonly number[], names: readonly string[]): Partial<Record<`index: ${string}`, number>> =>
  Object.fromEntries(values.map((value, i) => [`index: ${names[i] ?? `dimension index ${i + 1}`}`, value]));

/** Times of the image as a whole, as text that sorts by time, and its number. */
function timesOf(data: DicomData, { instanceNumber, stored }: DicomImage, name: string): DicomFrame["times"] {
  if (stored.frames > 1) return {};
  const dated = (time: string | undefined) => (time === undefined ? undefined : `${data.text(TAG.acquisitionDate) ?? ""} ${time}`);
  return present({
    "acquisition time": data.text(TAG.acquisitionDateTime) ?? dated(data.text(TAG.acquisitionTime)),
    "trigger time": soft(data, TAG.triggerTime, name),
    "content time": data.text(TAG.contentTime),
    "instance number": instanceNumber,
  });
}

/** @throws AnyMC3DError `FORMAT_INVALID` for 0, which would make all voxels equal */
function slopeOf(values: DicomData, data: DicomData, name: string): number {
  const slope = values.number(TAG.rescaleSlope, name) ?? data.number(TAG.doseGridScaling, name) ?? 1;
  if (!Number.isFinite(slope)) throw new AnyMC3DError("FORMAT_INVALID", `${name}: Rescale Slope ${tagText(TAG.rescaleSlope)} is ${slope}. Correct the header.`);
  if (slope !== 0) return slope;
  throw new AnyMC3DError("FORMAT_INVALID", `${name}: Rescale Slope ${tagText(TAG.rescaleSlope)} is 0: every voxel would be the same. Correct the header.`);
}

/** Frames without functional groups lie where Grid Frame Offset Vector says (RT Dose); otherwise their place is not known. */
function gridPosition(first: Vector | undefined, orientation: readonly Vector[], offset: number | undefined): Vector | undefined {
  if (!first || orientation.length !== 2 || offset === undefined) return undefined;
  const normal = cross(orientation[0], orientation[1]);
  return [0, 1, 2].map((axis) => first[axis] + offset * normal[axis]) as unknown as Vector;
}

/**
 * Of frames without functional groups, how far each lies from the first along the normal; none where that is not known. RT Dose: from the first frame, or
 * as positions along the patient's axis (PS3.3 C.8.8.3.2); made to begin with 0. Nuclear medicine: by the Slice Vector and Spacing Between Slices, whose
 * sign says where they follow to (PS3.3 C.8.4.15).
 */
function offsetsOf(data: DicomData, { stored: { frames }, order, series }: DicomImage, name: string): number[] {
  const offsets = data.numbers(TAG.gridFrameOffsets, name);
  if (frames === 1) return offsets;
  if (offsets.length === 0) {
    const spacing = data.number(TAG.spacingBetweenSlices, name);
    if (!spacing || order.notDepth || !(series.modality === "NM" || data.has(TAG.detectorSequence))) return [];
    return Array.from({ length: frames }, (_, i) => (order.slices?.[i] ?? i) * spacing);
  }
  const position = data.numbers(TAG.position, name);
  const first = offsets[0];
  if (offsets.length === frames && (first === 0 || Math.abs(first - position[2]) < 1e-3)) return offsets.map((offset) => offset - first);
  throw new AnyMC3DError(
    "GEOMETRY_INVALID",
    `${name}: Grid Frame Offset Vector ${tagText(TAG.gridFrameOffsets)} has ${offsets.length} numbers from ${first}, expected ${frames} from 0 or from the position's z (${position[2]}). Correct the header.`,
  );
}

function vectors(numbers: readonly number[], what: string, count: number, name: string): Vector[] {
  if (numbers.length === 0) return [];
  if (numbers.length !== 3 * count || !numbers.every(Number.isFinite))
    throw new AnyMC3DError("GEOMETRY_INVALID", `${name}: ${what} has ${numbers.length} numbers, expected ${3 * count}. Correct the header.`);
  return Array.from({ length: count }, (_, i) => numbers.slice(3 * i, 3 * i + 3) as unknown as Vector);
}

/** How far two directions are from unit vectors at right angles. */
const skew = (row: Vector, column: Vector): number => Math.max(Math.abs(dot(row, row) - 1), Math.abs(dot(column, column) - 1), Math.abs(dot(row, column)));
/** Below this they are taken as they are; what rounding to two digits makes: at most 2 × 0.005 × √3. */
const NORMAL = 0.01;
const ROUNDED = 0.02;

/** Directions must be unit vectors at right angles, as far as rounding goes; where it went far, they are made so. */
function checkedOrientation([row, column]: readonly [Vector, Vector], name: string): readonly [Vector, Vector] {
  const off = skew(row, column);
  if (off < NORMAL) return [row, column];
  if (off < ROUNDED) {
    const unit = (v: Vector) => v.map((value) => value / Math.hypot(...v)) as unknown as Vector;
    const along = unit(row);
    return [along, unit(column.map((value, axis) => value - dot(along, column) * along[axis]) as unknown as Vector)];
  }
  throw new AnyMC3DError(
    "GEOMETRY_INVALID",
    `${name}: Image Orientation ${tagText(TAG.orientation)} is ${[...row, ...column].join("\\")}: no two directions at right angles. Correct the header.`,
  );
}

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a: Vector, b: Vector): Vector => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

function dimensionsOf(data: DicomData, group: (sequence: number) => DicomData | undefined, image: DicomImage, name: string): DicomFrame["dimensions"] {
  const number = (sequence: number, tag: number) => group(sequence)?.number(tag, name) ?? data.number(tag, name);
  const frameType = [TAG.mrFrameTypeSequence, TAG.ctFrameTypeSequence].flatMap((sequence) => group(sequence)?.texts(TAG.frameType) ?? []);
  const found: Record<(typeof DIMENSIONS)[number], number | string | undefined> = {
    "temporal position": number(TAG.frameContentSequence, TAG.temporalPositionIndex) ?? soft(data, TAG.temporalPosition, name),
    echo: soft(data, TAG.echoNumber, name),
    "echo time": number(TAG.echoSequence, TAG.effectiveEchoTime) ?? data.number(TAG.echoTime, name),
    "b-value": number(TAG.diffusionSequence, TAG.diffusionBValue),
    "trigger time": soft(data, TAG.triggerTime, name),
    segment: number(TAG.segmentSequence, TAG.segmentNumber),
    acquisition: number(TAG.frameContentSequence, TAG.frameAcquisitionNumber) ?? soft(data, TAG.acquisitionNumber, name),
    "image type": (frameType.length ? frameType : image.imageType).join("\\") || undefined,
    "acquisition time": data.text(TAG.acquisitionTime),
    "cardiac phase": number(TAG.cardiacSequence, TAG.nominalCardiacPhase),
    "complex component": data.text(TAG.complexComponent),
    "flip angle": soft(data, TAG.flipAngle, name),
    "inversion time": soft(data, TAG.inversionTime, name),
    "repetition time": soft(data, TAG.repetitionTime, name),
    "tube voltage": soft(data, TAG.kvp, name),
    "contrast agent": data.text(TAG.contrastAgent),
    "sequence name": data.text(TAG.sequenceName),
    kernel: image.kernel,
    "acquisition date and time": data.text(TAG.acquisitionDateTime),
    "frame acquisition time": group(TAG.frameContentSequence)?.text(TAG.frameAcquisition),
    "acquisition UID": data.text(TAG.acquisitionUid),
    "slice thickness": group(TAG.pixelMeasuresSequence)?.number(TAG.sliceThickness, name) ?? soft(data, TAG.sliceThickness, name),
  };
  return present(found) as DicomFrame["dimensions"];
}
