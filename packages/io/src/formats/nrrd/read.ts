// Reads an NRRD file, or an NHDR header with its data files, into a Volume.

import { AnyMC3DError, type Volume, type VoxelArray, type Warning } from "@anymc3d/core";
import { byteLimit, tooLarge } from "../../options/limits.js";
import type { ReadOptions } from "../../options/read-options.js";
import type { Companions } from "../../sources/companions.js";
import type { Named } from "../../sources/file-entry.js";
import { extraBytes, joinedParts, mostOf, parseHex, parseNumbers, tooShort, unpackExactly } from "../../voxels/parts.js";
import { bytesOfType, decodeValues, type FileAxis, LITTLE_HERE, pickVoxels } from "../../voxels/values.js";
import { nrrdAffine, nrrdAxes } from "./geometry.js";
import { type NrrdHeader, parseNrrdHeader } from "./header.js";

/** As `readNrrd()`, with a way to the data files. */
export async function decodeNrrd(file: Named, options: ReadOptions, companions: Companions): Promise<Volume> {
  options.signal?.throwIfAborted();
  const { name } = file;
  const header = parseNrrdHeader(file.bytes, name);
  const axes = nrrdAxes(header, options, name);
  const { affine, notes } = nrrdAffine(header, axes, options, name);
  const size = voxelBytes(header);
  if (!(size <= byteLimit(options))) throw tooLarge(name, `${header.sizes.join(" × ")} ${header.type} voxels need ${size} bytes`, byteLimit(options));
  const values = await readValues(file, header, options, companions, notes);
  const data = pickVoxels(values, axes, name);
  if (header.oldRange) {
    const message = `${name}: old min and old max say that its values stand for ${header.oldRange.join(" to ")}; they are read as stored, as other programs do.`;
    notes.push({ code: "NRRD_OLD_RANGE", message });
  }
  const labels = labelsOf(header, axes);
  const shape = [...axes.flatMap((axis) => (axis.taken === undefined ? [axis.size] : [])), 1].slice(0, 3) as [number, number, number];
  const modality = options.modality ?? header.modality;
  return { data, shape, ...(affine && { affine }), ...(labels && { labels }), ...(modality && { modality }), ...(notes.length > 0 && { notes }) };
}

/** Of a segmentation, the names of the numbers in the layer that was taken. */
function labelsOf({ segments }: NrrdHeader, axes: readonly FileAxis[]): Record<string, string> | undefined {
  const layer = axes.find(({ taken }) => taken !== undefined)?.taken;
  // One array for all, or one layer of several.
  const own = segments?.filter((segment) => layer === undefined || segment.layer === layer);
  return own && Object.fromEntries(own.map(({ label, name }) => [String(label), name]));
}

/** Bytes of all voxels of the file. */
export const voxelBytes = ({ sizes, type }: NrrdHeader): number => sizes.reduce((product, size) => product * size, bytesOfType(type));

/** Bytes that a data file with `need` bytes of voxels may have. */
export const mostOfPart = (need: number, { type, encoding, byteSkip, lineSkip }: NrrdHeader): number =>
  mostOf(need, type, encoding === "gzip" ? "packed" : encoding, lineSkip > 0 ? -1 : encoding === "gzip" ? 0 : byteSkip);

async function readValues(file: Named, header: NrrdHeader, options: ReadOptions, companions: Companions, notes: Warning[]): Promise<VoxelArray> {
  const { type, encoding, littleEndian, files } = header;
  const own: Companions = async () => ({ name: file.name, bytes: file.bytes.subarray(header.end) });
  const part = (each: Named, need: number) => partBytes(each, need, header, options, notes);
  const most = (need: number) => mostOfPart(need, header);
  const raw = await joinedParts(files ?? [file.name], voxelBytes(header), files ? companions : own, part, file.name, most);
  const view = 2 * raw.length > raw.buffer.byteLength;
  // What was text is numbers of this machine by now; 64-bit integers are doubles.
  if (encoding === "text") return decodeValues(raw, { type: type.endsWith("int64") ? "float64" : type, littleEndian: LITTLE_HERE, view }, file.name);
  return decodeValues(raw, { type, littleEndian, view }, file.name);
}

/** The bytes of a data file after `lines` lines. */
function afterLines({ bytes, name }: Named, lines: number): Uint8Array {
  let at = 0;
  for (let line = 0; line < lines; line++) {
    const end = bytes.indexOf(10, at);
    if (end < 0) throw new AnyMC3DError("FILE_TRUNCATED", `${name}: expected ${lines} lines to skip before the voxels, found ${line}. Correct "line skip".`);
    at = end + 1;
  }
  return bytes.subarray(at);
}

/** `need` bytes of voxels out of one data file. Lines are skipped in the file, bytes in what it decodes to. */
async function partBytes(file: Named, need: number, header: NrrdHeader, options: ReadOptions, notes: Warning[]): Promise<Uint8Array> {
  const { encoding, type, byteSkip, lineSkip, sizes } = header;
  const { name } = file;
  const rest = afterLines(file, lineSkip);
  const what = `${sizes.join(" × ")} ${type} voxels${header.files && header.files.length > 1 ? " in equal parts" : ""}`;
  if (encoding === "gzip") return unpackExactly(rest, "gzip", { name, skip: byteSkip, need, what, notes, signal: options.signal });
  if (encoding === "text") return bytesOfValues(parseNumbers(rest.subarray(byteSkip), type, need / bytesOfType(type), name));
  if (encoding === "hex") return parseHex(rest, byteSkip + need, name).subarray(byteSkip);
  const raw = byteSkip < 0 ? rest.subarray(Math.max(0, rest.length - need)) : rest.subarray(byteSkip);
  if (raw.length < need) throw tooShort(name, need, raw.length, what);
  if (raw.length > need) notes.push(extraBytes(name, raw.length - need, what));
  return raw.subarray(0, need);
}

const bytesOfValues = ({ buffer, byteOffset, byteLength }: VoxelArray): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);
