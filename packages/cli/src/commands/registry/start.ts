// anymc3d registry start, allow: a private marketplace for a lab or hospital, until Ctrl-C.

import { resolve } from "node:path";
import { changeRights, startRegistry } from "@anymc3d/registry/server";
import { interruptSignal } from "../../interrupt.js";
import { pc, print, printErr, printJson } from "../../output/terminal.js";

export interface RegistryFlags {
  storage: string;
  port: number;
  host: string;
  signUp: boolean;
  publicRead: boolean;
  json?: boolean;
}

export interface AllowFlags {
  storage: string;
  remove?: boolean;
  json?: boolean;
}

export async function serveRegistry({ json, ...options }: RegistryFlags): Promise<void> {
  const signal = interruptSignal();
  const onNote = (text: string) => printErr(`${pc.yellow("note")} ${text}`);
  const { url, close } = await startRegistry({ ...options, onNote });
  if (json) printJson({ url, storage: options.storage });
  else {
    const lines = [
      `${pc.bold(url)} keeps its packages in ${options.storage}; Ctrl-C stops it`,
      ...(options.signUp ? [`an account:  npm adduser --registry ${url} (then start it without --sign-up)`] : []),
      `publish:     anymc3d adapter publish FOLDER --registry ${url} --yes`,
      `install:     npm install @anymc3d/adapter-NAME --registry ${url}`,
    ];
    print(...lines);
  }
  await new Promise<void>((stop) => signal.addEventListener("abort", () => stop(), { once: true }));
  await close();
}

/** Who may publish a package, or in a scope, or belongs to a group; the running registry knows at once. */
export async function allowAccounts(what: string, accounts: readonly string[], { storage, remove, json }: AllowFlags): Promise<void> {
  const allowed = await changeRights(resolve(storage), what, accounts, remove);
  if (json) printJson({ what, allowed });
  else print(`${what}: ${allowed.length ? allowed.join(", ") : "nobody is listed any more"}`);
}
