// Writes a Volume as an NRRD file.

import { AnyMC3DError, assertVolume, type Volume } from "@anymc3d/core";
import { gzip } from "../../compression/gzip.js";
import { allocate } from "../../options/limits.js";
import { LITTLE_HERE } from "../../voxels/values.js";
import { LABEL_MAP } from "./header.js";

const TYPES: Readonly<Record<string, string>> = {
  Uint8Array: "uint8",
  Int8Array: "int8",
  Int16Array: "int16",
  Uint16Array: "uint16",
  Int32Array: "int32",
  Uint32Array: "uint32",
  Float32Array: "float",
  Float64Array: "double",
};

/** Options of `writeNrrd()`. */
export interface NrrdOptions {
  /** Default gzip. */
  readonly encoding?: "gzip" | "raw";
}

/**
 * A volume as the bytes of an NRRD file: voxels in their own type, space left-posterior-superior in mm, shear kept, numbers to full precision; no
 * space for a volume without affine. A segmentation (`labels`) gets the segments by which 3D Slicer knows one, with their names; no other free text is
 * written.
 * @throws AnyMC3DError `VOLUME_INVALID`, `GEOMETRY_INVALID`, `OUT_OF_MEMORY`, `OUTPUT_NOT_WRITABLE` (no compressor in this runtime)
 */
export async function writeNrrd(volume: Volume, { encoding = "gzip" }: NrrdOptions = {}): Promise<Uint8Array> {
  assertVolume(volume, "The volume to write");
  const { data, affine, shape } = volume;
  const kind = Object.prototype.toString.call(data).slice(8, -1);
  if (!Object.hasOwn(TYPES, kind))
    throw new AnyMC3DError("VOLUME_INVALID", `The volume to write has voxels in ${kind}; expected one of ${Object.keys(TYPES).join(", ")}.`);
  const lines = [
    "NRRD0004",
    `type: ${TYPES[kind]}`,
    "dimension: 3",
    ...(affine ? ["space: left-posterior-superior"] : []),
    `sizes: ${shape.join(" ")}`,
    ...(affine ? [`space directions: ${[0, 1, 2].map((axis) => lps(affine, axis)).join(" ")}`] : []),
    "kinds: domain domain domain",
    `endian: ${LITTLE_HERE ? "little" : "big"}`,
    `encoding: ${encoding}`,
    ...(affine ? [`space origin: ${lps(affine, 3)}`, 'space units: "mm" "mm" "mm"'] : []),
    ...segmentLines(volume.labels),
  ];
  const header = new TextEncoder().encode(`${lines.join("\n")}\n\n`);
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const body = encoding === "gzip" ? await gzip(raw) : raw;
  const size = header.length + body.length;
  const bytes = allocate("NRRD", size, () => new Uint8Array(size));
  bytes.set(header);
  bytes.set(body, header.length);
  return bytes;
}

/** A column of the affine in LPS. */
const lps = (affine: readonly number[], column: number): string => `(${[0 - affine[column], 0 - affine[4 + column], affine[8 + column]].join(",")})`;

/** Of names: what would end the line, as NRRD escapes it. */
const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replace(/\r\n?|\n/g, "\\n");

/** What 3D Slicer writes of a segmentation: what kind it is, and a segment a number that has a name. */
function segmentLines(labels: Volume["labels"]): string[] {
  if (!labels) return [];
  const segments = Object.entries(labels).map(([label, name], i) => [
    `Segment${i}_ID:=Segment_${i + 1}`,
    `Segment${i}_Name:=${escaped(name)}`,
    `Segment${i}_LabelValue:=${escaped(label)}`,
    `Segment${i}_Layer:=0`,
  ]);
  return [LABEL_MAP.join(":="), ...segments.flat()];
}
