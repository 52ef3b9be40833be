// Getting things from a registry: again where that may help, never for ever, never more than was agreed.

import { AnyMC3DError } from "@anymc3d/core";

export interface GetOptions {
  readonly accept: string;
  /** Most bytes. */
  readonly limit: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Bytes received, and in all where the server says. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
}

export interface HttpOptions {
  readonly fetch?: typeof fetch;
  /** Tries in all. Default 3. */
  readonly tries?: number;
  /** Milliseconds without a byte until a try is given up. Default 30,000. */
  readonly timeout?: number;
  /** Milliseconds before the second try; doubled for each further one. Default 500. */
  readonly pause?: number;
}

export interface Answer {
  readonly bytes: Uint8Array;
  readonly type: string;
}

/** Network faults and answers that a second try may change. */
class Again extends Error {
  constructor(
    message: string,
    readonly after?: number,
  ) {
    super(message);
  }
}

/**
 * Gets an address. Network faults, 429 (after what Retry-After says, up to a minute) and 5xx are tried again.
 * @throws AnyMC3DError `PACKAGE_NOT_FOUND` (404), `ACCESS_DENIED` (401, 403), `REGISTRY_UNREACHABLE` (all else), `ASSET_INVALID` (a web page); the signal's reason
 */
export async function get(url: string, options: GetOptions, http: HttpOptions = {}): Promise<Answer> {
  const { tries = 3, pause = 500 } = http;
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(url, options, http);
    } catch (cause) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (!(cause instanceof Again)) throw cause;
      if (attempt >= tries)
        throw new AnyMC3DError(
          "REGISTRY_UNREACHABLE",
          `${shown(url)}: ${cause.message}, ${tries} time(s). Is the registry running and the network there? What was loaded before works offline.`,
          { cause },
        );
      await wait(cause.after ?? pause * 2 ** (attempt - 1), options.signal);
    }
  }
}

/** Without a query, which may hold a signature. */
export const shown = (url: string) => url.replace(/[?#].*$/, "");

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

async function once(
  url: string,
  { accept, limit, headers, signal, onProgress }: GetOptions,
  { fetch: get = fetch, timeout = 30_000 }: HttpOptions,
): Promise<Answer> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), timeout);
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), timeout);
  };
  try {
    const both = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
    const response = await get(url, { headers: { accept, ...headers }, signal: both }).catch((cause) => {
      throw new Again(
        silence.signal.aborted
          ? `no answer in ${timeout / 1000} s`
          : `no connection (${(cause as { cause?: Error }).cause?.message ?? (cause as Error).message})`,
      );
    });
    alive();
    refuse(response, url);
    const bytes = await body(response, url, limit, alive, onProgress);
    const type = response.headers.get("content-type") ?? "none";
    if (/^\s*<(?:!doctype|html|head|body)\b/i.test(new TextDecoder().decode(bytes.subarray(0, 256))))
      throw new AnyMC3DError(
        "ASSET_INVALID",
        `${shown(url)}: a web page (content type ${type}) came instead of a package. Is the address right, or does a login page stand before it?`,
      );
    return { bytes, type };
  } finally {
    clearTimeout(timer);
  }
}

function refuse(response: Response, url: string): void {
  const { status, statusText } = response;
  if (response.ok) return;
  void response.body?.cancel().catch(() => undefined);
  if (status === 404 || status === 410)
    throw new AnyMC3DError("PACKAGE_NOT_FOUND", `${shown(url)}: there is no such package (${status}). Check its name and the registry's address.`);
  if (status === 401 || status === 403)
    throw new AnyMC3DError(
      "ACCESS_DENIED",
      `${shown(url)}: the registry refuses (${status} ${statusText}). Log in, or give a token (\`auth\`) that may read it.`,
    );
  if (status === 429 || status >= 500) {
    const after = Number(response.headers.get("retry-after"));
    throw new Again(`the registry answered ${status}`, after > 0 ? Math.min(60, after) * 1000 : undefined);
  }
  throw new AnyMC3DError("REGISTRY_UNREACHABLE", `${shown(url)}: the registry answered ${status} ${statusText}.`);
}

async function body(response: Response, url: string, limit: number, alive: () => void, onProgress: GetOptions["onProgress"]): Promise<Uint8Array> {
  const declared = Number(response.headers.get("content-length") ?? Number.NaN);
  const total = response.headers.get("content-encoding") || Number.isNaN(declared) ? undefined : declared;
  const tooLarge = () => new AnyMC3DError("FILE_TOO_LARGE", `${shown(url)}: over the limit of ${limit} bytes.`);
  const reader = response.body?.getReader();
  if (!reader) return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause) => {
      throw new Again(`the answer broke off after ${length} bytes (${(cause as Error).message})`);
    });
    if (done) break;
    alive();
    parts.push(value);
    length += value.length;
    if (length > limit) {
      await reader.cancel().catch(() => undefined);
      throw tooLarge();
    }
    onProgress?.(length, total);
  }
  if (total !== undefined && length < total) throw new Again(`the answer broke off after ${length} of ${total} bytes`);
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
