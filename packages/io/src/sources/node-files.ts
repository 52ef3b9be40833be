// Node's file system and zlib, got at run time: no import of a Node module for a browser bundler to trip over.

import { AnyMC3DError } from "@anymc3d/core";
import { allocate, MOST_FILES } from "../options/limits.js";
import { absent, type FileEntry } from "./file-entry.js";

const PIECE = 2 ** 28;

/** A Node built-in module; undefined in a browser. */
function builtin<ID extends "node:fs/promises" | "node:path" | "node:url" | "node:zlib">(id: ID) {
  const node = (globalThis as { process?: Partial<NodeJS.Process> }).process;
  return typeof node?.getBuiltinModule === "function" ? node.getBuiltinModule(id) : undefined;
}

/** True where files have paths. */
export const hasFiles = (): boolean => builtin("node:fs/promises") !== undefined;

/** Node's zlib; undefined in a browser. */
export const nodeZlib = () => builtin("node:zlib");

function files() {
  const fs = builtin("node:fs/promises");
  const path = builtin("node:path");
  const url = builtin("node:url");
  if (!fs || !path || !url) throw new AnyMC3DError("FILE_UNREADABLE", "There is no file system here. Pass a URL, a File or bytes instead of a path.");
  return { fs, path, url };
}

/** The path of a path or file: URL. */
export function toPath(source: string | URL): string {
  const text = String(source);
  if (!/^file:/i.test(text)) return text;
  try {
    return files().url.fileURLToPath(text);
  } catch (cause) {
    if (cause instanceof AnyMC3DError) throw cause;
    throw new AnyMC3DError("FILE_UNREADABLE", `${text}: not a file URL of this machine. Write it as file:///folder/name, or pass a path.`, { cause });
  }
}

function readFailure(path: string, cause: unknown): AnyMC3DError {
  if (cause instanceof AnyMC3DError) return cause;
  const { code, message } = cause as { code?: string; message?: string };
  if (code === "ENOENT" || code === "ENOTDIR") {
    const full = files().path.resolve(path);
    return new AnyMC3DError("FILE_NOT_FOUND", `${path}: no such file${full === path ? "" : ` (looked for ${full})`}. Check the name and the folder.`, {
      cause,
    });
  }
  const why = code === "EACCES" || code === "EPERM" ? "no permission to read it" : `it could not be read (${code ?? message ?? "unknown cause"})`;
  return new AnyMC3DError("FILE_UNREADABLE", `${path}: ${why}. Make it a readable file and try again.`, { cause, details: { file: path } });
}

/**
 * A file by its path, read when it is asked for.
 * @throws AnyMC3DError `FILE_NOT_FOUND`, `FILE_UNREADABLE`; reading it also `FILE_TRUNCATED` (it shrank meanwhile), `OUT_OF_MEMORY`
 */
export async function openPath(path: string, signal?: AbortSignal): Promise<FileEntry> {
  try {
    const stat = await files().fs.stat(path);
    if (stat.isDirectory()) throw new AnyMC3DError("FILE_UNREADABLE", `${path}: a folder, not a file. Give the path of one file in it.`);
    if (!stat.isFile()) throw new AnyMC3DError("FILE_UNREADABLE", `${path}: not a regular file (a pipe or device). Save it to a file first.`);
    return pathEntry(path, stat.size, signal);
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw readFailure(path, cause);
  }
}

function pathEntry(path: string, size: number, signal?: AbortSignal): FileEntry {
  const read = async (start = 0, end = size) => {
    try {
      return await readPart(path, start, Math.max(start, Math.min(end, size)), signal);
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw readFailure(path, cause);
    }
  };
  return { name: path, path, size, read, beside: (file) => openPath(pathBeside(path, file), signal).catch(absent) };
}

function pathBeside(of: string, file: string): string {
  const { path } = files();
  return path.join(path.dirname(of), file);
}

/** True for a folder that exists. */
export async function isFolder(path: string): Promise<boolean> {
  return files()
    .fs.stat(path)
    .then(
      (stat) => stat.isDirectory(),
      () => false,
    );
}

/** The regular files below a folder, sorted by path; hidden ones are left out, links to folders not followed. @throws AnyMC3DError as {@link openPath}; `FILE_TOO_LARGE` */
export async function listFolder(folder: string, signal?: AbortSignal): Promise<FileEntry[]> {
  const { fs, path } = files();
  const found: FileEntry[] = [];
  const visit = async (at: string): Promise<void> => {
    signal?.throwIfAborted();
    const entries = await fs.readdir(at, { withFileTypes: true }).catch((cause) => {
      throw readFailure(at, cause);
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith(".")) continue;
      const full = path.join(at, entry.name);
      if (entry.isDirectory()) await visit(full);
      else {
        const stat = await fs.stat(full).catch(() => undefined);
        if (stat?.isFile()) found.push(pathEntry(full, stat.size, signal));
      }
      if (found.length > MOST_FILES)
        throw new AnyMC3DError("FILE_TOO_LARGE", `${folder}: more than ${MOST_FILES} files. Give the folder of one study or series.`);
    }
  };
  await visit(folder);
  return found;
}

async function readPart(path: string, from: number, to: number, signal?: AbortSignal): Promise<Uint8Array> {
  signal?.throwIfAborted();
  const size = to - from;
  const handle = await files().fs.open(path, "r");
  try {
    const bytes = allocate(path, size, () => new Uint8Array(size));
    for (let at = 0; at < size; ) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(bytes, at, Math.min(PIECE, size - at), from + at);
      if (bytesRead === 0)
        throw new AnyMC3DError(
          "FILE_TRUNCATED",
          `${path}: expected ${size} bytes, the file ended after ${at}. Is it still being written? Try again when it is complete.`,
        );
      at += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}
