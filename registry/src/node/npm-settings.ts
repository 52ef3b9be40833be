// The user's own npm settings (.npmrc files, npm_config_*): registries by scope, tokens, proxies, certificates; read and applied by npm's own libraries.

import { devNull } from "node:os";
import { Readable } from "node:stream";
import { AnyMC3DError } from "@anymc3d/core";
import { homeFolder } from "@anymc3d/node-files/cache-folder";
import { registryAddress } from "../protocol/address.js";
import type { HttpOptions } from "../protocol/http.js";

export interface NpmSettings {
  readonly url: string;
  readonly scopes: Readonly<Record<string, string>>;
  readonly http: HttpOptions;
}

/**
 * Reads the settings as npm would in a folder.
 * @param registry instead of all of them
 * @throws AnyMC3DError `CONFIG_INVALID`; `OPTION_INVALID` for what is no address
 */
export async function npmSettings(cwd: string, registry?: string): Promise<NpmSettings> {
  const { flat, patience } = await flatSettings(cwd);
  const scopes = Object.entries(flat).flatMap(([key, value]) => (key.startsWith("@") && key.endsWith(":registry") ? [[key.slice(0, -9), String(value)]] : []));
  // An address that was asked for is meant for all packages, scoped ones too.
  return {
    url: registryAddress(registry ?? String(flat.registry)),
    scopes: registry ? {} : Object.fromEntries(scopes),
    http: { fetch: npmFetch(flat), ...patience },
  };
}

interface FlatSettings {
  readonly flat: Record<string, unknown>;
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
    throw new AnyMC3DError("CONFIG_INVALID", `npm's settings cannot be read: ${(cause as Error).message}`, { cause });
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

/** A fetch that goes the way npm goes. Retrying, limits and integrity stay with the caller. */
function npmFetch(flat: Record<string, unknown>): typeof fetch {
  return async (url, init = {}) => {
    const { default: registryFetch } = await import("npm-registry-fetch");
    const { headers, signal } = init;
    const options = { ...flat, headers: headers as Record<string, string>, signal: signal ?? undefined, cache: undefined, retry: { retries: 0 }, timeout: 0 };
    try {
      const { status, statusText, headers: said, body } = await registryFetch(String(url), options as Parameters<typeof registryFetch>[1]);
      const stream = Readable.toWeb(Readable.from(body)) as ReadableStream<Uint8Array<ArrayBuffer>>;
      return new Response(stream, { status, statusText, headers: headersOf(said.raw()) });
    } catch (error) {
      const { statusCode, headers: said = {} } = error as { statusCode?: number; headers?: Record<string, string[]> };
      if (!statusCode) throw error;
      return new Response(null, { status: statusCode, headers: headersOf(said) });
    }
  };
}

const headersOf = (raw: Record<string, string[]>): Headers =>
  new Headers(Object.entries(raw).map(([name, values]): [string, string] => [name, values.join(", ")]));
