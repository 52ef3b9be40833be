// What a registry says of a package (npm's packument), as far as it is used; nothing of it is believed before it is checked.

import { type AdapterFacts, AnyMC3DError, own } from "@anymc3d/core";
import semver from "semver";
import { parsed } from "./address.js";
import { parseFacts } from "./facts.js";
import { sha512Of } from "./integrity.js";
import { isObject, parseJson } from "./json.js";
import type { Signature } from "./signatures.js";

/** What a registry says of one version. */
export interface VersionInfo {
  readonly version: string;
  readonly tarball: string;
  /** sha512-… */
  readonly integrity: string;
  /** Why it should not be used any more. */
  readonly deprecated?: string;
  /** Of the registry, on name, version and integrity. */
  readonly signatures: readonly Signature[];
  /** When it was published, ISO 8601. */
  readonly published?: string;
  /** What its package.json says of the adapter, for finding it. */
  readonly facts?: AdapterFacts;
  readonly license?: string;
}

/** What a registry says of a package. */
export interface PackageInfo {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly versions: readonly VersionInfo[];
}

const textOf = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

/** Reads a packument. Versions without SHA-512 are left out: what they send could not be checked. @throws AnyMC3DError `ASSET_INVALID` */
export function parsePackument(bytes: Uint8Array, name: string, url: string): PackageInfo {
  const json = parseJson(bytes, url);
  if (!isObject(json) || json.name !== name || !isObject(json.versions))
    throw new AnyMC3DError("ASSET_INVALID", `${url}: not what an npm registry says of ${name}. Is this an npm registry?`);
  const times = isObject(json.time) ? json.time : {};
  const versions = Object.entries(json.versions).flatMap(([version, entry]): VersionInfo[] => {
    if (!isObject(entry)) return [];
    const dist = isObject(entry.dist) ? entry.dist : {};
    const integrity = typeof dist.integrity === "string" ? sha512Of(dist.integrity) : undefined;
    if (semver.valid(version) !== version || typeof dist.tarball !== "string" || !/^https?:\/\//i.test(dist.tarball) || !parsed(dist.tarball) || !integrity)
      return [];
    const signatures = (Array.isArray(dist.signatures) ? dist.signatures : []).filter(
      (each): each is Signature => isObject(each) && typeof each.keyid === "string" && typeof each.sig === "string",
    );
    return [
      {
        version,
        tarball: dist.tarball,
        integrity,
        signatures,
        deprecated: entry.deprecated ? (textOf(entry.deprecated) ?? "its author gives no reason") : undefined,
        published: textOf(times[version]),
        facts: parseFacts(entry.anymc3d),
        license: textOf(entry.license),
      },
    ];
  });
  const tags = Object.fromEntries(
    Object.entries(isObject(json["dist-tags"]) ? json["dist-tags"] : {}).filter(([, version]) => typeof version === "string"),
  ) as Record<string, string>;
  return { name, tags, versions };
}

/** Whether a range allows a version; "*" allows prereleases, as with npm. */
export const inRange = (version: string, range: string): boolean => range.trim() === "*" || semver.satisfies(version, range, true);

/**
 * The version that an exact version, a range or a tag stands for, chosen as npm does (npm-pick-manifest): of a range the version of the tag
 * `latest` where it is in it and not deprecated; else the highest, one that is not deprecated before one that is. A prerelease only where the
 * range names one of the same version. Which Node a package asks for is passed over: adapters are data.
 * @throws AnyMC3DError `VERSION_NOT_FOUND`, naming what there is
 */
export function chooseVersion({ name, tags, versions }: PackageInfo, wanted: string): VersionInfo {
  const exact = semver.valid(wanted, true) ?? (semver.validRange(wanted, true) === null ? own(tags, wanted) : undefined);
  if (exact !== undefined) {
    const found = versions.find(({ version }) => version === exact);
    if (found) return found;
  } else if (semver.validRange(wanted, true) !== null) {
    const range = wanted.trim() || "*";
    const latest = versions.find(({ version }) => version === own(tags, "latest"));
    if (latest && !latest.deprecated && inRange(latest.version, range)) return latest;
    const [found] = versions
      .filter(({ version }) => semver.satisfies(version, range, true))
      .sort((a, b) => Number(Boolean(a.deprecated)) - Number(Boolean(b.deprecated)) || semver.rcompare(a.version, b.version));
    if (found) return found;
  }
  const there = versions.map(({ version }) => version).sort(semver.rcompare);
  const listed = there.length
    ? `there are ${there.slice(0, 8).join(", ")}${there.length > 8 ? ", …" : ""}; tags ${Object.keys(tags).slice(0, 8).join(", ") || "none"}`
    : "it has no version that can be checked";
  const what = exact !== undefined && exact !== semver.valid(wanted, true) ? `the tag ${wanted} leads to ${exact}, which is not there` : "no such version";
  throw new AnyMC3DError("VERSION_NOT_FOUND", `${name}@${wanted}: ${what}; ${listed}.`, { details: { name, wanted, versions: there } });
}
