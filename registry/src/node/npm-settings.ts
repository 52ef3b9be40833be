// The user's own npm settings (.npmrc files, npm_config_*): registries by scope, tokens, proxies, certificates; read by npm's own libraries, and kept to the call.

import { readFileSync } from "node:fs";
import { devNull } from "node:os";
import { Readable } from "node:stream";
import { AnyMC3DError } from "@anymc3d/core";
import { homeFolder } from "@anymc3d/node-files/cache-folder";
import { leavesFolder, parsed, registryAddress, withoutSecrets } from "../protocol/address.js";
import type { HttpOptions } from "../protocol/http.js";

export interface NpmSettings {
  readonly url: string;
  readonly scopes: Readonly<Record<string, string>>;
  /** npm's replace-registry-host. */
  readonly replaceRegistryHost: string;
  readonly http: HttpOptions;
  /** Of publishing: npm's access, tag and provenance, where they are set. */
  readonly access?: string;
  readonly tag?: string;
  readonly provenance?: boolean;
}

/** npm's settings by name, tokens by address ("//host/path/:_authToken"). */
type Flat = Readonly<Record<string, unknown>>;

/**
 * Reads the settings as npm would in a folder.
 * @param registry instead of all of them
 * @throws AnyMC3DError `CONFIG_INVALID`; `OPTION_INVALID` for what is no address
 */
export async function npmSettings(cwd: string, registry?: string): Promise<NpmSettings> {
  const { patience, ...settings } = await flatSettings(cwd);
  const { flat, addresses } = separated(settings.flat);
  const { registry: url, ...scopes } = addresses;
  // An address that was asked for is meant for all packages, scoped ones too.
  const found = registry === undefined ? { url: registryAddress(url), scopes } : { url: registryAddress(registry), scopes: {} };
  const http = { fetch: npmFetch(flat, [found.url, ...Object.values(found.scopes)]), ...patience };
  const { access, defaultTag: tag, provenance, replaceRegistryHost = "npmjs" } = flat as Record<string, never>;
  return { ...found, replaceRegistryHost, http, access, tag, provenance };
}

/** A name and password in a registry's address, which npm takes, become the login of that address: an address is shown and kept. */
function separated(flat: Flat): { flat: Flat; addresses: Record<string, string> } {
  const logins: Record<string, string> = {};
  const addresses: Record<string, string> = {};
  for (const [key, value] of Object.entries(flat)) {
    if (key !== "registry" && !/^@.*:registry$/.test(key)) continue;
    const url = parsed(String(value));
    if (url?.username || url?.password) {
      const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      logins[`//${url.host}${url.pathname.replace(/\/*$/, "/")}:_auth`] = Buffer.from(login).toString("base64");
      url.username = "";
      url.password = "";
    }
    addresses[key.replace(/:registry$/, "")] = url?.href ?? String(value);
  }
  return { flat: { ...logins, ...flat }, addresses };
}

interface FlatSettings {
  readonly flat: Flat;
  /** npm's `fetch-timeout`, where it is set: npm's own default of five minutes is too long where the cache has an answer. */
  readonly patience: Pick<HttpOptions, "patience" | "timeout">;
}

async function flatSettings(cwd: string): Promise<FlatSettings> {
  const [{ default: Config }, { default: parts }] = await Promise.all([import("@npmcli/config"), import("@npmcli/config/lib/definitions/index.js")]);
  // npm exports what it read into the environment, for the scripts that it runs; here that would be the next project's settings.
  const env = { ...process.env };
  // npmPath: where npm itself lies, whose built-in .npmrc has nothing of the user's.
  const config = new Config({ ...parts, npmPath: cwd, cwd, argv: [], env: withHome(env), execPath: process.execPath, platform: process.platform });
  try {
    await config.load();
    const wait = Number(config.get("fetch-timeout"));
    return { flat: unexported(() => config.flat), patience: config.isDefault("fetch-timeout") || !(wait > 0) ? {} : { patience: wait, timeout: wait } };
  } catch (cause) {
    const message = withoutSecrets((cause as Error).message);
    throw new AnyMC3DError("CONFIG_INVALID", `npm's settings cannot be read: ${message}`, { cause: new Error(message) });
  }
}

/** npm asks the system for a home folder; for a user whom it does not know, there are no settings in one. */
const withHome = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => (homeFolder() === undefined ? { ...env, HOME: devNull } : env);

/** Computing the settings sets NODE_ENV and npm_config_user_agent of the process (@npmcli/config's definitions): set back before anyone sees it. */
function unexported<T>(work: () => T): T {
  const before = { ...process.env };
  try {
    return work();
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

const MOST_REDIRECTS = 10;

/**
 * A fetch that goes the way npm goes: its proxies, certificates and tokens. Retrying, limits and integrity stay with the caller.
 * @param registries the configured ones
 */
function npmFetch(flat: Flat, registries: readonly string[]): typeof fetch {
  // As it is now: npm's library reads the proxies of the environment once a process.
  const env = { ...process.env };
  const secrets = secretsOf({ ...flat, proxyOfEnv: proxyFor(new URL("https://x/"), {}, env).proxy });
  const hidden = (text: string) => withoutSecrets(secrets.reduce((rest, secret) => rest.replaceAll(secret, "…"), text));
  return async (input, init = {}) => {
    const { default: fetchAsNpm } = await import("make-fetch-happen");
    let url = new URL(String(input));
    const { origin } = url;
    try {
      for (let hops = 0; ; hops++) {
        const { headers, ...login } = url.origin === origin ? loginFor(url, flat, registries) : {};
        const answer = await fetchAsNpm(url.href, {
          headers: { "user-agent": flat.userAgent, ...plain(init.headers), ...headers },
          signal: init.signal ?? undefined,
          redirect: "manual",
          retry: { retries: 0 },
          timeout: 0,
          ca: flat.ca,
          cert: flat.cert,
          key: flat.key,
          ...login,
          localAddress: flat.localAddress,
          maxSockets: flat.maxSockets,
          ...proxyFor(url, flat, env),
          strictSSL: flat.strictSSL,
        });
        const location = [301, 302, 303, 307, 308].includes(answer.status) ? answer.headers.get("location") : null;
        if (location === null) return responseOf(answer);
        answer.body.on("error", () => undefined);
        answer.body.resume();
        if (hops === MOST_REDIRECTS) throw new Error(`more than ${MOST_REDIRECTS} redirects`);
        url = redirected(location, url);
      }
    } catch (error) {
      // Its cause, too, may quote an address with a password, or a proxy's.
      throw init.signal?.aborted ? error : new Error(hidden((error as Error).message));
    }
  };
}

/** @throws Error for what is not http(s), or would be asked without encryption after it was asked with it */
function redirected(location: string, from: URL): URL {
  const url = parsed(new URL(location, from).href) as URL;
  if (!/^https?:$/.test(url.protocol)) throw new Error(`a redirect to ${url.protocol}`);
  url.username = "";
  url.password = "";
  return url;
}

/**
 * The login for an address, by the longest path that has one, as npm looks for it; never for a path that leaves its folder once it is decoded, and
 * without encryption only where a registry is configured so.
 */
function loginFor(url: URL, flat: Flat, registries: readonly string[]): { headers?: Record<string, string>; cert?: string; key?: string } {
  if (leavesFolder(url) || (url.protocol !== "https:" && !registries.some((registry) => new URL(registry).origin === url.origin))) return {};
  for (let at = `//${url.host}${url.pathname}`; at.length > 2; at = at.replace(/([^/]+|\/)$/, "")) {
    const of = (name: string) => (typeof flat[`${at}:${name}`] === "string" ? (flat[`${at}:${name}`] as string) : undefined);
    const [token, both, name, password, certfile, keyfile] = ["_authToken", "_auth", "username", "_password", "certfile", "keyfile"].map(of);
    const basic = both ?? (name && password && Buffer.from(`${name}:${Buffer.from(password, "base64").toString()}`).toString("base64"));
    const headers = token ? { authorization: `Bearer ${token}` } : basic ? { authorization: `Basic ${basic}` } : undefined;
    const files = certfile && keyfile ? { cert: readFileSync(certfile, "utf8"), key: readFileSync(keyfile, "utf8") } : undefined;
    if (headers || files) return { ...(headers && { headers }), ...files };
  }
  return {};
}

/** The proxy that npm's settings or else the environment name, and what goes past it. */
function proxyFor({ protocol }: URL, flat: Flat, env: NodeJS.ProcessEnv): { proxy: unknown; noProxy: unknown } {
  const of = (name: string) => env[name] || env[name.toUpperCase()];
  const ofEnv = protocol === "https:" ? of("https_proxy") : of("https_proxy") || of("http_proxy") || of("proxy");
  const { httpsProxy, proxy, noProxy } = flat;
  return { proxy: httpsProxy || proxy || ofEnv, noProxy: (Array.isArray(noProxy) ? noProxy.length > 0 : noProxy) ? noProxy : of("no_proxy") };
}

/** What of the settings must not be seen, also as it is decoded. */
function secretsOf(flat: Flat): string[] {
  const found = Object.entries(flat).flatMap(([key, value]) => {
    if (typeof value !== "string") return [];
    const decoded = () => Buffer.from(value, "base64").toString();
    if (key.endsWith(":_authToken") || key === "otp") return [value];
    if (key.endsWith(":_auth")) return [value, decoded(), decoded().replace(/^[^:]*:/, "")];
    if (key.endsWith(":_password")) return [value, decoded()];
    const proxy = /proxy(?:OfEnv)?$/i.test(key) ? parsed(value) : undefined;
    return proxy ? [proxy.password, decodeURIComponent(proxy.password)] : [];
  });
  return found.filter((secret) => secret.length > 3).sort((a, b) => b.length - a.length);
}

type Answer = Awaited<ReturnType<typeof import("make-fetch-happen")["default"]>>;

function responseOf({ status, statusText, headers, body }: Answer): Response {
  const said = new Headers(Object.entries(headers.raw()).map(([name, values]): [string, string] => [name, values.join(", ")]));
  if ([101, 204, 205, 304].includes(status)) return new Response(null, { status, statusText, headers: said });
  return new Response(Readable.toWeb(Readable.from(body)) as ReadableStream<Uint8Array<ArrayBuffer>>, { status, statusText, headers: said });
}

const plain = (headers: HeadersInit | undefined): Record<string, string> => Object.fromEntries(new Headers(headers));
