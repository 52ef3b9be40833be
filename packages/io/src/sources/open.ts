// A source as a file: paths, URLs, Files and bytes become one kind of entry.

import { AnyMC3DError } from "@anymc3d/core";
import { dataUrlBytes, fetchBytes, shortUrl } from "./fetch.js";
import { absent, blobEntry, bytesEntry, type FileEntry, type Named, wholeFile } from "./file-entry.js";
import { hasFiles, isFolder, openPath, toPath } from "./node-files.js";

/**
 * Where a volume comes from. A string is a path in Node and a URL (relative ones too) in a browser; http(s), blob and data URLs are
 * fetched in both; file URLs work in Node.
 */
export type Source = string | URL | Blob | Uint8Array | ArrayBuffer;

export interface OpenOptions {
  /** Most bytes of a file that has to be read whole. */
  readonly limit: number;
  readonly signal?: AbortSignal;
}

/** What kind of place a source is. */
type Place = { readonly kind: "path"; readonly path: string } | { readonly kind: "url"; readonly url: string } | undefined;

function placeOf(source: Source): Place {
  if (typeof source !== "string" && !(source instanceof URL)) return undefined;
  const text = String(source);
  if (text === "") throw new AnyMC3DError("OPTION_INVALID", "The source is an empty string; give a path, a URL, a File or bytes.");
  if (/^(?:https?|blob|data):/i.test(text)) return { kind: "url", url: text };
  return hasFiles() ? { kind: "path", path: toPath(source) } : { kind: "url", url: text };
}

/**
 * Opens a source. Paths and Files are read when their bytes are asked for, URLs now.
 * @throws AnyMC3DError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `FILE_TOO_LARGE`, `ASSET_INVALID` (a server answered with a web page),
 * `OUT_OF_MEMORY`, `OPTION_INVALID` (not a source); the signal's reason
 */
export async function openSource(source: Source, { limit, signal }: OpenOptions): Promise<FileEntry> {
  signal?.throwIfAborted();
  const place = placeOf(source);
  if (place?.kind === "path") return openPath(place.path, signal);
  if (place?.kind === "url") return openUrl(place.url, { limit, signal });
  // By tag and duck, not by instanceof: buffers and files of another realm (a frame, a test environment) count too.
  if (ArrayBuffer.isView(source)) return bytesEntry(new Uint8Array(source.buffer, source.byteOffset, source.byteLength), "volume");
  if (Object.prototype.toString.call(source) === "[object ArrayBuffer]") return bytesEntry(new Uint8Array(source as ArrayBuffer), "volume");
  if (typeof (source as Blob | undefined)?.arrayBuffer === "function") return blobEntry(source as Blob, sourcePath(source) || "volume");
  throw new AnyMC3DError("OPTION_INVALID", `The source is ${describe(source)}; give a path, a URL, a Blob or File, a Uint8Array or an ArrayBuffer.`);
}

const describe = (value: unknown): string => (value === null ? "null" : typeof value === "object" ? (value.constructor?.name ?? "an object") : typeof value);

async function openUrl(url: string, options: OpenOptions): Promise<FileEntry> {
  if (/^data:/i.test(url)) return bytesEntry(dataUrlBytes(url, options.limit), "data URL");
  const entry = bytesEntry(await fetchBytes(url, options.limit, options.signal), shortUrl(url));
  if (/^blob:/i.test(url)) return entry;
  return { ...entry, beside: (file) => openUrl(urlBeside(url, file), options).catch(absent) };
}

/** The address, with the same query, of the file of this name in a URL's folder. */
function urlBeside(url: string, file: string): string {
  const [, folder, query] = /^([^?#]*\/|)[^?#/]*(.*)$/s.exec(url) ?? [];
  return `${folder}${file.split("/").map(encodeURIComponent).join("/")}${query}`;
}

/**
 * The bytes of a source.
 * @throws AnyMC3DError as {@link openSource}
 */
export async function bytesOf(source: Source, { name, ...options }: OpenOptions & { readonly name?: string }): Promise<Named> {
  const file = await openSource(source, options);
  const { bytes } = await wholeFile(file, options.limit);
  return { bytes, name: name ?? file.name };
}

/** The folder that a source names, if it does. */
export async function folderOf(source: Source): Promise<string | undefined> {
  const place = typeof source === "string" || source instanceof URL ? placeOf(source) : undefined;
  return place?.kind === "path" && (await isFolder(place.path)) ? place.path : undefined;
}

/** A source's path within what was given: of a `File`, by its folder in a dropped or chosen folder where it has one. */
export function sourcePath(source: Source): string {
  if (typeof source === "string") return source;
  if (source instanceof URL) return source.pathname;
  const { webkitRelativePath, name } = source as { webkitRelativePath?: string; name?: string };
  return webkitRelativePath || name || "";
}
