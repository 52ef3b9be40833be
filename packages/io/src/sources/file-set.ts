// DICOM files wherever they lie: a folder with folders in it, a zip, a list of files, one file; read piecewise.

import { AnyMC3DError, isAnyMC3DError } from "@anymc3d/core";
import { type UnzipFileInfo, unzipSync } from "fflate";
import { MOST_SHRUNK } from "../compression/gzip.js";
import { tooLarge } from "../options/options.js";
import { bytesOf, type Source, sourcePath } from "./bytes.js";
import { listFolder, readFilePart } from "./node-files.js";
import { checksum, type ZipEntry, zipEntries } from "./zip-directory.js";

export interface DicomFile {
  readonly name: string;
  readonly size: number;
  /** Bytes from `start` to `end`, or to the end of the file. */
  read(start: number, end: number): Promise<Uint8Array>;
}

const MAX_ENTRIES = 200_000;

/** The files in a folder and the folders in it, by path. @throws AnyMC3DError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `FILE_TOO_LARGE` */
export async function folderFiles(folder: string, signal?: AbortSignal): Promise<DicomFile[]> {
  const found = await listFolder(folder, MAX_ENTRIES, signal);
  return found.map(({ path, size }) => ({ name: path, size, read: (start, end) => readFilePart(path, start, Math.min(end, size)) }));
}

/** Files of a list of sources, those in its zips too. Blobs and paths are read when they are asked for. */
export async function sourceFiles(sources: readonly Source[], limit: number, signal?: AbortSignal): Promise<DicomFile[]> {
  const files = await Promise.all(sources.map((source, i) => sourceFile(source, i, limit, signal)));
  const unpacked = files.map(async (file) =>
    /\.zip$/i.test(file.name) && isZip(await file.read(0, 4)) ? zipFiles(await file.read(0, file.size), file.name, limit) : [file],
  );
  return (await Promise.all(unpacked)).flat();
}

export const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

async function sourceFile(source: Source, i: number, limit: number, signal?: AbortSignal): Promise<DicomFile> {
  if (typeof (source as Blob).slice === "function" && typeof (source as Blob).arrayBuffer === "function" && "size" in (source as Blob)) {
    const blob = source as Blob;
    const name = sourcePath(source) || `file ${i + 1}`;
    const read = async (start: number, end: number) => {
      return new Uint8Array(
        await blob
          .slice(start, Math.min(end, blob.size))
          .arrayBuffer()
          .catch((cause) => {
            throw new AnyMC3DError("FILE_UNREADABLE", `${name}: could not be read (${String(cause)}). Was it moved or changed? Choose it again.`, {
              cause,
              details: { file: name },
            });
          }),
      );
    };
    return { name, size: blob.size, read };
  }
  const { bytes, name } = await bytesOf(source, { limit, signal });
  return bytesFile(bytes, name === "volume" ? `file ${i + 1}` : name);
}

export const bytesFile = (bytes: Uint8Array, name: string): DicomFile => ({ name, size: bytes.length, read: async (start, end) => bytes.subarray(start, end) });

/**
 * The files in a zip, unpacked together.
 * @param limit most bytes that they may take
 * @throws AnyMC3DError `FORMAT_INVALID`, `FILE_TRUNCATED`, `FILE_TOO_LARGE`
 */
export function zipFiles(bytes: Uint8Array, name: string, limit: number): DicomFile[] {
  const entries = new Map<string, ZipEntry>();
  for (const entry of zipEntries(bytes)) {
    const bad = (what: string) => new AnyMC3DError("FORMAT_INVALID", `${name}: ${entry.file} ${what}. Unpack the archive with the program that made it.`);
    if (entry.encrypted) throw bad("is encrypted");
    if (entry.method !== 0 && entry.method !== 8) throw bad(`is compressed by method ${entry.method}, which is not read`);
    if (entries.has(entry.file)) throw bad("is in the archive twice");
    entries.set(entry.file, entry);
  }
  let total = 0;
  let seen = 0;
  const filter = (entry: UnzipFileInfo): boolean => {
    if (++seen > MAX_ENTRIES) throw new AnyMC3DError("FORMAT_INVALID", `${name}: the zip claims more than ${MAX_ENTRIES} entries.`);
    if (entry.name.endsWith("/") || /(?:^|\/)(?:__MACOSX|\.)/.test(entry.name)) return false;
    if (entry.originalSize > entry.size * MOST_SHRUNK + 64)
      throw new AnyMC3DError("FORMAT_INVALID", `${name}: ${entry.name} claims to unpack from ${entry.size} to ${entry.originalSize} bytes, which cannot be.`);
    total += entry.originalSize;
    if (total > limit) throw tooLarge(name, `its files unpack to ${total} bytes or more`, limit);
    return true;
  };
  try {
    return Object.entries(unzipSync(bytes, { filter })).map(([path, content]) => {
      const crc = entries.get(path)?.crc;
      if (crc !== undefined && checksum(content) !== crc)
        throw new AnyMC3DError("FORMAT_INVALID", `${name}: ${path} is damaged: its checksum does not match. Copy or download the archive again.`);
      return bytesFile(content, `${name}: ${path}`);
    });
  } catch (cause) {
    if (isAnyMC3DError(cause)) throw cause;
    throw new AnyMC3DError("FORMAT_INVALID", `${name}: the zip archive is damaged (${(cause as Error).message}). Copy or download it again.`, { cause });
  }
}
