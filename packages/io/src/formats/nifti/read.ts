// Reads a NIfTI file (one file, gzip or not, or a .hdr/.img pair) into a Volume.

import { AnyMC3DError, isAnyMC3DError, type Volume, type Warning } from "@anymc3d/core";
import { type GunzipPlan, gunzip, isGzip, MOST_BEFORE, packedAtMost, SLACK } from "../../compression/gzip.js";
import { chosen, mustChoose } from "../../options/choose.js";
import { byteLimit, tooLarge } from "../../options/limits.js";
import type { ReadOptions } from "../../options/read-options.js";
import type { Companions } from "../../sources/companions.js";
import type { Named } from "../../sources/file-entry.js";
import { extraBytes, junkBehind } from "../../voxels/parts.js";
import { niftiAffine } from "./affine.js";
import { type NiftiHeader, parseNiftiHeader } from "./header.js";
import { bytesPerValue, readVoxels } from "./voxels.js";

/** Gets the .img of a pair; undefined where nobody knows it. */
export type PairImage = (most: number) => Promise<Named | undefined>;

const HDR = /\.hdr(\.gz)?$/i;

/** The .img of a .hdr by name, in capitals where the .hdr was. */
const imageName = (header: string): string => header.replace(HDR, (ending) => (ending.startsWith(".HDR") ? ".IMG" : ".img"));

/** The .img of a .hdr, packed or not. */
export async function pairImage(header: string, { companion }: ReadOptions, companions: Companions, most: number): Promise<Named | undefined> {
  const base = header.replace(/^.*[\\/]/s, "");
  if (!HDR.test(base) && companion === undefined) return undefined;
  const image = imageName(base);
  for (const file of [image, `${image}.gz`]) {
    try {
      return await companions(file, most);
    } catch (error) {
      if (!isAnyMC3DError(error) || error.code !== "FILE_NOT_FOUND") throw error;
    }
  }
  return undefined;
}

/** As `readNifti()`, with a way to the other file of a pair. */
export async function decodeNifti(file: Named, options: ReadOptions, image: PairImage): Promise<Volume> {
  const limit = byteLimit(options);
  options.signal?.throwIfAborted();
  const { header, ...first } = await unpackHeader(file, limit, options);
  const { affine, notes } = niftiAffine(header, file.name, options);
  const start = frameStart(header, options, file.name);
  const second = header.single ? first : await pairBytes(file.name, header, limit, options, image);
  const voxels = second.bytes;
  const shape = header.dims.slice(0, 3) as [number, number, number];
  const count = shape[0] * shape[1] * shape[2];
  const alone = voxels.length <= 2 * count * header.type.bytes + header.offset;
  const data = readVoxels(voxels, header.offset + start * header.type.bytes, count, header, file.name, alone);
  const need = neededBytes(header);
  const extra = second.total > need ? [extraBytes(file.name, second.total - need, "voxels")] : [];
  const junk = [...new Set([...first.junk, ...second.junk])];
  const all = [...header.notes, ...notes, ...extra, ...junk];
  return {
    data,
    shape,
    affine,
    ...(header.labels && { labels: {} }),
    ...(options.modality && { modality: options.modality }),
    ...(all.length > 0 && { notes: all }),
  };
}

/** A file's bytes, unpacked as far as they are needed. */
interface Unpacked {
  readonly bytes: Uint8Array;
  /** How many there are, needed or not. */
  readonly total: number;
  /** What is told of bytes behind packed data. */
  readonly junk: readonly Warning[];
}

const plain = ({ bytes }: Named): Unpacked => ({ bytes, total: bytes.length, junk: [] });

async function unpacked({ bytes: packed, name }: Named, plan: Omit<GunzipPlan, "name">): Promise<Unpacked> {
  let [total, behind] = [0, 0];
  const onEnd = (...end: [number, number]) => {
    [total, behind] = end;
  };
  const bytes = await gunzip(packed, { ...plan, name, onEnd });
  return { bytes, total, junk: behind ? [junkBehind(name, behind, "gzip")] : [] };
}

/** The header, and the file's bytes. */
async function unpackHeader(file: Named, limit: number, options: ReadOptions): Promise<Unpacked & { readonly header: NiftiHeader }> {
  const { name } = file;
  if (!isGzip(file.bytes)) {
    const header = parseNiftiHeader(file.bytes, name);
    if (header.single) checkSize(header, name, file.bytes.length, limit);
    return { ...plain(file), header };
  }
  let header: NiftiHeader | undefined;
  const size = (head: Uint8Array, most: number): number => {
    header = parseNiftiHeader(head, name, true);
    if (header.offset > MOST_BEFORE) {
      const found = `vox_offset is ${header.offset} in packed data, expected at most ${MOST_BEFORE}`;
      throw new AnyMC3DError("FORMAT_INVALID", `${name}: ${found}, after which the voxels begin. The header is damaged; export the file again.`);
    }
    const needed = header.single ? checkSize(header, name, most, limit, file.bytes.length) : head.length;
    // What needs no voxels is refused before they are unpacked.
    niftiAffine(header, name, options);
    frameStart(header, options, name);
    return needed;
  };
  const found = await unpacked(file, { limit, size, signal: options.signal });
  const known = header as unknown as NiftiHeader;
  if (known.single) checkSize(known, name, found.bytes.length, limit);
  return { ...found, header: known };
}

/** Bytes that the file of the voxels must have. */
export const neededBytes = ({ dims, offset, type }: NiftiHeader): number => offset + dims.reduce((product, dim) => product * dim, 1) * type.bytes;

/** Bytes that the file must have, checked against those that it has (or, packed, can have) and the limit. */
function checkSize(header: NiftiHeader, name: string, found: number, limit: number, packed?: number): number {
  const shape = header.dims.slice(0, header.axes).join(" × ");
  const need = neededBytes(header);
  if (need > found) {
    const have = packed === undefined ? `found ${found}` : `found ${packed} gzip bytes, which cannot unpack to so many`;
    throw new AnyMC3DError(
      "FILE_TRUNCATED",
      `${name}: expected ${need} bytes for ${shape} ${header.type.name} voxels from byte ${header.offset}, ${have}. The file is cut short or its header is wrong; copy or download it again.`,
    );
  }
  const [x, y, z] = header.dims;
  const most = Math.max(need, x * y * z * bytesPerValue(header));
  if (most > limit) throw tooLarge(name, `${shape} ${header.type.name} voxels need ${most} bytes`, limit);
  return need;
}

/** The voxels' file of a pair. */
async function pairBytes(name: string, header: NiftiHeader, limit: number, options: ReadOptions, image: PairImage): Promise<Unpacked> {
  const file = await image(packedAtMost(neededBytes(header)) + SLACK);
  if (!file) {
    const missing = /\.hdr(\.gz)?$/i.test(name) ? name.replace(/\.hdr(\.gz)?$/i, ".img") : "its .img file";
    throw new AnyMC3DError(
      "FILE_NOT_FOUND",
      `${name}: the header of a .hdr/.img pair; the voxels are in ${missing}, which was not found beside it. Put it there, or pass it as \`companion\`.`,
    );
  }
  if (file.bytes.length === 0) throw new AnyMC3DError("FILE_EMPTY", `${file.name}: the file is empty (0 bytes). Copy or export it again.`);
  if (!isGzip(file.bytes)) {
    checkSize(header, file.name, file.bytes.length, limit);
    return plain(file);
  }
  const size = (_: Uint8Array, most: number): number => checkSize(header, file.name, most, limit, file.bytes.length);
  const found = await unpacked(file, { limit, size, signal: options.signal });
  checkSize(header, file.name, found.bytes.length, limit);
  return found;
}

/** Index of the first voxel of the frame and channel asked for; refuses what would have to be guessed. */
function frameStart(header: NiftiHeader, options: ReadOptions, name: string): number {
  const [x, y, z, frames, channels, ...more] = header.dims;
  const shape = header.dims.slice(0, header.axes).join(" × ");
  if (more.some((dim) => dim > 1)) {
    throw new AnyMC3DError(
      "CHANNELS_UNSUPPORTED",
      `${name}: ${header.axes} axes (${shape}); expected at most x, y, z, time and channels. Extract one volume first.`,
    );
  }
  if (channels > 1 && options.channel === undefined) throw mustChoose("channel", channels, shape, name);
  if (frames > 1 && options.frame === undefined) throw mustChoose("frame", frames, shape, name);
  const frame = chosen("frame", options.frame, frames, name);
  const channel = chosen("channel", options.channel, channels, name);
  return (channel * frames + frame) * x * y * z;
}
