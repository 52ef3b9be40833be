// Bytes of a path, URL, Blob or buffer, with their name and a way to the file beside them.

import { AnyMC3DError } from "@anymc3d/core";
import { looksLikeHtml } from "../formats/sniff.js";
import { allocate, tooLarge } from "../options/options.js";
import { fileExists, hasFiles, pathBeside, readFileBytes, toPath } from "./node-files.js";

/**
 * Where a volume comes from. A string is a path in Node and a URL (relative ones too) in a browser; http(s), blob and data URLs are
 * fetched in both; file URLs work in Node.
 */
export type Source = string | URL | Blob | Uint8Array | ArrayBuffer;

/** Bytes and what to call them. */
export interface Named {
  readonly bytes: Uint8Array;
  readonly name: string;
}

export interface FetchLimits {
  readonly name?: string;
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
 * Gets the bytes of a source.
 * @throws AnyMC3DError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `FILE_TOO_LARGE`, `ASSET_INVALID` (a server answered with a web page),
 * `OUT_OF_MEMORY`, `OPTION_INVALID` (not a source); the signal's reason
 */
export async function bytesOf(source: Source, { name, limit, signal }: FetchLimits): Promise<Named> {
  signal?.throwIfAborted();
  const place = placeOf(source);
  if (place?.kind === "path") return { bytes: await readFileBytes(place.path, limit, signal), name: name ?? place.path };
  if (place?.kind === "url" && /^data:/i.test(place.url)) return { bytes: dataUrlBytes(place.url, limit), name: name ?? "data URL" };
  if (place?.kind === "url") return { bytes: await fetchBytes(place.url, limit, signal), name: name ?? shortUrl(place.url) };
  // By tag and duck, not by instanceof: buffers and files of another realm (a frame, a test environment) count too.
  if (ArrayBuffer.isView(source)) return { bytes: new Uint8Array(source.buffer, source.byteOffset, source.byteLength), name: name ?? "volume" };
  if (Object.prototype.toString.call(source) === "[object ArrayBuffer]") return { bytes: new Uint8Array(source as ArrayBuffer), name: name ?? "volume" };
  if (typeof (source as Blob | undefined)?.arrayBuffer === "function")
    return blobBytes(source as Blob, name ?? ((source as { name?: string }).name || "volume"), limit);
  throw new AnyMC3DError("OPTION_INVALID", `The source is ${describe(source)}; give a path, a URL, a Blob or File, a Uint8Array or an ArrayBuffer.`);
}

/** What a data URL holds (RFC 2397), without a request, which a page's policy may forbid. */
function dataUrlBytes(url: string, limit: number): Uint8Array {
  const comma = url.indexOf(",");
  if (comma < 0) throw new AnyMC3DError("FILE_UNREADABLE", "data URL: it has no comma before its data.");
  if (url.length - comma > 3 * limit) throw tooLarge("data URL", `it has ${url.length - comma} characters`, limit);
  const text = url.slice(comma + 1);
  try {
    if (/;\s*base64$/i.test(url.slice(0, comma))) return Uint8Array.from(atob(decodeURIComponent(text)), (character) => character.charCodeAt(0));
    const bytes = new TextEncoder().encode(text);
    let length = 0;
    for (let i = 0; i < bytes.length; i++) {
      const hex = bytes[i] === 0x25 ? /^[0-9a-f]{2}$/i.exec(String.fromCharCode(...bytes.subarray(i + 1, i + 3))) : null;
      bytes[length++] = hex ? Number.parseInt(hex[0], 16) : bytes[i];
      if (hex) i += 2;
    }
    return bytes.slice(0, length);
  } catch (cause) {
    throw new AnyMC3DError("FILE_UNREADABLE", `data URL: it cannot be decoded (${(cause as Error).message}).`, { cause });
  }
}

const describe = (value: unknown): string => (value === null ? "null" : typeof value === "object" ? (value.constructor?.name ?? "an object") : typeof value);

/** A URL fit for messages: without the data of a data URL, and without a query, which may hold a signature. */
function shortUrl(url: string): string {
  return /^data:/i.test(url) ? "data URL" : url.replace(/[?#].*$/, "");
}

async function blobBytes(blob: Blob, name: string, limit: number): Promise<Named> {
  if (blob.size > limit) throw tooLarge(name, `it has ${blob.size} bytes`, limit);
  try {
    return { bytes: new Uint8Array(await blob.arrayBuffer()), name };
  } catch (cause) {
    throw new AnyMC3DError(
      "FILE_UNREADABLE",
      `${name}: the file could not be read (${String(cause)}). Was it moved or changed after it was chosen? Choose it again.`,
      { cause, details: { file: name } },
    );
  }
}

async function fetchBytes(url: string, limit: number, signal?: AbortSignal): Promise<Uint8Array> {
  const shown = shortUrl(url);
  try {
    const response = await answerOf(url, shown, { signal });
    const bytes = await bodyBytes(response, shown, limit, signal).catch(async (cause) => {
      if (cause instanceof AnyMC3DError || signal?.aborted) throw cause;
      // It broke off: the connection, or a private window's cache, which fails one of two who fetch what is too large for it. Once more, past it.
      return bodyBytes(await answerOf(url, shown, { signal, cache: "no-store" }), shown, limit, signal);
    });
    if (!looksLikeHtml(bytes)) return bytes;
    const type = response.headers.get("content-type") ?? "none";
    throw new AnyMC3DError(
      "ASSET_INVALID",
      `${shown}: the server answered with an HTML page (content type ${type}), not the file asked for. It is missing there, or a login page stands before it.`,
      { details: { file: shown, reason: "content" } },
    );
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    if (cause instanceof AnyMC3DError) throw cause;
    throw new AnyMC3DError(
      "FILE_UNREADABLE",
      `${shown}: could not be fetched (${reason(cause)}). Check the address, the network and, in a browser, that the server allows this origin (CORS).`,
      { cause, details: { file: shown, reason: "network" } },
    );
  }
}

/** @throws AnyMC3DError where the server refuses */
async function answerOf(url: string, shown: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, options);
  if (response.ok) return response;
  await response.body?.cancel().catch(() => undefined);
  const code = response.status === 404 || response.status === 410 ? "FILE_NOT_FOUND" : "FILE_UNREADABLE";
  throw new AnyMC3DError(
    code,
    `${shown}: the server answered ${response.status} ${response.statusText}. Check the address and your access to it.`.replace(" .", "."),
    { details: { file: shown, reason: "status", status: response.status } },
  );
}

function reason(cause: unknown): string {
  const inner = (cause as { cause?: { message?: string; code?: string } }).cause;
  return inner?.message || inner?.code || (cause as Error).message || String(cause);
}

async function bodyBytes(response: Response, shown: string, limit: number, signal?: AbortSignal): Promise<Uint8Array> {
  const declared = Number(response.headers.get("content-length") ?? 0);
  if (declared > limit) {
    await response.body?.cancel().catch(() => undefined);
    throw tooLarge(shown, `the server announces ${declared} bytes`, limit);
  }
  const reader = response.body?.getReader();
  if (!reader) return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    signal?.throwIfAborted();
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
    if (length > limit) {
      await reader.cancel().catch(() => undefined);
      throw tooLarge(shown, "the server sends more", limit);
    }
  }
  return joined(shown, parts, length);
}

function joined(name: string, parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0];
  const bytes = allocate(name, length, () => new Uint8Array(length));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const IMG = /\.img(\.gz)?$/i;
/** Another ending, in capitals where the old one was. */
export const otherEnding = (name: string, from: RegExp, to: string): string =>
  name.replace(from, (found) => (found[1] === found[1].toUpperCase() ? to.toUpperCase() : to));

/** The header that belongs to a path ending in .img, if it is there. */
export async function headerBeside(source: Source): Promise<string | undefined> {
  const place = placeOf(source);
  if (place?.kind !== "path" || !IMG.test(place.path)) return undefined;
  const plain = otherEnding(place.path, IMG, ".hdr");
  for (const path of [plain, `${plain}.gz`]) if (await fileExists(path)) return path;
  return undefined;
}

/** The path that a source is, in Node. */
export function folderPath(source: Source): string | undefined {
  const place = typeof source === "string" || source instanceof URL ? placeOf(source) : undefined;
  return place?.kind === "path" ? place.path : undefined;
}

/** Path or URL (with the same query) of the file of this name in the source's folder; undefined where the source has no folder. */
export function besideSource(source: Source, file: string): string | undefined {
  const place = placeOf(source);
  if (place?.kind === "path") return pathBeside(place.path, file);
  if (place?.kind !== "url" || /^(?:blob|data):/i.test(place.url)) return undefined;
  const [, folder, query] = /^([^?#]*\/|)[^?#/]*(.*)$/s.exec(place.url) ?? [];
  return `${folder}${file.split("/").map(encodeURIComponent).join("/")}${query}`;
}

/** A source's path within what was given: of a `File`, by its folder in a dropped or chosen folder where it has one. */
export function sourcePath(source: Source): string {
  if (typeof source === "string") return source;
  if (source instanceof URL) return source.pathname;
  const { webkitRelativePath, name } = source as { webkitRelativePath?: string; name?: string };
  return webkitRelativePath || name || "";
}
