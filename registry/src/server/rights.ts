// rights.json: who may publish what in a private registry, as its administrator wrote it. The server reads it before every change and never writes it.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AnyMC3DError, isPackageName, own } from "@anymc3d/core";
import { writeWhole } from "@anymc3d/node-files/write-whole";
import { isObject } from "../protocol/json.js";
import { ACCOUNT_NAME, isAccountName } from "./accounts.js";
import type { Ledger } from "./ledger.js";

/** Accounts by name; "group:NAME" stands for all of a group. */
type Accounts = readonly string[];

export interface Rights {
  /** Names of accounts. */
  readonly groups: Readonly<Record<string, Accounts>>;
  /** Who may bring new packages into a scope ("@lab"). */
  readonly scopes: Readonly<Record<string, Accounts>>;
  /** Who may publish a package, instead of whoever published it first. */
  readonly packages: Readonly<Record<string, Accounts>>;
}

export const RIGHTS_FILE = "rights.json";
const KINDS = ["groups", "scopes", "packages"] as const;

export const scopeOf = (name: string): string | undefined => (name.startsWith("@") ? name.split("/")[0] : undefined);

/** @throws AnyMC3DError `CONFIG_INVALID` */
export async function readRights(storage: string): Promise<Rights> {
  const path = join(storage, RIGHTS_FILE);
  const invalid = (what: string, cause?: unknown) =>
    new AnyMC3DError(
      "CONFIG_INVALID",
      `${path}: ${what}. Expected { "groups": { "team": ["ann"] }, "scopes": { "@lab": ["group:team"] }, "packages": { "@lab/adapter-x": ["ann"] } }.`,
      { cause },
    );
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return { groups: {}, scopes: {}, packages: {} };
    throw invalid((cause as Error).message, cause);
  }
  if (!isObject(json)) throw invalid("no object");
  const unknown = Object.keys(json).find((key) => !(KINDS as readonly string[]).includes(key));
  if (unknown !== undefined) throw invalid(`"${unknown}" is not known`);
  const table = (kind: (typeof KINDS)[number]): Record<string, Accounts> => {
    const value = (json as Record<string, unknown>)[kind] ?? {};
    const isList = (each: unknown) => Array.isArray(each) && each.every((account) => typeof account === "string" && account !== "");
    if (!isObject(value) || !Object.values(value).every(isList)) throw invalid(`"${kind}" is no table of lists of accounts`);
    return value as Record<string, Accounts>;
  };
  return { groups: table("groups"), scopes: table("scopes"), packages: table("packages") };
}

/**
 * Lets accounts publish a package, bring new packages into a scope, or belong to a group; or no longer.
 * @param what "@lab/adapter-x", "@lab", "group:team"
 * @returns who may now
 * @throws AnyMC3DError `OPTION_INVALID`, `CONFIG_INVALID`, `OUTPUT_NOT_WRITABLE`
 */
export async function changeRights(storage: string, what: string, accounts: Accounts, remove = false): Promise<Accounts> {
  const kind = what.startsWith("group:") ? "groups" : /^@[^/]+$/.test(what) ? "scopes" : "packages";
  const name = kind === "groups" ? what.slice(6) : what;
  if (
    (kind === "groups" && !isAccountName(name)) ||
    name.replace("@", "") in {} ||
    (kind === "packages" && !isPackageName(name)) ||
    (kind === "scopes" && !isPackageName(`${name}/x`))
  )
    throw new AnyMC3DError("OPTION_INVALID", `"${what}": expected a package (@lab/adapter-x), a scope (@lab) or a group (group:team).`);
  const odd = accounts.find((account) => !(isAccountName(account) || (kind !== "groups" && account.startsWith("group:") && isAccountName(account.slice(6)))));
  if (odd !== undefined)
    throw new AnyMC3DError("OPTION_INVALID", `"${odd}": expected the name of an account (${ACCOUNT_NAME})${kind === "groups" ? "" : ", or group:NAME"}.`);
  const rights = await readRights(storage);
  const before = own(rights[kind], name) ?? [];
  const after = remove ? before.filter((each) => !accounts.includes(each)) : [...new Set([...before, ...accounts])];
  const others = Object.fromEntries(Object.entries(rights[kind]).filter(([each]) => each !== name));
  const changed = { ...rights, [kind]: after.length ? { ...others, [name]: after } : others };
  await writeWhole(join(storage, RIGHTS_FILE), `${JSON.stringify(changed, null, 2)}\n`, undefined, 0o600);
  return after;
}

const includes = (rights: Rights, accounts: Accounts, user: string): boolean =>
  accounts.some((account) => account === user || (account.startsWith("group:") && own(rights.groups, account.slice(6))?.includes(user)));

/**
 * Why an account may not publish or change a package; undefined where it may.
 * A package is its first publisher's, or those' who are listed for it. A scope is its first publisher's, or those' who are listed.
 * @param there whether the registry has the package, and others of its scope, from before it kept a ledger, too
 */
export function refusal(
  rights: Rights,
  ledger: Ledger,
  user: string,
  name: string,
  there: { readonly name: boolean; readonly scope: boolean },
): string | undefined {
  const ask = (what: string) => `The administrator can change that: anymc3d registry allow ${what} ${user}`;
  const listed = own(rights.packages, name);
  if (listed) return includes(rights, listed, user) ? undefined : `${name} belongs to ${listed.join(", ")}. ${ask(name)}`;
  const scope = scopeOf(name);
  const ofScope = scope && own(rights.scopes, scope);
  if (ofScope && !includes(rights, ofScope, user)) return `${scope} belongs to ${ofScope.join(", ")}. ${ask(scope)}`;
  const owner = own(ledger.packages, name)?.owner;
  if (owner !== undefined) return owner === user ? undefined : `${name} belongs to ${owner}, who published it first. ${ask(name)}`;
  if (there.name) return `nobody is known to own ${name}, which is older than this registry's record of owners. ${ask(name)}`;
  if (!scope || ofScope) return undefined;
  const first = own(ledger.scopes, scope);
  if (first !== undefined) return first === user ? undefined : `${scope} belongs to ${first}, who published in it first. ${ask(scope)}`;
  return there.scope ? `nobody is known to own ${scope}, which is older than this registry's record of owners. ${ask(scope)}` : undefined;
}
