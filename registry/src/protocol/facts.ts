// The `anymc3d` field of a package.json, as whoever published it wrote it; checked before it is used.

import type { AdapterFacts } from "@anymc3d/core";

/** Reads the field of another's package; undefined where it is not what it should be. */
export function parseFacts(value: unknown): AdapterFacts | undefined {
  const { title, kind, labels, modalities, bodyParts, backbone, doubts } = (value ?? {}) as Record<string, unknown>;
  const text = (each: unknown): each is string => typeof each === "string" && each.length <= 500;
  const list = (each: unknown): each is string[] => Array.isArray(each) && each.length <= 10_000 && each.every(text);
  if (!text(title) || !text(kind) || !list(labels) || !list(modalities) || !list(bodyParts) || !text(backbone)) return undefined;
  // Codes of a later version are shown as they are; what is no code at all is left out.
  const codes = list(doubts) ? doubts.filter((code) => /^[A-Z][A-Z_]{2,39}$/.test(code)).slice(0, 20) : [];
  return { title, kind, labels, modalities, bodyParts, backbone, ...(codes.length && { doubts: codes }) };
}
