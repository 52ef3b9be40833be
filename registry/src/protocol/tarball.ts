// The files of an npm tarball that are data: bounded in size and number, and nothing else of it is looked at or run.

import { AnyMC3DError } from "@anymc3d/core";
import { joined } from "./bytes.js";

export interface TarLimits {
  /** Most bytes the tarball may unpack to. */
  readonly bytes: number;
  /** Most entries. */
  readonly entries: number;
}

const BLOCK = 512;
const ZERO = "\0";

/**
 * Unpacks files by name from a gzipped tarball (POSIX ustar with pax headers, as npm writes it), without the leading folder.
 * @param wanted names that are taken; others are passed over
 * @throws AnyMC3DError `PACKAGE_INVALID`: no tarball, damaged, too large, too many entries, a link or device, a path that leaves the package, a name twice
 */
export async function unpackTarball(bytes: Uint8Array, wanted: ReadonlySet<string>, limits: TarLimits, name: string): Promise<Map<string, Uint8Array>> {
  const tar = await gunzip(bytes, limits.bytes, name);
  const files = new Map<string, Uint8Array>();
  const seen = new Set<string>();
  let entries = 0;
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    if (++entries > limits.entries) throw invalid(name, `more than ${limits.entries} entries`);
    const { path, size, type } = readHeader(header, name);
    const content = tar.subarray(at + BLOCK, at + BLOCK + size);
    if (content.length < size) throw invalid(name, "it breaks off in the middle of a file");
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (type === "x" || type === "g") {
      longName = type === "x" ? paxPath(content) : longName;
      continue;
    }
    const file = insidePackage(longName ?? path, name);
    longName = undefined;
    if (type === "5") continue;
    if (type !== "0" && type !== ZERO) throw invalid(name, `${file} is a link or device (type ${JSON.stringify(type)}); a package holds files only`);
    if (seen.has(file)) throw invalid(name, `${file} is in it twice`);
    seen.add(file);
    if (wanted.has(file)) files.set(file, content.slice());
  }
  return files;
}

export function invalid(name: string, what: string): AnyMC3DError {
  return new AnyMC3DError("PACKAGE_INVALID", `${name}: not a package that can be used: ${what}. Tell its author.`);
}

async function gunzip(bytes: Uint8Array, limit: number, name: string): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) throw invalid(name, "no gzipped tarball");
  const reader = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw invalid(name, "its compressed data are damaged");
    });
    if (done) break;
    parts.push(value);
    length += value.length;
    if (length > limit) {
      await reader.cancel().catch(() => undefined);
      throw invalid(name, `it unpacks to more than ${limit} bytes`);
    }
  }
  return joined(parts, length);
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
