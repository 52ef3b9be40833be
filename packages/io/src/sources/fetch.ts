// The bytes of a URL: fetched with a bound, once more where the answer breaks off; of a data URL, decoded without a request.

import { AnyMC3DError } from "@anymc3d/core";
import { joined, tooLarge } from "../options/limits.js";
import { looksLikeHtml } from "./html.js";

/** What a data URL holds (RFC 2397), without a request, which a page's policy may forbid. */
export function dataUrlBytes(url: string, limit: number): Uint8Array {
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

/** A URL fit for messages: without the data of a data URL, and without a query, which may hold a signature. */
export function shortUrl(url: string): string {
  return /^data:/i.test(url) ? "data URL" : url.replace(/[?#].*$/, "");
}

/** @throws AnyMC3DError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `FILE_TOO_LARGE`, `ASSET_INVALID` (a web page), `OUT_OF_MEMORY`; the signal's reason */
export async function fetchBytes(url: string, limit: number, signal?: AbortSignal): Promise<Uint8Array> {
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
