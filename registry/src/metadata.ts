// What a registry says of a package (npm's packument), as far as it is used; nothing of it is believed before it is checked.

import { AnyMC3DError } from "@anymc3d/core";
import semver from "semver";
import { sha512Of } from "./integrity.js";

export interface VersionInfo {
  readonly version: string;
  readonly tarball: string;
  /** sha512-… */
  readonly integrity: string;
  /** Why it should not be used any more. */
  readonly deprecated?: string;
}

export interface PackageInfo {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly versions: readonly VersionInfo[];
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads a packument. Versions without SHA-512 are left out: what they send could not be checked. @throws AnyMC3DError `ASSET_INVALID` */
export function parsePackument(bytes: Uint8Array, name: string, url: string): PackageInfo {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new AnyMC3DError("ASSET_INVALID", `${url}: no JSON came, but ${bytes.length} bytes of something else. Is this an npm registry?`, { cause });
  }
  if (!isObject(json) || json.name !== name || !isObject(json.versions))
    throw new AnyMC3DError("ASSET_INVALID", `${url}: not what an npm registry says of ${name}. Is this an npm registry?`);
  const versions = Object.entries(json.versions).flatMap(([version, entry]) => {
    const dist = isObject(entry) && isObject(entry.dist) ? entry.dist : {};
    const integrity = typeof dist.integrity === "string" ? sha512Of(dist.integrity) : undefined;
    if (!semver.valid(version) || typeof dist.tarball !== "string" || !/^https?:\/\//.test(dist.tarball) || !integrity) return [];
    const deprecated = isObject(entry) && typeof entry.deprecated === "string" && entry.deprecated ? entry.deprecated : undefined;
    return [{ version, tarball: dist.tarball, integrity, ...(deprecated && { deprecated }) }];
  });
  const tags = Object.fromEntries(
    Object.entries(isObject(json["dist-tags"]) ? json["dist-tags"] : {}).filter(([, version]) => typeof version === "string"),
  ) as Record<string, string>;
  return { name, tags, versions };
}

/**
 * The version a tag, a version or a range stands for: of a range the highest, one that is not deprecated before one that is.
 * @throws AnyMC3DError `VERSION_NOT_FOUND`, naming what there is
 */
export function chooseVersion({ name, tags, versions }: PackageInfo, wanted: string): VersionInfo {
  const exact = tags[wanted] ?? semver.valid(wanted);
  const range = exact ? undefined : semver.validRange(wanted);
  const matching = versions.filter(({ version }) => (exact ? version === exact : range ? semver.satisfies(version, range) : false));
  const sorted = matching.sort((a, b) => Number(Boolean(a.deprecated)) - Number(Boolean(b.deprecated)) || semver.rcompare(a.version, b.version));
  if (sorted[0]) return sorted[0];
  const there = versions.map(({ version }) => version).sort(semver.rcompare);
  const listed = there.length
    ? `there are ${there.slice(0, 8).join(", ")}${there.length > 8 ? ", …" : ""}; tags ${Object.keys(tags).join(", ") || "none"}`
    : "it has no version that can be checked";
  throw new AnyMC3DError("VERSION_NOT_FOUND", `${name}@${wanted}: no such version; ${listed}.`);
}
