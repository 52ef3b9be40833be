// The files of an npm tarball that are data: bounded in size and number, and nothing else of it is looked at or run.

import { AnyMC3DError } from "@anymc3d/core";

export interface TarLimits {
  /** Most bytes the tarball may unpack to. */
  readonly bytes: number;
  /** Most entries. */
  readonly entries: number;
}

const BLOCK = 512;
const ZERO = "\0";
/** DEFLATE cannot shrink data further than this. */
const MOST_SHRUNK = 1032;
const MEBI = 2 ** 20;
/** Most bytes of a text among the files that are taken, and of a pax header; most bytes behind the last file. */
const TEXT = 4 * MEBI;
/** Most bytes of all files that are passed over: samples, pictures. */
const PASSED = 64 * MEBI;
/** Weights larger than this are looked at as they come: their own header says how long they are. */
const LOOKED_AT = MEBI;

/**
 * Unpacks files by name from a gzipped tarball (POSIX ustar with pax headers, as npm writes it), without the leading folder. It is read as it is
 * unpacked: what is too much ends it there.
 * @param wanted names that are taken; others are passed over
 * @throws AnyMC3DError `PACKAGE_INVALID`: no tarball, damaged, too large, too many entries, a link or device, a path that leaves the package, a name twice
 */
export async function unpackTarball(bytes: Uint8Array, wanted: ReadonlySet<string>, limits: TarLimits, name: string): Promise<Map<string, Uint8Array>> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) throw invalid(name, "no gzipped tarball");
  const tar = new Tar(wanted, limits, name, bytes.length * MOST_SHRUNK);
  const reader = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw invalid(name, "its compressed data are damaged");
    });
    if (done) return tar.finish();
    try {
      tar.push(value);
    } catch (error) {
      await reader.cancel().catch(() => undefined);
      throw error;
    }
  }
}

/** An entry whose content is being read. */
interface Open {
  /** Undefined: passed over. */
  readonly take?: (content: Uint8Array) => void;
  readonly weights: boolean;
  readonly content: Uint8Array;
  readonly size: number;
  /** Bytes seen, of the content and of what fills its last block. */
  seen: number;
}

/** The files of a tar whose bytes come in pieces. */
class Tar {
  readonly #files = new Map<string, Uint8Array>();
  readonly #seen = new Set<string>();
  readonly #header = new Uint8Array(BLOCK);
  #filled = 0;
  #open: Open | undefined;
  #longName: string | undefined;
  #entries = 0;
  #passed = 0;
  #bytes = 0;
  /** Bytes behind the last file; undefined: it is not known to be the last. */
  #behind: number | undefined;

  /** @param most bytes that there can be */
  constructor(
    readonly wanted: ReadonlySet<string>,
    readonly limits: TarLimits,
    readonly name: string,
    readonly most: number,
  ) {}

  push(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.limits.bytes) throw invalid(this.name, `it unpacks to more than ${this.limits.bytes} bytes`);
    for (let at = 0; at < chunk.length; ) {
      const rest = chunk.subarray(at);
      if (this.#behind !== undefined) {
        this.#behind += rest.length;
        if (this.#behind > TEXT) throw invalid(this.name, `more than ${TEXT} bytes follow its last file`);
        return;
      }
      at += this.#open ? this.#body(this.#open, rest) : this.#head(rest);
    }
  }

  finish(): Map<string, Uint8Array> {
    if (this.#open) throw invalid(this.name, "it breaks off in the middle of a file");
    return this.#files;
  }

  #head(rest: Uint8Array): number {
    const part = rest.subarray(0, BLOCK - this.#filled);
    this.#header.set(part, this.#filled);
    this.#filled += part.length;
    if (this.#filled < BLOCK) return part.length;
    this.#filled = 0;
    if (this.#header.every((byte) => byte === 0)) this.#behind = 0;
    else this.#enter();
    return part.length;
  }

  /** An entry whose header is whole. */
  #enter(): void {
    const { name, limits } = this;
    if (++this.#entries > limits.entries) throw invalid(name, `more than ${limits.entries} entries`);
    const { path, size, type } = readHeader(this.#header, name);
    if (type === "x" || type === "g") {
      const take = (content: Uint8Array) => {
        if (type === "x") this.#longName = paxPath(content);
      };
      this.#start(size, "a pax header", take);
      return;
    }
    const file = insidePackage(this.#longName ?? path, name);
    this.#longName = undefined;
    if (type !== "5" && type !== "0" && type !== ZERO)
      throw invalid(name, `${file} is a link or device (type ${JSON.stringify(type)}); a package holds files only`);
    if (type === "5" || !this.wanted.has(file)) {
      if (type !== "5") this.#once(file);
      this.#passed += size;
      if (this.#passed > PASSED) throw invalid(name, `it holds more than ${PASSED} bytes that are no part of an adapter or backbone (${file})`);
      this.#start(size, file);
      return;
    }
    this.#once(file);
    this.#start(size, file, (content) => void this.#files.set(file, content));
  }

  #once(file: string): void {
    if (this.#seen.has(file)) throw invalid(this.name, `${file} is in it twice`);
    this.#seen.add(file);
  }

  #start(size: number, file: string, take?: Open["take"]): void {
    if (size > this.most) throw invalid(this.name, "it breaks off in the middle of a file");
    if (size > this.limits.bytes) throw invalid(this.name, `it unpacks to more than ${this.limits.bytes} bytes`);
    const weights = file.endsWith(".safetensors");
    if (take && !weights && size > TEXT) throw invalid(this.name, `${file} has ${size} bytes; expected at most ${TEXT}`);
    this.#open = { take, weights, size, content: new Uint8Array(take ? size : 0), seen: 0 };
    if (size === 0) this.#close(this.#open);
  }

  #body(open: Open, rest: Uint8Array): number {
    const part = rest.subarray(0, Math.ceil(open.size / BLOCK) * BLOCK - open.seen);
    if (open.take && open.seen < open.size) open.content.set(part.subarray(0, open.size - open.seen), open.seen);
    const before = open.seen;
    open.seen += part.length;
    if (open.take && open.weights && open.size > LOOKED_AT) checkWeights(open.content, before, Math.min(open.seen, open.size), this.name);
    if (open.seen >= Math.ceil(open.size / BLOCK) * BLOCK) this.#close(open);
    return part.length;
  }

  #close({ take, content }: Open): void {
    this.#open = undefined;
    take?.(content);
  }
}

/** Looks at a safetensors file of which `filled` bytes are there, as soon as the length of its header, and the header, are. */
function checkWeights(content: Uint8Array, before: number, filled: number, name: string): void {
  const refuse = (what: string) => invalid(name, `its weights have ${content.length} bytes, and ${what}`);
  if (filled < 9) return;
  const length = Number(new DataView(content.buffer, content.byteOffset, 8).getBigUint64(0, true));
  if (!(length >= 2 && length <= content.length - 8) || content[8] !== 0x7b) throw refuse("do not begin with a safetensors header");
  const end = 8 + length;
  if (filled < end || before >= end) return;
  let last: number;
  try {
    const header: Record<string, { data_offsets?: readonly number[] }> = JSON.parse(new TextDecoder().decode(content.subarray(8, end)));
    last = Math.max(0, ...Object.values(header).map(({ data_offsets }) => data_offsets?.[1] ?? 0));
  } catch {
    throw refuse("their header is no JSON");
  }
  if (end + last !== content.length) throw refuse(`their header asks for ${end + last}`);
}

export function invalid(name: string, what: string): AnyMC3DError {
  return new AnyMC3DError("PACKAGE_INVALID", `${name}: not a package that can be used: ${what}. Tell its author.`);
}

function readHeader(header: Uint8Array, name: string): { path: string; size: number; type: string } {
  const text = (from: number, length: number) => {
    const field = header.subarray(from, from + length);
    const end = field.indexOf(0);
    return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
  };
  const sum = Number.parseInt(text(148, 8).trim(), 8);
  const found = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (sum !== found) throw invalid(name, "a header whose checksum is wrong");
  const size = text(124, 12).trim();
  if (!/^[0-7]+$/.test(size)) throw invalid(name, `a file of the size ${JSON.stringify(size)}`);
  const prefix = text(257, 5) === "ustar" ? text(345, 155) : "";
  return { path: prefix ? `${prefix}/${text(0, 100)}` : text(0, 100), size: Number.parseInt(size, 8), type: String.fromCharCode(header[156]) };
}

/** The `path` record of a pax header: "LENGTH path=VALUE\n". */
function paxPath(content: Uint8Array): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(new TextDecoder().decode(content))?.[1];
}

/** The path without npm's leading folder. */
function insidePackage(path: string, name: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (path.startsWith("/") || path.includes("\\") || path.includes("\0") || parts.includes("..") || parts.length === 0)
    throw invalid(name, `an entry called ${JSON.stringify(path.slice(0, 200))}, which would leave the package's folder`);
  return parts.slice(1).join("/");
}
