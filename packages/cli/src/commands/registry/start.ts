// anymc3d registry start: a private marketplace for a lab or hospital, until Ctrl-C.

import { startRegistry } from "@anymc3d/registry/server";
import { interruptSignal } from "../../interrupt.js";
import { pc, print, printJson } from "../../output/terminal.js";

export interface RegistryFlags {
  storage: string;
  port: number;
  host: string;
  signUp: boolean;
  publicRead: boolean;
  json?: boolean;
}

export async function serveRegistry({ json, ...options }: RegistryFlags): Promise<void> {
  const signal = interruptSignal();
  const { url, close } = await startRegistry(options);
  if (json) printJson({ url, storage: options.storage });
  else {
    const lines = [
      `${pc.bold(url)} keeps its packages in ${options.storage}; Ctrl-C stops it`,
      `an account:  npm adduser --registry ${url}`,
      `publish:     anymc3d adapter publish FOLDER --registry ${url} --yes`,
      `install:     npm install @anymc3d/adapter-NAME --registry ${url}`,
    ];
    print(...lines);
  }
  await new Promise<void>((stop) => signal.addEventListener("abort", () => stop(), { once: true }));
  await close();
}
