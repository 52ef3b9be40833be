// JSON that came from elsewhere, checked before it is used.

import { AnyMC3DError } from "@anymc3d/core";

export const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** Bytes that a registry sent. @throws AnyMC3DError `ASSET_INVALID` */
export function parseJson(bytes: Uint8Array, url: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new AnyMC3DError("ASSET_INVALID", `${url}: no JSON came, but ${bytes.length} bytes of something else. Is this an npm registry?`, { cause });
  }
}
