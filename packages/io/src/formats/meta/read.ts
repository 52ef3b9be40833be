// Reads a MetaImage file, .mha or .mhd with its data files, into a Volume.

import { type Affine, AnyMC3DError, axisCodes, type Volume, type VoxelArray, type Warning } from "@anymc3d/core";
import { chosen, mustChoose } from "../../options/choose.js";
import { byteLimit, tooLarge } from "../../options/limits.js";
import type { ReadOptions } from "../../options/read-options.js";
import type { Companions } from "../../sources/companions.js";
import type { Named } from "../../sources/file-entry.js";
import { isInvertible, millimetres, parseOrientation } from "../../volume/geometry.js";
import { checkTold, openAffine, toldSizes } from "../../volume/told.js";
import { extraBytes, joinedParts, mostOf, parseNumbers, tooShort, unpackExactly } from "../../voxels/parts.js";
import { bytesOfType, decodeValues, type FileAxis, LITTLE_HERE, pickVoxels, scaleValues } from "../../voxels/values.js";
import { type MhaHeader, parseMhaHeader } from "./header.js";

/** As `readMha()`, with a way to the data files. */
export async function decodeMha(file: Named, options: ReadOptions, companions: Companions): Promise<Volume> {
  options.signal?.throwIfAborted();
  const { name } = file;
  const header = parseMhaHeader(file.bytes, name);
  const { sizes, type, slope, intercept } = header;
  const axes = fileAxes(header, options, name);
  const { affine, notes } = mhaAffine(header, options, name);
  const scaled = slope !== 1 || intercept !== 0;
  const size = [header.channels, ...sizes].reduce((product, each) => product * each, Math.max(bytesOfType(type), scaled ? 4 : 0));
  if (!(size <= byteLimit(options))) throw tooLarge(name, `${sizes.join(" × ")} ${type} voxels need ${size} bytes`, byteLimit(options));
  const stored = pickVoxels(await readValues(file, header, options, companions, notes), axes, name);
  if (scaled) notes.push({ code: "META_SCALED", message: `${name}: ElementToIntensityFunction was applied: ${slope} · value + ${intercept}.` });
  const data = scaled ? scaleValues(stored, slope, intercept, name) : stored;
  const shape = [...sizes, 1].slice(0, 3) as [number, number, number];
  const modality = options.modality ?? header.modality;
  return { data, shape, ...(affine && { affine }), ...(modality && { modality }), ...(notes.length > 0 && { notes }) };
}

/** Channels lie fastest, a fourth axis is frames. */
function fileAxes({ sizes, channels }: MhaHeader, options: ReadOptions, name: string): FileAxis[] {
  const frames = sizes[3] ?? 1;
  const shape = sizes.join(" × ");
  if (channels > 1 && options.channel === undefined) throw mustChoose("channel", channels, `${shape}, ElementNumberOfChannels ${channels}`, name);
  if (frames > 1 && options.frame === undefined) throw mustChoose("frame", frames, shape, name);
  return [
    { size: channels, taken: chosen("channel", options.channel, channels, name) },
    ...sizes.slice(0, 3).map((size) => ({ size })),
    { size: frames, taken: chosen("frame", options.frame, frames, name) },
  ];
}

const invalid = (name: string, what: string): AnyMC3DError =>
  new AnyMC3DError("GEOMETRY_INVALID", `${name}: ${what}. Without it, sizes and directions are unknown; correct the header, or write the file again.`);

/** The affine in mm, RAS+; none for an image of two axes without spacing, which says nothing of the third. */
function mhaAffine(header: MhaHeader, options: ReadOptions, name: string): { affine?: Affine; notes: Warning[] } {
  const notes: Warning[] = [];
  const axes = header.sizes.length;
  if (header.spacing?.some((size) => size === 0)) throw invalid(name, `ElementSpacing ${header.spacing.join(" ")}; expected lengths other than 0`);
  const scale = unitScale(header, notes, name);
  const stated = [0, 1, 2].map((axis) => Math.abs(scale * (header.spacing?.[axis] ?? Number.NaN)));
  if (axes === 2) {
    const grid = { name, shape: [...header.sizes, 1], stated, why: "an image of two axes does not say how it lies in the patient" };
    const { affine, note } = openAffine(grid, options);
    return { affine, notes: note === undefined ? notes : [...notes, { code: "META_NO_ORIENTATION", message: note }] };
  }
  if (header.spacing?.some((size) => size < 0))
    notes.push({ code: "META_MENDED", message: `${name}: ElementSpacing ${header.spacing.join(" ")}: an axis below 0 was turned around, as ITK does.` });
  const told = header.matrix === undefined && options.orientation !== undefined ? parseOrientation(options.orientation) : undefined;
  const missing = [
    [header.spacing ?? options.spacing, "ElementSpacing (1 mm assumed)"],
    [header.matrix ?? told, "TransformMatrix (axes along left, posterior, superior assumed)"],
    [header.offset, "Offset (0 assumed)"],
  ].flatMap(([found, what]) => (found === undefined ? [what as string] : []));
  if (missing.length > 0) notes.push({ code: "META_DEFAULTS", message: `${name}: the header has no ${missing.join(", no ")}, as ITK does.` });
  const steps = toldSizes(stated, options.spacing, name).map((size, axis) => (Number.isNaN(size) ? 1 : size * Math.sign(header.spacing?.[axis] ?? 1)));
  // In LPS.
  const direction = (axis: number, row: number) => {
    if (told) return told[axis].axis === row ? told[axis].sign * (row < 2 ? -1 : 1) : 0;
    return header.matrix?.[axis * axes + row] ?? (axis === row ? 1 : 0);
  };
  const row = (r: number) => [0, 1, 2].map((axis) => direction(axis, r) * steps[axis]).concat(scale * (header.offset?.[r] ?? 0));
  const affine = [0, 1, 2].flatMap((r) => row(r).map((value) => 0 + (r < 2 ? -value : value))).concat(0, 0, 0, 1);
  if (!isInvertible(affine)) throw invalid(name, `TransformMatrix ${header.matrix?.join(" ")}; expected finite vectors that span three directions`);
  const mixed = axes === 4 && [0, 1, 2].some((axis) => direction(axis, 3) !== 0 || direction(3, axis) !== 0);
  if (mixed) throw invalid(name, "TransformMatrix turns the fourth axis into space");
  const other = differingOrientation(header, affine);
  if (other) notes.push({ code: "META_ORIENTATION_DIFFERS", message: `${name}: ${other}; the TransformMatrix was used, as ITK does.` });
  if (header.matrix) checkTold(affine, { orientation: options.orientation }, name);
  return { affine, notes };
}

function unitScale({ units }: MhaHeader, notes: Warning[], name: string): number {
  if (units === undefined || units === "?" || units === "") return 1;
  const scale = millimetres(units);
  if (scale === undefined) throw invalid(name, `DistanceUnits ${units}; expected a unit of length, mm for example`);
  if (scale !== 1) notes.push({ code: "META_UNITS", message: `${name}: positions are stored in ${units} and were converted to mm.` });
  return scale;
}

/** AnatomicalOrientation names where each axis comes from, the affine where it points to. */
function differingOrientation({ orientation }: MhaHeader, affine: Affine): string | undefined {
  if (!/^[RLAPSI]{3}$/.test(orientation ?? "")) return undefined;
  const opposite: Readonly<Record<string, string>> = { R: "L", L: "R", A: "P", P: "A", S: "I", I: "S" };
  const from = [...axisCodes(affine)].map((letter) => opposite[letter]).join("");
  return from === orientation ? undefined : `AnatomicalOrientation is ${orientation}, TransformMatrix says ${from}`;
}

/** Bytes of all voxels of the file. */
export const voxelBytes = ({ channels, sizes, type }: MhaHeader): number => [channels, ...sizes].reduce((product, size) => product * size, bytesOfType(type));

/** Bytes that a data file with `need` bytes of voxels may have. */
export const mostOfPart = (need: number, { type, binary, compressed, headerSize }: MhaHeader): number =>
  mostOf(need, type, binary ? (compressed ? "packed" : "raw") : "text", headerSize);

async function readValues(file: Named, header: MhaHeader, options: ReadOptions, companions: Companions, notes: Warning[]): Promise<VoxelArray> {
  const { type, binary, littleEndian, files } = header;
  const own: Companions = async () => ({ name: file.name, bytes: file.bytes.subarray(header.end) });
  const part = (each: Named, need: number) => partBytes(each, need, header, options, notes);
  const most = (need: number) => mostOfPart(need, header);
  const raw = await joinedParts(files ?? [file.name], voxelBytes(header), files ? companions : own, part, file.name, most);
  const view = 2 * raw.length > raw.buffer.byteLength;
  // What was text is numbers of this machine by now; 64-bit integers are doubles.
  if (!binary) return decodeValues(raw, { type: type.endsWith("int64") ? "float64" : type, littleEndian: LITTLE_HERE, view }, file.name);
  return decodeValues(raw, { type, littleEndian, view }, file.name);
}

/** `need` bytes of voxels out of one data file. */
async function partBytes(file: Named, need: number, header: MhaHeader, { signal }: ReadOptions, notes: Warning[]): Promise<Uint8Array> {
  const { name } = file;
  const what = `${header.sizes.join(" × ")} ${header.type} voxels${header.files && header.files.length > 1 ? " in equal parts" : ""}`;
  const bytes = afterHeader(file, need, header);
  if (!header.binary) {
    const values = parseNumbers(bytes, header.type, need / bytesOfType(header.type), name);
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  if (header.compressed) {
    const { compressedSize } = header;
    // All bytes are given to the decompressor, whose checksum says more than a length in the header.
    const differs = compressedSize && compressedSize !== bytes.length && (header.files?.length ?? 1) === 1;
    if (differs) notes.push({ code: "META_COMPRESSED_SIZE", message: `${name}: CompressedDataSize is ${compressedSize}, ${bytes.length} bytes are there.` });
    return unpackExactly(bytes, "zlib", { name, skip: 0, need, what, notes: differs ? undefined : notes, signal });
  }
  if (bytes.length < need) throw tooShort(name, need, bytes.length, what);
  if (bytes.length > need) notes.push(extraBytes(name, bytes.length - need, what));
  return bytes.subarray(0, need);
}

/** HeaderSize: bytes to skip in a data file; -1: the voxels are its last bytes. */
function afterHeader({ bytes, name }: Named, need: number, { headerSize, files, end, compressed, binary }: MhaHeader): Uint8Array {
  if (headerSize === 0 || (!files && headerSize === end)) return bytes;
  if (headerSize === -1 && binary && !compressed) return bytes.subarray(Math.max(0, bytes.length - need));
  if (headerSize > 0 && files) return bytes.subarray(headerSize);
  throw new AnyMC3DError(
    "FORMAT_INVALID",
    `${name}: HeaderSize ${headerSize} with voxels that are in the same file, compressed or text; expected 0. Correct the header.`,
  );
}
