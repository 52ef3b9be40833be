// What stands before every change of a private registry: who owns a package changes it, and a version never gets other bytes. Verdaccio itself would let every account do everything.

import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { isAnyMC3DError, isPackageName } from "@anymc3d/core";
import semver from "semver";
import { sha512Of } from "../protocol/integrity.js";
import { isObject } from "../protocol/json.js";
import { ACCOUNT_NAME, isAccountName } from "./accounts.js";
import { type Ledger, readLedger, recorded, writeLedger } from "./ledger.js";
import { readRights, refusal, scopeOf } from "./rights.js";

/** A request as Verdaccio hands it on: who asks is known by then. */
interface Request extends IncomingMessage {
  readonly remote_user?: { readonly name?: string };
  body?: unknown;
  _body?: boolean;
}
export type Guard = (request: Request, response: ServerResponse, next: (error?: unknown) => void) => void;

/** A change that is refused, as HTTP says it. */
class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** What a request would change. Only these forms are let through; Verdaccio's other ways to write (files without a version) have no client. */
const CHANGES: readonly (readonly [method: string, path: RegExp, kind: "publish" | "revise" | "tag" | "remove" | "file"])[] = [
  ["PUT", /^\/NAME$/, "publish"],
  ["PUT", /^\/NAME\/-rev\/[^/]+$/, "revise"],
  ["DELETE", /^\/NAME\/-rev\/[^/]+$/, "remove"],
  ["DELETE", /^\/NAME\/-\/([^/]+)\/-rev\/[^/]+$/, "file"],
  ["PUT", /^\/-\/package\/NAME\/dist-tags\/[^/]+$/, "tag"],
  ["POST", /^\/-\/package\/NAME\/dist-tags(?:\/[^/]+)?$/, "tag"],
  ["DELETE", /^\/-\/package\/NAME\/dist-tags\/[^/]+$/, "tag"],
  ["PUT", /^\/NAME\/[^/]+$/, "tag"],
].map(([method, path, kind]) => [method, new RegExp((path as RegExp).source.replace("NAME", "((?:(?:@|%40)[^/%]+(?:/|%2f))?[^/%@]+)"), "i"), kind]) as never;

/** Of the account that asks: logging in, tokens, the page's login, and the audit that npm asks for. */
const OWN = /^\/-\/(?:user\/|npm\/v1\/|verdaccio\/sec\/|v1\/login)/;
const ACCOUNT_BYTES = 2 ** 20;

/**
 * @param storage the registry's folder
 * @param most bytes of a request
 */
export function guardOf(storage: string, most: number): Guard {
  let last: Promise<unknown> = Promise.resolve();
  /** One change at a time: two first publishers of one name cannot both be the first. */
  const alone = (response: ServerResponse, work: () => Promise<void>): Promise<void> => {
    const mine = last.then(work);
    const ended = new Promise<void>((done) => response.once("finish", done).once("close", done));
    last = mine.then(
      () => ended,
      () => undefined,
    );
    return mine;
  };
  return (request, response, next) => {
    if (["GET", "HEAD", "OPTIONS"].includes(request.method ?? "")) return next();
    judge(storage, most, request, response, alone).then(
      () => next(),
      (error: unknown) => answer(response, error),
    );
  };
}

function answer(response: ServerResponse, error: unknown): void {
  const refused = error instanceof Refused ? error : new Refused(500, isAnyMC3DError(error) ? error.message : "the change could not be judged");
  response.writeHead(refused.status, { "content-type": "application/json", ...(refused.status === 401 && { "www-authenticate": "Bearer" }) });
  response.end(JSON.stringify({ error: refused.message }));
}

async function judge(
  storage: string,
  most: number,
  request: Request,
  response: ServerResponse,
  alone: (response: ServerResponse, work: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const path = (request.url ?? "").replace(/[?#].*$/, "").replace(/\/$/, "");
  if (OWN.test(path)) {
    await takeBody(request, ACCOUNT_BYTES);
    return ownAccount(path, request);
  }
  const [[, form, kind] = [], found] =
    CHANGES.map((each) => [each, request.method === each[0] ? each[1].exec(path) : null] as const).find(([, match]) => match) ?? [];
  if (!form || !found || !kind) throw new Refused(400, "this registry takes no such change");
  const name = decoded(found[1]);
  if (!isPackageName(name) || name.split(/[@/]/).some((part) => part in {}))
    throw new Refused(400, `"${name}" is no name of a package: lower case, as @lab/adapter-x`);
  const user = request.remote_user?.name;
  if (!user) throw new Refused(401, "log in first: npm login, with this registry's address");
  await takeBody(request, most);
  await alone(response, async () => {
    const [rights, ledger, stored] = await Promise.all([readRights(storage), readLedger(storage), storedOf(storage, name)]);
    const { body } = request;
    // A star is its giver's: Verdaccio keeps the giver's own alone.
    if (kind === "publish" && isObject(body) && isObject(body.users) && !("versions" in body)) return;
    const no = refusal(rights, ledger, user, name, { name: stored !== undefined, scope: await hasScope(storage, scopeOf(name)) });
    if (no) throw new Refused(403, no);
    const kept = withStored(ledger, name, stored);
    if (kind === "file") return removable(name, decoded(found[2]), stored);
    if (kind === "tag") return;
    if (kind === "publish" && isObject(body) && isObject(body._attachments) && Object.keys(body._attachments).length > 0)
      return record(storage, response, ledger, published(kept, name, user, body));
    if (kind !== "remove") revisable(name, body, stored);
    if (kept !== ledger) await writeLedger(storage, kept);
  });
}

/** @throws Refused where it is no text of an address */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refused(400, "the address cannot be read");
  }
}

/** Making an account, logging in and what else changes one: of a name that accounts can have, and of one name alone. */
function ownAccount(path: string, { method, body }: Request): void {
  if (!isObject(body)) throw new Refused(400, "expected an object");
  const account = /^\/-\/user\/([^/]+)/.exec(path)?.[1];
  if (account === undefined || method !== "PUT") return;
  const name = decoded(account).replace(/^org\.couchdb\.user:/, "");
  if (!isAccountName(name)) throw new Refused(400, `"${name.slice(0, 100)}" is no name for an account: ${ACCOUNT_NAME}`);
  if (body.name !== name) throw new Refused(400, `the address asks for the account ${name}, what was sent for another`);
}

/** Reads a request's JSON, so that it can be judged; Verdaccio takes it from there. */
async function takeBody(request: Request, most: number): Promise<void> {
  if (request.headers["content-encoding"] && request.headers["content-encoding"] !== "identity") throw new Refused(415, "a packed request is not taken");
  const tooLarge = new Refused(413, `more than ${most} bytes`);
  if (Number(request.headers["content-length"] ?? 0) > most) throw tooLarge;
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > most) throw tooLarge;
    parts.push(part);
  }
  request._body = true;
  try {
    request.body = length ? JSON.parse(Buffer.concat(parts).toString("utf8")) : {};
  } catch {
    throw new Refused(400, "no JSON came");
  }
}

interface Stored {
  readonly versions: Readonly<Record<string, unknown>>;
  readonly users?: unknown;
}

/** What Verdaccio keeps of a package. */
async function storedOf(storage: string, name: string): Promise<Stored | undefined> {
  const text = await readFile(join(storage, "packages", name, "package.json"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const json: unknown = JSON.parse(text);
  return { versions: isObject(json) && isObject(json.versions) ? json.versions : {}, users: isObject(json) ? json.users : undefined };
}

async function hasScope(storage: string, scope: string | undefined): Promise<boolean> {
  if (!scope) return false;
  const folder = join(storage, "packages", scope);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (await stat(join(folder, name, "package.json")).catch(() => undefined)) return true;
  return false;
}

const integrityIn = (version: unknown): string | undefined =>
  isObject(version) && isObject(version.dist) && typeof version.dist.integrity === "string" ? sha512Of(version.dist.integrity) : undefined;

/** The ledger with what is stored and older than it; the same object where there is nothing of that. */
function withStored(ledger: Ledger, name: string, stored: Stored | undefined): Ledger {
  const known = Object.hasOwn(ledger.packages, name) ? ledger.packages[name] : { versions: {} };
  const missing = Object.entries(stored?.versions ?? {}).flatMap(([version, entry]): [string, string][] =>
    Object.hasOwn(known.versions, version) ? [] : [[version, integrityIn(entry) ?? "unknown"]],
  );
  return missing.length ? recorded(ledger, name, { ...known, versions: { ...known.versions, ...Object.fromEntries(missing) } }) : ledger;
}

/** The ledger with the version that a request publishes. @throws Refused */
function published(ledger: Ledger, name: string, user: string, { versions, _attachments, name: said }: Record<string, unknown>): Ledger {
  const [[version, entry] = [], ...more] = Object.entries(isObject(versions) ? versions : {});
  const [[file, attachment] = [], ...files] = Object.entries(_attachments as object);
  const base = name.replace(/^@[^/]+\//, "");
  const fits =
    version !== undefined && semver.valid(version) === version && isObject(entry) && entry.version === version && entry.name === name && said === name;
  if (!fits || more.length || files.length) throw new Refused(400, "expected one version and its one file, both of the package's name");
  if (file?.split("/").at(-1) !== `${base}-${version}.tgz`) throw new Refused(400, `the file must be called ${base}-${version}.tgz`);
  if (!isObject(attachment) || typeof attachment.data !== "string") throw new Refused(400, "the file has no data");
  const found = `sha512-${createHash("sha512").update(Buffer.from(attachment.data, "base64")).digest("base64")}`;
  if (integrityIn(entry) !== found) throw new Refused(400, `${name}@${version}: dist.integrity is not the SHA-512 of its file, ${found}`);
  const known = Object.hasOwn(ledger.packages, name) ? ledger.packages[name] : { owner: user, versions: {} };
  const before = Object.hasOwn(known.versions, version) ? known.versions[version] : undefined;
  if (before !== undefined && before !== found)
    throw new Refused(
      409,
      `${name}@${version} was published before with other bytes (${before}); a version never changes, also once it was unpublished. Raise the version`,
    );
  const scope = scopeOf(name);
  return recorded(ledger, name, { ...known, versions: { ...known.versions, [version]: found } }, scope ? [scope, user] : undefined);
}

/** Written down before it happens, so that whoever is killed between leaves a name that is owned; taken back where Verdaccio refuses. */
async function record(storage: string, response: ServerResponse, before: Ledger, after: Ledger): Promise<void> {
  await writeLedger(storage, after);
  const end = response.end.bind(response);
  // The answer waits for it: the next change must not see what did not happen.
  response.end = ((...args: Parameters<typeof end>) => {
    if (response.statusCode < 400) return end(...args);
    writeLedger(storage, before).finally(() => end(...args));
    return response;
  }) as typeof response.end;
}

/** A change of what is there: deprecating, or leaving out versions that are unpublished. Verdaccio takes no more of it than that, and tags and stars. */
function revisable(name: string, body: unknown, stored: Stored | undefined): void {
  if (!stored) throw new Refused(404, `there is no ${name}`);
  if (isObject(body) && "maintainers" in body && !("versions" in body))
    throw new Refused(403, `who may publish ${name}, the registry's administrator says: anymc3d registry allow ${name} ACCOUNT`);
  if (!isObject(body) || !isObject(body.versions) || !isObject(body["dist-tags"])) throw new Refused(400, "expected the package's versions and dist-tags");
  if (isObject(body._attachments) && Object.keys(body._attachments).length) throw new Refused(400, "a file comes with a new version only");
  // Stars are their givers'.
  body.users = stored.users;
}

function removable(name: string, file: string, stored: Stored | undefined): void {
  const version = file.slice(name.replace(/^@[^/]+\//, "").length + 1).replace(/\.tgz$/, "");
  if (stored && Object.hasOwn(stored.versions, version)) throw new Refused(403, `${name}@${version} would stay without its file: unpublish the version`);
}
