// A private npm registry for adapters: Verdaccio, set up so that it asks no other registry and keeps all it has in one folder.

import { mkdir } from "node:fs/promises";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";
import { holdStorage } from "./hold-storage.js";

/** Options of a private registry. */
export interface ServerOptions {
  /** Packages and users are kept here. */
  readonly storage: string;
  /** 0: a free one. Default 4873. */
  readonly port?: number;
  /** Interface to listen on. Default 127.0.0.1: this machine only. */
  readonly host?: string;
  /** Whether people may make themselves an account by `npm adduser`. Default true; turn it off once everyone has one. */
  readonly signUp?: boolean;
  /** Who may read without an account. Default true. */
  readonly publicRead?: boolean;
  /** Largest package, as "200mb". */
  readonly maxBody?: string;
}

/** A private registry that runs in this process. */
export interface RunningRegistry {
  readonly url: string;
  close(): Promise<void>;
}

/** Verdaccio's configuration: https://verdaccio.org names its fields. */
function configOf(storage: string, { signUp = true, publicRead = true, maxBody = "200mb" }: ServerOptions): Record<string, unknown> {
  const rights = { access: publicRead ? "$all" : "$authenticated", publish: "$authenticated", unpublish: "$authenticated" };
  return {
    self_path: join(storage, "config.yaml"),
    configPath: join(storage, "config.yaml"),
    storage: join(storage, "packages"),
    // No other registry is asked, for nothing.
    uplinks: {},
    packages: { "@*/*": rights, "**": rights },
    auth: { htpasswd: { file: join(storage, "htpasswd"), max_users: signUp ? 10_000 : -1 } },
    max_body_size: maxBody,
    web: { title: "AnyMC3D adapters" },
    // Lines of JSON are written by this process; "pretty" has a worker write, and the server dies with it when nobody reads its output any more.
    log: { type: "stdout", format: "json", level: "warn" },
    security: { api: { legacy: true } },
  };
}

/**
 * Starts the registry. Any npm client can use it: `npm --registry URL`.
 * @throws AnyMC3DError `FILE_NOT_FOUND` (no Verdaccio), `OUTPUT_NOT_WRITABLE` (storage), `OPTION_INVALID` (port taken, host unknown, storage in use)
 */
export async function startRegistry(options: ServerOptions): Promise<RunningRegistry> {
  const { port = 4873, host = "127.0.0.1" } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new AnyMC3DError("OPTION_INVALID", `port ${port}: expected 0 (a free one) to 65535.`);
  const storage = resolve(options.storage);
  await mkdir(storage, { recursive: true }).catch((cause) => {
    throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${storage} cannot be made: ${(cause as Error).message}. Choose another folder.`, { cause });
  });
  const { runServer } = await import("verdaccio").catch((cause) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `Verdaccio, which the registry runs on, is not installed: npm install -g verdaccio@6.8 (or in this project).`, {
      cause,
    });
  });
  const release = await holdStorage(storage);
  try {
    const server = await runServer(configOf(storage, options) as unknown as string);
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
