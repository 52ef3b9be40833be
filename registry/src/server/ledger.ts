// ledger.json: who published a package and a scope first, and the hash of every version that ever was. It outlives what is unpublished.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";
import { writeWhole } from "@anymc3d/node-files/write-whole";
import { isObject } from "../protocol/json.js";

/** What was published under a name. */
export interface Published {
  /** The account that published it first; undefined for a package from before there was a ledger. */
  readonly owner?: string;
  /** sha512-… by version. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface Ledger {
  /** First publishers. */
  readonly scopes: Readonly<Record<string, string>>;
  readonly packages: Readonly<Record<string, Published>>;
}

export const LEDGER_FILE = "ledger.json";
const pathOf = (storage: string) => join(storage, LEDGER_FILE);

/** @throws AnyMC3DError `CONFIG_INVALID`: without it nobody would own anything */
export async function readLedger(storage: string): Promise<Ledger> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(pathOf(storage), "utf8"));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return { scopes: {}, packages: {} };
    throw damaged(storage, (cause as Error).message, cause);
  }
  const isText = (each: unknown) => typeof each === "string";
  const isRecord = (each: unknown) =>
    isObject(each) && (each.owner === undefined || isText(each.owner)) && isObject(each.versions) && Object.values(each.versions).every(isText);
  if (
    isObject(json) &&
    isObject(json.scopes) &&
    Object.values(json.scopes).every(isText) &&
    isObject(json.packages) &&
    Object.values(json.packages).every(isRecord)
  )
    return json as unknown as Ledger;
  throw damaged(storage, "not what this registry writes");
}

const damaged = (storage: string, what: string, cause?: unknown) =>
  new AnyMC3DError("CONFIG_INVALID", `${pathOf(storage)}: ${what}. It says who owns which package: take it back from a backup of the storage folder.`, {
    cause,
  });

export const writeLedger = (storage: string, ledger: Ledger): Promise<void> =>
  writeWhole(pathOf(storage), `${JSON.stringify(ledger, null, 1)}\n`, undefined, 0o600);

/** With a package's entry changed. */
export function recorded(ledger: Ledger, name: string, record: Published, scope?: readonly [name: string, owner: string]): Ledger {
  const scopes = scope && !Object.hasOwn(ledger.scopes, scope[0]) ? { ...ledger.scopes, [scope[0]]: scope[1] } : ledger.scopes;
  return { scopes, packages: { ...ledger.packages, [name]: record } };
}
