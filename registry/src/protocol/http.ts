// Getting things from a registry: again where that may help, never for ever, never more than was agreed.

import { AnyMC3DError } from "@anymc3d/core";
import type { RequiredDetails } from "@anymc3d/core/errors";
import { shown, withoutSecrets } from "./address.js";
import { joined } from "./bytes.js";

export interface GetOptions {
  readonly accept: string;
  /** Most bytes. */
  readonly limit: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of the browser's own cache. */
  readonly cache?: RequestCache;
  readonly signal?: AbortSignal;
  /** Bytes received, and in all where the server says. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
}

/** How registries are asked: tries and patience. */
export interface HttpOptions {
  readonly fetch?: typeof fetch;
  /** Tries in all. Default 3; of one that stays silent 2. */
  readonly tries?: number;
  /** Milliseconds until an answer must begin; at a second try three times as many. Default 10,000. */
  readonly patience?: number;
  /**
   * Milliseconds in which something must come of an answer that began: at least 2 KiB a second, or it is given up, as one that drips for ever
   * would be waited for for ever. Default 30,000. What a registry says of a package must be whole after ten times as long.
   */
  readonly timeout?: number;
  /** Milliseconds before the second try; doubled for each further one. Default 500. */
  readonly pause?: number;
}

export interface Answer {
  readonly bytes: Uint8Array;
  readonly type: string;
}

/** What has come of a file. */
interface Received {
  readonly parts: Uint8Array[];
  length: number;
  /** Of the whole, where the server says. */
  readonly total: number | undefined;
  /** Tells whether it is still the same file. */
  readonly etag: string | null;
}

/** Over all tries: what the next one may go on from. */
interface Progress {
  received?: Received;
}

/** Network faults and answers that a second try may change. */
class Again extends Error {
  constructor(
    message: string,
    /** `after`: milliseconds to wait first; `most`: tries that are worth it. */
    readonly next: { readonly after?: number; readonly most?: number } & RequiredDetails["REGISTRY_UNREACHABLE"] = { reason: "network" },
  ) {
    super(message);
  }
}

export const JSON_TYPE = "application/json";
/** Bytes a second. */
const SLOWEST = 2048;

/** Tries of what takes long to fail. */
const SILENT = { most: 2, reason: "timeout" } as const;

/**
 * Gets an address. Network faults, 429 (after what Retry-After says, up to a minute) and 5xx are tried again. An answer that broke off goes on
 * where it broke off (HTTP Range, RFC 9110 section 14), if the server offers that and still has the same file (ETag, size); else it begins anew.
 * @throws AnyMC3DError `PACKAGE_NOT_FOUND` (404), `ACCESS_DENIED` (401, 403), `REGISTRY_UNREACHABLE` (all else), `ASSET_INVALID` (a web page); the signal's reason
 */
export async function get(url: string, options: GetOptions, http: HttpOptions = {}): Promise<Answer> {
  const { tries = 3, pause = 500 } = http;
  const progress: Progress = {};
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(url, options, { ...http, attempt }, progress);
    } catch (cause) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (!(cause instanceof Again)) throw cause;
      const { after, most = tries, ...why } = cause.next;
      if (attempt >= Math.min(most, tries))
        throw new AnyMC3DError(
          "REGISTRY_UNREACHABLE",
          `${shown(url)}: ${cause.message}; tried ${attempt} time(s). Is the registry running and the network there? What was loaded before works offline.`,
          { cause, details: { ...why, attempts: attempt } },
        );
      await wait(after ?? pause * 2 ** (attempt - 1), options.signal);
    }
  }
}

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
  { accept, limit, headers, cache, signal, onProgress }: GetOptions,
  { fetch: get = fetch, timeout = 30_000, patience: first = Math.min(10_000, timeout), attempt }: HttpOptions & { readonly attempt: number },
  progress: Progress,
): Promise<Answer> {
  const silence = new AbortController();
  // A registry or a machine that is merely busy answers later.
  const patience = attempt > 1 ? 3 * first : first;
  let timer = setTimeout(() => silence.abort(), patience);
  const whole = accept === JSON_TYPE ? setTimeout(() => silence.abort(), patience + 10 * timeout) : undefined;
  let since = 0;
  const alive = (bytes = Number.POSITIVE_INFINITY) => {
    since += bytes;
    if (since < (SLOWEST * timeout) / 1000) return;
    since = 0;
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), timeout);
  };
  try {
    const both = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
    const range: Record<string, string> = progress.received?.length ? { range: `bytes=${progress.received.length}-` } : {};
    const response = await get(url, { headers: { accept, ...headers, ...range }, signal: both, cache }).catch((cause) => {
      if (silence.signal.aborted) throw new Again(`no answer in ${patience / 1000} s`, SILENT);
      throw new Again(`no connection (${said((cause as { cause?: Error }).cause?.message ?? (cause as Error).message, headers)})`);
    });
    alive();
    if (response.status === 416) progress.received = undefined;
    refuse(response, url);
    const bytes = await body(response, receivedBy(response, progress), { url, limit, alive, onProgress }).catch((cause) => {
      throw silence.signal.aborted ? new Again(`the answer stopped: nothing came for ${timeout / 1000} s, or next to nothing`, SILENT) : cause;
    });
    const type = response.headers.get("content-type") ?? "none";
    if (/^\s*<(?:!doctype|html|head|body)\b/i.test(new TextDecoder().decode(bytes.subarray(0, 256))))
      throw new AnyMC3DError(
        "ASSET_INVALID",
        `${shown(url)}: a web page (content type ${type}) came instead of a package. Is the address right, or does a login page stand before it?`,
        { details: { file: shown(url), reason: "content", status: response.status } },
      );
    return { bytes, type };
  } finally {
    clearTimeout(timer);
    clearTimeout(whole);
  }
}

/** A fault's words: a runtime may quote the address and the headers that it does not like. */
function said(text: string, headers: Readonly<Record<string, string>> = {}): string {
  const secrets = Object.values(headers).flatMap((value) => [value, ...value.split(/\s+/)]);
  return withoutSecrets(secrets.filter((each) => each.length > 3).reduce((rest, secret) => rest.replaceAll(secret, "…"), text));
}

function refuse(response: Response, url: string): void {
  const { status, statusText } = response;
  if (response.ok) return;
  discard(response);
  if (status === 416) throw new Again("the registry has no such part of the file", { reason: "status", status });
  if (status === 404 || status === 410)
    throw new AnyMC3DError("PACKAGE_NOT_FOUND", `${shown(url)}: there is no such package (${status}). Check its name and the registry's address.`, {
      details: { status },
    });
  if (status === 401 || status === 403)
    throw new AnyMC3DError(
      "ACCESS_DENIED",
      `${shown(url)}: the registry refuses (${status} ${statusText}). Log in, or give a token (\`auth\`) that may read it.`,
      { details: { status } },
    );
  if (status === 429 || status >= 500) {
    const after = Number(response.headers.get("retry-after"));
    throw new Again(`the registry answered ${status}`, {
      reason: "status",
      status,
      after: after > 0 ? Math.min(60, after) * 1000 : undefined,
    });
  }
  throw new AnyMC3DError("REGISTRY_UNREACHABLE", `${shown(url)}: the registry answered ${status} ${statusText}.`, { details: { reason: "status", status } });
}

const discard = ({ body }: Response): void => void body?.cancel().catch(() => undefined);

/** What an answer goes on from: nothing, or what came before, if it is the rest of the same file. */
function receivedBy(response: Response, progress: Progress): Received {
  const { headers, status } = response;
  const etag = headers.get("etag");
  const before = progress.received;
  if (status === 206) {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get("content-range") ?? "") ?? [];
    if (before && etag === before.etag && Number(start) === before.length && Number(total) === before.total) return before;
    progress.received = undefined;
    discard(response);
    throw new Again("the registry sent a part that was not asked for, or of another file");
  }
  const declared = headers.get("content-length");
  const total = headers.get("content-encoding") || declared === null ? undefined : Number(declared);
  const received = { parts: [], length: 0, total, etag };
  progress.received = total !== undefined && isResumable(headers) ? received : undefined;
  return received;
}

/** A page sees these headers only where the server lets it (Access-Control-Expose-Headers). */
const isResumable = (headers: Headers): boolean => headers.get("accept-ranges") === "bytes" && /^"/.test(headers.get("etag") ?? "");

interface Reading extends Pick<GetOptions, "limit" | "onProgress"> {
  readonly url: string;
  readonly alive: (bytes?: number) => void;
}

async function body(response: Response, received: Received, { url, limit, alive, onProgress }: Reading): Promise<Uint8Array> {
  const { parts, total } = received;
  const brokenOff = (why: string) => new Again(`the answer broke off after ${received.length}${total === undefined ? "" : ` of ${total}`} bytes${why}`);
  const reader = response.body?.getReader();
  if (!reader) return new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read().catch((cause) => {
      throw brokenOff(` (${withoutSecrets((cause as Error).message)})`);
    });
    if (done) break;
    alive(value.length);
    parts.push(value);
    received.length += value.length;
    if (received.length > limit) {
      await reader.cancel().catch(() => undefined);
      throw new AnyMC3DError("FILE_TOO_LARGE", `${shown(url)}: over the limit of ${limit} bytes.`, { details: { file: shown(url), limit } });
    }
    onProgress?.(received.length, total);
  }
  if (total !== undefined && received.length < total) throw brokenOff("");
  return joined(parts, received.length);
}
