// A private npm registry for adapters: Verdaccio, set up so that it asks no other registry and keeps all it has in one folder.

import { open as openFile, stat } from "node:fs/promises";
import type { IncomingMessage, Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join, resolve } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";
import { notWritable } from "@anymc3d/node-files/write-whole";
import { type Accounts, accountsOf } from "./accounts.js";
import { type Guard, guardOf } from "./guard.js";
import { holdStorage } from "./hold-storage.js";
import { readLedger } from "./ledger.js";
import { readRights } from "./rights.js";
import { closeStorage } from "./secrets.js";

/** Options of a private registry. */
export interface ServerOptions {
  /** Packages and users are kept here. */
  readonly storage: string;
  /** 0: a free one. Default 4873. */
  readonly port?: number;
  /** Interface to listen on. Default 127.0.0.1: this machine only. */
  readonly host?: string;
  /** Whether people may make themselves an account by `npm adduser`. Default false; turn it on until everyone has one. */
  readonly signUp?: boolean;
  /** Whether reading needs no account. Default true. */
  readonly publicRead?: boolean;
  /** Most bytes of a package as it is sent (base64: 4/3 of its tarball). Default 200 MB. */
  readonly maxBody?: number;
  /** What its administrator should know: files that were open to others, no account yet. */
  readonly onNote?: (text: string) => void;
}

/** A private registry that runs in this process. */
export interface RunningRegistry {
  readonly url: string;
  close(): Promise<void>;
}

/** Puts the guard before Verdaccio's own routes. */
type Install = (app: { use(guard: Guard): void }) => void;

/** Opens the file of accounts. @param options as Verdaccio gives them to a plugin */
type OpenAccounts = (options: unknown) => Accounts;

/** What Verdaccio is handed, of ours. */
interface Parts {
  readonly install: Install;
  readonly open: OpenAccounts;
}

/** Verdaccio's configuration: https://verdaccio.org names its fields. */
function configOf(storage: string, { install, open }: Parts, most: number, publicRead: boolean): Record<string, unknown> {
  // Every account may, as far as Verdaccio goes: who may change which package, the guard knows.
  const rights = { access: publicRead ? "$all" : "$authenticated", publish: "$authenticated", unpublish: "$authenticated" };
  return {
    self_path: join(storage, "config.yaml"),
    configPath: join(storage, "config.yaml"),
    storage: join(storage, "packages"),
    // No other registry is asked, for nothing.
    uplinks: {},
    packages: { "@*/*": rights, "**": rights },
    auth: { anymc3d: { open } },
    // Hands accounts and guard to Verdaccio (plugin/), before its own ways to write.
    plugins: join(dirname(createRequire(import.meta.url).resolve("@anymc3d/registry/package.json")), "plugin"),
    middlewares: { anymc3d: { install } },
    max_body_size: most,
    web: { title: "AnyMC3D adapters" },
    // Lines of JSON are written by this process; "pretty" has a worker write, and the server dies with it when nobody reads its output any more.
    log: { type: "stdout", format: "json", level: "warn" },
    security: { api: { legacy: true } },
  };
}

/**
 * Starts the registry. Any npm client can use it: `npm --registry URL`.
 * @throws AnyMC3DError `FILE_NOT_FOUND` (no Verdaccio), `OUTPUT_NOT_WRITABLE` (storage), `OPTION_INVALID` (port taken, host unknown, storage in use),
 *   `CONFIG_INVALID` (rights.json, ledger.json)
 */
export async function startRegistry(options: ServerOptions): Promise<RunningRegistry> {
  const { port = 4873, host = "127.0.0.1" } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new AnyMC3DError("OPTION_INVALID", `port ${port}: expected 0 (a free one) to 65535.`);
  const storage = resolve(options.storage);
  const most = options.maxBody ?? 200 * 2 ** 20;
  for (const path of await closeStorage(storage)) options.onNote?.(`${path} was open to other users of this machine; it is no longer`);
  const { runServer } = await import("verdaccio").catch((cause) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `Verdaccio, which the registry runs on, is not installed: npm install -g verdaccio@6.8 (or in this project).`, {
      cause,
    });
  });
  const release = await holdStorage(storage);
  try {
    // What is damaged is told of now, not at the first change.
    await Promise.all([readRights(storage), readLedger(storage), makeAccounts(storage)]);
    if (!options.signUp && (await hasNoAccount(storage))) options.onNote?.("nobody has an account yet: start it with --sign-up until everyone has one");
    const taken = new Set<keyof Parts>();
    const install: Install = (app) => {
      app.use(guardOf(storage, most));
      taken.add("install");
    };
    const open: OpenAccounts = (given) => {
      taken.add("open");
      return accountsOf({ file: accountsFile(storage), max_users: options.signUp ? 10_000 : -1 }, given);
    };
    const server = await runServer(configOf(storage, { install, open }, most, options.publicRead ?? true) as unknown as string);
    if (taken.size < 2)
      throw new AnyMC3DError("CONFIG_INVALID", "Verdaccio did not take the part that knows accounts and who owns a package; install verdaccio@6.8 anew.");
    await closeStorage(storage);
    const url = await listen(server, host, port);
    const close = () =>
      new Promise<void>((done) => {
        server.closeAllConnections?.();
        server.close(() => done());
      });
    return { url, close: () => close().then(release) };
  } catch (error) {
    await release();
    throw error;
  }
}

const accountsFile = (storage: string) => join(storage, "htpasswd");

/** The file of accounts, closed from its first byte on. */
async function makeAccounts(storage: string): Promise<void> {
  const file = await openFile(accountsFile(storage), "a", 0o600).catch((cause) => {
    throw notWritable(accountsFile(storage), storage, cause);
  });
  await file.close();
}

const hasNoAccount = async (storage: string): Promise<boolean> => (await stat(accountsFile(storage))).size === 0;

/** @returns the server's address */
async function listen(server: Server, host: string, port: number): Promise<string> {
  // Tarballs are compressed already; Verdaccio would do it again, which takes seconds for a backbone.
  server.prependListener("request", (request: IncomingMessage) => {
    if (/\.tgz(?:\?|$)/.test(request.url ?? "")) delete request.headers["accept-encoding"];
  });
  await new Promise<void>((done, fail) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why = FAULTS[cause.code ?? ""] ?? `${cause.message}; choose another host or port`;
      fail(new AnyMC3DError("OPTION_INVALID", `${host}:${port}: ${why}.`, { cause }));
    });
    server.listen(port, host, () => done());
  });
  const address = server.address() as AddressInfo;
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${name}:${address.port}/`;
}

const FAULTS: Record<string, string> = {
  EADDRINUSE: "the port is taken, perhaps by another registry; choose another with --port",
  EACCES: "this port needs more rights; choose one from 1024 with --port",
  EADDRNOTAVAIL: "this machine has no such address; --host takes one of its own, or 0.0.0.0 for all",
  ENOTFOUND: "no such host; --host takes an address of this machine, or 0.0.0.0 for all",
  EAI_AGAIN: "no such host; --host takes an address of this machine, or 0.0.0.0 for all",
};
