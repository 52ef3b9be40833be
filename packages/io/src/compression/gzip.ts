// Gzip, zlib and raw DEFLATE: bytes decompressed into an array of the size that their own beginning asks for, with a bound; and compressed.

import { AnyMC3DError } from "@anymc3d/core";
import { allocate, tooLarge } from "../options/limits.js";
import { nodeZlib } from "../sources/node-files.js";
import { InflateError, inflateGzip, inflateRaw, inflateZlib } from "./inflate.js";

/** DEFLATE cannot shrink data further than this. */
export const MOST_SHRUNK = 1032;
/** Bytes that may follow those that a header asks for: a writer's own words. */
export const SLACK = 2 ** 20;
/** Bytes that may lie between a header and the voxels in packed data, where the header says so: a file's extensions, another file's header. */
export const MOST_BEFORE = 2 ** 26;
/** Bytes that tell how large the whole must be: the longest header this package reads. */
const HEAD = 544;

/** Bytes that data may take packed: DEFLATE adds little to what it cannot shrink. */
export const packedAtMost = (bytes: number): number => Math.ceil(bytes * 1.01);

export interface GunzipPlan {
  readonly name: string;
  /** Most bytes that may come out. */
  readonly limit: number;
  /** What to throw where there is more; default: that the file is too large. */
  readonly over?: () => AnyMC3DError;
  /** How many bytes to keep, told from the first 544 (fewer if there are no more) and the most that there can be. May throw to refuse. */
  readonly size: (head: Uint8Array, most: number) => number;
  /** Told at the end: how many bytes came out, kept or not, and how many lie behind the packed data that are none, but for zeros. */
  readonly onEnd?: (unpacked: number, behind: number) => void;
  readonly signal?: AbortSignal;
}

export const isGzip = (bytes: Uint8Array): boolean => bytes.length > 1 && bytes[0] === 0x1f && bytes[1] === 0x8b;

/** Collects decompressed chunks; decides from the first ones how much to keep and allocates exactly that. */
class Sink {
  #head = new Uint8Array(HEAD);
  #out: Uint8Array | undefined;
  /** Bytes seen, kept or not. */
  seen = 0;
  /** Bytes at which to stop: the limit, or more than what is kept and may follow. */
  #bound: number;

  constructor(
    readonly plan: GunzipPlan,
    readonly most: number,
  ) {
    this.#bound = plan.limit;
  }

  push(chunk: Uint8Array): void {
    this.plan.signal?.throwIfAborted();
    const at = this.seen;
    this.seen += chunk.length;
    if (this.seen > this.#bound) throw this.#over();
    if (at < HEAD) this.#head.set(chunk.subarray(0, HEAD - at), at);
    if (this.seen < HEAD) return;
    this.#out ??= this.#start(this.#head, at);
    if (at < this.#out.length) this.#out.set(chunk.subarray(0, this.#out.length - at), at);
  }

  /** The array to keep, with the first `filled` bytes of the head in it. */
  #start(head: Uint8Array, filled: number): Uint8Array {
    const size = this.plan.size(head, this.most);
    const out = allocate(this.plan.name, size, () => new Uint8Array(size));
    out.set(head.subarray(0, Math.min(filled, size)));
    this.#bound = Math.min(this.plan.limit, size + SLACK);
    return out;
  }

  #over(): AnyMC3DError {
    const { name, limit, over } = this.plan;
    if (over) return over();
    if (this.#bound === limit) return tooLarge(name, "it unpacks to more", limit);
    const asked = this.#out?.length;
    return new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: it unpacks to more than the ${asked} bytes that its header asks for. The header is wrong, or the file is not what it seems.`,
    );
  }

  /** What was kept; shorter than planned where there was not enough. @param behind bytes after the packed data */
  finish(behind?: Uint8Array): Uint8Array {
    this.#out ??= this.#start(this.#head.subarray(0, this.seen), this.seen);
    this.plan.onEnd?.(this.seen, behind?.some((byte) => byte !== 0) ? behind.length : 0);
    return this.#out.subarray(0, this.seen);
  }
}

/** How DEFLATE data (RFC 1951) is wrapped: gzip (RFC 1952), zlib (RFC 1950), not at all. */
export type Wrapping = "gzip" | "zlib" | "raw";

/** What the wrappings are called: by DecompressionStream, by Node, here. */
const WRAPPINGS = {
  gzip: { stream: "gzip", node: "createGunzip", plain: inflateGzip },
  zlib: { stream: "deflate", node: "createInflate", plain: inflateZlib },
  raw: { stream: "deflate-raw", node: "createInflateRaw", plain: inflateRaw },
} as const;

/**
 * Decompresses gzip data of one or several members, joined. What follows the last member and begins no other is left out, as by the program gzip.
 * @throws AnyMC3DError `FILE_TRUNCATED`, `FORMAT_INVALID` (damaged), `FILE_TOO_LARGE` (over the limit), `OUT_OF_MEMORY`, what `plan.size` throws;
 * the signal's reason
 */
export const gunzip = (bytes: Uint8Array, plan: GunzipPlan): Promise<Uint8Array> => unpack(bytes, plan, "gzip");

/** As {@link gunzip}, for any wrapping. Bytes after the end of a zlib or raw stream are left out, too. */
export async function unpack(bytes: Uint8Array, plan: GunzipPlan, wrapping: Wrapping): Promise<Uint8Array> {
  return nodeZlib() ? unpackNode(bytes, plan, wrapping) : unpackWeb(bytes, plan, wrapping);
}

const newSink = (bytes: Uint8Array, plan: GunzipPlan): Sink => new Sink(plan, bytes.length * MOST_SHRUNK);

async function unpackNode(bytes: Uint8Array, plan: GunzipPlan, wrapping: Wrapping): Promise<Uint8Array> {
  const sink = newSink(bytes, plan);
  const stream = (nodeZlib() as NonNullable<ReturnType<typeof nodeZlib>>)[WRAPPINGS[wrapping].node]({ chunkSize: 2 ** 18 });
  stream.end(bytes);
  try {
    for await (const chunk of stream) sink.push(chunk);
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    if (typeof code !== "string" || !code.startsWith("Z_")) throw cause;
    // Bytes behind the last member are damage to Node, which does not say where they begin.
    if (wrapping === "gzip" && code === "Z_DATA_ERROR") return unpackPlain(bytes, plan, wrapping);
    throw failure(plan.name, wrapping, code === "Z_BUF_ERROR", (cause as Error).message, bytes.length, sink.seen, cause);
  }
  return sink.finish(bytes.subarray(stream.bytesWritten));
}

/** The browser's decompressor; where it fails, this package's own, which joins members and tells damaged from truncated. */
export async function unpackWeb(bytes: Uint8Array, plan: GunzipPlan, wrapping: Wrapping): Promise<Uint8Array> {
  if (typeof DecompressionStream !== "undefined") {
    const sink = newSink(bytes, plan);
    const blob = new Blob([bytes as Uint8Array<ArrayBuffer>]);
    const reader = blob.stream().pipeThrough(new DecompressionStream(WRAPPINGS[wrapping].stream)).getReader();
    for (;;) {
      const step = await reader.read().catch(() => undefined);
      if (!step) break;
      if (step.done) return sink.finish();
      try {
        sink.push(step.value);
      } catch (error) {
        await reader.cancel().catch(() => undefined);
        throw error;
      }
    }
  }
  return unpackPlain(bytes, plan, wrapping);
}

async function unpackPlain(bytes: Uint8Array, plan: GunzipPlan, wrapping: Wrapping): Promise<Uint8Array> {
  const sink = newSink(bytes, plan);
  let turn = 0;
  let end = bytes.length;
  try {
    const chunks = WRAPPINGS[wrapping].plain(bytes);
    for (let step = chunks.next(); ; step = chunks.next()) {
      if (step.done) {
        end = step.value;
        break;
      }
      sink.push(step.value);
      if (++turn % 16 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
  } catch (cause) {
    if (!(cause instanceof InflateError)) throw cause;
    throw failure(plan.name, wrapping, cause.truncated, cause.message, bytes.length, sink.seen, cause);
  }
  return sink.finish(bytes.subarray(end));
}

function failure(name: string, wrapping: Wrapping, truncated: boolean, why: string, given: number, got: number, cause: unknown): AnyMC3DError {
  const kind = wrapping === "raw" ? "DEFLATE" : wrapping;
  const found = `the ${kind} data of ${given} bytes breaks off or is damaged after ${got} unpacked bytes (${why})`;
  return new AnyMC3DError(truncated ? "FILE_TRUNCATED" : "FORMAT_INVALID", `${name}: ${found}; expected a whole ${kind} stream. Copy or download it again.`, {
    cause,
  });
}

/** Thrown to stop unpacking where no more is needed. */
class Enough {
  constructor(readonly head: Uint8Array) {}
}

/** The first bytes (544, or fewer if there are no more) of gzip data. @throws AnyMC3DError as {@link gunzip}, where it breaks off before them */
export async function gunzipHead(bytes: Uint8Array, plan: Omit<GunzipPlan, "size">): Promise<Uint8Array> {
  const size = (head: Uint8Array): number => {
    throw new Enough(head.slice());
  };
  try {
    return await gunzip(bytes, { ...plan, size });
  } catch (error) {
    if (error instanceof Enough) return error.head;
    throw error;
  }
}

/** Compresses. @throws AnyMC3DError `OUT_OF_MEMORY`, `OUTPUT_NOT_WRITABLE` (a runtime without a compressor) */
export async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const zlib = nodeZlib();
  const failed = (cause: Error) =>
    new AnyMC3DError("OUT_OF_MEMORY", `${bytes.length} bytes could not be compressed (${cause.message}). Write them uncompressed.`, { cause });
  if (zlib) return new Promise((resolve, reject) => zlib.gzip(bytes, (error, packed) => (error ? reject(failed(error)) : resolve(packed))));
  if (typeof CompressionStream === "undefined")
    throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", "This runtime has no compressor (CompressionStream). Write uncompressed.");
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
