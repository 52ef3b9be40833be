// Addresses: of registries as people write them, of packages as registries state them, and what of an address may be shown.

import { AnyMC3DError } from "@anymc3d/core";

/** With one slash at its end, as URLs are compared: lower-case host, no default port, no dot segments. @throws AnyMC3DError `OPTION_INVALID` for what is no http(s) address, or holds a secret */
export function registryAddress(text: string): string {
  if (typeof text !== "string" || text === "")
    throw new AnyMC3DError("OPTION_INVALID", "`url`, the registry's address (https://…), is missing. In Node, openRegistry() takes it from npm's settings.");
  const url = /^https?:\/\/[^/]/i.test(text) ? parsed(text) : undefined;
  if (!url) throw new AnyMC3DError("OPTION_INVALID", `"${withoutSecrets(text)}" is no address of a registry: expected https://…`);
  if (url.username || url.password || url.search || url.hash)
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `${shown(text)}: the registry's address has a ${url.username || url.password ? "name or password" : "query"} in it, which would be shown and kept. Put the token into .npmrc, or pass it as \`auth\`.`,
    );
  return `${url.href.replace(/\/+$/, "")}/`;
}

export function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** Without what may be secret: a name and password, a query, which may hold a signature. Names with a scope as people write them. */
export const shown = (url: string) =>
  withoutSecrets(url)
    .replace(/[?#].*$/, "")
    .replace(/%2f/gi, "/");

/** A text in which no address has a name or password any more, however it was written: //me:secret@host, https:me:secret@host, me:secret@host. */
export const withoutSecrets = (text: string): string =>
  text.replace(/([\\/]{2}|\bhttps?:[\\/]?)[^\s\\/"'<>]*@/gi, "$1").replace(/(^|[\s"'(])[^\s"'\\/@:]+:[^\s"'\\/]+@/g, "$1…@");

/**
 * Whether an address lies below another: of the same scheme, host and port, its path in the other's. Both as servers may read them:
 * an encoded way out (%2e%2e%2f) is a way out.
 */
export function isBelow(address: string, above: string): boolean {
  const [url, registry] = [parsed(address), parsed(above)];
  if (!url || !registry || url.origin !== registry.origin) return false;
  return !leavesFolder(url) && url.pathname.startsWith(`${registry.pathname.replace(/\/+$/, "")}/`);
}

/** Whether its path has .. in it once a server has decoded it, however often. URL itself has resolved what is not encoded. */
export function leavesFolder({ pathname }: URL): boolean {
  let path = pathname;
  for (let i = 0; i < 4 && path.includes("%"); i++) {
    const next = path.replace(/%(?:2e|2f|5c|25)/gi, (code) => decodeURIComponent(code));
    if (next === path) break;
    path = next;
  }
  return path.split(/[\\/]/).includes("..");
}

/** Which hosts of tarballs stand for the registry itself, as npm's setting replace-registry-host says: "npmjs", "always", "never", a host, an address. */
export type ReplaceHost = string;

const NPMJS = "registry.npmjs.org";

/**
 * Where a registry's tarball is fetched from: where the registry says, or at the registry itself, under the same path. A path that begins with
 * the registry's own is not put below it a second time. What http says of a registry that is asked by https is asked by https.
 * @param tarball dist.tarball
 * @param registry its address, as `registryAddress` makes it
 */
export function tarballAddress(tarball: string, registry: string, replace: ReplaceHost = "npmjs"): string {
  const [url, own] = [new URL(tarball), new URL(registry)];
  url.username = "";
  url.password = "";
  if (replace === "never" || url.origin === own.origin) return url.href;
  const prefix = /^https?:\/\//i.test(replace) ? parsed(replace) : undefined;
  if (prefix) {
    const base = `${prefix.pathname.replace(/\/+$/, "")}/`;
    if (url.host !== prefix.host || !url.pathname.startsWith(base)) return upgraded(url, own);
    return moved(url, own, url.pathname.slice(base.length));
  }
  const hosts = replace === "npmjs" ? [NPMJS] : [replace.toLowerCase()];
  if (replace !== "always" && !hosts.includes(url.host) && !hosts.includes(url.hostname)) return upgraded(url, own);
  return moved(url, own, url.pathname.startsWith(own.pathname) ? url.pathname.slice(own.pathname.length) : url.pathname.slice(1));
}

function upgraded(url: URL, own: URL): string {
  return url.protocol === "http:" && own.protocol === "https:" && url.hostname === own.hostname ? own.origin + url.pathname + url.search : url.href;
}

const moved = (url: URL, own: URL, path: string): string => own.origin + own.pathname + path + url.search;
