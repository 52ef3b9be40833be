// One file, wherever it lies: its name, its size, and its bytes when they are asked for.

import { AnyMC3DError, isAnyMC3DError } from "@anymc3d/core";
import { tooLarge } from "../options/limits.js";

export interface FileEntry {
  /** What to call it in messages: a path, an address, a File's name. */
  readonly name: string;
  /** Its path within what was given, by which a header finds it: "scans/a/ct.raw". */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes from `start` to `end`, where the file has so many; by default all. */
  read(start?: number, end?: number): Promise<Uint8Array>;
  /** Its bytes are unpacked when they are read: they may be far more than lay somewhere. */
  readonly packed?: true;
  /** All its bytes, where they are in memory. */
  readonly bytes?: Uint8Array;
  /** The file of this path in its folder, where its place has folders; undefined where none is there. */
  readonly beside?: (file: string) => Promise<FileEntry | undefined>;
}

/** Bytes and what to call them. */
export interface Named {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** A file whose bytes are in memory. */
export function bytesEntry(bytes: Uint8Array, name: string, path = name): FileEntry {
  return { name, path, size: bytes.length, bytes, read: async (start = 0, end = bytes.length) => bytes.subarray(start, end) };
}

/**
 * All bytes of a file.
 * @param limit most bytes to read; what is in memory is given as it is
 * @throws AnyMC3DError `FILE_TOO_LARGE`, and what reading it throws
 */
export async function wholeFile(file: FileEntry, limit: number): Promise<Named> {
  if (file.bytes) return { bytes: file.bytes, name: file.name };
  if (file.size > limit) throw tooLarge(file.name, `it has ${file.size} bytes`, limit);
  return { bytes: await file.read(), name: file.name };
}

/** A file out of an archive is not unpacked where it is far longer than what a header asks for. @throws AnyMC3DError `FORMAT_INVALID` */
export function checkPacked({ packed, name, size }: FileEntry, most: number): void {
  if (!packed || size <= most) return;
  throw new AnyMC3DError(
    "FORMAT_INVALID",
    `${name}: it unpacks to ${size} bytes, more than the ${most} that its header can ask for. The header is wrong, or the file is not what it seems.`,
  );
}

/** A `File` or `Blob`, read when it is asked for. */
export function blobEntry(blob: Blob, name: string): FileEntry {
  const read = async (start = 0, end = blob.size) => {
    const part = start === 0 && end >= blob.size ? blob : blob.slice(start, Math.min(end, blob.size));
    try {
      return new Uint8Array(await part.arrayBuffer());
    } catch (cause) {
      throw new AnyMC3DError(
        "FILE_UNREADABLE",
        `${name}: the file could not be read (${String(cause)}). Was it moved or changed after it was chosen? Choose it again.`,
        { cause, details: { file: name } },
      );
    }
  };
  return { name, path: name, size: blob.size, read };
}

/** For `catch`: undefined where a file is not there; any other error goes on. */
export function absent(error: unknown): undefined {
  if (!isAnyMC3DError(error) || error.code !== "FILE_NOT_FOUND") throw error;
}
