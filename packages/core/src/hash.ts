// Content hashes: what a set of tensors is, whatever file it lies in.

import { AnyMC3DError } from "./errors.js";
import type { RawTensor } from "./safetensors.js";

/** SHA-256 as lower-case hex. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) {
    throw new AnyMC3DError(
      "ENGINE_UNAVAILABLE",
      "crypto.subtle is missing, so weights cannot be verified: browsers offer it on https:// and localhost only. Serve the page over https.",
    );
  }
  const digest = new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Content hash of tensors: SHA-256 over one line a tensor, sorted by name, `name dtype d0,d1,… sha256(bytes)\n`.
 * Hashing each tensor by itself needs no copy of all of them and lets the platform hash them in parallel.
 * @returns "sha256-" and 64 hex digits
 */
export async function contentHash(tensors: ReadonlyMap<string, RawTensor>): Promise<string> {
  const names = [...tensors.keys()].sort();
  const lines = await Promise.all(
    names.map(async (name) => {
      const { dtype, shape, bytes } = tensors.get(name) as RawTensor;
      return `${name} ${dtype} ${shape.join(",")} ${await sha256(bytes)}\n`;
    }),
  );
  return `sha256-${await sha256(new TextEncoder().encode(lines.join("")))}`;
}
