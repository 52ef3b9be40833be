// Unpacks a deflated data set (PS3.5 A.5), and no more of it than the image that its header describes can need.

import { AnyMC3DError } from "@anymc3d/core";
import { InflateError, inflateRaw } from "../../compression/inflate.js";
import { joined, tooLarge } from "../../options/limits.js";
import { bytesNeeded } from "./image.js";
import { type DicomHeader, type Inflate, NeedMore } from "./parse.js";

/** Bytes that everything before the pixel data may take, and everything behind them. */
const MOST_HEADER = 2 ** 25;
const MOST_BEHIND = 2 ** 22;

/**
 * An {@link Inflate} for one file.
 * @throws AnyMC3DError `FORMAT_INVALID` (damaged; more comes out than the header needs), `FILE_TRUNCATED`, `FILE_TOO_LARGE`
 */
export function inflater(name: string, limit: number): Inflate {
  return async (packed, parse) => {
    const parts: Uint8Array[] = [];
    let [length, tried, bound] = [0, 0, Math.min(MOST_HEADER, limit)];
    let why = `${MOST_HEADER} bytes without an image`;
    for (const part of chunks(packed, name)) {
      parts.push(part);
      length += part.length;
      // The header is looked for again when twice as much is there.
      if (length >= 2 * tried) {
        tried = length;
        const header = told(parts, length, name, parse);
        if (header?.pixels) {
          const need = header.pixels.offset + bytesNeeded(header.data, name);
          bound = Math.min(need + MOST_BEHIND, limit);
          why = `the ${need} bytes that header and image need`;
          tried = Number.POSITIVE_INFINITY;
        }
      }
      if (length > bound) throw bound === limit ? tooLarge(name, "its deflated data set unpacks to more", limit) : tooMuch(name, why);
    }
    return joined(name, parts, length);
  };
}

function told(parts: Uint8Array[], length: number, name: string, parse: (part: Uint8Array) => DicomHeader): DicomHeader | undefined {
  const bytes = joined(name, parts, length);
  parts.splice(0, parts.length, bytes);
  try {
    return parse(bytes);
  } catch (error) {
    if (error instanceof NeedMore) return undefined;
    throw error;
  }
}

function* chunks(packed: Uint8Array, name: string): Generator<Uint8Array> {
  try {
    yield* inflateRaw(packed);
  } catch (cause) {
    if (!(cause instanceof InflateError)) throw cause;
    throw new AnyMC3DError(
      cause.truncated ? "FILE_TRUNCATED" : "FORMAT_INVALID",
      `${name}: the deflated data set is damaged (${cause.message}). Copy or export it again.`,
      { cause },
    );
  }
}

const tooMuch = (name: string, why: string): AnyMC3DError =>
  new AnyMC3DError("FORMAT_INVALID", `${name}: its deflated data set unpacks to far more than ${why}. The header is wrong, or the file is not what it seems.`);
