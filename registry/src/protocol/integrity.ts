// Subresource integrity (W3C SRI) of what a registry sends: SHA-512, before anything is parsed.

import { AnyMC3DError } from "@anymc3d/core";

/** The SHA-512 part of an integrity string, "sha512-…"; undefined where there is none. */
export function sha512Of(integrity: string | undefined): string | undefined {
  return integrity?.split(/\s+/).find((each) => /^sha512-[A-Za-z0-9+/]{86}==$/.test(each.split("?")[0]));
}

export async function integrityOf(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-512", bytes as Uint8Array<ArrayBuffer>));
  let text = "";
  for (const byte of digest) text += String.fromCharCode(byte);
  return `sha512-${btoa(text)}`;
}

/** @throws AnyMC3DError `INTEGRITY_MISMATCH`, with both hashes */
export async function checkIntegrity(bytes: Uint8Array, expected: string, name: string): Promise<void> {
  const found = await integrityOf(bytes);
  if (found === expected) return;
  throw new AnyMC3DError(
    "INTEGRITY_MISMATCH",
    `${name}: what was received is not what was published: expected ${expected}, found ${found} in ${bytes.length} bytes. It was thrown away. Try again; if it stays, the registry or something before it changes packages.`,
    { details: { expected, found } },
  );
}
