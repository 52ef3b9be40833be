// anymc3d.lock.json: which adapters a project uses, down to the bytes. What is locked is loaded as it was, or refused.

import { type Adapter, AnyMC3DError, isPackageName } from "@anymc3d/core";
import semver from "semver";
import { parsed } from "../protocol/address.js";
import { sha512Of } from "../protocol/integrity.js";
import { isObject } from "../protocol/json.js";
import { inRange } from "../protocol/metadata.js";

/** Name of the lock file. */
export const LOCK_FILE = "anymc3d.lock.json";

/** One adapter of a lock, with its backbone. */
export interface LockEntry {
  readonly version: string;
  /** What was asked for: a range, a tag, an address. */
  readonly wanted: string;
  /** Of the tarball, sha512-… */
  readonly integrity: string;
  /** Of manifest and weights (`Adapter.hash`). */
  readonly hash: string;
  /** The tarball's address, where it did not come from a registry by name. */
  readonly tarball?: string;
  readonly backbone: { readonly name: string; readonly version: string; readonly integrity: string /** Of its weights. */; readonly hash: string };
}

/** anymc3d.lock.json: adapters, down to their bytes. */
export interface Lock {
  /** By the package's name. */
  readonly adapters: Readonly<Record<string, LockEntry>>;
}

/** What was asked for, if it is a range, must allow the version; a tag says nothing of it. */
const fits = ({ version, wanted }: LockEntry): boolean => semver.validRange(wanted, true) === null || inRange(version, wanted);

const text = (value: unknown): value is string => typeof value === "string" && value !== "" && value.length <= 2048;
const version = (value: unknown): value is string => text(value) && semver.valid(value) === value;
const hash = (value: unknown): value is string => text(value) && /^sha256-[0-9a-f]{64}$/.test(value);
const integrity = (value: unknown): value is string => text(value) && sha512Of(value) === value;

/** A lock is shared: no name, password or query is in it. */
function isPlainAddress(value: string): boolean {
  const url = /^https?:\/\//i.test(value) ? parsed(value) : undefined;
  return url !== undefined && !url.username && !url.password && !url.search && !url.hash;
}

function isEntry(value: unknown): value is LockEntry {
  if (!isObject(value) || !isObject(value.backbone)) return false;
  const { backbone } = value;
  const tarball = value.tarball === undefined || (text(value.tarball) && isPlainAddress(value.tarball));
  const own = version(value.version) && text(value.wanted) && integrity(value.integrity) && hash(value.hash) && tarball;
  return own && text(backbone.name) && isPackageName(backbone.name) && version(backbone.version) && integrity(backbone.integrity) && hash(backbone.hash);
}

/** @throws AnyMC3DError `LOCK_INVALID` */
export function parseLock(content: string, where: string): Lock {
  const invalid = (what: string) =>
    new AnyMC3DError("LOCK_INVALID", `${where}: ${what}. Take it back from version control, or delete it and add the adapters again.`);
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (cause) {
    throw invalid(`no JSON (${(cause as Error).message})`);
  }
  if (!isObject(json) || !isObject(json.adapters)) throw invalid('no lock file: "adapters" is missing');
  if (json.lockfileVersion !== 1) throw invalid(`lockfileVersion ${JSON.stringify(json.lockfileVersion)?.slice(0, 100)}, where this version reads 1`);
  for (const [name, entry] of Object.entries(json.adapters)) {
    if (!isPackageName(name)) throw invalid(`"${name.slice(0, 100)}" is no package's name`);
    if (!isEntry(entry)) throw invalid(`the entry of ${name} is damaged`);
    if (!fits(entry)) throw invalid(`${name}: the version ${entry.version} is not what was asked for (${entry.wanted})`);
  }
  return { adapters: json.adapters as Record<string, LockEntry> };
}

/** The file's text: sorted by name, so that two people's additions merge. */
export function formatLock({ adapters }: Lock): string {
  const sorted = Object.fromEntries(Object.entries(adapters).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ lockfileVersion: 1, adapters: sorted }, null, 2)}\n`;
}

/**
 * The lock's entry for a name; undefined where it has none.
 * @throws AnyMC3DError `LOCK_MISMATCH` where another version is asked for than is locked
 */
export function lockedEntry(lock: Lock | undefined, name: string, wanted: string | undefined): LockEntry | undefined {
  const entry = lock && Object.hasOwn(lock.adapters, name) ? lock.adapters[name] : undefined;
  if (!entry || wanted === undefined || wanted === entry.wanted || inRange(entry.version, wanted)) return entry;
  throw new AnyMC3DError(
    "LOCK_MISMATCH",
    `${name}@${wanted}: ${LOCK_FILE} holds ${entry.version} (${entry.wanted}). \`anymc3d adapter add ${name}@${wanted}\` changes that.`,
  );
}

/** What a lock says and what lies behind its hashes differ: that is no fault of the package's author. */
export function lockChanged(name: string, found: string): AnyMC3DError {
  return new AnyMC3DError(
    "LOCK_MISMATCH",
    `${name}: ${found}. The lock file was changed by hand: take it back from version control, or remove the adapter and add it again.`,
  );
}

/** @throws AnyMC3DError `LOCK_MISMATCH` where an adapter, or the backbone it was made for, is not what was locked */
export function checkLocked({ hash, manifest: { name, version, backbone } }: Adapter, locked: LockEntry): void {
  const changed = (found: string, held: string) => lockChanged(name, `${found}, locked was ${held}`);
  if (locked.version !== version) throw changed(`the version is ${version}`, locked.version);
  if (locked.backbone.name !== backbone.name || locked.backbone.hash !== backbone.hash)
    throw changed(`made for the backbone ${backbone.name} (${backbone.hash})`, `${locked.backbone.name} (${locked.backbone.hash})`);
  if (locked.hash !== hash) throw changed(`manifest and weights are ${hash}`, locked.hash);
}
