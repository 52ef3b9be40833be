// A registry's signatures on what it published (npm's ECDSA signatures): https://docs.npmjs.com/about-registry-signatures

import { AnyMC3DError } from "@anymc3d/core";
import { isObject, parseJson } from "./json.js";

export interface Signature {
  readonly keyid: string;
  /** DER, base64. */
  readonly sig: string;
}

export interface SigningKey {
  readonly keyid: string;
  /** P-256, as SPKI, base64. */
  readonly key: string;
  /** ISO 8601; what was published later is not covered by it. */
  readonly expires?: string;
}

/** Reads what a registry answers at /-/npm/v1/keys. @throws AnyMC3DError `ASSET_INVALID` */
export function parseKeys(bytes: Uint8Array, url: string): SigningKey[] {
  const json = parseJson(bytes, url);
  const list = isObject(json) && Array.isArray(json.keys) ? json.keys : [];
  return list.flatMap((each) => {
    if (!isObject(each) || typeof each.keyid !== "string" || typeof each.key !== "string") return [];
    return [{ keyid: each.keyid, key: each.key, ...(typeof each.expires === "string" && { expires: each.expires }) }];
  });
}

/**
 * Verifies that a registry's key signed "name@version:integrity".
 * @returns false where no signature is by a key that the registry names and that was valid at the time
 * @throws AnyMC3DError `SIGNATURE_INVALID` where one is, and is wrong
 */
export async function verifySignature(
  {
    name,
    version,
    integrity,
    published,
    signatures,
  }: { name: string; version: string; integrity: string; published?: string; signatures: readonly Signature[] },
  keys: readonly SigningKey[],
): Promise<boolean> {
  const valid = ({ expires }: SigningKey) => !expires || !published || Date.parse(published) < Date.parse(expires);
  const pairs = signatures.flatMap(({ keyid, sig }) => keys.filter((key) => key.keyid === keyid && valid(key)).map(({ key }) => ({ key, sig })));
  for (const { key, sig } of pairs) {
    const right = await signed(key, sig, `${name}@${version}:${integrity}`).catch(() => false);
    if (!right)
      throw new AnyMC3DError(
        "SIGNATURE_INVALID",
        `${name}@${version}: the registry's signature does not fit what it states (${integrity}). Something between the registry and here changes packages; do not use it.`,
      );
  }
  return pairs.length > 0;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256" } as const;

async function signed(key: string, sig: string, text: string): Promise<boolean> {
  const bytes = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const imported = await crypto.subtle.importKey("spki", bytes(key), algorithm, false, ["verify"]);
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, imported, rawSignature(bytes(sig)), new TextEncoder().encode(text));
}

/** r and s, 32 bytes each, as WebCrypto wants them, from DER's SEQUENCE of two INTEGERs. */
function rawSignature(der: Uint8Array): Uint8Array<ArrayBuffer> {
  const raw = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1];
    const number = der.subarray(at + 2, at + 2 + length);
    const digits = number.subarray(Math.max(0, number.length - 32));
    raw.set(digits, end - digits.length);
    at += 2 + length;
  }
  return raw;
}
