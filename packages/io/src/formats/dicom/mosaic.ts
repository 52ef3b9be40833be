// Siemens mosaics: the slices of a volume laid out as tiles of one image. How many there are and how they follow stands in Siemens' private elements.

import { AnyMC3DError } from "@anymc3d/core";
import type { DicomData } from "./data.js";

/** How a mosaic is made up. */
export interface Mosaic {
  /** Tiles that hold a slice; the rest of the square is empty. */
  readonly count: number;
  /** Tiles in a row, and rows of tiles. */
  readonly across: number;
  /** Direction in which the slices follow, LPS, of length 1. */
  readonly normal: readonly [number, number, number];
}

/** What a Siemens private block says of a mosaic. */
interface Stated {
  readonly count?: number;
  readonly normal?: readonly number[];
  readonly first?: number;
  readonly planar?: boolean;
}

const MOST_TAGS = 1000;

/**
 * The mosaic that an image is; undefined for one that is a plain slice.
 * @throws AnyMC3DError `GEOMETRY_INVALID` for a mosaic that does not say how its slices lie: as one slice it would be a picture of many
 */
export function mosaicOf(
  data: DicomData,
  { imageType, rows, columns, frames }: { imageType: readonly string[]; rows: number; columns: number; frames: number },
  name: string,
): Mosaic | undefined {
  const stated = csaOf(data);
  const element = wholeNumber(data, privateTag(data, 0x0019, "SIEMENS MR HEADER", 0x0a));
  const text = data.texts(privateTag(data, 0x0051, "SIEMENS MR HEADER", 0x16));
  const called = [...imageType, ...text].some((each) => each.toUpperCase().split("/").includes("MOSAIC"));
  const count = stated.count || element;
  if (!called && !(count !== undefined && count > 1)) return undefined;
  const refused = (why: string) =>
    new AnyMC3DError(
      "GEOMETRY_INVALID",
      `${name}: a Siemens mosaic, many slices as tiles of one image: ${why}. Export the series without mosaic, or convert it with dcm2niix and give the NIfTI file.`,
    );
  if (frames > 1) throw refused(`it has ${frames} frames, which are not taken apart here`);
  if (!count) throw refused("how many they are is not stated (NumberOfImagesInMosaic)");
  if (stated.count && element && stated.count !== element) throw refused(`two elements say how many: ${stated.count} and ${element}`);
  if (count === 1) return undefined;
  const across = Math.ceil(Math.sqrt(count));
  if (rows % across || columns % across) throw refused(`${columns}×${rows} pixels are no ${across}×${across} tiles for ${count} slices`);
  const { normal = [], first = 0, planar = true } = stated;
  const length = Math.hypot(...normal);
  if (normal.length !== 3 || Math.abs(length - 1) > 0.01) throw refused("the direction in which they follow is not stated (SliceNormalVector)");
  if (!planar) throw refused("its slices are not parallel (NonPlanarImage)");
  if (first !== 0) throw refused(`its slices are numbered from ${first} (ProtocolSliceNumber), which turns their order round`);
  return { count, across, normal: normal.map((value) => value / length) as unknown as Mosaic["normal"] };
}

/** The tag of a private element, in whatever block its creator took; the first block where none names it. */
function privateTag(data: DicomData, group: number, creator: string, element: number): number {
  for (let block = 0x10; block <= 0xff; block++) {
    if (data.text(((group << 16) | block) >>> 0)?.startsWith(creator)) return ((group << 16) | (block << 8) | element) >>> 0;
  }
  return ((group << 16) | 0x1000 | element) >>> 0;
}

/** A number of a private element, whatever value representation it was left with: two bytes, four bytes, or digits. */
function wholeNumber(data: DicomData, tag: number): number | undefined {
  const bytes = data.bytes(tag);
  if (!bytes) return undefined;
  if (bytes.every((byte) => byte === 32 || (byte >= 48 && byte < 58))) return Number(data.text(tag));
  if (bytes.length !== 2 && bytes.length !== 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return bytes.length === 2 ? view.getUint16(0, data.littleEndian) : view.getUint32(0, data.littleEndian);
}

/** The fields of the CSA image header that place a mosaic's slices; none where it is absent or damaged. */
function csaOf(data: DicomData): Stated {
  const bytes = data.bytes(privateTag(data, 0x0029, "SIEMENS CSA HEADER", 0x10));
  if (!bytes || bytes.length < 16) return {};
  const fields = csaFields(bytes);
  const numbers = (field: string) => fields.get(field)?.map(Number);
  const [count, first, planar] = ["NumberOfImagesInMosaic", "ProtocolSliceNumber", "NonPlanarImage"].map((field) => numbers(field)?.[0]);
  return { count, normal: numbers("SliceNormalVector"), first, planar: planar === undefined ? undefined : planar === 0 };
}

/**
 * A CSA header's fields by name: its tags with their items as text. Two layouts: with "SV10" in front, and an item's length in the second of four words;
 * without it, and the length in the first, to which the second tag's number of items is added.
 */
function csaFields(bytes: Uint8Array): ReadonlyMap<string, readonly string[]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = (at: number, most: number) => {
    const raw = bytes.subarray(at, at + most);
    const end = raw.indexOf(0);
    return String.fromCharCode(...raw.subarray(0, end < 0 ? raw.length : end)).trim();
  };
  const second = text(0, 4) === "SV10";
  const fields = new Map<string, readonly string[]>();
  let at = second ? 8 : 0;
  const count = view.getUint32(at, true);
  at += 8;
  if (count > MOST_TAGS) return fields;
  let added = 0;
  for (let tag = 0; tag < count && at + 84 <= bytes.length; tag++) {
    const name = text(at, 64);
    const items = view.getUint32(at + 76, true);
    if (tag < 2) added = items;
    at += 84;
    const values: string[] = [];
    for (let item = 0; item < items; item++) {
      if (at + 16 > bytes.length) return fields;
      const length = second ? view.getUint32(at + 4, true) : view.getInt32(at, true) - added;
      at += 16;
      if (length < 0 || at + length > bytes.length) return fields;
      const value = length <= 64 ? text(at, length) : "";
      if (value) values.push(value);
      at += (length + 3) & ~3;
    }
    fields.set(name, values);
  }
  return fields;
}
